"""A sitting to try things on, and random histories of it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.exams.allowances import Allowance
from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.sitting_run import SittingRun, apply
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.standing import Standing
from appliance.exams.timing import ExamTiming, LateRule, SittingTiming
from appliance.exams.transitions import Event, IllegalTransitionError, Role, Transition

MINUTE = 60 * SECOND_US
NINE = 1_795_600_800 * SECOND_US
"""09:00 UTC: the planned start."""
ADA, BOB, EVE = "ada", "bob", "eve"
HOUR_EXAM = ExamTiming(duration_us=60 * MINUTE, window_start_us=NINE - 60 * MINUTE, window_end_us=NINE + 600 * MINUTE)
PRACTICE = ExamTiming(
    duration_us=60 * MINUTE,
    window_start_us=NINE - 60 * MINUTE,
    window_end_us=NINE + 600 * MINUTE,
    cap_us=20 * MINUTE,
)
SETTLED_DETAIL: dict[str, dict[str, str | int | bool]] = {
    "consent": {"notice": "2026-1"},
    "extend": {"amount_us": 5 * MINUTE},
    "extend_all": {"amount_us": 5 * MINUTE},
    "enrol": {"exam": "maths"},
    "accept_change": {
        "exam": "maths",
        "duration_us": 90 * MINUTE,
        "window_start_us": NINE - 60 * MINUTE,
        "window_end_us": NINE + 500 * MINUTE,
    },
    "change_plan": {"start_us": NINE + 15 * MINUTE, "late_rule": "common_end"},
    "transfer": {"sitting": "another"},
    "new_attempt": {"session": "s-2", "before": "s-1"},
    "clock_stepped": {"by_us": 90 * SECOND_US},
}


def planned(late_rule: LateRule = "full_time") -> SittingRun:
    """Ada has a quarter more, Bob none, Eve only practises; who begins after half past nine is late."""
    timing = SittingTiming(start_us=NINE, last_start_us=NINE + 30 * MINUTE, late_rule=late_rule)
    people = {
        ADA: Standing(candidate=ADA, exam="maths", planned=Allowance(percent_hundredths=2500)),
        BOB: Standing(candidate=BOB, exam="maths", identity_asked=False),
        EVE: Standing(candidate=EVE, exam="practice"),
    }
    exams = {"maths": HOUR_EXAM, "practice": PRACTICE}
    return SittingRun(sitting="morning", timing=timing, exams=exams, people=people)


def event(name: str, at_us: int, candidate: str = "", role: Role | None = None, why: str = "", **detail: Any) -> Event:
    """An event by somebody who may do it, with a reason where one is needed."""
    rule = (SITTING_TABLE | CANDIDATE_TABLE)[name]
    chosen: Role = role or ("invigilator" if "invigilator" in rule.who else min(rule.who))
    reason = why or ("because" if rule.needs_reason else "")
    return Event(
        name=name,
        at_us=at_us,
        who=f"the {chosen}",
        role=chosen,
        candidate=candidate,
        why=reason,
        detail=SETTLED_DETAIL.get(name, {}) | detail,
    )


def seated(run: SittingRun, *candidates: str, at_us: int = NINE - 10 * MINUTE) -> SittingRun:
    """The run with these candidates admitted and in their seats."""
    for one in candidates:
        for name, detail in (
            ("arrive", {}),
            ("check_identity", {}),
            ("consent", {}),
            ("seat", {"seat": f"seat of {one}"}),
        ):
            run = apply(run, event(name, at_us, one, **detail))
    return run


def admitting(run: SittingRun | None = None) -> SittingRun:
    """The run with its room ready and its doors open."""
    run = planned() if run is None else run
    for name in ("check_readiness", "note_readiness", "admit"):
        run = apply(run, event(name, NINE - 20 * MINUTE))
    return run


def writing(*candidates: str, run: SittingRun | None = None, at_us: int = NINE) -> SittingRun:
    """A running sitting in which these candidates began at once."""
    run = apply(seated(admitting(run), *candidates), event("start", at_us))
    for one in candidates:
        run = apply(run, event("begin", at_us, one))
    return run


def after(run: SittingRun, *events: Event) -> SittingRun:
    """The run after events that are all possible."""
    for one in events:
        run = apply(run, one)
    return run


def refusal(run: SittingRun, one: Event) -> str:
    """The stable word an event is refused with, "" where it is possible."""
    try:
        apply(run, one)
    except IllegalTransitionError as problem:
        return problem.reason if problem.message and problem.hint else "unexplained"
    return ""


def _rules(run: SittingRun) -> list[tuple[str, Transition]]:
    """Every rule that fits the present states, by whom it concerns."""
    found = [("", rule) for rule in SITTING_TABLE.values() if run.status in rule.sources]
    for person in run.people.values():
        found += [
            (person.candidate, rule)
            for rule in CANDIDATE_TABLE.values()
            if person.status in rule.sources and (rule.during is None or run.status in rule.during)
        ]
    return found


@st.composite
def _likely(draw: st.DrawFn, run: SittingRun, at_us: int) -> Event:
    candidate, rule = draw(st.sampled_from(_rules(run)))
    detail: dict[str, str | int | bool] = dict(SETTLED_DETAIL.get(rule.name, {}))
    if rule.name in {"seat", "move_seat", "assign_seat"}:
        detail["seat"] = draw(st.sampled_from(["1", "2", "3", "4"]))
    elif rule.name in {"extend", "extend_all"}:
        detail["amount_us"] = draw(st.integers(1, 20 * MINUTE))
    elif rule.name == "clock_stepped":
        detail["by_us"] = draw(st.integers(-90 * MINUTE, 90 * MINUTE))
    elif rule.name in {"pause", "pause_all"}:
        detail["compensate"] = draw(st.booleans())
    elif rule.name == "take_break":
        detail["stops_clock"] = draw(st.booleans())
    elif rule.name == "enrol":
        candidate = draw(st.sampled_from(["dan", "kim", ADA]))
    elif rule.name == "set_allowance":
        detail["minutes"] = draw(st.integers(0, 30))
    elif rule.name == "note_readiness" and draw(st.booleans()):
        detail["camera"] = "no pictures"
    role = draw(st.sampled_from(sorted(rule.who)))
    return Event(name=rule.name, at_us=at_us, who="somebody", role=role, candidate=candidate, why="so", detail=detail)


_NAMES = [*sorted(SITTING_TABLE | CANDIDATE_TABLE), "nonsense"]
_ROLES: list[Role] = ["invigilator", "centre_manager", "reviewer", "candidate", "lms", "system", "centre"]
_anything = st.builds(
    Event,
    name=st.sampled_from(_NAMES),
    at_us=st.integers(NINE - 30 * MINUTE, NINE + 200 * MINUTE),
    who=st.just("somebody"),
    role=st.sampled_from(_ROLES),
    candidate=st.sampled_from(["", ADA, BOB, EVE, "nobody"]),
    why=st.sampled_from(["", "so"]),
    detail=st.dictionaries(st.sampled_from(["amount_us", "seat", "by_us", "minutes"]), st.integers() | st.text()),
)


@st.composite
def attempts(draw: st.DrawFn, start: SittingRun, most: int = 40) -> list[Event]:
    """Things people try one after the other: mostly what fits the states then, sometimes anything."""
    run, now, tried = start, NINE, []
    for _ in range(draw(st.integers(0, most))):
        now += draw(st.integers(0, 10 * MINUTE))
        one = draw(_anything) if draw(st.integers(0, 9)) == 0 else draw(_likely(run, now))
        tried.append(one)
        if not refusal(run, one):
            run = apply(run, one)
            if one.name == "clock_stepped":
                now += int(one.detail["by_us"])
    return tried
