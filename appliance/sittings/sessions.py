"""What is done with sessions: finished or unregistered, agreed to; and where their pictures are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.database import write
from appliance.errors import BadInputError
from appliance.exams.states import AT_WORK, BEING_ADMITTED, CandidateStatus
from appliance.exams.transitions import IllegalTransitionError
from appliance.exchange.enums import ScheduleEvent
from appliance.sittings.acts import act
from appliance.sittings.facts import session_facts
from appliance.sittings.recording import recordings_of
from appliance.sittings.rows import Cause
from appliance.sittings.runs import run_of
from appliance.sittings.session_rows import find_session, get_session, sessions_of
from appliance.sittings.telling import tell_agreement, tell_schedule, tell_status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.standing import Standing
    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSession

__all__ = [
    "find_session",
    "finish_session",
    "get_session",
    "record_agreement",
    "recordings_of",
    "session_facts",
    "sessions_of",
]
UNREGISTERED = "unregistered by the LMS"
_MAX_NOTICE = 60


def finish_session(
    db: Database,
    session: StoredSession,
    *,
    who: str,
    role: Role,
    clock: Clock,
    finish_url: str | None = None,
    where: str = "",
) -> bool:
    """Finish a session, or unregister it where it has not begun; return whether that changed anything.

    ``finish_url`` replaces where the candidate goes afterwards; that alone is no change. Unregistering is for the LMS
    and the centre: the candidate is withdrawn from a sitting they have not begun, and the LMS is told.

    Raises:
        IllegalTransitionError: it cannot be finished now, or not by this role.
    """
    cause = Cause(clock, who, where)
    with write(db):
        session = get_session(db, session.id)
        if finish_url is not None and finish_url != session.finish_url:
            db.conn.execute("UPDATE session SET finish_url = ? WHERE id = ?", (finish_url, session.id))
        standing = _standing(db, session)
        if session.removed_us is not None or (session.begun_us is not None and not _at_work(standing)):
            return False
        if session.begun_us is None:
            return _unregister(db, session, standing, role, cause)
        act(
            db,
            str(session.sitting),
            "finish",
            who=who,
            role=role,
            clock=clock,
            candidate=session.candidate,
            where=where,
        )
        cause.log(db, "session.finished", {"session": session.id, "sitting": session.sitting, "role": role})
    return True


def record_agreement(
    db: Database, session: StoredSession, *, notice: str, clock: Clock, where: str = ""
) -> StoredSession:
    """Keep that the candidate agreed to a version of the notice, and tell the LMS; the first time counts.

    In a sitting the candidate's ``consent`` is acted as well, where it is their turn.

    Raises:
        BadInputError: ``notice`` names no version.
    """
    if not 0 < len(notice) <= _MAX_NOTICE:
        raise BadInputError(
            f"notice: has to be the version that was shown, 1 to {_MAX_NOTICE} characters.", hint="Show the notice."
        )
    now, cause = clock.wall_us(), Cause(clock, candidate_as(session), where)
    with write(db):
        session = get_session(db, session.id)
        if session.agreed_us is None:
            db.conn.execute(
                "UPDATE session SET agreed_us = ?, agreed_notice = ?, updated_us = ? WHERE id = ?",
                (now, notice, now, session.id),
            )
            cause.log(db, "session.agreed", {"session": session.id, "notice": notice})
            tell_agreement(db, session, at_us=now, clock=clock)
        standing = _standing(db, session)
        if standing is not None and standing.status is CandidateStatus.IDENTITY_CHECKED:
            act(
                db,
                str(session.sitting),
                "consent",
                who=cause.who,
                role="candidate",
                clock=clock,
                candidate=session.candidate,
                detail={"notice": session.agreed_notice or notice},
                where=where,
            )
        return get_session(db, session.id)


def candidate_as(session: StoredSession) -> str:
    """Return how a candidate who does something themselves is named in history and log: never by their name."""
    return f"candidate {session.candidate}"


def _standing(db: Database, session: StoredSession) -> Standing | None:
    person = None if session.sitting is None else run_of(db, session.sitting).people.get(session.candidate)
    return person if person is not None and person.is_of(session.id) else None


def _at_work(standing: Standing | None) -> bool:
    return standing is not None and standing.status in AT_WORK


def _unregister(db: Database, session: StoredSession, standing: Standing | None, role: Role, cause: Cause) -> bool:
    if role not in {"lms", "centre"}:
        raise IllegalTransitionError(
            "This session has not begun.", reason="not_begun", hint="Begin it first, or close the page."
        )
    now = cause.clock.wall_us()
    if standing is not None and standing.status in BEING_ADMITTED | {CandidateStatus.EXPECTED}:
        act(
            db,
            str(session.sitting),
            "withdraw",
            who=cause.who,
            role=role,
            clock=cause.clock,
            candidate=session.candidate,
            why=UNREGISTERED,
            where=cause.where,
        )
    elif session.scheduled_us is not None:
        tell_schedule(db, session, ScheduleEvent.CANCELED, start_us=session.scheduled_us, clock=cause.clock)
    db.conn.execute(
        "UPDATE session SET removed_us = ?, scheduled_us = NULL, status = 'not_scheduled', updated_us = ? WHERE id = ?",
        (now, now, session.id),
    )
    after = get_session(db, session.id)
    if after.status is not session.status:
        tell_status(db, after, clock=cause.clock)
    cause.log(db, "session.unregistered", {"session": session.id, "sitting": session.sitting, "role": role})
    return True
