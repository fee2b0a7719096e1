"""Templates that are handed out, and the domain that reads what people make of them."""

from __future__ import annotations

from typing import get_args

import pytest

from appliance.exams.roster import COLUMNS as ROSTER_COLUMNS
from appliance.exams.roster import draft_roster
from appliance.exams.seating import COLUMNS as SEATING_COLUMNS
from appliance.exams.seating import draft_seating
from appliance.exams.tabular import read_table as named
from appliance.rosters.sheets import read_table
from appliance.rosters.template_words import COLUMNS, Language
from appliance.rosters.templates import Form, template

LANGUAGES, FORMS = get_args(Language), get_args(Form)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_an_example_is_a_roster_and_its_seating_plan(form: Form, language: Language) -> None:
    """Uploaded as they are, the examples have no problem, and every candidate of the roster keeps leading zeros."""
    file = template("roster", form, language=language, example=True)
    table = read_table(file.data, name=file.name)
    assert (table.kind, table.notes) == (form, ())
    roster = draft_roster(table.cells, sitting="s", exams={"M-1": "maths", "P-1": "physics"}).roster()
    assert [entry.candidate.number for entry in roster.entries] == ["0004711", "0004712"]
    assert roster.entries[0].planned.percent_hundredths == 2500
    assert all([roster.entries[0].candidate.email, roster.entries[0].candidate.accommodations])
    seats = read_table(template("seating", form, language=language, example=True).data, name="x")
    plan = draft_seating(seats.cells, roster=roster).plan()
    assert plan.assigned == {"A1": "0004711", "A2": "0004712"}
    assert [(seat.row, seat.column) for seat in plan.seats] == [(1, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_an_empty_template_has_every_head_the_domain_knows_of(form: Form, language: Language) -> None:
    """Heads alone: each is recognised, none twice, and an empty list is no problem but has no rows."""
    for subject, known in (("roster", ROSTER_COLUMNS), ("seating", SEATING_COLUMNS)):
        file = template(subject, form, language=language)  # type: ignore[arg-type]  # the loop's texts are subjects
        table = read_table(file.data, name=file.name)
        assert table.rows == ()
        assert table.header == tuple(column.head for column in COLUMNS[subject, language])  # type: ignore[index]  # as above
        found = named(table.cells, known, required=())
        assert len(found.columns) == len(table.header)
        assert found.problems == ()


def test_files_are_named_and_typed() -> None:
    """Names differ by subject, language and example, end as their form does, and CSV opens well in a spreadsheet."""
    files = [
        template(subject, form, language=language, example=example)
        for subject, language in COLUMNS
        for form in FORMS
        for example in (False, True)
    ]
    assert len({file.name for file in files}) == len(files)
    assert template("roster", "csv", language="de").data.startswith(b"\xef\xbb\xbfMatrikelnummer;")
    assert template("roster", "csv").data.startswith(b"\xef\xbb\xbfCandidate number,")
    assert {file.media_type.split(";")[0] for file in files if file.name.endswith(".csv")} == {"text/csv"}
