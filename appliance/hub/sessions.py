"""Sessions through the hub: which box a candidate's browser is sent to, and what an LMS is told that asks the hub.

The rules are in ``docs/decisions/0011-sessions-through-the-hub.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.auditlog import append
from appliance.database import write
from appliance.exams.lms_status import lms_status
from appliance.exams.states import SessionStatus
from appliance.hub.boxes import Box, list_boxes
from appliance.sittings.exams import get_exam
from appliance.sittings.facts import window_of
from appliance.sittings.hand_over import hand_over
from appliance.sittings.session_rows import get_session, name_of
from appliance.sittings.sessions import finish_session

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from appliance.exchange.messages import SessionName
    from appliance.exchange.session_parameters import StartParameters
    from appliance.sittings.values import StoredSession

_TOLD: Final = (
    "SELECT box, status, begun_us, ended_us, scheduled_us, finish_us FROM hub_session"
    " WHERE integration = ? AND session_id = ?"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a candidate's browser goes: to ``box``; else one of ``rooms`` is to be chosen; else there is none."""

    session: str
    box: Box | None
    rooms: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a box told of a session; all None where none did."""

    box: str | None = None
    status: str | None = None
    begun_us: int | None = None
    ended_us: int | None = None
    scheduled_us: int | None = None
    finish_us: int | None = None


@dataclass(frozen=True, slots=True)
class HubFactsOfSession:
    """What an LMS is told that asks how a session stands; times are UTC."""

    name: SessionName
    status: SessionStatus
    start_us: int | None
    end_us: int | None


def arrive(
    db: Database,
    integration: Integration,
    start: StartParameters,
    *,
    chosen: str = "",
    clock: Clock,
    settings: Settings,
    where: str = "",
) -> Placed:
    """Take a candidate over from the LMS and find the box their exam is on; committed when it returns.

    A session that a box has stays there. Otherwise it goes to a box that has the candidate's sitting, else to one that
    has the exam: where several have it, the one that was ``chosen``.

    Raises:
        ConflictError: the session is known as another candidate's or of another exam.
    """
    with write(db):
        session = hand_over(db, integration, start, clock=clock, settings=settings, where=where).session
        told, now = told_of(db, session), clock.wall_us()
        boxes = {one.id: one for one in list_boxes(db) if one.refusal(now) is None}
        rooms = _rooms(db, session, boxes)
        box = _choose(told, boxes, rooms, chosen)
        if box is not None and box.id != told.box:
            db.conn.execute(
                "INSERT INTO hub_session (integration, session_id, box) VALUES (?1, ?2, ?3)"
                " ON CONFLICT (integration, session_id) DO UPDATE SET box = ?3",
                (session.integration, session.session_id, box.id),
            )
            _note(db, session)
        return Placed(session.id, box, rooms)


def finish_at_hub(
    db: Database,
    session: StoredSession,
    *,
    who: str,
    clock: Clock,
    finish_url: str | None = None,
    where: str = "",
) -> bool:
    """End a session for the LMS; return whether that changes anything, as far as it is known here.

    One that no box has is unregistered. One that a box has is ended there: the wish goes to it as a signed change, and
    what becomes of it comes back. False where it is over, was unregistered, or the wish was there already.
    """
    with write(db):
        told = told_of(db, session)
        if told.box is None:
            return finish_session(db, session, who=who, role="lms", clock=clock, finish_url=finish_url, where=where)
        if finish_url is not None and finish_url != session.finish_url:
            db.conn.execute("UPDATE session SET finish_url = ? WHERE id = ?", (finish_url, session.id))
        if session.removed_us is not None or told.ended_us is not None or told.finish_us is not None:
            return False
        db.conn.execute(
            "UPDATE hub_session SET finish_us = ?, finish_by = ? WHERE integration = ? AND session_id = ?",
            (clock.wall_us(), who, session.integration, session.session_id),
        )
        _note(db, session)
        append(
            db, "hub.finish_asked", clock=clock, who=who, where=where, detail={"session": session.id, "box": told.box}
        )
        return True


def facts_at_hub(db: Database, session: StoredSession, *, now_us: int) -> HubFactsOfSession:
    """Return how a session stands, as far as the boxes have told."""
    told = told_of(db, session)
    begun, ended = told.begun_us, told.ended_us
    if begun is not None:
        status = SessionStatus.STARTED if ended is None else SessionStatus.FINISHED
    else:
        booked = msgspec.structs.replace(session, scheduled_us=told.scheduled_us or session.scheduled_us)
        window = window_of(booked, get_exam(db, session.exam).exam, None)
        status = lms_status(None, begun=False, window=window, now_us=now_us)
    return HubFactsOfSession(name_of(session), status, begun, ended)


def told_of(db: Database, session: StoredSession) -> Told:
    """Return what a box told of a session."""
    row = db.conn.execute(_TOLD, (session.integration, session.session_id)).fetchone()
    return Told() if row is None else Told(*row)


def box_of_session(db: Database, session: str) -> Box | None:
    """Return the box that has a session (our id), for its recordings; None where none has it, or it was revoked."""
    told = told_of(db, get_session(db, session))
    return next((one for one in list_boxes(db) if one.id == told.box and one.revoked_us is None), None)


def _rooms(db: Database, session: StoredSession, boxes: dict[str, Box]) -> tuple[Box, ...]:
    """Return the boxes a session may be on: those of its sitting, else those that have its exam."""
    of_sitting = "SELECT box FROM hub_assignment WHERE kind = 'sitting' AND id = ?"
    found = [row[0] for row in db.conn.execute(of_sitting, (session.sitting or "",))]
    if not found:
        of_exam = (
            "SELECT box FROM hub_assignment WHERE kind = 'exam' AND id = ?1 UNION SELECT a.box FROM sitting_exam x JOIN"
            " sitting s ON s.id = x.sitting AND s.removed_us IS NULL JOIN hub_assignment a ON a.kind = 'sitting' AND"
            " a.id = x.sitting WHERE x.exam = ?1"
        )
        found = [row[0] for row in db.conn.execute(of_exam, (session.exam,))]
    return tuple(sorted((boxes[box] for box in set(found) if box in boxes), key=lambda one: (one.room, one.id)))


def _choose(told: Told, boxes: dict[str, Box], rooms: tuple[Box, ...], chosen: str) -> Box | None:
    held = boxes.get(told.box or "")
    if held is not None and (told.begun_us is not None or not chosen) and (told.begun_us is not None or held in rooms):
        return held
    if len(rooms) == 1:
        return rooms[0]
    return next((one for one in rooms if one.id == chosen), None)


def _note(db: Database, session: StoredSession) -> None:
    db.conn.execute("INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('session', ?)", (session.id,))
