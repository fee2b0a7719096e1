"""A sitting as it stands: what folding its history gives, and the one way to change it.

``apply`` takes a state and an event and returns the next state, or raises and changes nothing. ``replay`` folds a
stored history. An accepted history replays to the same state always: nothing here looks at a clock or at chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.effects import after
from appliance.exams.guards import GUARDS
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.standing import Readiness, Standing
from appliance.exams.states import SittingStatus
from appliance.exams.timeline import Timeline
from appliance.exams.timing import End, ExamTiming, SittingTiming, end_of
from appliance.exams.transitions import Event, IllegalTransitionError, check, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exams.transitions import Transition


class SittingRun(msgspec.Struct, frozen=True, kw_only=True):
    """A sitting with everybody in it. ``exams`` by id; ``signed_by`` is empty until the register is signed off.

    ``automatic``: the box opens it by itself and nobody is in the room (`Transition.unattended`).
    ``timeline`` is what ``history`` says about time, kept beside it so that no answer reads all of it again.
    """

    sitting: str
    timing: SittingTiming
    exams: dict[str, ExamTiming]
    people: dict[str, Standing]
    automatic: bool = False
    status: SittingStatus = SittingStatus.PLANNED
    readiness: Readiness = Readiness()
    signed_by: str = ""
    signed_us: int | None = None
    history: tuple[Event, ...] = ()
    timeline: Timeline = msgspec.field(default_factory=Timeline)

    def exam_of(self, candidate: str) -> ExamTiming:
        """Return the timing of a candidate's exam."""
        return self.exams[self.people[candidate].exam]

    def end_of(self, candidate: str, *, now_us: int) -> End:
        """Return when a candidate's time is over, and why (wall)."""
        return self.ends(now_us, [candidate])[candidate]

    def ends(self, now_us: int, candidates: Iterable[str] | None = None) -> dict[str, End]:
        """Return the end of each candidate, or of those named."""
        return {
            one: end_of(
                self.timeline, self.timing, self.exam_of(one), one, now_us=now_us, planned=self.people[one].planned
            )
            for one in (self.people if candidates is None else candidates)
        }

    def with_events(self, events: Iterable[Event]) -> SittingRun:
        """Return the run with events put in its history unchecked: to ask what would be."""
        history, timeline = self.history, self.timeline
        for event in events:
            history, timeline = (*history, event), timeline.after(event)
        return msgspec.structs.replace(self, history=history, timeline=timeline)


def apply(run: SittingRun, event: Event) -> SittingRun:
    """Return the state after the event.

    Raises:
        IllegalTransitionError: the event is not possible now; ``run`` stands as it was.
    """
    rule = _rule(run, event)
    guard = GUARDS.get(event.name)
    if guard is not None:
        guard(run, event)
    return after(run, event, rule).with_events([event])


def replay(planned: SittingRun, history: Iterable[Event]) -> SittingRun:
    """Return the state a stored history leads to from the plan.

    Raises:
        IllegalTransitionError: the history is not one that ``apply`` accepted.
    """
    run = planned
    for event in history:
        run = apply(run, event)
    return run


def restored(run: SittingRun, accepted: Iterable[Event]) -> SittingRun:
    """Return the state after events that `apply` accepted once, without asking again.

    A stored history is what happened: a guard that newer software has made stricter does not undo it. Gives what
    `replay` gives, in a fraction of the time.
    """
    events = tuple(accepted)
    timeline = run.timeline
    for event in events:
        run = after(run, event, SITTING_TABLE.get(event.name) or CANDIDATE_TABLE[event.name])
        timeline = timeline.after(event)
    return msgspec.structs.replace(run, history=(*run.history, *events), timeline=timeline)


def _rule(run: SittingRun, event: Event) -> Transition:
    if event.name in SITTING_TABLE or not event.candidate:
        if event.candidate and event.name != "enrol":
            raise IllegalTransitionError(
                f"“{spoken(event.name)}” is for the whole sitting, not for one candidate.",
                reason="whole_sitting",
                hint="Ask without naming a candidate.",
            )
        return check(SITTING_TABLE, run.status, event, automatic=run.automatic)
    person = run.people.get(event.candidate)
    if person is None:
        raise IllegalTransitionError(
            "This candidate is not on the roster of this sitting.",
            reason="unknown_candidate",
            hint="Look at the roster, or transfer the candidate here.",
        )
    rule = check(CANDIDATE_TABLE, person.status, event, automatic=run.automatic)
    if rule.during is not None and run.status not in rule.during:
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” is not possible while the sitting is “{spoken(run.status)}”.",
            reason="sitting_state",
            hint="Wait until the sitting is that far, or load the page again.",
        )
    return rule
