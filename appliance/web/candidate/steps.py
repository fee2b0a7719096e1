"""Which step of the page a candidate is shown, and what they wait for (pure).

Where candidates book a time, two steps come before: ``booking``, they choose a sitting; ``booked``, until its room is
opened. The steps, in the order candidates meet them:

1. ``you``: who they are, which exam, which sitting and seat;
2. ``rules``: what is allowed, the exam's own rules and instructions;
   *here stands the check of the candidate's own cameras and screen, with a later issue*;
3. ``agreement``: what is recorded here and who may see it; they agree;
   *here stands the photo and the identity check at the desk, with a later issue; until then a person checks it*;
4. ``waiting``: until the room, the window and their own admission are that far;
   *here the streams of the desk begin, with a later issue*;
5. ``exam``: the LMS's page in its frame, with state and time left; covered while they are paused or on a break;
6. ``finished``: it is over, and the way back.

``closed`` stands beside them: there is no exam for them here any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from appliance.exams.states import OPEN_TO_ARRIVALS, CandidateStatus, SittingStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


class Step(StrEnum):
    """What the page shows; the values are part of its addresses and of what its script is told."""

    BOOKING = "booking"
    BOOKED = "booked"
    YOU = "you"
    RULES = "rules"
    AGREEMENT = "agreement"
    WAITING = "waiting"
    EXAM = "exam"
    FINISHED = "finished"
    CLOSED = "closed"


class Wait(StrEnum):
    """What a candidate waits for, or why there is nothing to wait for."""

    NOTHING = ""
    NO_SITTING = "no_sitting"
    ROOM = "room"
    """The room is not open yet."""
    IDENTITY = "identity"
    SEAT = "seat"
    ADMISSION = "admission"
    """The box itself is at work: a moment."""
    WINDOW = "window"
    START = "start"
    """Admitted; the invigilator has not started the sitting."""
    HELD_UP = "held_up"
    """The whole sitting is paused, before they began."""
    READY = "ready"
    """They may begin."""
    TOO_LATE = "too_late"
    OVER = "over"
    """The sitting is over and they never began."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    TRANSFERRED = "transferred"
    UNREGISTERED = "unregistered"


class Cover(StrEnum):
    """What lies over the exam while the candidate may not write."""

    NONE = ""
    PAUSED = "paused"
    ALL_PAUSED = "all_paused"
    BREAK = "break"


BEFORE_AGREEMENT: Final = (Step.YOU, Step.RULES, Step.AGREEMENT)
NEEDS_A_PERSON: Final = frozenset(
    {
        Wait.NO_SITTING,
        Wait.IDENTITY,
        Wait.SEAT,
        Wait.TOO_LATE,
        Wait.OVER,
        Wait.REFUSED,
        Wait.WITHDRAWN,
        Wait.TRANSFERRED,
    }
)
"""Nothing goes on before somebody in the room has done something."""
_DONE: Final = frozenset({CandidateStatus.FINISHED, CandidateStatus.SUBMITTED, CandidateStatus.LEFT})
_CLOSED: Final[Mapping[CandidateStatus, Wait]] = {
    CandidateStatus.REFUSED: Wait.REFUSED,
    CandidateStatus.WITHDRAWN: Wait.WITHDRAWN,
    CandidateStatus.TRANSFERRED: Wait.TRANSFERRED,
}
_OVER: Final = frozenset({SittingStatus.ENDED, SittingStatus.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """Where a candidate stands, as the step depends on it; wall times in microseconds.

    Attributes:
        candidate: their state in the sitting; None: the session belongs to no sitting yet.
        sitting: the sitting's state; None as above.
        agreed: whether they have agreed to what is recorded.
        begun: whether they ever began to write.
        finished: whether the session has ended, by whomever.
        unregistered: whether the LMS took them off.
        identity_asked: whether a person has to see their identity before they may begin.
        automatic: whether the box runs the sitting by itself: nobody is there to check an identity or show a seat.
        seat: planned or taken; empty: none.
        window: the first and the last moment to begin.
        books: they have no time yet and choose one themselves.
        booked: they chose this sitting, in which nothing has happened yet.
    """

    candidate: CandidateStatus | None
    sitting: SittingStatus | None
    agreed: bool = False
    begun: bool = False
    finished: bool = False
    unregistered: bool = False
    identity_asked: bool = False
    automatic: bool = False
    seat: str = ""
    window: tuple[int, int] | None = None
    books: bool = False
    booked: bool = False
    now_us: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown: the step, what is waited for, what covers the exam, and what the box may do by itself now.

    Attributes:
        due: the next act of admission that needs no person (`sittings.walking`), empty where there is none.
    """

    step: Step
    wait: Wait = Wait.NOTHING
    cover: Cover = Cover.NONE
    due: str = ""


def shown(at: Standpoint, asked: str = "") -> Shown:
    """Return what a candidate is shown.

    Args:
        at: where they stand.
        asked: the step before the agreement they want to read; anything else is ignored.
    """
    if at.unregistered:
        return Shown(Step.CLOSED, Wait.UNREGISTERED)
    if at.finished or at.candidate in _DONE:
        return Shown(Step.FINISHED)
    closed = None if at.candidate is None else _CLOSED.get(at.candidate)
    if closed is not None:
        return Shown(Step.FINISHED if at.begun and closed is Wait.WITHDRAWN else Step.CLOSED, closed)
    booking = Step.BOOKING if at.books else Step.BOOKED if at.booked else None
    cover = _cover(at)
    if booking is not None or cover is not None:
        return Shown(booking or Step.EXAM, cover=cover or Cover.NONE)
    due = _due(at)
    if not at.agreed:
        wanted = asked if asked in BEFORE_AGREEMENT else Step.YOU
        return Shown(Step(wanted), due=due)
    wait = Wait.ADMISSION if due else _wait(at)
    return Shown(Step.CLOSED if wait is Wait.OVER else Step.WAITING, wait, due=due)


def _cover(at: Standpoint) -> Cover | None:
    """Return what covers the exam of somebody at work; None for who is not."""
    match at.candidate:
        case CandidateStatus.WRITING:
            return Cover.ALL_PAUSED if at.sitting is SittingStatus.PAUSED else Cover.NONE
        case CandidateStatus.PAUSED:
            return Cover.PAUSED
        case CandidateStatus.ON_BREAK:
            return Cover.BREAK
        case _:
            return None


def _due(at: Standpoint) -> str:
    """Return the act of admission that needs no person."""
    if at.sitting not in OPEN_TO_ARRIVALS:
        return ""
    match at.candidate:
        case CandidateStatus.EXPECTED | CandidateStatus.ABSENT:
            return "arrive"
        case CandidateStatus.ARRIVED if at.automatic or not at.identity_asked:
            return "waive_identity" if at.identity_asked else "skip_identity"
        case CandidateStatus.IDENTITY_CHECKED if at.agreed:
            return "consent"
        case CandidateStatus.CONSENTED if at.seat or at.automatic:
            return "seat"
        case _:
            return ""


def _wait(at: Standpoint) -> Wait:
    """Return what somebody who has agreed and not begun waits for."""
    if at.candidate is None or at.sitting is None:
        return Wait.NO_SITTING
    if at.sitting in _OVER:
        return Wait.OVER
    if at.sitting not in OPEN_TO_ARRIVALS:
        return Wait.ROOM
    if at.candidate is CandidateStatus.ARRIVED:
        return Wait.IDENTITY
    if at.candidate is CandidateStatus.CONSENTED:
        return Wait.SEAT
    return _wait_for_start(at)


def _wait_for_start(at: Standpoint) -> Wait:
    if at.window is not None and at.now_us > at.window[1]:
        return Wait.TOO_LATE
    if at.window is not None and at.now_us < at.window[0]:
        return Wait.WINDOW
    if at.sitting is SittingStatus.PAUSED:
        return Wait.HELD_UP
    return Wait.READY if at.sitting is SittingStatus.RUNNING else Wait.START
