"""When a box has to begin a new epoch, so that no delivery key is ever given twice (pure).

A key is ``box:epoch:seq``. After a restore the numbers would be given again; of a copy, twice. So the last number is
written in three places: the database, a witness file beside it that no backup holds, and the hub. The witness is written
after the database's commit, so it is never ahead of it unless the database went back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["first", "restored", "cloned", "conflict"]
HubSays = Literal["ok", "restored", "cloned", "conflict"]


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
    """What the hub said of the epoch in its last answer (`messages.ReportAnswer`)."""

    says: HubSays
    highest: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Keep the epoch, or begin a new one and why; ``why`` is for the log and for people."""

    new: bool
    reason: Reason | None = None
    why: str = ""


def decide(database: Mark | None, witness: Mark | None, *, machine: str, hub: HubWord | None = None) -> Decision:
    """Return whether the box keeps its epoch.

    Args:
        database: what the database holds; None where it has no epoch yet.
        witness: what the witness file holds; None where there is none.
        machine: of the computer this runs on.
        hub: what the hub said of the database's epoch; None where it was not asked yet.
    """
    raise NotImplementedError


def hub_says(known: Mark | None, told: Mark, *, highest: int, conflict: bool) -> HubWord:
    """Return what a hub answers to a box that reports an epoch.

    Args:
        known: what the box last reported of this epoch (its highest number and its machine); None: never.
        told: what it reports now.
        highest: the highest number of this epoch that the hub holds.
        conflict: whether the box ever sent another content under a key that the hub holds.
    """
    raise NotImplementedError


def new_epoch(now_us: int, random: bytes) -> str:
    """Return the name of a new epoch: the second in hexadecimal, and 6 random bytes. Never one that was."""
    raise NotImplementedError
