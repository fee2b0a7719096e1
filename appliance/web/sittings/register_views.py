"""The register: attendance, papers, signature; on the screen and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from appliance.clock import format_utc
from appliance.exams.register import register_of
from appliance.web.access import allow
from appliance.web.services import person
from appliance.web.sittings.blueprint import BLUEPRINT, READERS, STAFF
from appliance.web.sittings.day_views import seen_day
from appliance.web.sittings.people import natural
from appliance.web.tables import csv_lines, download

if TYPE_CHECKING:
    from flask import Response

    from appliance.exams.register import RegisterEntry
    from appliance.web.sittings.day import Day


@BLUEPRINT.get("/sittings/<sitting>/register")
@allow(*READERS)
def register(sitting: str) -> str:
    """Show who was there, with seats, times and papers; printed, it has places to sign."""
    seen = seen_day(sitting)
    made = register_of(seen.run)
    return render_template(
        "sittings/register.html",
        day=seen,
        stored=seen.stored,
        register=made,
        entries=_ordered(seen, made.entries),
        acts_here=person().role in STAFF,
    )


def _ordered(seen: Day, entries: tuple[RegisterEntry, ...]) -> list[RegisterEntry]:
    """Return the entries by seat, then name: nobody is left out."""
    return sorted(
        entries,
        key=lambda one: (not one.seat, natural(one.seat), seen.name_of(one.candidate).casefold(), one.candidate),
    )


@BLUEPRINT.get("/sittings/<sitting>/register.csv")
@allow(*READERS)
def register_csv(sitting: str) -> Response:
    """Send the register as a table; times are in UTC."""
    seen = seen_day(sitting)
    head = ("seat", "number", "name", "exam", "state", "took_part", "arrived", "begun", "finished", "left", "papers",
            "reason")  # fmt: skip

    def moment(wall_us: int | None) -> str:
        return "" if wall_us is None else format_utc(wall_us)

    def row(one: RegisterEntry) -> tuple[object, ...]:
        known, exam = seen.candidates.get(one.candidate), seen.exams.get(one.exam)
        return (
            one.seat, known.number if known else "", seen.name_of(one.candidate), exam.name if exam else one.exam,
            one.status.value, "yes" if one.took_part else "no", moment(one.arrived_us), moment(one.begun_us),
            moment(one.finished_us), moment(one.left_us), "" if one.papers is None else one.papers, one.why,
        )  # fmt: skip

    rows = [row(one) for one in _ordered(seen, register_of(seen.run).entries)]
    return download(csv_lines(head, rows), f"register-{sitting}.csv", "text/csv")
