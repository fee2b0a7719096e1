"""What a page offers for a candidate or a sitting, and what each act asks for (pure).

The tables of ``exams/`` say what is possible; this says in which order it is offered, which act is the next one, and
which fields its form has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.sitting_run import apply
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.states import AT_WORK, UNSETTLED, CandidateStatus, SittingStatus
from appliance.exams.timing import start_window
from appliance.exams.transitions import Event, IllegalTransitionError, possible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing
    from appliance.exams.transitions import Role

FieldName = Literal[
    "document", "result", "notice", "seat", "minutes", "keep_time", "stops_clock", "percent", "extra_minutes",
    "papers", "to",
]  # fmt: skip
FIELDS: Final[dict[str, tuple[FieldName, ...]]] = {
    "check_identity": ("document", "result"),
    "consent": ("notice",),
    "seat": ("seat",),
    "move_seat": ("seat",),
    "assign_seat": ("seat",),
    "pause": ("keep_time",),
    "pause_all": ("keep_time",),
    "take_break": ("stops_clock",),
    "extend": ("minutes",),
    "extend_all": ("minutes",),
    "set_allowance": ("percent", "extra_minutes"),
    "submit": ("papers",),
    "correct_papers": ("papers",),
    "transfer": ("to",),
}
"""What each act's form asks beside the reason."""
_FIRST: Final[dict[CandidateStatus, tuple[str, ...]]] = {
    CandidateStatus.EXPECTED: ("arrive",),
    CandidateStatus.ABSENT: ("arrive",),
    CandidateStatus.ARRIVED: ("skip_identity", "check_identity"),
    CandidateStatus.IDENTITY_CHECKED: ("consent",),
    CandidateStatus.CONSENTED: ("seat",),
    CandidateStatus.SEATED: ("begin", "begin_late"),
    CandidateStatus.WRITING: ("take_break",),
    CandidateStatus.PAUSED: ("resume",),
    CandidateStatus.ON_BREAK: ("return_from_break",),
    CandidateStatus.FINISHED: ("submit",),
    CandidateStatus.SUBMITTED: ("leave",),
}
"""The act that usually comes next, the first of those that are possible."""
_ORDER: Final = (
    "arrive", "skip_identity", "check_identity", "waive_identity", "consent", "seat", "begin", "begin_late", "resume",
    "return_from_break", "take_break", "pause", "extend", "finish", "submit", "leave", "set_allowance", "assign_seat",
    "move_seat",
    "correct_papers", "continue_writing", "readmit", "mark_absent", "withdraw", "refuse", "transfer", "close_ghost",
)  # fmt: skip
_GRAVE: Final = frozenset({"withdraw", "refuse", "close_ghost", "close_ghosts", "end_early", "call_off", "end"})
BULK: Final[dict[str, tuple[CandidateStatus, ...]]] = {
    "arrive": (CandidateStatus.EXPECTED,),
    "skip_identity": (CandidateStatus.ARRIVED,),
    "begin": (CandidateStatus.SEATED,),
    "submit": (CandidateStatus.FINISHED,),
    "leave": (CandidateStatus.SUBMITTED,),
    "mark_absent": (CandidateStatus.EXPECTED,),
}
"""What can be done for everybody in a state at once."""


@dataclass(frozen=True, slots=True)
class Action:
    """One act as a page offers it; ``fields`` are asked, ``blocked`` says why it is not possible at this moment."""

    name: str
    needs_reason: bool = False
    fields: tuple[FieldName, ...] = ()
    grave: bool = False
    blocked: str = ""
    hint: str = ""

    @property
    def plain(self) -> bool:
        """Whether one tap does it: nothing is asked."""
        return not self.needs_reason and not self.fields


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered for one candidate: the act that comes next, if there is one, and all others in order."""

    next: Action | None
    others: tuple[Action, ...]

    @property
    def all(self) -> tuple[Action, ...]:
        """Every act, the next one first."""
        return ((self.next,) if self.next else ()) + self.others


def candidate_offer(run: SittingRun, person: Standing, role: Role, now_us: int) -> Offer:
    """Return what this role may do for a candidate now, what its guards can tell before anything is entered."""
    names = [name for name in possible(CANDIDATE_TABLE, person.status, role) if _fits(run, person, name, now_us)]
    names.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    first = next((name for name in _FIRST.get(person.status, ()) if name in names), None)
    found = [_action(name) for name in names]
    return Offer(
        next((action for action in found if action.name == first), None),
        tuple(action for action in found if action.name != first),
    )


def _action(name: str, *, blocked: str = "", hint: str = "") -> Action:
    rule = CANDIDATE_TABLE.get(name) or SITTING_TABLE[name]
    return Action(name, rule.needs_reason, FIELDS.get(name, ()), name in _GRAVE, blocked, hint)


def _fits(run: SittingRun, person: Standing, name: str, now_us: int) -> bool:
    """Whether the guards would let it pass, as far as they do not depend on what is entered."""
    during = CANDIDATE_TABLE[name].during
    if during is not None and run.status not in during:
        return False
    last = start_window(run.timeline, run.timing, run.exam_of(person.candidate))[1]
    allowed = {
        "skip_identity": not person.identity_asked,
        "check_identity": person.identity_asked,
        "waive_identity": person.identity_asked,
        "continue_writing": person.took_part,
        "readmit": not person.took_part,
        "begin": now_us <= last,
        "extend": person.status in AT_WORK,
        "begin_late": now_us > last,
        "close_ghost": run.status is SittingStatus.ENDED or person.status in AT_WORK,
    }
    return allowed.get(name, True)


_STEPS: Final[dict[SittingStatus, tuple[str, ...]]] = {
    SittingStatus.PLANNED: ("check_readiness",),
    SittingStatus.READINESS_CHECK: ("admit",),
    SittingStatus.ADMITTING: ("start",),
    SittingStatus.RUNNING: ("end",),
    SittingStatus.PAUSED: ("resume_all",),
    SittingStatus.ENDED: ("sign_register",),
}
_BESIDE: Final[dict[SittingStatus, tuple[str, ...]]] = {
    SittingStatus.PLANNED: ("call_off",),
    SittingStatus.READINESS_CHECK: ("call_off",),
    SittingStatus.ADMITTING: ("call_off",),
    SittingStatus.RUNNING: ("pause_all", "extend_all", "end_early"),
    SittingStatus.PAUSED: ("extend_all", "end_early"),
    SittingStatus.ENDED: ("close_ghosts",),
    SittingStatus.CLOSED: ("reopen",),
}


def sitting_offer(run: SittingRun, role: Role, who: str, now_us: int) -> Offer:
    """Return the sitting's next step and what stands beside it; a step that is not possible yet says why."""
    step = "close" if run.status is SittingStatus.ENDED and run.signed_by else _STEPS.get(run.status, ("",))[0]
    first = _tried(run, step, role, who, now_us) if step and role in SITTING_TABLE[step].who else None
    names = [name for name in _BESIDE.get(run.status, ()) if role in SITTING_TABLE[name].who]
    if run.status is SittingStatus.READINESS_CHECK and run.readiness.missing and not run.readiness.overridden_by:
        names = ["override_readiness", *names] if role in SITTING_TABLE["override_readiness"].who else names
    if not any(person.status in UNSETTLED for person in run.people.values()):
        names = [name for name in names if name != "close_ghosts"]
    if first is not None and first.name == "end" and not first.blocked:
        names = [name for name in names if name != "end_early"]
    return Offer(first, tuple(_action(name) for name in names))


def _tried(run: SittingRun, name: str, role: Role, who: str, now_us: int) -> Action:
    """Return the act with what would stop it now: the state machine itself is asked, nothing is done."""
    try:
        apply(run, Event(name=name, at_us=now_us, who=who or "?", role=role))
    except IllegalTransitionError as problem:
        return _action(name, blocked=problem.message, hint=problem.hint)
    return _action(name)


def bulk_offer(run: SittingRun, role: Role) -> list[tuple[str, int]]:
    """Return what can be done for several candidates at once, with how many."""
    found = []
    for name in BULK:
        rule = CANDIDATE_TABLE[name]
        if role not in rule.who or (rule.during is not None and run.status not in rule.during):
            continue
        count = len(bulk_of(run, name))
        if count > 1:
            found.append((name, count))
    return found


def bulk_of(run: SittingRun, name: str) -> list[str]:
    """Return whom an act for several is about: everybody in its state, those an identity is asked of aside."""
    states = BULK[name]
    return [
        person.candidate
        for person in run.people.values()
        if person.status in states and not (name == "skip_identity" and person.identity_asked)
    ]


def detail_of(name: str, fields: Mapping[str, str | int | bool | None]) -> dict[str, str | int | bool]:
    """Return an event's detail out of what a form held; guards say what is missing.

    Args:
        name: the act.
        fields: by field name; texts are trimmed, ``minutes`` and ``percent`` are numbers.
    """
    detail: dict[str, str | int | bool] = {}
    for field in FIELDS.get(name, ()):
        value = fields.get(field)
        match field:
            case "keep_time":
                detail["compensate"] = bool(value)
            case "stops_clock":
                detail["stops_clock"] = bool(value)
            case "minutes":
                detail["amount_us"] = int(value or 0) * 60_000_000
            case "percent":
                detail["percent_hundredths"] = int(value or 0) * 100
            case "extra_minutes":
                detail["minutes"] = int(value or 0)
            case "to":
                detail["sitting"] = str(value or "").strip()
            case "papers":
                detail["papers"] = int(value or 0)
            case _:
                text = str(value or "").strip()
                if text or name == "assign_seat":  # empty: the seat is taken back
                    detail[field] = text
    return detail
