"""What states, acts, kinds and reasons are called on the sittings' pages, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exams.allowances import allowance_in
from appliance.exams.transitions import spoken
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.words import length_words, who_words

if TYPE_CHECKING:
    from appliance.exams.allowances import Allowance
    from appliance.exams.timing import Reason
    from appliance.exams.transitions import Event


def state_words(status: str) -> str:
    """Return a state as refusals name it: ``identity checked``."""
    return problem_words(spoken(status))


def review_status_words(status: str) -> str:
    """Return where a review task stands."""
    return {
        "not_ready": _("Not ready yet"),
        "ready_for_review": _("Ready for review"),
        "passed": _("Passed"),
        "failed": _("Failed"),
    }[status]


def review_status_kind(status: str) -> str:
    """Return the tag a state is shown with."""
    return {"passed": "good", "failed": "bad", "ready_for_review": "warn"}.get(status, "")


def act_words(name: str) -> str:
    """Return what the button of an act says."""
    return {
        "check_readiness": _("Begin the readiness check"),
        "override_readiness": _("Admit in spite of it"),
        "admit": _("Begin admission"),
        "start": _("Start the exam"),
        "pause_all": _("Pause all"),
        "resume_all": _("Resume all"),
        "extend_all": _("Extra time for all"),
        "end": _("End the exam"),
        "end_early": _("End early"),
        "close_ghosts": _("Close open sessions"),
        "sign_register": _("Sign the register off"),
        "close": _("Close the sitting"),
        "reopen": _("Reopen the sitting"),
        "call_off": _("Call the sitting off"),
        "enrol": _("Add to the roster"),
        "arrive": _("Arrived"),
        "check_identity": _("Identity checked"),
        "waive_identity": _("Go on without a document"),
        "skip_identity": _("Go on"),
        "consent": _("Notice acknowledged"),
        "seat": _("Seated"),
        "move_seat": _("Move to another seat"),
        "assign_seat": _("Planned seat"),
        "refuse": _("Refuse admission"),
        "readmit": _("Readmit"),
        "begin": _("Begin writing"),
        "begin_late": _("Begin late"),
        "pause": _("Pause"),
        "resume": _("Resume"),
        "take_break": _("Break"),
        "return_from_break": _("Back from the break"),
        "extend": _("Extra time"),
        "set_allowance": _("Planned extra time"),
        "finish": _("Finished"),
        "new_attempt": _("Another attempt"),
        "continue_writing": _("Continue writing"),
        "submit": _("Papers handed in"),
        "correct_papers": _("Correct the papers"),
        "leave": _("Left the room"),
        "mark_absent": _("Absent"),
        "withdraw": _("Withdraw"),
        "transfer": _("Transfer"),
        "close_ghost": _("Close this session"),
    }.get(name, problem_words(spoken(name)))


def done_words(name: str, *, who: str = "") -> str:
    """Return what is said when an act is done."""
    if who:
        return _("%(name)s: %(act)s.", name=who, act=event_words(name))
    return _("Done: %(act)s.", act=event_words(name))


def event_words(name: str) -> str:
    """Return an act as the history names it: ``check identity``."""
    return problem_words(spoken(name))


def amount_words(amount_us: int) -> str:
    """Return ``+15 min 00 s`` or ``-3 min 07 s`` (with the sign for minus)."""
    sign = "\N{MINUS SIGN}" if amount_us < 0 else "+"
    return f"{sign}{length_words(abs(amount_us))}"


def reason_words(reason: Reason) -> str:
    """Return one amount of an end: what it is, how much, by whom and why where a person decided."""
    kind = {
        "duration": _("duration of the exam"),
        "late": _("came after the common start"),
        "planned_extra": _("planned extra time"),
        "extra_all": _("extra time for all"),
        "extra": _("extra time"),
        "pause_all": _("pause of all"),
        "pause": _("pause"),
        "break": _("break that stops the clock"),
        "rounding": _("rounded up to whole seconds"),
        "practice_cap": _("practice lasts 20 minutes at most"),
    }[reason.kind]
    said = [who_words(reason.who)] if reason.who else []
    if reason.why:
        said.append(reason.why)
    return f"{kind} ({', '.join(said)})" if said else kind


def allowance_words(planned: Allowance) -> str:
    """Return planned extra time as a roster writes it: ``25 % + 10 min``; empty where there is none."""
    hundredths = planned.percent_hundredths
    percent = f"{hundredths // 100}" if hundredths % 100 == 0 else f"{hundredths / 100:.2f}".rstrip("0")
    parts = [f"{percent} %"] if hundredths else []
    if planned.minutes:
        parts.append(f"{planned.minutes} min")
    return " + ".join(parts)


def method_words(method: str) -> str:
    """Return a method of proctoring."""
    return {
        "full": _("Full: recorded and reviewed"),
        "record_only": _("Record only"),
        "practice": _("Practice: 20 minutes at most, not reviewed"),
        "live": _("Live: watched and reviewed"),
    }.get(method, method)


def late_rule_words(rule: str) -> str:
    """Return what happens to those who begin late."""
    return {
        "full_time": _("Everybody has the full time from their own beginning"),
        "common_end": _("Everybody ends together; who begins late loses the time"),
    }.get(rule, rule)


def opening_words(opening: str) -> str:
    """Return who leads a sitting through its states."""
    return {
        "people": _("People in the room"),
        "automatic": _("The box itself, by the plan"),
    }.get(opening, opening)


def origin_words(origin: str) -> str:
    """Return where an exam or a sitting comes from."""
    return {
        "lms": _("the LMS"),
        "centre": _("the central service"),
        "stick": _("a signed stick"),
        "box": _("made on this box"),
    }.get(origin, origin)


def category_words(category: str) -> str:
    """Return what an incident is about."""
    return {
        "lateness": _("Lateness"),
        "malpractice": _("Malpractice"),
        "evacuation": _("Evacuation"),
        "illness": _("Illness"),
        "disturbance": _("Disturbance"),
        "intruder": _("Intruder"),
        "technical": _("Technical fault"),
        "other": _("Something else"),
    }.get(category, category)


def severity_words(severity: str) -> str:
    """Return how bad an incident is."""
    return {
        "info": _("For information"),
        "minor": _("Minor"),
        "major": _("Major"),
        "critical": _("Critical"),
    }.get(severity, severity)


def severity_kind(severity: str) -> str:
    """Return the tag a severity is shown with."""
    return {"critical": "bad", "major": "bad", "minor": "warn"}.get(severity, "")


def warning_words(kind: str) -> str:
    """Return what software believes to have seen; it is a person who judges."""
    return {
        "extra_user_in_frame": _("Another person in the picture"),
        "substitution_user": _("Perhaps another person than the candidate"),
        "no_user_in_frame": _("Nobody in the picture"),
        "avert_eyes": _("Looks away"),
        "change_active_window_on_computer": _("Another window on the computer"),
        "voice_detected": _("A voice"),
        "phone": _("A telephone"),
        "forbidden_device": _("A device that is not allowed"),
        "timeout": _("Nothing was heard of the candidate's computer"),
    }.get(kind, kind)


def decision_words(decision: str) -> str:
    """Return what was said of a warning."""
    return {"open": _("not judged"), "confirmed": _("confirmed"), "dismissed": _("dismissed")}.get(decision, decision)


def document_words(document: str) -> str:
    """Return the type of a document that proves who somebody is."""
    return {
        "identity_card": _("Identity card"),
        "passport": _("Passport"),
        "student_card": _("Student card"),
        "driving_licence": _("Driving licence"),
        "residence_permit": _("Residence permit"),
        "other": _("Another document"),
    }.get(document, document)


def check_words(name: str) -> str:
    """Return what a finding of the readiness check is about."""
    return {
        "cameras": _("Cameras"),
        "recording": _("Recording"),
        "disk": _("Disk"),
        "clock": _("Clock"),
        "keys": _("Keys"),
        "certificate": _("Certificate"),
        "roster": _("Roster"),
        "seats": _("Seats"),
    }.get(name, name)


def detail_words(event: Event) -> str:
    """Return what an event's details say to people: the seat, the document's type, the amount."""
    detail = event.detail
    parts = []
    if seat := detail.get("seat"):
        parts.append(_("seat %(seat)s", seat=seat))
    if document := detail.get("document"):
        parts.append(document_words(str(document)))
    if notice := detail.get("notice"):
        parts.append(_("notice %(version)s", version=notice))
    if amount := detail.get("amount_us"):
        parts.append(amount_words(int(amount)))
    if event.name in {"submit", "correct_papers"}:
        parts.append(_("%(count)s sheets", count=detail.get("papers", 0)))
    if event.name in {"set_allowance", "enrol"}:
        parts.append(allowance_words(allowance_in(detail)) or _("no extra time"))
    if detail.get("compensate") is False:
        parts.append(_("not given back"))
    if detail.get("stops_clock"):
        parts.append(_("stops the clock"))
    if by_us := detail.get("by_us"):
        parts.append(amount_words(int(by_us)))
    return ", ".join(parts)
