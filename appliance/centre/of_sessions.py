"""Bookings that come by the centre: the LMS spoke to the hub, the candidate comes to this room.

What an LMS may do at the box itself (book, take back, finish) it may do through the centre: nobody has to accept it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.context import NotYetError, Taking, body_of, need_local
from appliance.centre.of_exams import integration_named
from appliance.centre.of_rosters import candidate_of_word, name_candidate
from appliance.centre.of_sittings import find_sitting
from appliance.centre.things import local_of
from appliance.database import write
from appliance.errors import ConflictError, NotFoundError
from appliance.exchange.centre.bodies import SessionBody
from appliance.exchange.centre.kinds import ChangeKind
from appliance.sittings.booking import book
from appliance.sittings.candidates import keep_candidate
from appliance.sittings.exams import get_exam
from appliance.sittings.placing import is_free
from appliance.sittings.rows import insert, new_id, to_json
from appliance.sittings.runs import open_sittings, run_of
from appliance.sittings.session_rows import find_session, get_session
from appliance.sittings.sessions import finish_session
from appliance.sittings.values import SessionSpelling

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam, Integration
    from appliance.exchange.centre.changes import Change
    from appliance.sittings.values import StoredSession


def take_session(db: Database, change: Change, taking: Taking) -> str:
    """Have a session booked, in its sitting where that is here; finish it where the LMS did; or take it back.

    One that has begun goes on, and can be finished, though its exam or integration was taken away from the box since.

    Raises:
        NotYetError: its exam or integration has not arrived.
        ConflictError: the session is known as another candidate's or of another exam.
        IllegalTransitionError: it cannot be finished now.
    """
    local = local_of(db, change.hub, ChangeKind.SESSION, change.id)
    cause = taking.cause(change)
    if change.deleted:
        if local and get_session(db, local).begun_us is None:
            session = get_session(db, local)
            finish_session(db, session, who=cause.who, role="centre", clock=cause.clock, where=cause.where)
        return local
    body = body_of(SessionBody, change)
    integration = integration_named(db, body.integration, taken_away=_has_begun(db, local, body))
    exam = get_exam(db, need_local(db, change, ChangeKind.EXAM, body.exam)).exam
    with write(db):
        session = _kept(db, change, body, integration=integration, exam=exam, taking=taking)
        if session.begun_us is None and session.removed_us is None and body.finish is None:
            session = book(db, session, _sitting(db, session, body, exam), clock=cause.clock)
        if body.finish is not None:
            finish_session(db, session, who=body.finish.who, role="lms", clock=cause.clock, where=cause.where)
    return session.id


def _has_begun(db: Database, local: str, body: SessionBody) -> bool:
    """Return whether a session is here and has begun: handed over at the box, the centre's change of it may be new."""
    row = db.conn.execute(
        "SELECT 1 FROM session s JOIN integration i ON i.id = s.integration WHERE s.begun_us IS NOT NULL"
        " AND (s.id = ? OR (s.session_id = ? AND i.name = ? COLLATE NOCASE AND i.origin = 'centre'))",
        (local, str(body.session), body.integration),
    ).fetchone()
    return row is not None


def _kept(
    db: Database, change: Change, body: SessionBody, *, integration: Integration, exam: Exam, taking: Taking
) -> StoredSession:
    now, name = taking.clock.wall_us(), str(body.session)
    of = integration.id if body.candidate.user_id else None
    candidate = keep_candidate(db, candidate_of_word(body.candidate), of, now_us=now)
    name_candidate(db, change.hub, body.candidate, integration.id, now_us=now)
    told = {
        "session_url": body.session_url,
        "finish_url": body.finish_url,
        "parameters": to_json(body.parameters),
        "wire": to_json(SessionSpelling(body.account, body.session)),
        "updated_us": now,
    }
    try:
        known = find_session(db, integration.id, name)
    except NotFoundError:
        row = {
            "id": new_id(),
            "integration": integration.id,
            "account": str(body.account),
            "session_id": name,
            "exam": exam.id,
            "candidate": candidate.id,
            "created_us": now,
            **told,
        }
        insert(db, "session", row)
        detail = {"session": row["id"], "exam": exam.id, "candidate": candidate.id, "new": True}
        taking.cause(change).log(db, "session.handed_over", detail)
        return get_session(db, str(row["id"]))
    if known.candidate != candidate.id or known.exam != exam.id:
        raise ConflictError(
            "This session is known here as another candidate's or another exam's.",
            hint="The LMS has to give each attempt a sessionId of its own.",
        )
    back = "" if body.finish is not None else ", removed_us = NULL"
    db.conn.execute(
        f"UPDATE session SET {', '.join(f'{column} = ?' for column in told)}{back} WHERE id = ?",  # noqa: S608  own names
        (*told.values(), known.id),
    )
    return get_session(db, known.id)


def _sitting(db: Database, session: StoredSession, body: SessionBody, exam: Exam) -> str | None:
    """Return the sitting the candidate is expected in, the centre's first; None where they are expected in none.

    Nobody is enrolled and no sitting is opened before the candidate is there: that is for their arrival
    (`sittings.hand_over`), which the rules of the room are for.
    """
    if body.sitting and find_sitting(db, body.sitting) is None:
        raise NotYetError(f"The sitting {body.sitting} has not arrived yet.", hint="It is taken over after that.")
    near = sorted(open_sittings(db), key=lambda one: (one.id != body.sitting, one.start_us, one.id))
    for one in near:
        person = run_of(db, one.id).people.get(session.candidate)
        if person is not None and person.exam == exam.id and is_free(db, one, person, session):
            return one.id
    return session.sitting
