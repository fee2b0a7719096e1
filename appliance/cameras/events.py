"""What became of each camera, as rows: live, lost, stopped, with reason. Capture writes, everybody reads."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from appliance.database import write
from appliance.errors import BadInputError, NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

EventState = Literal["live", "lost", "stopped"]
KEPT_PER_CAMERA = 5_000
MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """A camera went into a state; ``at_us`` is wall time, ``reason`` a stable word, ``detail`` for people."""

    camera: str
    at_us: int
    state: EventState
    reason: str
    detail: str


def record_event(
    db: Database, camera: str, state: EventState, reason: str = "", detail: str = "", *, clock: Clock
) -> None:
    """Store an event, durably. Of each camera the newest 5000 are kept, so that a flapping one fills no disk.

    Raises:
        BadInputError: no such state.
        NotFoundError: no such camera.
    """
    if state not in get_args(EventState):
        raise BadInputError(f"state: {state!r} is none of live, lost, stopped.")
    row = {"camera": camera, "at_us": clock.wall_us(), "state": state, "reason": reason[:100]}
    try:
        with write(db):
            db.table("camera_event").insert({**row, "detail": detail[:MAX_DETAIL]})
            db.conn.execute(
                "DELETE FROM camera_event WHERE camera = ? AND id <="
                " (SELECT id FROM camera_event WHERE camera = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                [camera, camera, KEPT_PER_CAMERA],
            )
    except sqlite3.IntegrityError as problem:
        raise NotFoundError(f"There is no camera {camera[:60]!r}.") from problem


def latest_events(db: Database) -> dict[str, CameraEvent]:
    """Return each camera's newest event by camera id; cameras without any are absent."""
    rows = db.query("SELECT * FROM camera_event WHERE id IN (SELECT max(id) FROM camera_event GROUP BY camera)")
    return {row["camera"]: _event(row) for row in rows}


def camera_events(db: Database, camera: str, *, limit: int = 100) -> list[CameraEvent]:
    """Return a camera's newest events, newest first."""
    rows = db.query("SELECT * FROM camera_event WHERE camera = ? ORDER BY id DESC LIMIT ?", [camera, limit])
    return [_event(row) for row in rows]


def _event(row: dict[str, Any]) -> CameraEvent:
    return CameraEvent(row["camera"], row["at_us"], row["state"], row["reason"], row["detail"])
