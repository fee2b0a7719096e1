"""What every subcommand needs: settings, database, who is asking."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from appliance import config
from appliance.database import open_box_database
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    import click
    from sqlite_utils import Database

    from appliance.config import Settings


def settings_of(ctx: click.Context) -> Settings:
    """Return the settings the ``--config`` option and the environment give."""
    return config.load(ctx.find_root().obj)


def database_of(settings: Settings) -> Database:
    """Open the box's database, made and migrated if need be."""
    return open_box_database(settings.database)


def person() -> str:
    """Return who is at the command line, for the log: the account, and the one behind sudo."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER")
    return f"{behind} as {name}" if behind and behind != name else name


def plain_error(problem: Exception) -> str:
    """Return an error as one line for a table or report."""
    return problem.message if isinstance(problem, ApplianceError) else f"{type(problem).__name__}: {problem}"
