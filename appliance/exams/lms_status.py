"""What the LMS is told about one session: a word made of the plan, the history and the time."""

from __future__ import annotations

from typing import Final

from appliance.exams.states import AT_WORK, CandidateStatus, SessionStatus

_NO_LONGER_HERE: Final = frozenset({CandidateStatus.WITHDRAWN, CandidateStatus.REFUSED, CandidateStatus.TRANSFERRED})


def lms_status(
    status: CandidateStatus | None, *, begun: bool, window: tuple[int, int] | None, now_us: int
) -> SessionStatus:
    """Return the session's status for the LMS.

    Who has begun is ``started`` (also paused or on a break) and then ``finished``, also when withdrawn in the middle.
    Who has not is told by the clock alone; an absent candidate is never ``finished``: absent is not took part.

    Args:
        status: the candidate's state in the sitting, None where the session belongs to no sitting yet.
        begun: whether they have ever begun to write.
        window: the first and the last wall time they may begin, None where no time has been booked.
        now_us: the present wall time.
    """
    if begun:
        return SessionStatus.STARTED if status in AT_WORK else SessionStatus.FINISHED
    if window is None or status in _NO_LONGER_HERE:
        return SessionStatus.NOT_SCHEDULED
    first, last = window
    if now_us < first:
        return SessionStatus.EARLY_TO_START
    return SessionStatus.READY_TO_START if now_us <= last else SessionStatus.LATE_TO_START
