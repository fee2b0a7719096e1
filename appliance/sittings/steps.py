"""Whether the box's clock was set since a sitting's last event: told from both clocks at both moments.

With each event lies a look at both clocks, so that every process compares with the same one and a step is stated
once. Only where the last event is of an earlier boot does a process go by what it saw itself since (a box without a
battery that comes back with a clock of the past and is set forward later).
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from appliance import clock as clocks
from appliance.exams.clock_steps import Look, step_between

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.transitions import Event

_MOST_SEEN: Final = 1000
_seen: dict[tuple[str, str], Look] = {}
_lock = threading.Lock()


class StoredEvent(msgspec.Struct, frozen=True):
    """What lies beside an event in its row: the look at both clocks when it was written."""

    look: Look | None = None


def look_at(clock: Clock) -> Look:
    """Return both clocks as they are now."""
    return Look(wall_us=clock.wall_us(), mono_us=clock.mono_us(), boot=_boot())


def body_of(event: Event, look: Look) -> str:
    """Return the text of an event's row: the event, and the look beside its fields."""
    return msgspec.json.encode(msgspec.to_builtins(event) | {"look": msgspec.to_builtins(look)}).decode()


def step_since(db: Database, sitting: str, now: Look) -> int:
    """Return how far the clock was set since the sitting's last event, 0 where it was not or there is none.

    A look that found no step is remembered.
    """
    key = (str(db.conn.execute("PRAGMA database_list").fetchone()[2]), sitting)
    row = db.conn.execute(
        "SELECT body FROM sitting_event WHERE sitting = ? ORDER BY seq DESC LIMIT 1", (sitting,)
    ).fetchone()
    last = None if row is None else msgspec.json.decode(row[0], type=StoredEvent).look
    with _lock:
        seen = _seen.get(key)
    if last is not None and last.boot != now.boot and seen is not None:
        last = seen
    by_us = 0 if last is None else step_between(last, now)
    if not by_us:  # a step is remembered by the event that states it: an act that is refused must not lose it
        with _lock:
            if len(_seen) > _MOST_SEEN:
                _seen.clear()
            _seen[key] = now
    return by_us


@cache
def _boot() -> str:
    return clocks.boot_id()
