"""What the devices process does now, as it last said it: one row, written where something in it is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.usb.model import Mode
from appliance.usb.modes import ModeReason
from appliance.usb.rows import to_json

if TYPE_CHECKING:
    from sqlite_utils import Database

NotEnforced = Literal["", "no_usb", "setting", "trial", "rights"]
"""Why nothing is enforced: it is; there is no USB; the settings say never; a trial box; this user may not."""


class Controller(msgspec.Struct, frozen=True):
    """A root hub; ``open``: whether new devices at it are let in by the kernel at once. None: it cannot be asked."""

    name: str
    open: bool | None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the devices process does now.

    Attributes:
        at_us: when it said so (wall).
        mode: as it is carried out.
        why: the reason, as `modes.ModeNow` has it.
        sitting: that arms, or would.
        order: that decides.
        until_us: when that order is over by itself.
        enforced: whether devices are really kept out in this mode; in maintenance, whether they could be.
        not_enforced: why not.
        problem: the same in words.
        unconfirmed: whether the list of devices that were there at the first start still waits to be confirmed.
        policy: version of the policy in force, 0 for the default one.
        controllers: the root hubs.
        guarded: ports that are never taken out: the system's own disk and network hang on them.
        peers: ports that are the same socket under another name (a USB 3 socket has one on each of two buses).
        recovery: whether this start found a recovery file or the kernel's command line word.
        missed: devices the sweep found that no event had told, since the start of the process.
        overruns: how often the kernel's events came faster than they were read.
    """

    at_us: int
    mode: Mode
    why: ModeReason = "nothing"
    sitting: str = ""
    order: int | None = None
    until_us: int | None = None
    enforced: bool = False
    not_enforced: NotEnforced = ""
    problem: str = ""
    unconfirmed: bool = False
    policy: int = 0
    controllers: tuple[Controller, ...] = ()
    guarded: tuple[str, ...] = ()
    peers: dict[str, str] = msgspec.field(default_factory=dict)
    recovery: bool = False
    missed: int = 0
    overruns: int = 0


def state_of(db: Database) -> State | None:
    """Return what the process last said; None where it has never run."""
    row = db.conn.execute("SELECT at_us, body FROM usb_state WHERE id = 1").fetchone()
    if row is None:
        return None
    try:
        return msgspec.json.decode(row[1], type=State)
    except msgspec.DecodeError:  # of other software; the process says it anew at its start
        return State(at_us=row[0], mode="maintenance", problem="What the USB process said cannot be read.")


def keep_state(db: Database, state: State) -> None:
    """Keep what the process says, in the open transaction or one of its own."""
    db.conn.execute(
        "INSERT INTO usb_state (id, at_us, body) VALUES (1, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us, body = excluded.body",
        (state.at_us, to_json(state)),
    )
