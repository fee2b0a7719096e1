"""The review of a session: a person's conclusion, its history, and what of it the LMS is told.

The first verdict is told to the LMS. A changed verdict is not, until somebody ``release``s it with a reason: what the
LMS has booked as completion or score never changes silently. A result that "requires validation" is held until then.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from appliance.exams.states import ReviewStatus as Is
from appliance.exams.transitions import (
    MANAGERS,
    REVIEWERS,
    Event,
    IllegalTransitionError,
    Role,
    Table,
    Transition,
    check,
    table_of,
)

Conclusion = Literal["accepted", "rejected", "unknown"]
_DECIDED: Final = frozenset({Is.PASSED, Is.FAILED})
_JUDGES: Final[frozenset[Role]] = REVIEWERS | MANAGERS
_CONCLUSIONS: Final[dict[Is, Conclusion]] = {Is.PASSED: "accepted", Is.FAILED: "rejected"}

REVIEW_TABLE: Final[Table] = table_of(
    [
        Transition(
            name="make_ready",
            sources=frozenset({Is.NOT_READY}),
            target=Is.READY_FOR_REVIEW,
            who=frozenset({"system"}),
        ),
        Transition(name="pass", sources=frozenset({Is.READY_FOR_REVIEW}), target=Is.PASSED, who=_JUDGES),
        Transition(
            name="fail",
            sources=frozenset({Is.READY_FOR_REVIEW}),
            target=Is.FAILED,
            who=_JUDGES,
            needs_reason=True,
        ),
        Transition(
            name="change_to_passed", sources=frozenset({Is.FAILED}), target=Is.PASSED, who=_JUDGES, needs_reason=True
        ),
        Transition(
            name="change_to_failed", sources=frozenset({Is.PASSED}), target=Is.FAILED, who=_JUDGES, needs_reason=True
        ),
        Transition(  # by somebody else than the last verdict's author
            name="ask_second", sources=_DECIDED, target=Is.READY_FOR_REVIEW, who=_JUDGES, needs_reason=True
        ),
        Transition(name="release", sources=_DECIDED, target=None, who=MANAGERS, needs_reason=True),
    ]
)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion of a person on a session."""

    status: Is
    who: str
    at_us: int
    why: str


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The review task of a session. ``verdicts``: all, oldest first. ``released``: the one the LMS was told."""

    session: str
    requires_validation: bool = False
    status: Is = Is.NOT_READY
    verdicts: tuple[Verdict, ...] = ()
    released: Verdict | None = None
    second_wanted: bool = False
    history: tuple[Event, ...] = ()

    @property
    def conclusion(self) -> Conclusion:
        """What the LMS is told: the released verdict, ``unknown`` before one."""
        return "unknown" if self.released is None else _CONCLUSIONS[self.released.status]

    @property
    def held(self) -> bool:
        """Whether the result waits for a person."""
        return self.requires_validation and self.released is None

    @property
    def differs(self) -> bool:
        """Whether the LMS was told something else than what is concluded now."""
        return bool(self.verdicts) and self.released != self.verdicts[-1]


def review(task: Review, event: Event) -> Review:
    """Return the task after the event.

    Raises:
        IllegalTransitionError: it is not possible now (``reason`` also: same_person, nothing_new); nothing changes.
    """
    rule = check(REVIEW_TABLE, task.status, event)
    changed = msgspec.structs.replace(task, history=(*task.history, event))
    if rule.target is not None:
        changed = msgspec.structs.replace(changed, status=Is(rule.target))
    if event.name == "ask_second":
        return msgspec.structs.replace(changed, second_wanted=True)
    if event.name == "release":
        return _released(changed)
    return _concluded(changed, event) if changed.status in _DECIDED else changed


def _concluded(task: Review, event: Event) -> Review:
    if task.second_wanted and task.verdicts[-1].who == event.who:
        raise IllegalTransitionError(
            "A second review is made by somebody else.", reason="same_person", hint="Ask another reviewer."
        )
    verdict = Verdict(status=task.status, who=event.who, at_us=event.at_us, why=event.why)
    return msgspec.structs.replace(
        task,
        verdicts=(*task.verdicts, verdict),
        released=verdict if task.released is None else task.released,
        second_wanted=False,
    )


def _released(task: Review) -> Review:
    if not task.differs:
        raise IllegalTransitionError(
            "The LMS knows this verdict already.", reason="nothing_new", hint="Nothing needs to be done."
        )
    return msgspec.structs.replace(task, released=task.verdicts[-1])
