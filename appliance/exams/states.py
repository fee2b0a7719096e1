"""The words for states, exactly as people in exam rooms and the LMS's interface use them."""

from __future__ import annotations

from enum import StrEnum


class SittingStatus(StrEnum):
    """Where one run of exams in one room stands."""

    PLANNED = "planned"
    READINESS_CHECK = "readiness_check"
    ADMITTING = "admitting"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    CLOSED = "closed"


class CandidateStatus(StrEnum):
    """Where one candidate stands in a sitting."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    IDENTITY_CHECKED = "identity_checked"
    CONSENTED = "consented"
    SEATED = "seated"
    WRITING = "writing"
    PAUSED = "paused"
    ON_BREAK = "on_break"
    FINISHED = "finished"
    SUBMITTED = "submitted"
    LEFT = "left"
    ABSENT = "absent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    TRANSFERRED = "transferred"


class SessionStatus(StrEnum):
    """What the LMS is told about a session; the values are on the wire."""

    NOT_SCHEDULED = "not_scheduled"
    EARLY_TO_START = "early_to_start"
    READY_TO_START = "ready_to_start"
    LATE_TO_START = "late_to_start"
    STARTED = "started"
    FINISHED = "finished"


class ReviewStatus(StrEnum):
    """Where a review task stands."""

    NOT_READY = "not_ready"
    READY_FOR_REVIEW = "ready_for_review"
    PASSED = "passed"
    FAILED = "failed"


BEING_ADMITTED = frozenset(
    {
        CandidateStatus.ARRIVED,
        CandidateStatus.IDENTITY_CHECKED,
        CandidateStatus.CONSENTED,
        CandidateStatus.SEATED,
    }
)
"""In the room, has not begun."""
AT_WORK = frozenset({CandidateStatus.WRITING, CandidateStatus.PAUSED, CandidateStatus.ON_BREAK})
"""Has begun and not finished: the LMS's ``started``."""
UNSETTLED = BEING_ADMITTED | AT_WORK | {CandidateStatus.EXPECTED}
"""What keeps a sitting from being closed."""
UNDER_WAY = frozenset({SittingStatus.RUNNING, SittingStatus.PAUSED})
OPEN_TO_ARRIVALS = UNDER_WAY | {SittingStatus.ADMITTING}
BEFORE_CLOSE = frozenset(SittingStatus) - {SittingStatus.CLOSED}
