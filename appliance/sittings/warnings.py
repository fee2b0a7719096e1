"""Warnings of software as rows: noted, told in merged form, judged by people."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Literal

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.records import judge
from appliance.exchange.coalescing import GAP_US
from appliance.exchange.messages import warning_body
from appliance.sittings.exams import get_exam
from appliance.sittings.receivers import concerns_centre, receiver_of, tell, tell_centre
from appliance.sittings.review_rows import weigh_review
from appliance.sittings.rows import Cause, insert, one_row, rows_of, to_json
from appliance.sittings.runs import exams_of
from appliance.sittings.session_rows import get_session, name_of
from appliance.sittings.telling import tell_review
from appliance.sittings.warning_rows import StoredWarning, Telling, get_warning, warning_of_row, warnings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Exam
    from appliance.exams.records import Warning as Flag
    from appliance.exchange.messages import WarningFact
    from appliance.sittings.values import StoredSession

__all__ = [
    "StoredWarning",
    "get_warning",
    "give_warning",
    "judge_warning",
    "note_warning",
    "tell_merged",
    "warnings_of",
]
EVERY_US: Final = 30 * SECOND_US
"""While repeats go on, their end is told anew at most so often."""
_LOOKED_AT: Final = 5000
"""How many of the newest warnings a tick looks at."""


def note_warning(
    db: Database,
    warning: Flag,
    *,
    clock: Clock,
    sitting: str = "",
    seat: str = "",
    subject: Mapping[str, str] | None = None,
) -> StoredWarning:
    """Keep a warning and tell the LMS, where it is to be told; the same id again changes only the end.

    Of repeats within 10 s the first is told at once and the others move its end, told at most every 30 s
    (`tell_merged`). A kind the exam hides is kept and not told. One of a room or seat (no ``session``) names its
    ``sitting``. ``subject`` says what it is about, for the people in the room (`StoredWarning.subject`).

    Raises:
        NotFoundError: there is no such session.
    """
    with write(db):
        session = get_session(db, warning.session) if warning.session else None
        known = one_row(db, "SELECT * FROM warning WHERE id = ?", (warning.id,))
        if known is not None:
            return _prolonged(db, warning_of_row(known), warning.end_us)
        kept = _insert(db, warning, session, sitting, seat=seat, subject=subject or {})
        if session is not None:
            _note_for_session(db, kept, session, clock)
        elif concerns_centre(db, sitting):
            told = {"sitting": sitting, "seat": seat, **kept.fact.keys(), "id": kept.number}
            tell_centre(db, "warning", told, stream=f"sitting:{sitting}", clock=clock)
        return get_warning(db, kept.number)


def tell_merged(db: Database, *, clock: Clock) -> int:
    """Tell the new ends of merged warnings that are due; return how many messages. For the tick.

    Due is an end that was told otherwise, once the repeats have stopped for 10 s, or 30 s after what was told last.
    """
    now, told = clock.wall_us(), 0
    heads = rows_of(
        db,
        "SELECT * FROM warning WHERE number > (SELECT MAX(number) FROM warning) - ? AND session IS NOT NULL"
        " AND told_end_us IS NOT NULL AND MAX(end_us, COALESCE(json_extract(detail, '$.reaches_us'), 0)) > told_end_us"
        " ORDER BY number",
        (_LOOKED_AT,),
    )
    for head in map(warning_of_row, heads):
        end_us = head.reaches_us
        if now - end_us >= GAP_US or end_us - (head.told_end_us or 0) >= EVERY_US:
            with write(db):
                session = get_session(db, head.warning.session)
                _tell(db, session, dataclasses.replace(head.fact, end_us=end_us), clock)
                _tell_review_if_over(db, session, clock)
            told += 1
    return told


def judge_warning(
    db: Database,
    number: int,
    decision: Literal["confirmed", "dismissed"],
    *,
    who: str,
    why: str = "",
    clock: Clock,
    where: str = "",
) -> StoredWarning:
    """Keep a person's word on a warning; the score, the review queue and what the LMS knows follow.

    A confirmed one is told again, as a person's (``cyber`` false). A dismissed one counts no more; the LMS finds that
    in the review.

    Raises:
        ConflictError: it is judged so already, or the reason is missing.
        NotFoundError: there is no such warning.
    """
    with write(db):
        kept = get_warning(db, number)
        judged = judge(kept.warning, decision, who=who, at_us=clock.wall_us(), why=why.strip())
        db.conn.execute("UPDATE warning SET judgements = ? WHERE number = ?", (to_json(judged.judgements), number))
        Cause(clock, who, where).log(db, "warning.judged", {"warning": number, "decision": decision}, why=why.strip())
        after = get_warning(db, number)
        if judged.session:
            session = get_session(db, judged.session)
            exam = _exam(db, session)
            weigh_review(db, session, exam)
            if decision == "confirmed" and judged.kind not in exam.hidden_warnings:
                _tell(db, session, after.fact, clock)
            _tell_review_if_over(db, session, clock)
        return get_warning(db, number)


def give_warning(db: Database, number: int, session: str, *, who: str, clock: Clock, where: str = "") -> StoredWarning:
    """Keep that a warning of the room belongs to one session; its score, its review and the LMS follow.

    Raises:
        ConflictError: it belongs to a session already, or the session is of another sitting.
        NotFoundError: there is no such warning, or no such session.
    """
    with write(db):
        kept = get_warning(db, number)
        whose = get_session(db, session)
        if kept.warning.session:
            raise ConflictError(
                "This warning belongs to a candidate already.", hint="Dismiss it with a reason if it is not theirs."
            )
        if not kept.sitting or whose.sitting != kept.sitting:
            raise ConflictError(
                "This candidate does not write in the sitting of the warning.",
                hint="Choose a candidate of the sitting.",
            )
        db.conn.execute("UPDATE warning SET session = ? WHERE number = ?", (session, number))
        Cause(clock, who, where).log(db, "warning.given", {"warning": number, "session": session})
        _note_for_session(db, get_warning(db, number), whose, clock)
        return get_warning(db, number)


def _note_for_session(db: Database, kept: StoredWarning, session: StoredSession, clock: Clock) -> None:
    exam = _exam(db, session)
    if session.finished_us is not None:
        weigh_review(db, session, exam)
    if kept.warning.kind in exam.hidden_warnings:
        return
    head = _head(db, kept)
    if head is None:
        _tell(db, session, kept.fact, clock)
    else:
        _set_telling(db, kept.number, Telling(told_with=head.number))
        _set_telling(db, head.number, Telling(reaches_us=max(head.reaches_us, kept.warning.end_us)))
    _tell_review_if_over(db, session, clock)


def _prolonged(db: Database, kept: StoredWarning, end_us: int) -> StoredWarning:
    """Keep that a known warning lasts longer; what it is told with reaches as far."""
    db.conn.execute("UPDATE warning SET end_us = MAX(end_us, ?) WHERE number = ?", (end_us, kept.number))
    if kept.telling.told_with:
        head = get_warning(db, kept.telling.told_with)
        _set_telling(db, head.number, Telling(reaches_us=max(head.reaches_us, end_us)))
    return get_warning(db, kept.number)


def _tell_review_if_over(db: Database, session: StoredSession, clock: Clock) -> None:
    """Tell the review anew where the session is over: until then its warnings come one by one."""
    if session.finished_us is not None:
        tell_review(db, session, clock=clock)


def _insert(
    db: Database, warning: Flag, session: StoredSession | None, sitting: str, *, seat: str, subject: Mapping[str, str]
) -> StoredWarning:
    insert(
        db,
        "warning",
        {
            "id": warning.id,
            "sitting": sitting or (None if session is None else session.sitting),
            "session": warning.session or None,
            "seat": seat,
            "kind": warning.kind,
            "start_us": warning.start_us,
            "end_us": max(warning.start_us, warning.end_us),
            "camera": warning.camera,
            "model": warning.model,
            "threshold": warning.threshold,
            "confidence": warning.confidence,
            "judgements": to_json(warning.judgements),
            "subject": to_json(dict(subject)),
        },
    )
    return get_warning(db, int(db.conn.execute("SELECT last_insert_rowid()").fetchone()[0]))


def _exam(db: Database, session: StoredSession) -> Exam:
    frozen = {} if session.sitting is None else exams_of(db, session.sitting)
    return frozen.get(session.exam) or get_exam(db, session.exam).exam


def _head(db: Database, one: StoredWarning) -> StoredWarning | None:
    """Return the told warning of which this is a repeat, None where it is none: a person's word stands alone."""
    row = one_row(
        db,
        "SELECT * FROM warning WHERE session = ? AND kind = ? AND number <> ? AND told_end_us IS NOT NULL"
        " AND start_us <= ? ORDER BY start_us DESC, number DESC LIMIT 1",
        (one.warning.session, one.warning.kind, one.number, one.warning.start_us),
    )
    head = None if row is None else warning_of_row(row)
    if head is None or head.warning.decision != "open":
        return None
    return head if one.warning.start_us - head.reaches_us <= GAP_US else None


def _set_telling(db: Database, number: int, telling: Telling) -> None:
    db.conn.execute("UPDATE warning SET detail = ? WHERE number = ?", (to_json(telling), number))


def _tell(db: Database, session: StoredSession, fact: WarningFact, clock: Clock) -> None:
    """Put a warning into the outbox and keep what end was told."""
    to = receiver_of(db, session.integration)
    if to is not None:
        tell(db, to, "warning", warning_body(name_of(session), fact), session=session.id, clock=clock)
    db.conn.execute("UPDATE warning SET told_end_us = ? WHERE number = ?", (fact.end_us, fact.number))
