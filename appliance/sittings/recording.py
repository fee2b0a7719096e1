"""Recording follows the sitting: begun before admission, stopped after closing. A person's own wish is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.cameras.wishes import current_wish, start_recording, stop_recording
from appliance.sittings.rows import rows_of
from appliance.sittings.session_rows import get_session
from appliance.sittings.values import RecordingRange

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.sittings.values import StoredSession


class SittingRecording(msgspec.Struct, frozen=True):
    """Whether a sitting's room is being recorded now: ``as_sitting`` is the recording's name, None where nothing is.

    ``own``: it is the sitting's own recording; otherwise somebody's, or another sitting's, which covers it.
    """

    as_sitting: str | None
    own: bool
    since_us: int | None


def recording_of(db: Database, sitting: str) -> SittingRecording:
    """Return how a sitting is being recorded at this moment."""
    wish = current_wish(db)
    if wish is None:
        return SittingRecording(None, own=False, since_us=None)
    return SittingRecording(wish.sitting, own=wish.sitting == sitting, since_us=wish.wished_us)


def was_begun(db: Database, sitting: str) -> bool:
    """Return whether the sitting's own recording was ever wished: who stopped it by hand is not overruled."""
    return db.conn.execute("SELECT 1 FROM recording_wish WHERE sitting = ?", (sitting,)).fetchone() is not None


def begin(db: Database, sitting: str, *, clock: Clock, who: str) -> bool:
    """Wish that the sitting be recorded; return whether a wish was made. Joins a transaction.

    None is made while another stands, which covers the room as well and is not taken over silently, nor after somebody
    stopped the sitting's own.
    """
    if current_wish(db) is not None or was_begun(db, sitting):
        return False
    start_recording(db, clock=clock, who=who, sitting=sitting)
    return True


def stop(db: Database, sitting: str, *, clock: Clock, who: str) -> bool:
    """End the sitting's own wish; return whether it stood. Joins a transaction."""
    wish = current_wish(db)
    if wish is None or wish.sitting != sitting:
        return False
    stop_recording(db, clock=clock, who=who)
    return True


def recordings_of(db: Database, session: StoredSession, *, now_us: int) -> list[RecordingRange]:
    """Return where the pictures of a session are: usually one range, none where nothing was recorded.

    Each wish that stood while the session lasted gives one, under whatever name the room was recorded; its cameras are
    those that have parts in it.
    """
    session = get_session(db, session.id)
    if session.begun_us is None:
        return []
    until = now_us if session.finished_us is None else session.finished_us
    wishes = rows_of(
        db,
        "SELECT sitting, wished_us, stopped_us FROM recording_wish"
        " WHERE wished_us <= ? AND (stopped_us IS NULL OR stopped_us >= ?) ORDER BY wished_us, id",
        (until, session.begun_us),
    )
    found = []
    for wish in wishes:
        cameras = db.conn.execute(
            "SELECT DISTINCT camera FROM part WHERE sitting = ? ORDER BY camera", (wish["sitting"],)
        ).fetchall()
        to_us = until if wish["stopped_us"] is None else min(until, wish["stopped_us"])
        from_us = max(session.begun_us, wish["wished_us"])
        found.append(RecordingRange(wish["sitting"], tuple(name for (name,) in cameras), from_us, to_us))
    return found
