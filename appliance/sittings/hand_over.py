"""A candidate arrives from the LMS: exam, candidate, session and the sitting they belong to, in one transaction."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.database import write
from appliance.errors import ConflictError, NotFoundError
from appliance.exchange.record import written
from appliance.exchange.session_parameters import actual_start
from appliance.sittings.booking import book
from appliance.sittings.candidates import keep_candidate
from appliance.sittings.exams import find_exam, parameters_of, upsert_exam
from appliance.sittings.mapping import EXAM_KEYS, candidate_of
from appliance.sittings.placing import place
from appliance.sittings.rows import Cause, insert, new_id, to_json
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.session_rows import find_session, get_session
from appliance.sittings.values import HandedOver, SessionSpelling
from appliance.sittings.walking import walk

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exams.model import Candidate, Exam, Integration
    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.exchange.json_edge import JsonObject
    from appliance.exchange.session_parameters import StartParameters
    from appliance.sittings.values import StoredSession

_ACCOMMODATIONS: Final = "specialAccommodationsInfo"


def hand_over(
    db: Database,
    integration: Integration,
    start: StartParameters,
    *,
    clock: Clock,
    settings: Settings,
    where: str = "",
) -> HandedOver:
    """Make or change exam, candidate and session, and find the sitting; committed when it returns.

    The sitting is, in this order: where the candidate is expected for this exam and which is not over; one that holds
    the exam and is open to arrivals (`exams.walk_ins`; they are enrolled, which the history says); one the box opens by
    itself (`exams.open_sittings`), within the exam's window. Otherwise the session belongs to none yet. A session that
    has begun stays where it is, whatever is handed over again.

    Raises:
        ConflictError: the session is known as another candidate's or of another exam.
        AttemptRunningError: the candidate is writing another attempt at it in a sitting that people lead.
    """
    cause, now, joins = Cause(clock, integration.name, where), clock.wall_us(), db.conn.in_transaction
    with write(db):
        exam = upsert_exam(
            db, integration, _of_all(db, integration, start.exam), clock=clock, who=integration.name, where=where
        ).exam.exam
        said = candidate_of(start.person, id="", accommodations=start.exam.special_accommodations or "")
        candidate = keep_candidate(db, _numbered(db, said, exam), integration.id, now_us=now)
        session, created = _kept(db, start, exam, candidate, now)
        cause.log(
            db,
            "session.handed_over",
            {"session": session.id, "exam": exam.id, "candidate": candidate.id, "new": created},
        )
        if session.begun_us is None:
            found = place(db, session, exam, settings=settings, cause=cause)
            session = book(db, get_session(db, session.id), found, clock=clock)
        if session.sitting is not None and stored_sitting(db, session.sitting).automatic:
            walk(db, session, clock=clock, where=where)
        kept = get_session(db, session.id)
    if kept.sitting is not None and not joins:
        run_of(db, kept.sitting)  # keeps it for the next one
    return HandedOver(kept, created)


def _of_all(db: Database, integration: Integration, said: ExamParameters) -> ExamParameters:
    """Return what a candidate's token says of the exam, without what it says of that candidate alone.

    Accommodations stand in the candidate's row, reference photos and keys that are not known in the session: they
    differ from token to token. The exam keeps its own, and its spelling of the ids, so that it does not change with
    every candidate.
    """
    known = find_exam(db, integration.id, *said.key)
    extra = {key: value for key, value in said.extra.items() if key in EXAM_KEYS}
    if known is None:
        return dataclasses.replace(
            said, special_accommodations=None, preliminary_check=None, biometric_identification=None, extra=extra
        )
    kept = parameters_of(known)
    return dataclasses.replace(
        said,
        account_id=kept.account_id,
        exam_id=kept.exam_id,
        special_accommodations=kept.special_accommodations,
        preliminary_check=kept.preliminary_check,
        biometric_identification=kept.biometric_identification,
        extra={**kept.extra, **extra},
    )


def _of_attempt(start: StartParameters) -> JsonObject:
    """Return the parameters of a hand-over without what names the candidate: that stands in their own row alone."""
    personal = written(start.person).keys() | {_ACCOMMODATIONS}
    return {key: value for key, value in actual_start(start).items() if key not in personal}


def _numbered(db: Database, said: Candidate, exam: Exam) -> Candidate:
    """Return the candidate with the centre's number, where a roster of this exam has one that is the LMS's user id."""
    row = db.conn.execute(
        "SELECT 1 FROM roster_entry r JOIN candidate c ON c.id = r.candidate"
        " WHERE r.exam = ? AND c.number = ? AND c.user_id = ''",
        (exam.id, said.user_id),
    ).fetchone()
    return said if row is None else msgspec.structs.replace(said, number=said.user_id)


def _kept(
    db: Database, start: StartParameters, exam: Exam, candidate: Candidate, now_us: int
) -> tuple[StoredSession, bool]:
    said = start.session
    told = {
        "session_url": said.session_url,
        "finish_url": said.session_finish_url,
        "parameters": to_json(_of_attempt(start)),
        "wire": to_json(SessionSpelling(start.exam.account_id.sent, said.session_id.sent)),
        "updated_us": now_us,
    }
    try:
        known = find_session(db, exam.integration, said.session_id.text)
    except NotFoundError:
        row = {
            "id": new_id(),
            "integration": exam.integration,
            "account": start.exam.account_id.text,
            "session_id": said.session_id.text,
            "exam": exam.id,
            "candidate": candidate.id,
            "created_us": now_us,
            **told,
        }
        insert(db, "session", row)
        return get_session(db, str(row["id"])), True
    if known.candidate != candidate.id or known.exam != exam.id:
        raise ConflictError(
            "This session is known as another candidate's or another exam's.",
            hint="The LMS has to give each attempt a sessionId of its own.",
        )
    settings = ", ".join(f"{name} = ?" for name in told)
    db.conn.execute(
        f"UPDATE session SET {settings}, removed_us = NULL WHERE id = ?",  # noqa: S608  own names
        (*told.values(), known.id),
    )
    return get_session(db, known.id), False
