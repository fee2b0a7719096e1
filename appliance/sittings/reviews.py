"""Review tasks: made when a sitting is closed, ordered for people, concluded by them, told to the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.transitions import Event
from appliance.sittings.review_lists import QueuedReview, count_reviews, next_review, review_queue, warning_counts
from appliance.sittings.review_rows import keep_review_event, review_of
from appliance.sittings.rows import Cause
from appliance.sittings.session_rows import get_session
from appliance.sittings.telling import tell_review, told_review

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.reviewing import Review
    from appliance.exams.transitions import Role

__all__ = [
    "QueuedReview",
    "count_reviews",
    "next_review",
    "review_act",
    "review_of",
    "review_queue",
    "told_review",
    "warning_counts",
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
