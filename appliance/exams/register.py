"""The register: who was there. Made of a sitting's state, row by row, with nobody left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from appliance.exams.states import UNSETTLED
from appliance.exams.states import CandidateStatus as Is

if TYPE_CHECKING:
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing


class RegisterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate's attendance. Times are wall.

    ``took_part``: began to write. ``papers``: sheets handed in, None where nobody counted.
    """

    candidate: str
    exam: str
    status: Is
    took_part: bool
    seat: str
    arrived_us: int | None
    begun_us: int | None
    finished_us: int | None
    left_us: int | None
    papers: int | None
    why: str
    attempts: int = 1
    """How many there were: ``begun_us`` is of the first, everything else of the last."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How many of what. Each candidate is in exactly one of the first six after ``on_roster``.

    ``took_part``: began to write. ``refused`` and ``withdrawn``: before they began. ``outstanding``: not settled yet.
    ``broke_off``: withdrawn after they began; they took part. ``arrived``: came to the room and were not transferred.
    """

    on_roster: int
    took_part: int
    absent: int
    refused: int
    withdrawn: int
    transferred: int
    outstanding: int
    arrived: int
    broke_off: int
    papers: int


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A sitting's attendance; ``signed_by`` is empty until it is signed off, and again after any later change."""

    sitting: str
    entries: tuple[RegisterEntry, ...]
    totals: Totals
    signed_by: str
    signed_us: int | None


def register_of(run: SittingRun) -> Register:
    """Return the register of a sitting as it stands, in the order of the roster."""
    entries = tuple(_entry(person) for person in run.people.values())
    return Register(
        sitting=run.sitting,
        entries=entries,
        totals=_totals(entries),
        signed_by=run.signed_by,
        signed_us=run.signed_us,
    )


def _entry(person: Standing) -> RegisterEntry:
    return RegisterEntry(
        candidate=person.candidate,
        exam=person.exam,
        status=person.status,
        took_part=person.took_part,
        seat=person.seat,
        arrived_us=person.arrived_us,
        begun_us=person.earlier[0].begun_us if person.earlier else person.begun_us,
        finished_us=person.finished_us,
        left_us=person.left_us,
        papers=person.papers,
        why=person.why,
        attempts=1 + len(person.earlier),
    )


def _totals(entries: tuple[RegisterEntry, ...]) -> Totals:
    began = [entry for entry in entries if entry.took_part]
    others = Counter(entry.status for entry in entries if not entry.took_part)
    return Totals(
        on_roster=len(entries),
        took_part=len(began),
        absent=others[Is.ABSENT],
        refused=others[Is.REFUSED],
        withdrawn=others[Is.WITHDRAWN],
        transferred=others[Is.TRANSFERRED],
        outstanding=sum(others[status] for status in UNSETTLED),
        arrived=sum(entry.arrived_us is not None and entry.status is not Is.TRANSFERRED for entry in entries),
        broke_off=sum(entry.status is Is.WITHDRAWN for entry in began),
        papers=sum(entry.papers or 0 for entry in entries),
    )
