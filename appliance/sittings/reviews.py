"""Review tasks: made when a session is over, ordered for people, concluded by them, told to the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.states import ReviewStatus

if TYPE_CHECKING:
    from appliance.exams.reviewing import Review
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.transitions import Role
    from appliance.exchange.messages import Review as ReviewMessage


class QueuedReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review task in the queue; ``incident`` is the worst severity, 0 none, to 4."""

    session: str
    sitting: str
    exam_name: str
    candidate: str
    status: ReviewStatus
    score: int
    incident: int
    since_us: int
    requires_validation: bool


def review_of(db: Database, session: str) -> Review:
    """Return the review task of a session; one that is not ready where there is none yet.

    Raises:
        NotFoundError: there is no such session.
    """
    raise NotImplementedError


def review_queue(
    db: Database,
    *,
    limit: int = 50,
    after: QueuedReview | None = None,
    text: str = "",
    status: ReviewStatus = ReviewStatus.READY_FOR_REVIEW,
) -> list[QueuedReview]:
    """Return tasks in the order people should take them: worst incident, highest score, longest wait.

    Args:
        db: the box's database.
        limit: at most so many.
        after: continue after this one.
        text: only those whose exam's name, candidate's name or number, or sitting holds it.
        status: which tasks.
    """
    raise NotImplementedError


def review_act(
    db: Database, session: str, name: str, *, who: str, role: Role, why: str = "", clock: Clock, where: str = ""
) -> Review:
    """Let a transition of the review happen; the LMS is told where its conclusion changes.

    Raises:
        IllegalTransitionError: it is not possible now; nothing was written.
        NotFoundError: there is no such session.
    """
    raise NotImplementedError


def told_review(db: Database, session: str, *, now_us: int) -> ReviewMessage:
    """Return what the LMS is told of a session now; ``archive`` begins with ``/`` (see `telling.addressed`)."""
    raise NotImplementedError
