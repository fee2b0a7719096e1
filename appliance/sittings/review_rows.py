"""Rows of review tasks: the history of each, and what the queue is ordered by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.methods import traits_of
from appliance.exams.records import SEVERITIES
from appliance.exams.reviewing import Review, review
from appliance.exams.score import score_of
from appliance.exams.transitions import Event
from appliance.sittings.rows import insert, one_row, to_json
from appliance.sittings.warning_rows import warnings_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.sittings.values import StoredSession


def review_of(db: Database, session: str) -> Review:
    """Return the review task of a session; one that is not ready where there is none yet."""
    row = one_row(db, "SELECT requires_validation FROM review WHERE session = ?", (session,))
    task = Review(session=session, requires_validation=bool(row and row["requires_validation"]))
    events = db.conn.execute("SELECT body FROM review_event WHERE session = ? ORDER BY seq", (session,))
    for (body,) in events:
        task = review(task, msgspec.json.decode(body, type=Event))
    return task


def keep_review_event(db: Database, session: str, event: Event) -> Review:
    """Let a transition of a review happen, in the open transaction; return the task after it.

    Raises:
        IllegalTransitionError: it is not possible now.
    """
    task = review(review_of(db, session), event)
    seq = len(task.history)
    insert(
        db,
        "review_event",
        {"session": session, "seq": seq, "at_us": event.at_us, "name": event.name, "body": to_json(event)},
    )
    waiting = event.at_us if task.status == "ready_for_review" else None
    db.conn.execute(
        "UPDATE review SET status = ?, seq = ?, since_us = ? WHERE session = ?", (task.status, seq, waiting, session)
    )
    return task


def open_review(db: Database, session: StoredSession, exam: Exam) -> None:
    """Make the row of a session's review task, where its method is reviewed and there is none; not ready yet."""
    if traits_of(exam.method).reviewed:
        db.conn.execute(
            "INSERT INTO review (session, requires_validation) VALUES (?, ?) ON CONFLICT (session) DO NOTHING",
            (session.id, exam.holds_result),
        )


def weigh_review(db: Database, session: StoredSession, exam: Exam) -> None:
    """Work out anew what the queue is ordered by: the score, and the worst incident that stands."""
    flags = [one.warning for one in warnings_of(db, session=session.id)]
    score = score_of(exam.score, flags, start_us=session.begun_us or 0).value
    db.conn.execute(
        "UPDATE review SET score = ?, incident = ? WHERE session = ?",
        (score, worst_incident(db, session.id), session.id),
    )


def worst_incident(db: Database, session: str) -> int:
    """Return the worst severity of the incidents of a session that stand: 0 none, else 1 to 4."""
    rows = db.conn.execute(
        "SELECT DISTINCT severity FROM incident AS i WHERE session = ? AND withdrawn IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM incident WHERE corrects = i.id)",
        (session,),
    )
    return max((SEVERITIES.index(severity) + 1 for (severity,) in rows), default=0)
