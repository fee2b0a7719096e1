"""The sitting's own page: the invigilator's tool on the day. Acts, one or many, go through ``act_views.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import render_template

from appliance.errors import NotFoundError
from appliance.exams.records import SEVERITIES
from appliance.sittings.runs import run_of, stored_sitting
from appliance.web.access import allow
from appliance.web.asking import read_query, speaks
from appliance.web.services import database, person, services
from appliance.web.sittings.asked import DayQuery
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS, STAFF
from appliance.web.sittings.day import Day, day_of, version_of
from appliance.web.sittings.helpers import CATEGORIES, DOCUMENTS, last_notice

if TYPE_CHECKING:
    from appliance.errors import ApplianceError
    from appliance.exams.transitions import Role


class Pulse(msgspec.Struct, frozen=True):
    """What a page asks for every two seconds: the box's time, whether something happened, when the session ends."""

    now_us: int
    version: str
    session_ends_us: int


def seen_day(sitting: str, order: str = "problem") -> Day:
    """Return a sitting as the signed-in person sees it.

    Raises:
        NotFoundError: there is no such sitting.
    """
    one = person()
    return day_of(
        database(), sitting, role=cast("Role", one.role), who=one.name, now_us=services().clock.wall_us(),
        order=cast("Any", order),
    )  # fmt: skip


@BLUEPRINT.get("/sittings/<sitting>")
@allow(*PLANNERS)
def day(sitting: str) -> str:
    """Show where a sitting stands, what comes next, and everybody in it."""
    return day_page(sitting)


def day_page(sitting: str, *, problem: ApplianceError | None = None) -> str:
    """Return the day's page, with a refusal above it where something was not possible."""
    asked = read_query(DayQuery) if problem is None else DayQuery()
    seen = seen_day(sitting, asked.order)
    return render_template(
        "sittings/day.html",
        day=seen,
        asked=asked,
        problem=problem,
        version=version_of(database(), sitting),
        session_ends_us=person().ends_us,
        **choices(seen),
    )


def choices(seen: Day) -> dict[str, Any]:
    """Return what forms of acts and incidents choose from."""
    return {
        "categories": CATEGORIES,
        "severities": SEVERITIES,
        "documents": DOCUMENTS,
        "notice_version": last_notice(seen.run),
        "free_seats": free_seats(seen),
        "acts_here": person().role in STAFF,
    }


def free_seats(seen: Day) -> list[str]:
    """Return the seats of the plan that nobody occupies."""
    taken = {one.seat for one in seen.run.people.values() if one.occupies_seat}
    return [seat.label for seat in seen.seats if seat.label not in taken]


@BLUEPRINT.get("/sittings/<sitting>/candidates/<candidate>")
@allow(*PLANNERS)
def candidate(sitting: str, candidate: str) -> str:
    """Show one candidate: where they stand, when they end and why, what can be done, what happened."""
    return candidate_page(sitting, candidate)


def candidate_page(sitting: str, candidate: str, *, problem: ApplianceError | None = None) -> str:
    """Return a candidate's page, with a refusal above it where something was not possible.

    Raises:
        NotFoundError: there is no such sitting, or the candidate is not in it.
    """
    seen = seen_day(sitting)
    row = next((one for one in seen.rows if one.person.candidate == candidate), None)
    if row is None:
        raise NotFoundError("This candidate is not in this sitting.", hint="Look at its roster.")
    return render_template(
        "sittings/candidate.html",
        day=seen,
        row=row,
        offer=seen.offers[candidate],
        known=seen.candidates.get(candidate),
        history=[event for event in seen.run.history if event.candidate == candidate],
        warnings=[one for one in seen.warnings if seen.session_candidates.get(one.warning.session) == candidate],
        incidents=[one for one in seen.incidents if row.person.seat and one.incident.seat == row.person.seat],
        problem=problem,
        **choices(seen),
    )


@BLUEPRINT.get("/api/sittings/<sitting>/pulse")
@allow(*PLANNERS)
@speaks(answer=Pulse, errors=(404,))
def pulse(sitting: str) -> dict[str, Any]:
    """Say what time it is in the box, and a text that differs when something has happened in a sitting."""
    told = Pulse(services().clock.wall_us(), version_of(database(), sitting), person().ends_us)
    return cast("dict[str, Any]", msgspec.to_builtins(told))


@BLUEPRINT.get("/sittings/<sitting>/history")
@allow(*PLANNERS)
def history(sitting: str) -> str:
    """Show everything that happened in a sitting, in order, with who and why."""
    stored = stored_sitting(database(), sitting)
    seen = seen_day(sitting)
    return render_template("sittings/history.html", stored=stored, run=run_of(database(), sitting), day=seen)
