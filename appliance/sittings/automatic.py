"""What the box does by itself, in the role ``system``: called every second by the sync process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

Readiness = "Callable[[Database, str], Mapping[str, str]]"
"""Looks at a sitting's room: each thing that is missing, with what is wrong with it; empty: ready."""


class DueAct(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is due: a transition of a sitting (and candidate), or ``record``."""

    sitting: str
    name: Literal[
        "record",
        "check_readiness",
        "note_readiness",
        "override_readiness",
        "admit",
        "start",
        "finish",
        "end",
        "mark_absent",
        "close_ghosts",
        "leave",
        "close",
    ]
    candidate: str = ""
    why: str = ""


def due_acts(db: Database, *, now_us: int) -> list[DueAct]:
    """Return what the box itself does now, in the order it is to happen."""
    raise NotImplementedError


def tick(
    db: Database,
    clock: Clock,
    *,
    settings: Settings,
    readiness: Callable[[Database, str], Mapping[str, str]] | None = None,
) -> int:
    """Do what is due and return how much was done; each act is its own transaction.

    An act that is refused, because a person was faster, is left out.
    """
    raise NotImplementedError
