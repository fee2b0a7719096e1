"""`exambox rosters`: what a person at the console sees before a roster is taken over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.errors import BadInputError, ConflictError
from appliance.rosters.table import MAX_BYTES
from tests.commands.box import run

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings

ROSTER = "Matrikelnummer;Nachname;Prüfung;Zeitzugabe;Bemerkung\n1;Löwe;M-1;25 %;x\n2;Ng;P-1;;\n"
PLAN = "Platz;Nummer;Reihe;Spalte;Kameras\nA1;1;1;1;left\nA2;;1;2;\n"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """A good roster."""
    path = tmp_path / "list.csv"
    path.write_text(ROSTER, "utf-8")
    return path


def test_a_good_roster_is_told_in_figures(settings: Settings, roster: Path) -> None:
    """What the columns were taken for, what is left alone, how many sit which exam; no box is needed, none is made."""
    result = run(settings, "rosters", "check", str(roster))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "list.csv: CSV, rows below the heads: 2",
        "Columns: Matrikelnummer = number, Nachname = last_name, Prüfung = exam, Zeitzugabe = extra_time",
        "Left alone: Bemerkung",
        "Candidates for exam M-1: 1",
        "Candidates for exam P-1: 1",
        "With planned extra time: 1",
        "",
        "No problems. Nothing was stored.",
    ]
    assert not settings.database.exists()


def test_each_problem_has_its_row_and_column(settings: Settings, roster: Path) -> None:
    """The column as the file shows it, what is wrong and what to do; exit code 2."""
    roster.write_text(ROSTER + "2;Dop;M-1;lots;\n;Nobody;M-1;;\n", "utf-8")
    result = run(settings, "rosters", "check", str(roster), "--exam", "M-1")
    assert isinstance(result.exception, BadInputError)
    assert result.exception.exit_code == 2
    assert "Problems found: 4." in result.exception.message
    told = [line.strip() for line in result.output.splitlines() if line.startswith("  row")]
    assert told == [
        "row 3, column C (Prüfung): The exam 'P-1' is unknown.",
        "row 4, column A (Matrikelnummer): This candidate is in row 3 already.",
        "row 4, column D (Zeitzugabe): The extra time 'lots' is not understood.",
        "row 5, column A (Matrikelnummer): The candidate's number is missing.",
    ]
    assert "Write it like `25 %`" in result.output


def test_a_missing_column_is_told_without_letters(settings: Settings, roster: Path) -> None:
    """A column that is not there has a name, but no place."""
    roster.write_text("Nachname\nLöwe\n", "utf-8")
    result = run(settings, "rosters", "check", str(roster))
    assert "  row 1, column number: The column number is missing." in result.output
    assert isinstance(result.exception, BadInputError)


def test_a_seating_plan_is_checked_against_the_roster(settings: Settings, roster: Path, tmp_path: Path) -> None:
    """Seats and who has none; unknown candidates and cameras are problems; it waits for a good roster."""
    plan = tmp_path / "plan.csv"
    plan.write_text(PLAN, "utf-8")
    good = run(settings, "rosters", "check", str(roster), "--seating", str(plan))
    assert good.exit_code == 0, good.output
    assert "Seats with a candidate: 1 of 2" in good.output
    assert "Candidates without a seat: 1" in good.output
    wrong = run(settings, "rosters", "check", str(roster), "--seating", str(plan), "--camera", "right")
    assert "row 2, column E (Kameras): The camera 'left' is unknown." in wrong.output
    roster.write_text("Matrikelnummer\n1\n1\n", "utf-8")
    blocked = run(settings, "rosters", "check", str(roster), "--seating", str(plan))
    assert "plan.csv: not looked at; mend the roster first." in blocked.output


def test_json_says_the_same(settings: Settings, roster: Path) -> None:
    """For programs: columns, notes and problems with their places; the exit code is that of the text."""
    roster.write_bytes((ROSTER + ";Nobody;M-1;;\n").encode("cp1252"))
    result = run(settings, "rosters", "check", str(roster), "--json")
    assert result.exit_code == 2
    (told,) = json.loads(result.output)
    assert (told["rows"], told["good"], told["unknown"]) == (3, 2, ["Bemerkung"])
    assert "Windows-1252" in told["notes"][0]["message"]
    assert told["problems"][0] == {
        "row": 4, "column": "number", "letters": "A", "head": "Matrikelnummer",
        "message": "The candidate's number is missing.", "hint": "Fill it in.",
    }  # fmt: skip


def test_a_file_that_is_no_table_is_refused(settings: Settings, roster: Path) -> None:
    """Too large or not a table: one error with the file's name."""
    roster.write_bytes(b"%PDF-1.7")
    assert "list.csv: This is a PDF" in str(run(settings, "rosters", "check", str(roster)).exception)
    roster.write_bytes(bytes(MAX_BYTES + 5))
    assert "larger than 10 MiB" in str(run(settings, "rosters", "check", str(roster)).exception)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_templates_are_written_and_pass_the_check(settings: Settings, tmp_path: Path, form: str) -> None:
    """An example of each, in German, is a good roster with its plan; a file that is there stays as it is."""
    roster, plan = tmp_path / f"r.{form}", tmp_path / f"s.{form}"
    for subject, path in (("roster", roster), ("seating", plan)):
        made = run(settings, "rosters", "template", subject, str(path), "--language", "de", "--example")
        assert made.output == f"Written to {path}.\n"
    checked = run(settings, "rosters", "check", str(roster), "--seating", str(plan), "--exam", "M-1")
    assert checked.exit_code == 0, checked.output
    before = roster.read_bytes()
    again = run(settings, "rosters", "template", "roster", str(roster))
    assert isinstance(again.exception, ConflictError)
    assert roster.read_bytes() == before


def test_a_template_needs_an_ending(settings: Settings, tmp_path: Path) -> None:
    """Only CSV and XLSX are written."""
    result = run(settings, "rosters", "template", "roster", str(tmp_path / "list.ods"))
    assert isinstance(result.exception, BadInputError)
    assert not (tmp_path / "list.ods").exists()
