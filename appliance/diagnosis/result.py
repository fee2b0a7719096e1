"""What a check says, and how it is run."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from appliance.database import connect
from appliance.diagnosis.machine import Machine
from appliance.errors import ApplianceError, DatabaseError
from appliance.ipc.keyring import KeyringClient
from appliance.ipc.live import LiveClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.ipc.keyring import KeyringStatus

State = Literal["ok", "warn", "fail", "unseen"]
"""``unseen``: it is closed to the one who looks, as it should be; nothing is known, and nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check saw: its name, how it stands, in words, and what to do. Never a secret.

    Message and hint are each one sentence template with values, so that the dashboard can say them in the reader's
    language.
    """

    name: str
    state: State
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """The box under examination.

    Attributes:
        settings: the box's.
        clock: what is late or old is measured by.
        privileged: whether the one who looks should be let in everywhere (root, by the doctor); to the dashboard it
            is no finding that private keys are closed.
        machine: the computer below.
        live: asks capture; made from the settings if None.
        keyring: asks the keyring; made from the settings if None.
    """

    settings: Settings
    clock: Clock
    privileged: bool = True
    machine: Machine = field(default_factory=Machine)
    live: LiveClient | None = None
    keyring: KeyringClient | None = None

    def capture_status(self) -> dict[str, Any]:
        """Return what capture says of itself.

        Raises:
            UnavailableError: it does not run or does not answer.
        """
        return (self.live or LiveClient(self.settings.live_socket)).status()

    def keyring_status(self) -> KeyringStatus:
        """Return what the keyring says of itself.

        Raises:
            UnavailableError: it does not run or does not answer.
        """
        return (self.keyring or KeyringClient(self.settings.keyring_socket)).status()


def run(check: Callable[[Examined], list[Check]], examined: Examined) -> list[Check]:
    """Run one check; what stops it is its finding."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return check(examined)
    except ApplianceError as problem:
        return [Check(name, "fail", problem.message, problem.hint)]
    except PermissionError as problem:
        if not examined.privileged:
            return [closed(name)]
        return [Check(name, "warn", f"could not be looked at: {problem}.", "Run the doctor as root.")]
    except (OSError, sqlite3.Error) as problem:
        return [Check(name, "fail", f"could not be looked at: {problem}.", "See the journal for more.")]


def closed(name: str) -> Check:
    """Return the finding of one who may not look, and should not."""
    return Check(name, "unseen", "Closed to the dashboard, as it should be.", "`exambox doctor` as root looks at it.")


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
