"""What a transition is: an event that happened, the rule that lets it happen, and the refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.errors import ConflictError
from appliance.exams.states import SittingStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


Role = Literal[
    "administrator", "centre_manager", "invigilator", "reviewer", "auditor", "candidate", "lms", "centre", "system"
]
"""Who did it: people by their account's role, else the candidate, the LMS, the central service, the box itself."""
SYSTEM: frozenset[Role] = frozenset({"system"})
IN_THE_ROOM: frozenset[Role] = frozenset({"invigilator", "centre_manager"})
MANAGERS: frozenset[Role] = frozenset({"centre_manager"})
REVIEWERS: frozenset[Role] = frozenset({"reviewer"})

MAX_REASON = 2000
MAX_DETAILS = 50
MAX_DETAIL = 500


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; stored and logged as it is, and enough to rebuild the state.

    ``name``: the transition. ``at_us``: the box's wall time then. ``who``: the person or program, ``role`` in what
    capacity. ``candidate``: whom it concerns, empty for the whole sitting. ``why``: the reason. ``detail``: values.
    """

    name: str
    at_us: int
    who: str
    role: Role
    candidate: str = ""
    why: str = ""
    detail: dict[str, str | int | bool] = {}


class IllegalTransitionError(ConflictError):
    """What was asked is not possible now; nothing has changed. ``reason`` is a stable word for why."""

    code = "exams.illegal_transition"

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of one named transition.

    ``sources``: the states it leaves. ``target``: the state it leads to, None where it stays. ``who``: roles that may.
    ``needs_reason``: whether it is refused without one. ``during``: the sitting's states it is possible in (None: any).
    ``unattended``: roles that may as well in a sitting the box opens by itself, where nobody is in the room.
    """

    name: str
    sources: frozenset[str]
    target: str | None
    who: frozenset[Role]
    needs_reason: bool = False
    during: frozenset[SittingStatus] | None = None
    unattended: frozenset[Role] = frozenset()


Table = dict[str, Transition]


def table_of(transitions: Iterable[Transition]) -> Table:
    """Return the transitions by name; a name given twice is a mistake of ours (ValueError)."""
    table: Table = {}
    for transition in transitions:
        if transition.name in table:
            raise ValueError(transition.name)
        table[transition.name] = transition
    return table


def check(table: Mapping[str, Transition], state: str, event: Event, *, automatic: bool = False) -> Transition:
    """Return the rule that lets the event happen in this state; ``automatic``: in a sitting the box opens by itself.

    Raises:
        IllegalTransitionError: by ``reason``: unknown, state, who, nobody, no_reason, reason_too_long, bad_detail.
    """
    rule = table.get(event.name)
    if rule is None:
        raise IllegalTransitionError(
            f"There is no transition {event.name[:60]!r}.", reason="unknown", hint="Update the box, or report this."
        )
    if state not in rule.sources:
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” is not possible: the present state is “{spoken(state)}”.",
            reason="state",
            hint="Load the page again: somebody may have been faster.",
        )
    _check_person(rule, event, rule.who | rule.unattended if automatic else rule.who)
    return rule


def _check_person(rule: Transition, event: Event, may: frozenset[Role]) -> None:
    if event.role not in may:
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” is not for the role “{spoken(event.role)}”.",
            reason="who",
            hint="Ask somebody who may, such as the centre manager.",
        )
    if not event.who.strip():
        raise IllegalTransitionError("It must be known who did this.", reason="nobody", hint="Sign in and try again.")
    if rule.needs_reason and not event.why.strip():
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” needs a reason.", reason="no_reason", hint="Write in a few words why."
        )
    if len(event.why) > MAX_REASON:
        raise IllegalTransitionError(
            f"The reason is longer than {MAX_REASON} characters.", reason="reason_too_long", hint="Shorten it."
        )
    _check_detail(event)


def _check_detail(event: Event) -> None:
    texts = [*event.detail, *(value for value in event.detail.values() if isinstance(value, str))]
    if len(event.detail) > MAX_DETAILS or any(len(text) > MAX_DETAIL for text in texts):
        raise IllegalTransitionError(
            "The details are too long.", reason="bad_detail", hint="Shorten them; write the rest as an incident."
        )


def possible(table: Mapping[str, Transition], state: str, role: Role) -> list[str]:
    """Return the names of what this role may do in this state, guards aside: what a page offers."""
    return sorted(rule.name for rule in table.values() if state in rule.sources and role in rule.who)


def spoken(word: str) -> str:
    """Return a name of a state, transition or role with spaces: ``on break``."""
    return word.replace("_", " ")
