"""Review tasks: made when a sitting is closed, ordered for people, concluded by them, told to the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.states import ReviewStatus
from appliance.exams.transitions import Event
from appliance.sittings.candidates import candidate_of_row
from appliance.sittings.review_rows import keep_review_event, review_of
from appliance.sittings.rows import Cause, like, rows_of
from appliance.sittings.session_rows import get_session
from appliance.sittings.telling import tell_review, told_review

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.reviewing import Review
    from appliance.exams.transitions import Role

__all__ = ["QueuedReview", "review_act", "review_of", "review_queue", "told_review"]


class QueuedReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review task in the queue; ``incident`` is the worst severity, 0 none, to 4. ``candidate``: their name."""

    session: str
    sitting: str
    exam_name: str
    candidate: str
    status: ReviewStatus
    score: int
    incident: int
    since_us: int
    requires_validation: bool


def review_queue(
    db: Database,
    *,
    limit: int = 50,
    after: QueuedReview | None = None,
    text: str = "",
    status: ReviewStatus = ReviewStatus.READY_FOR_REVIEW,
) -> list[QueuedReview]:
    """Return tasks in the order people should take them: worst incident, highest score, longest wait.

    It is `exams.score.review_order`.

    Args:
        db: the box's database.
        limit: at most so many.
        after: continue after this one.
        text: only those whose exam's name, candidate's name or number, or sitting holds it.
        status: which tasks.
    """
    conditions, values = ["r.status = ?"], list[object]([status])
    if text:
        names = ("e.name", "c.last_name", "c.first_name", "c.number", "c.user_id", "t.name", "t.id")
        conditions.append(f"({' OR '.join(f'{name} LIKE ? ESCAPE {chr(39)}{chr(92)}{chr(39)}' for name in names)})")
        values += [like(text)] * len(names)
    if after is not None:
        conditions.append("(-r.incident, -r.score, COALESCE(r.since_us, 0), r.session) > (?, ?, ?, ?)")
        values += [-after.incident, -after.score, after.since_us, after.session]
    rows = rows_of(
        db,  # the conditions are own words
        "SELECT r.session, r.status, r.score, r.incident, COALESCE(r.since_us, 0) AS since_us, r.requires_validation,"  # noqa: S608  own words
        " s.sitting, e.name AS exam_name, c.* FROM review r JOIN session s ON s.id = r.session"
        " JOIN exam e ON e.id = s.exam JOIN candidate c ON c.id = s.candidate LEFT JOIN sitting t ON t.id = s.sitting"
        f" WHERE {' AND '.join(conditions)}"
        " ORDER BY r.incident DESC, r.score DESC, COALESCE(r.since_us, 0), r.session LIMIT ?",
        [*values, limit],
    )
    return [
        QueuedReview(
            session=row["session"],
            sitting=row["sitting"] or "",
            exam_name=row["exam_name"],
            candidate=candidate_of_row(row).display_name,
            status=ReviewStatus(row["status"]),
            score=row["score"],
            incident=row["incident"],
            since_us=row["since_us"],
            requires_validation=bool(row["requires_validation"]),
        )
        for row in rows
    ]


def review_act(
    db: Database, session: str, name: str, *, who: str, role: Role, why: str = "", clock: Clock, where: str = ""
) -> Review:
    """Let a transition of the review happen; the LMS is told where its conclusion changes.

    Raises:
        IllegalTransitionError: it is not possible now; nothing was written.
        ConflictError: the session is not reviewed: its method asks for none, or it has not begun.
        NotFoundError: there is no such session.
    """
    event = Event(name=name, at_us=clock.wall_us(), who=who, role=role, why=why.strip())
    with write(db):
        kept = get_session(db, session)
        if db.conn.execute("SELECT 1 FROM review WHERE session = ?", (session,)).fetchone() is None:
            raise ConflictError("This session is not reviewed.", hint="Its method asks for no review.")
        before = review_of(db, session)
        after = keep_review_event(db, session, event)
        detail = {"session": session, "name": name, "status": str(after.status), "told": after.conclusion}
        Cause(clock, who, where).log(db, "review.acted", detail, why=why.strip())
        if after.released != before.released:
            tell_review(db, kept, clock=clock)
        return after
