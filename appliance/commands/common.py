"""What every subcommand needs: settings, database, who is asking."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

import click

from appliance import config
from appliance.database import open_box_database
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings

_WHOLE_SENTENCE = 300


class CommandGroup(click.Group):
    """Lists its subcommands with a whole sentence each; click's own list cuts them off after some words."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; a sentence longer than the line goes on in the next one."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE_SENTENCE)) for name, one in found if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


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
