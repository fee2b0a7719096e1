"""When a box has to begin a new epoch, so that no delivery key is ever given twice (pure).

A key is ``box:epoch:seq``. After a restore the numbers would be given again; of a copy, twice. So the last number is
written in three places: the database, a witness file beside it that no backup holds, and the hub. The witness is
written after the database's commit, and before anything of it leaves the box, so it is never ahead of the database
unless the database went back. A new epoch is written to the database first, then to the witness.

What was not delivered keeps its key when a new epoch begins: the hub knows it again if it has it. An item the hub
answers with ``conflict`` was numbered after an unseen restore; it is told again under a new key of the new epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Reason = Literal["first", "restored", "cloned", "conflict"]
HubSays = Literal["ok", "restored", "cloned", "conflict"]
_RANDOM_BYTES: Final = 6
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a place knows the box to be.

    Attributes:
        epoch: the present one.
        seq: the highest number given in it, as far as this place knows; 0: none.
        machine: a hash that differs between two computers.
        previous: the epoch before; empty where there was none.
    """

    epoch: str
    seq: int
    machine: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class HubWord:
    """What the hub said of the epoch in its last answer (`messages.ReportAnswer`).

    ``highest``: the highest number it holds, or was told of, in this epoch; 0: none.
    """

    says: HubSays
    highest: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Keep the epoch, or begin a new one and why; ``why`` is for the log and for people."""

    new: bool
    reason: Reason | None = None
    why: str = ""


KEEP: Final = Decision(new=False)


def decide(database: Mark | None, witness: Mark | None, *, machine: str, hub: HubWord | None = None) -> Decision:
    """Return whether the box keeps its epoch.

    Args:
        database: what the database holds; None where it has no epoch yet.
        witness: what the witness file holds; None where there is none.
        machine: of the computer this runs on; empty where it has no identity, which then decides nothing.
        hub: what the hub said of the database's epoch; None where it was not asked yet.
    """
    if database is None:
        if witness is None:
            return _new("first", "The box has no epoch yet.")
        return _new("restored", "The database is new, but this computer has given numbers before.")
    return _by_machine(database, witness, machine) or _by_witness(database, witness) or _by_hub(database, hub) or KEEP


def hub_says(known: Mark | None, told: Mark, *, highest: int, conflict: bool) -> HubWord:
    """Return what a hub answers to a box that reports an epoch.

    Args:
        known: what the box last reported of this epoch (its highest number and its machine); None: never.
        told: what it reports now.
        highest: the highest number of this epoch that the hub holds.
        conflict: whether the box ever sent another content under a key that the hub holds.
    """
    seen = max(highest, known.seq if known else 0)
    if conflict:
        return HubWord("conflict", seen)
    if known and known.machine != told.machine:
        return HubWord("cloned", seen)
    return HubWord("restored" if told.seq < seen else "ok", seen)


def new_epoch(now_us: int, random: bytes) -> str:
    """Return the name of a new epoch: the second in hexadecimal, and 6 random bytes.

    Raises:
        ValueError: there are fewer random bytes.
    """
    if len(random) < _RANDOM_BYTES:
        raise ValueError(f"an epoch's name needs {_RANDOM_BYTES} random bytes")
    return f"{max(now_us, 0) // _SECOND_US:x}-{random[:_RANDOM_BYTES].hex()}"


def _new(reason: Reason, why: str) -> Decision:
    return Decision(new=True, reason=reason, why=why)


def _by_machine(database: Mark, witness: Mark | None, machine: str) -> Decision | None:
    if machine not in {database.machine, ""} or (witness and machine not in {witness.machine, ""}):
        return _new("cloned", "The box runs on another computer than the one that gave the last numbers.")
    return None


def _by_witness(database: Mark, witness: Mark | None) -> Decision | None:
    if witness is None:
        if database.seq == 0:
            return _new("first", "No number was given yet, as far as the database knows.")
        return _new("restored", "The witness file is missing: the database may be an older one.")
    if witness.epoch == database.epoch:
        if witness.seq <= database.seq:
            return None
        return _new("restored", f"The database ends at {database.seq}, but {witness.seq} numbers were given.")
    if witness.epoch == database.previous:  # a crash between the two writes of a new epoch
        return None
    return _new("restored", "The witness file is of another epoch than the database.")


def _by_hub(database: Mark, hub: HubWord | None) -> Decision | None:
    if hub is None:
        return None
    if hub.says == "conflict":
        return _new("conflict", "The central service holds something else under a number of this epoch.")
    if hub.says == "cloned":
        return _new("cloned", "Another computer reports to the central service with this epoch.")
    if hub.highest > database.seq:
        return _new("restored", f"The database ends at {database.seq}, but the central service knows {hub.highest}.")
    return None  # "restored" without a higher number answers a report that was overtaken by a later one
