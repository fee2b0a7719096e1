"""Every named transition of a sitting. Guards that need more than the state are in ``guards.py``."""

from __future__ import annotations

from typing import Final

from appliance.exams.states import BEFORE_CLOSE
from appliance.exams.states import SittingStatus as Is
from appliance.exams.transitions import IN_THE_ROOM, MANAGERS, SYSTEM, Role, Table, Transition, table_of

_STAFF: Final[frozenset[Role]] = IN_THE_ROOM | {"administrator"}
_BEFORE_START: Final = frozenset({Is.PLANNED, Is.READINESS_CHECK, Is.ADMITTING})

SITTING_TABLE: Final[Table] = table_of(
    [
        Transition(
            name="check_readiness",
            sources=frozenset({Is.PLANNED}),
            target=Is.READINESS_CHECK,
            who=_STAFF | {"system"},
        ),
        Transition(
            name="note_readiness",  # detail: each thing that is missing and what is wrong with it; empty: ready
            sources=frozenset({Is.READINESS_CHECK, Is.ADMITTING, Is.RUNNING, Is.PAUSED}),
            target=None,
            who=frozenset({"system"}),
        ),
        Transition(
            name="override_readiness",
            sources=frozenset({Is.READINESS_CHECK}),
            target=None,
            who=IN_THE_ROOM,
            needs_reason=True,
            unattended=SYSTEM,
        ),
        Transition(  # detail: exam, duration_us, window_start_us, window_end_us of an exam that its owner changed
            name="accept_change",
            sources=BEFORE_CLOSE - {Is.PLANNED, Is.ENDED},
            target=None,
            who=IN_THE_ROOM,
        ),
        Transition(  # detail: SittingTiming's fields where they are not None, exams (how many): the owner's new plan
            name="change_plan",
            sources=BEFORE_CLOSE - {Is.ENDED},
            target=None,
            who=frozenset({"centre"}),
            needs_reason=True,
        ),
        Transition(
            name="admit",
            sources=frozenset({Is.READINESS_CHECK}),
            target=Is.ADMITTING,
            who=IN_THE_ROOM,
            unattended=SYSTEM,
        ),
        Transition(  # detail: exam, identity_asked, percent_hundredths, minutes
            name="enrol",  # the event's candidate, who is not on the roster: a walk-in, a transfer from another sitting
            sources=_BEFORE_START | {Is.RUNNING, Is.PAUSED},
            target=None,
            who=IN_THE_ROOM | {"centre", "lms"},
            needs_reason=True,
        ),
        Transition(
            name="start",
            sources=frozenset({Is.ADMITTING}),
            target=Is.RUNNING,
            who=IN_THE_ROOM,
            unattended=SYSTEM,
        ),
        Transition(
            name="pause_all",  # detail: compensate (true unless said)
            sources=frozenset({Is.RUNNING}),
            target=Is.PAUSED,
            who=IN_THE_ROOM,
            needs_reason=True,
        ),
        Transition(name="resume_all", sources=frozenset({Is.PAUSED}), target=Is.RUNNING, who=IN_THE_ROOM),
        Transition(  # detail: amount_us; before the start too: what the centre gives is accepted when it is asked about
            name="extend_all",
            sources=frozenset({Is.READINESS_CHECK, Is.ADMITTING, Is.RUNNING, Is.PAUSED}),
            target=None,
            who=IN_THE_ROOM | {"centre"},
            needs_reason=True,
        ),
        Transition(
            name="end",  # everybody's time is over
            sources=frozenset({Is.RUNNING, Is.PAUSED}),
            target=Is.ENDED,
            who=IN_THE_ROOM | {"system"},
        ),
        Transition(
            name="end_early",  # an evacuation, everybody done
            sources=frozenset({Is.RUNNING, Is.PAUSED}),
            target=Is.ENDED,
            who=IN_THE_ROOM,
            needs_reason=True,
        ),
        Transition(
            name="close_ghosts",  # sessions nobody ends any more, all at once
            sources=frozenset({Is.ENDED}),
            target=None,
            who=IN_THE_ROOM,
            needs_reason=True,
            unattended=SYSTEM,
        ),
        Transition(name="sign_register", sources=frozenset({Is.ENDED}), target=None, who=IN_THE_ROOM),
        Transition(  # signed off; an automatic sitting closes without, for nobody could sign
            name="close",
            sources=frozenset({Is.ENDED}),
            target=Is.CLOSED,
            who=IN_THE_ROOM,
            unattended=SYSTEM,
        ),
        Transition(
            name="reopen",  # the register was wrong
            sources=frozenset({Is.CLOSED}),
            target=Is.ENDED,
            who=MANAGERS,
            needs_reason=True,
        ),
        Transition(
            name="call_off",
            sources=_BEFORE_START,
            target=Is.CLOSED,
            who=MANAGERS | {"centre"},
            needs_reason=True,
        ),
        Transition(
            name="clock_stepped",  # detail: by_us
            sources=BEFORE_CLOSE,
            target=None,
            who=frozenset({"system"}),
        ),
    ]
)
