"""What a transition changes once its rule and guard have let it pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exams.allowances import allowance_in
from appliance.exams.standing import Attempt, Readiness, Standing
from appliance.exams.states import AT_WORK, UNSETTLED, CandidateStatus, SittingStatus
from appliance.exams.timeline import GIVES_UP
from appliance.exams.timing import timing_in

if TYPE_CHECKING:
    from typing import Any

    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.timing import ExamTiming
    from appliance.exams.transitions import Event, Transition

_BEGINS: Final = frozenset({"begin", "begin_late"})
_FINISHES: Final = frozenset({"finish", "withdraw", "close_ghost"})
# What the register does not depend on; anything else that changes after signing voids the signature.
_NOT_IN_REGISTER: Final = frozenset({"sign_register", "close", "clock_stepped"})


def after(run: SittingRun, event: Event, rule: Transition) -> SittingRun:
    """Return the run as the event leaves it, its history aside."""
    if event.name == "enrol":
        changed = msgspec.structs.replace(run, people=run.people | {event.candidate: _enrolled(event)})
    elif event.candidate:
        person = _person(run.people[event.candidate], event, rule)
        people = run.people | {event.candidate: _without_taken_seat(run, person)}
        changed = msgspec.structs.replace(run, people=people)
    else:
        changed = _sitting(run, event, rule)
    if event.name not in _NOT_IN_REGISTER and changed.signed_by:
        changed = msgspec.structs.replace(changed, signed_by="", signed_us=None)
    return changed


def close_ghost(person: Standing, event: Event) -> Standing:
    """Return a candidate nobody waits for any more, with a settled state.

    Who had begun has finished, who was expected is absent, who came and never began is withdrawn; whose new attempt
    never began has finished with the one before.
    """
    if person.earlier and not person.took_part:
        return _given_up(person, event)
    if person.status in AT_WORK:
        status = CandidateStatus.FINISHED
    elif person.status is CandidateStatus.EXPECTED:
        status = CandidateStatus.ABSENT
    else:
        status = CandidateStatus.WITHDRAWN
    finished = event.at_us if person.status in AT_WORK else person.finished_us
    return msgspec.structs.replace(person, status=status, finished_us=finished, why=event.why)


def _given_up(person: Standing, event: Event) -> Standing:
    """Return who does not take a new attempt, as they finished the one before."""
    *before, last = person.earlier
    return msgspec.structs.replace(
        person, status=CandidateStatus.FINISHED, begun_us=last.begun_us, finished_us=last.finished_us,
        session=last.session, earlier=tuple(before), why=event.why,
    )  # fmt: skip


def _anew(person: Standing, event: Event) -> Standing:
    """Return who is to take another attempt: who left comes again, who is still there has been checked."""
    last = Attempt(session=str(event.detail["before"]), begun_us=person.begun_us, finished_us=person.finished_us)
    left = person.status is CandidateStatus.LEFT
    return msgspec.structs.replace(
        person, status=CandidateStatus.EXPECTED if left else CandidateStatus.IDENTITY_CHECKED, begun_us=None,
        finished_us=None, left_us=None, session=str(event.detail["session"]), earlier=(*person.earlier, last),
        why=event.why,
    )  # fmt: skip


def _person(person: Standing, event: Event, rule: Transition) -> Standing:
    if event.name == "close_ghost":
        return close_ghost(person, event)
    if event.name == "new_attempt":
        return _anew(person, event)
    if event.name in GIVES_UP and person.earlier and not person.took_part:
        return _given_up(person, event)
    changes: dict[str, Any] = {} if rule.target is None else {"status": CandidateStatus(rule.target)}
    if rule.needs_reason:
        changes["why"] = event.why
    if event.name in {"arrive", "readmit"}:
        changes["arrived_us"] = event.at_us if person.arrived_us is None else person.arrived_us
    elif event.name in _BEGINS:
        changes["begun_us"] = event.at_us
    elif event.name in _FINISHES and person.status in AT_WORK:
        changes["finished_us"] = event.at_us
    elif event.name == "continue_writing":
        changes["finished_us"] = None
    elif event.name == "leave":
        changes["left_us"] = event.at_us
    return msgspec.structs.replace(person, **changes, **_details(event))


def _without_taken_seat(run: SittingRun, person: Standing) -> Standing:
    """Return who comes back without the seat that somebody else was given meanwhile."""
    if run.people[person.candidate].occupies_seat or not person.occupies_seat:
        return person
    taken = any(
        other.seat == person.seat and other.occupies_seat and other.candidate != person.candidate
        for other in run.people.values()
    )
    return msgspec.structs.replace(person, seat="") if taken else person


def _details(event: Event) -> dict[str, Any]:
    match event.name:
        case "seat" | "move_seat" | "assign_seat":
            return {"seat": event.detail["seat"]}
        case "submit" | "correct_papers":
            return {"papers": event.detail.get("papers", 0)}
        case "set_allowance":
            return {"planned": allowance_in(event.detail)}
        case _:
            return {}


def _sitting(run: SittingRun, event: Event, rule: Transition) -> SittingRun:
    changes: dict[str, Any] = {} if rule.target is None else {"status": SittingStatus(rule.target)}
    match event.name:
        case "note_readiness":
            missing = tuple((name, str(what)) for name, what in sorted(event.detail.items()))
            changes["readiness"] = _noted(run, missing)
        case "override_readiness":
            changes["readiness"] = msgspec.structs.replace(
                run.readiness, overridden_by=event.who, overridden_why=event.why
            )
        case "accept_change":
            changes["exams"] = run.exams | {str(event.detail["exam"]): _retimed(run, event)}
        case "change_plan":
            changes["timing"] = timing_in(event.detail)
        case "end" | "end_early":
            changes["people"] = {name: _ended(person, event) for name, person in run.people.items()}
        case "close_ghosts" | "call_off":
            changes["people"] = {
                name: _settled(person, event) if person.status in UNSETTLED else person
                for name, person in run.people.items()
            }
        case "sign_register":
            changes |= {"signed_by": event.who, "signed_us": event.at_us}
    return msgspec.structs.replace(run, **changes)


def _retimed(run: SittingRun, event: Event) -> ExamTiming:
    return msgspec.structs.replace(
        run.exams[str(event.detail["exam"])],
        duration_us=int(event.detail["duration_us"]),
        window_start_us=int(event.detail["window_start_us"]),
        window_end_us=int(event.detail["window_end_us"]),
    )


def _enrolled(event: Event) -> Standing:
    return Standing(
        candidate=event.candidate,
        exam=str(event.detail["exam"]),
        planned=allowance_in(event.detail),
        identity_asked=bool(event.detail.get("identity_asked", True)),
        why=event.why,
    )


def _noted(run: SittingRun, missing: tuple[tuple[str, str], ...]) -> Readiness:
    """Return the new finding; an override stands only for things that were missing when it was made."""
    known = {name for name, _ in run.readiness.missing}
    covered = all(name in known for name, _ in missing)
    by, why = (run.readiness.overridden_by, run.readiness.overridden_why) if covered else ("", "")
    return msgspec.structs.replace(run.readiness, checked=True, missing=missing, overridden_by=by, overridden_why=why)


def _ended(person: Standing, event: Event) -> Standing:
    if person.status not in AT_WORK:
        return person
    return msgspec.structs.replace(person, status=CandidateStatus.FINISHED, finished_us=event.at_us)


def _settled(person: Standing, event: Event) -> Standing:
    if event.name == "close_ghosts":
        return close_ghost(person, event)
    return msgspec.structs.replace(person, status=CandidateStatus.WITHDRAWN, why=event.why)
