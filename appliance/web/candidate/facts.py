"""From what is known of a session to what its candidate is shown and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.states import AT_WORK
from appliance.exams.timing import time_left_us
from appliance.web.candidate import words
from appliance.web.candidate.steps import NEEDS_A_PERSON, Shown, Standpoint, Step, Wait, shown
from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from datetime import tzinfo

    from appliance.exams.timing import End
    from appliance.sittings.values import SessionFacts


class Note(msgspec.Struct, frozen=True):
    """One thing about the candidate's time; ``key`` tells a new one from a known one."""

    key: str
    words: str


class StateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is told each time it asks. Times are wall microseconds; null where there is none.

    ``left_us`` is what counts: the page counts it down on its own steady clock. ``moving``: it stands still now.
    ``until``: the end in words. ``due``: the page may ask the box to go on by itself. ``mark`` changes whenever the
    page before the exam has to be shown anew.
    """

    step: str
    wait: str
    cover: str
    mark: str
    heading: str
    text: str
    state: str
    due: bool
    begin: bool
    now_us: int
    left_us: int | None = None
    until: str = ""
    moving: bool = False
    notes: tuple[Note, ...] = ()
    return_url: str = ""


def standpoint_of(facts: SessionFacts, now_us: int) -> Standpoint:
    """Return where a candidate stands."""
    standing, session = facts.standing, facts.session
    at_work = standing is not None and standing.status in AT_WORK
    return Standpoint(
        candidate=standing.status if standing else None,
        sitting=facts.sitting.status if facts.sitting else None,
        agreed=session.agreed_us is not None,
        begun=standing.took_part if standing else session.begun_us is not None,
        finished=session.finished_us is not None and not at_work,
        unregistered=session.removed_us is not None,
        identity_asked=standing.identity_asked if standing else False,
        automatic=facts.sitting.automatic if facts.sitting else False,
        seat=facts.seat,
        window=facts.window,
        books=facts.booking is not None and not facts.booking.chosen,
        booked=facts.booking is not None and facts.booking.chosen,
        now_us=now_us,
    )


def shown_of(facts: SessionFacts, now_us: int, asked: str = "") -> Shown:
    """Return what a candidate is shown."""
    return shown(standpoint_of(facts, now_us), asked)


def state_of(facts: SessionFacts, now_us: int, zone: tzinfo) -> StateAnswer:
    """Return what the page is told now."""
    found = shown_of(facts, now_us)
    end = facts.end if found.step is Step.EXAM else None
    heading, text = _heading(facts, found, now_us, zone)
    return StateAnswer(
        step=found.step,
        wait=found.wait,
        cover=found.cover,
        mark=f"{found.step}/{found.wait}/{facts.seat}/{text}" if found.step is not Step.EXAM else found.step,
        heading=heading,
        text=text,
        state=words.state_words(found.cover) if found.step is Step.EXAM else "",
        due=bool(found.due),
        begin=found.wait is Wait.READY,
        now_us=now_us,
        left_us=None if end is None else time_left_us(end, now_us),
        until="" if end is None else words.clock_words(end.at_us, zone, now_us=now_us),
        moving=end is not None and end.moving,
        notes=() if end is None else notes_of(end),
        return_url=(facts.session.finish_url or "") if found.step in {Step.FINISHED, Step.CLOSED} else "",
    )


def _heading(facts: SessionFacts, found: Shown, now_us: int, zone: tzinfo) -> tuple[str, str]:
    if found.step is Step.EXAM:
        return words.cover_words(found.cover)
    if found.step in {Step.WAITING, Step.CLOSED}:
        return words.wait_words(found.wait, **times_of(facts, found.wait, now_us, zone))
    if found.step is Step.BOOKED and facts.sitting is not None:
        return _("You have booked a time"), words.clock_words(facts.sitting.start_us, zone, now_us=now_us)
    return "", ""


def times_of(facts: SessionFacts, wait: Wait, now_us: int, zone: tzinfo) -> dict[str, str]:
    """Return the times that belong to what is waited for, in words: ``start`` and ``last``."""
    start, last = facts.window or (facts.exam.window_start_us, facts.exam.window_end_us)
    if facts.sitting is not None and wait is not Wait.WINDOW:
        start = max(start, facts.sitting.start_us)
    return {
        "start": words.clock_words(start, zone, now_us=now_us),
        "last": words.clock_words(last, zone, now_us=now_us),
    }


def notes_of(end: End) -> tuple[Note, ...]:
    """Return what a candidate is told about their time, each with a key that stays as long as it stands."""
    counted: dict[str, int] = {}
    found = []
    for reason in end.reasons:
        counted[reason.kind] = counted.get(reason.kind, 0) + 1
        told = words.reason_words(reason)
        if told:
            found.append(Note(f"{reason.kind}-{counted[reason.kind]}-{reason.amount_us}", told))
    return tuple(found)


def needs_a_person(found: Shown) -> bool:
    """Whether somebody in the room has to do something before it goes on."""
    return found.wait in NEEDS_A_PERSON
