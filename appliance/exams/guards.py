"""What must be true beyond the states for a transition: one small function a rule, named by the transition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.exams.states import AT_WORK, UNSETTLED, CandidateStatus
from appliance.exams.timing import start_window, timing_in
from appliance.exams.transitions import IllegalTransitionError, spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Event

MAX_EXTENSION_US: Final = 24 * 3600 * SECOND_US
MAX_PAPERS: Final = 10_000
MAX_LABEL: Final = 60
MAX_ID: Final = 80
_MAX_DURATION_US: Final = 31 * 24 * 3600 * SECOND_US
_MAX_PERCENT: Final = 30_000
_MAX_MINUTES: Final = 600
_FLAGS: Final = {"pause": "compensate", "pause_all": "compensate", "take_break": "stops_clock"}


def whole_number(event: Event, key: str, low: int, high: int, *, default: int | None = None) -> int:
    """Return a whole number of the event's detail.

    Raises:
        IllegalTransitionError: it is missing, no whole number, or out of range (``reason`` bad_detail).
    """
    value = event.detail.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” needs {key}: a whole number from {low} to {high}.",
            reason="bad_detail",
            hint="Give it and try again.",
        )
    return value


def _wanted_seat(event: Event) -> str:
    seat = event.detail.get("seat")
    if not isinstance(seat, str) or not 0 < len(seat.strip()) <= MAX_LABEL:
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” needs the name of a seat.", reason="bad_detail", hint="Choose a seat."
        )
    return seat


def _seat_is_free(run: SittingRun, event: Event) -> None:
    seat = _wanted_seat(event)
    for other in run.people.values():
        if other.candidate != event.candidate and other.seat == seat and other.occupies_seat:
            raise IllegalTransitionError(
                f"The seat {seat} is taken.", reason="seat_taken", hint="Choose another, or move who sits there first."
            )


def _planned_seat_is_free(run: SittingRun, event: Event) -> None:
    if event.detail.get("seat") != "":
        _seat_is_free(run, event)


def _names_exam(run: SittingRun, event: Event) -> None:
    if event.detail.get("exam") not in run.exams:
        raise IllegalTransitionError(
            "This exam is not part of the sitting.", reason="unknown_exam", hint="Choose one of the sitting's exams."
        )


def _has_timing(run: SittingRun, event: Event) -> None:
    _names_exam(run, event)
    whole_number(event, "duration_us", 1, _MAX_DURATION_US)
    first = whole_number(event, "window_start_us", -(2**53), 2**53)
    whole_number(event, "window_end_us", first, 2**53)


def _has_plan(_run: SittingRun, event: Event) -> None:
    try:
        timing = timing_in(event.detail)
    except msgspec.ValidationError as problem:
        raise IllegalTransitionError(
            f"The new plan's times cannot be read: {problem}.", reason="bad_detail", hint="Ask who planned it."
        ) from problem
    last = timing.last_start_us
    if last is not None and last < max(timing.start_us, timing.first_start_us or timing.start_us):
        raise IllegalTransitionError(
            "The new plan's last start lies before its start.", reason="bad_detail", hint="Ask who planned it."
        )


def _has_amount(run: SittingRun, event: Event) -> None:
    whole_number(event, "amount_us", 1, MAX_EXTENSION_US)
    if event.candidate and event.role != "centre" and run.people[event.candidate].status not in AT_WORK:
        raise IllegalTransitionError(
            "This candidate has not begun to write.",
            reason="not_begun",
            hint="Change the extra time that is planned for them instead.",
        )


def _has_allowance(_run: SittingRun, event: Event) -> None:
    whole_number(event, "percent_hundredths", 0, _MAX_PERCENT, default=0)
    whole_number(event, "minutes", 0, _MAX_MINUTES, default=0)


def _can_enrol(run: SittingRun, event: Event) -> None:
    if not 0 < len(event.candidate) <= MAX_ID:
        raise IllegalTransitionError(
            "It must be stated which candidate is enrolled.", reason="bad_detail", hint="Give it and try again."
        )
    _names_exam(run, event)
    known = run.people.get(event.candidate)
    if known is not None and known.status is not CandidateStatus.TRANSFERRED:
        raise IllegalTransitionError(
            "This candidate is on the roster already.", reason="on_roster", hint="Nothing needs to be done."
        )
    _has_allowance(run, event)
    _is_flag(event, "identity_asked")


def _has_flag(_run: SittingRun, event: Event) -> None:
    _is_flag(event, _FLAGS[event.name])


def _is_flag(event: Event, key: str) -> None:
    if not isinstance(event.detail.get(key, True), bool):
        raise IllegalTransitionError(
            f"“{spoken(event.name)}” takes {key} as yes or no.", reason="bad_detail", hint="Give it and try again."
        )


def _has_papers(_run: SittingRun, event: Event) -> None:
    whole_number(event, "papers", 0, MAX_PAPERS, default=0)


def _has_step(_run: SittingRun, event: Event) -> None:
    whole_number(event, "by_us", -(2**53), 2**53)


def _in_start_window(run: SittingRun, event: Event) -> None:
    first, last = start_window(run.timeline, run.timing, run.exam_of(event.candidate))
    if event.at_us < first:
        raise IllegalTransitionError(
            "It is too early to begin.", reason="too_early", hint="Wait for the first start of this exam."
        )
    if event.name == "begin" and event.at_us > last:
        raise IllegalTransitionError(
            "The last start has passed.",
            reason="too_late",
            hint="An invigilator can let the candidate begin late, with a reason.",
        )
    if run.with_events([event]).end_of(event.candidate, now_us=event.at_us).at_us <= event.at_us:
        raise IllegalTransitionError(
            "No writing time would be left: the common end has passed.",
            reason="no_time_left",
            hint="Give extra time to all first, or plan another sitting.",
        )


def _has_begun(run: SittingRun, event: Event) -> None:
    if not run.people[event.candidate].took_part:
        raise IllegalTransitionError(
            "This candidate has not begun to write.", reason="not_begun", hint="Readmit the candidate instead."
        )


def _has_not_begun(run: SittingRun, event: Event) -> None:
    if run.people[event.candidate].took_part:
        raise IllegalTransitionError(
            "This candidate has begun to write.", reason="begun", hint="Let the candidate continue writing instead."
        )


def _identity_not_asked(run: SittingRun, event: Event) -> None:
    if run.people[event.candidate].identity_asked:
        raise IllegalTransitionError(
            "This exam asks for the candidate's identity.",
            reason="identity_asked",
            hint="Check the document, or go on without with a reason.",
        )


def _is_ready(run: SittingRun, _event: Event) -> None:
    if not run.readiness.lets_admit:
        raise IllegalTransitionError(
            "The room is not ready.",
            reason="not_ready",
            hint="Mend what the readiness check names, or override it with a reason.",
        )


def _was_checked(run: SittingRun, _event: Event) -> None:
    if not run.readiness.checked:
        raise IllegalTransitionError(
            "Nothing has been checked yet that could be overridden.",
            reason="not_checked",
            hint="Wait for the readiness check to finish.",
        )


def _time_is_over(run: SittingRun, event: Event) -> None:
    writing = [person.candidate for person in run.people.values() if person.status in AT_WORK]
    ends = [run.end_of(candidate, now_us=event.at_us) for candidate in writing]
    waiting = sum(end.at_us > event.at_us for end in ends)
    if waiting:
        raise IllegalTransitionError(
            f"Candidates who still have time: {waiting}.",
            reason="time_left",
            hint="Wait for them, let them finish, or end early with a reason.",
        )


def _all_settled(run: SittingRun, _event: Event) -> None:
    open_ones = sum(person.status in UNSETTLED for person in run.people.values())
    if open_ones:
        raise IllegalTransitionError(
            f"Candidates whose attendance is open: {open_ones}.",
            reason="unsettled",
            hint="Mark who was absent; close sessions that nobody ends any more, with a reason.",
        )


def _is_signed(run: SittingRun, event: Event) -> None:
    _all_settled(run, event)
    if not run.signed_by and not run.automatic:
        raise IllegalTransitionError(
            "The register is not signed off.", reason="not_signed", hint="Check it and sign it off first."
        )


def _elsewhere(run: SittingRun, event: Event) -> None:
    other = event.detail.get("sitting")
    if not isinstance(other, str) or not other or other == run.sitting:
        raise IllegalTransitionError(
            "Name the other sitting the candidate goes to.", reason="bad_detail", hint="Choose another sitting."
        )


def _names_attempts(_run: SittingRun, event: Event) -> None:
    names = [event.detail.get(key) for key in ("session", "before")]
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_ID for name in names) or names[0] == names[1]:
        raise IllegalTransitionError(
            "It must be stated which attempt is new, and which is finished.", reason="bad_detail", hint="Try again."
        )


def _consented_to(_run: SittingRun, event: Event) -> None:
    notice = event.detail.get("notice")
    if not isinstance(notice, str) or not 0 < len(notice) <= MAX_LABEL:
        raise IllegalTransitionError(
            "It must be stated which version of the notice was shown.", reason="bad_detail", hint="Show the notice."
        )


GUARDS: Final[dict[str, Callable[[SittingRun, Event], None]]] = {
    "accept_change": _has_timing,
    "admit": _is_ready,
    "assign_seat": _planned_seat_is_free,
    "begin": _in_start_window,
    "change_plan": _has_plan,
    "begin_late": _in_start_window,
    "clock_stepped": _has_step,
    "close": _is_signed,
    "consent": _consented_to,
    "continue_writing": _has_begun,
    "correct_papers": _has_papers,
    "end": _time_is_over,
    "enrol": _can_enrol,
    "extend": _has_amount,
    "extend_all": _has_amount,
    "move_seat": _seat_is_free,
    "new_attempt": _names_attempts,
    "override_readiness": _was_checked,
    "pause": _has_flag,
    "pause_all": _has_flag,
    "readmit": _has_not_begun,
    "seat": _seat_is_free,
    "set_allowance": _has_allowance,
    "sign_register": _all_settled,
    "skip_identity": _identity_not_asked,
    "submit": _has_papers,
    "take_break": _has_flag,
    "transfer": _elsewhere,
}
