"""Every named transition of a candidate in a sitting. Guards that need more than the state are in ``guards.py``."""

from __future__ import annotations

from typing import Final

from appliance.exams.states import AT_WORK, BEFORE_CLOSE, BEING_ADMITTED, OPEN_TO_ARRIVALS, UNDER_WAY
from appliance.exams.states import CandidateStatus as Is
from appliance.exams.states import SittingStatus as Sitting
from appliance.exams.transitions import IN_THE_ROOM, MANAGERS, SYSTEM, Role, Table, Transition, table_of

_SELF: Final[frozenset[Role]] = IN_THE_ROOM | {"candidate"}
_HAND_OVER: Final[frozenset[Role]] = _SELF | {"lms"}
_AFTER_START: Final = UNDER_WAY | {Sitting.ENDED}
_ANY_ROLE: Final[frozenset[Role]] = IN_THE_ROOM | {"lms", "centre"}

CANDIDATE_TABLE: Final[Table] = table_of(
    [
        # Admission. Somebody marked absent may still come.
        Transition(
            name="arrive",
            sources=frozenset({Is.EXPECTED, Is.ABSENT}),
            target=Is.ARRIVED,
            who=_HAND_OVER,
            during=OPEN_TO_ARRIVALS,
            unattended=SYSTEM,
        ),
        Transition(
            name="check_identity",  # detail: document (its type), result; never the whole number
            sources=frozenset({Is.ARRIVED}),
            target=Is.IDENTITY_CHECKED,
            who=IN_THE_ROOM,
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="waive_identity",
            sources=frozenset({Is.ARRIVED}),
            target=Is.IDENTITY_CHECKED,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=OPEN_TO_ARRIVALS,
            unattended=SYSTEM,
        ),
        Transition(
            name="skip_identity",  # where the exam asks for none
            sources=frozenset({Is.ARRIVED}),
            target=Is.IDENTITY_CHECKED,
            who=_HAND_OVER | {"system"},
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="consent",  # detail: notice (the version shown)
            sources=frozenset({Is.IDENTITY_CHECKED}),
            target=Is.CONSENTED,
            who=_SELF,
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="seat",  # detail: seat
            sources=frozenset({Is.CONSENTED}),
            target=Is.SEATED,
            who=_SELF | {"system"},
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(  # detail: seat (empty: none): where they are to sit; nobody is moved by it
            name="assign_seat",
            sources=frozenset({Is.EXPECTED, Is.ABSENT, Is.ARRIVED, Is.IDENTITY_CHECKED, Is.CONSENTED}),
            target=None,
            who=IN_THE_ROOM | {"centre"},
            during=BEFORE_CLOSE - {Sitting.ENDED},
        ),
        Transition(
            name="move_seat",  # detail: seat
            sources=frozenset({Is.SEATED}) | AT_WORK,
            target=None,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="refuse",
            sources=BEING_ADMITTED,
            target=Is.REFUSED,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="readmit",
            sources=frozenset({Is.REFUSED, Is.WITHDRAWN}),
            target=Is.ARRIVED,
            who=MANAGERS,
            needs_reason=True,
            during=OPEN_TO_ARRIVALS,
        ),
        # Writing.
        Transition(
            name="begin",
            sources=frozenset({Is.SEATED}),
            target=Is.WRITING,
            who=_HAND_OVER | {"system"},
            during=frozenset({Sitting.RUNNING}),
        ),
        Transition(
            name="begin_late",  # after the last start
            sources=frozenset({Is.SEATED}),
            target=Is.WRITING,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=frozenset({Sitting.RUNNING}),
        ),
        Transition(
            name="pause",  # detail: compensate (true unless said)
            sources=frozenset({Is.WRITING}),
            target=Is.PAUSED,
            who=IN_THE_ROOM | {"system"},
            needs_reason=True,
            during=UNDER_WAY,
        ),
        Transition(
            name="resume",
            sources=frozenset({Is.PAUSED}),
            target=Is.WRITING,
            who=IN_THE_ROOM | {"system"},
            during=UNDER_WAY,
        ),
        Transition(
            name="take_break",  # detail: stops_clock (false unless said)
            sources=frozenset({Is.WRITING}),
            target=Is.ON_BREAK,
            who=IN_THE_ROOM,
            during=UNDER_WAY,
        ),
        Transition(
            name="return_from_break",
            sources=frozenset({Is.ON_BREAK}),
            target=Is.WRITING,
            who=IN_THE_ROOM,
            during=UNDER_WAY,
        ),
        Transition(  # detail: amount_us; who has not begun gets it by the centre alone (`guards`)
            name="extend",
            sources=AT_WORK | BEING_ADMITTED | {Is.EXPECTED},
            target=None,
            who=IN_THE_ROOM | {"centre"},
            needs_reason=True,
            during=UNDER_WAY | {Sitting.READINESS_CHECK, Sitting.ADMITTING},
        ),
        Transition(
            name="set_allowance",  # detail: percent_hundredths, minutes; before the candidate begins
            sources=BEING_ADMITTED | {Is.EXPECTED},
            target=None,
            who=MANAGERS | {"invigilator", "centre"},
            needs_reason=True,
            during=BEFORE_CLOSE - {Sitting.ENDED},
        ),
        Transition(
            name="finish",
            sources=AT_WORK,
            target=Is.FINISHED,
            who=_HAND_OVER | {"system"},
            during=UNDER_WAY,
        ),
        Transition(
            name="continue_writing",  # finished or withdrawn by mistake; the clock ran on
            sources=frozenset({Is.FINISHED, Is.WITHDRAWN}),
            target=Is.WRITING,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=UNDER_WAY,
        ),
        Transition(  # detail: session (the new attempt), before (the one that is finished); where it leads: `effects`
            name="new_attempt",
            sources=frozenset({Is.FINISHED, Is.SUBMITTED, Is.LEFT}),
            target=None,
            who=frozenset({"lms"}),
            needs_reason=True,
            during=OPEN_TO_ARRIVALS,
        ),
        Transition(
            name="submit",  # detail: papers (sheets handed in)
            sources=frozenset({Is.FINISHED}),
            target=Is.SUBMITTED,
            who=IN_THE_ROOM | {"lms", "system"},
            during=_AFTER_START,
        ),
        Transition(
            name="correct_papers",  # detail: papers
            sources=frozenset({Is.SUBMITTED, Is.LEFT}),
            target=None,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=_AFTER_START,
        ),
        Transition(
            name="leave",
            sources=frozenset({Is.FINISHED, Is.SUBMITTED}),
            target=Is.LEFT,
            who=IN_THE_ROOM | {"system"},
            during=_AFTER_START,
        ),
        # Not, or no longer, taking part.
        Transition(
            name="mark_absent",
            sources=frozenset({Is.EXPECTED}),
            target=Is.ABSENT,
            who=IN_THE_ROOM | {"system"},
            during=_AFTER_START,
        ),
        Transition(
            name="withdraw",
            sources=BEING_ADMITTED | AT_WORK | {Is.EXPECTED},
            target=Is.WITHDRAWN,
            who=_ANY_ROLE,
            needs_reason=True,
            during=BEFORE_CLOSE,
        ),
        Transition(
            name="transfer",  # detail: sitting (the other one)
            sources=BEING_ADMITTED | {Is.EXPECTED, Is.ABSENT},
            target=Is.TRANSFERRED,
            who=MANAGERS | {"centre"},
            needs_reason=True,
            during=BEFORE_CLOSE,
        ),
        # A session nobody ends any more; where it leads is in `effects.close_ghost`.
        Transition(
            name="close_ghost",
            sources=BEING_ADMITTED | AT_WORK | {Is.EXPECTED},
            target=None,
            who=IN_THE_ROOM,
            needs_reason=True,
            during=_AFTER_START,
        ),
    ]
)
