"""What a check says, and how it is run."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance.database import connect
from appliance.errors import ApplianceError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one check saw: its name, how it stands, in words, and what to do. Never a secret."""

    name: str
    state: State
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """The box under examination."""

    settings: Settings
    clock: Clock


def run(check: Callable[[Examined], list[Check]], examined: Examined) -> list[Check]:
    """Run one check; what stops it is its finding."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return check(examined)
    except ApplianceError as problem:
        return [Check(name, "fail", problem.message, problem.hint)]
    except PermissionError as problem:
        return [Check(name, "warn", f"could not be looked at: {problem}.", "Run the doctor as root.")]
    except (OSError, sqlite3.Error) as problem:
        return [Check(name, "fail", f"could not be looked at: {problem}.", "See the journal for more.")]


@contextlib.contextmanager
def read_database(examined: Examined) -> Iterator[Database]:
    """Open the box's database for reading only.

    Raises:
        DatabaseError: it cannot be read, or is damaged.
    """
    path = examined.settings.database
    db = connect(path, read_only=True)
    try:
        yield db
    except sqlite3.DatabaseError as problem:
        raise DatabaseError(
            f"{path} cannot be read: {problem}.",
            hint="Stop the box, keep a copy of the file, and restore it from the last backup.",
        ) from problem
    finally:
        db.conn.close()
