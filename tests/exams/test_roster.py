"""Rosters and seating plans out of tables."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, Exam, Roster, RosterEntry, Sitting
from appliance.exams.planning import planned_run
from appliance.exams.roster import COLUMNS, RosterDraft, draft_roster, exams_named
from appliance.exams.seating import cameras_named, draft_seating
from appliance.exams.tabular import MAX_PROBLEMS, MAX_ROWS, columns_in
from appliance.exams.timing import SittingTiming
from tests.exams.a_sitting import MINUTE, NINE

EXAMS = {"M-1": "maths", "P-1": "physics"}
HEADS = ["Matrikelnummer", "Nachname", "Vorname", "Prüfung", "Zeitzugabe", "E-Mail", "Language", "Remarks"]


def drafted(*rows: list[object], heads: list[str] | None = None) -> RosterDraft:
    """The draft of rows below the heads."""
    return draft_roster([heads or HEADS, *rows], sitting="morning", exams=EXAMS)


def places(draft: RosterDraft) -> list[tuple[int, str]]:
    """Where problems are."""
    assert all(problem.message for problem in draft.problems)
    return [(problem.row, problem.column) for problem in draft.problems]


def test_a_good_table_becomes_a_roster() -> None:
    """German heads, numbers as spreadsheets give them, extra time, empty rows left out, unknown columns ignored."""
    draft = drafted(
        [4711.0, " Löwe ", "Ada", "M-1", "25 %", "ada@example.org", "DE-CH", "x"],
        [None, "", None],
        ["0815", "Ng"],
        heads=HEADS,
    )
    assert places(draft) == [(4, "exam")]
    roster = drafted([4711.0, " Löwe ", "Ada", "M-1", "25 %", "ada@example.org", "DE-CH", "x"]).roster()
    entry = roster.entries[0]
    assert (entry.candidate.number, entry.candidate.last_name, entry.exam) == ("4711", "Löwe", "maths")
    assert entry.planned == Allowance(percent_hundredths=2500)
    assert entry.candidate.language == "de-ch"
    assert entry.candidate.display_name == "Ada Löwe"


def test_each_rows_problem_is_named() -> None:
    """Row, column and what is wrong, for every problem at once; nothing is taken over."""
    draft = drafted(
        ["1", "A", "", "M-1"],
        ["1", "A", "", "M-1"],
        ["", "B", "", "M-1"],
        ["2", "C", "", "X-9", "lots", "nobody", "germanish-"],
        ["3", "D" * 256, "", "P-1"],
        ["4", "E\x00", "", "P-1"],
        ["9" * 61, "F", "", "P-1"],
    )
    assert places(draft) == [
        (3, "number"),
        (4, "number"),
        (5, "email"),
        (5, "exam"),
        (5, "extra_time"),
        (5, "language"),
        (6, "last_name"),
        (7, "last_name"),
        (8, "number"),
    ]
    assert [entry.candidate.number for entry in draft.entries] == ["1"]
    with pytest.raises(BadInputError, match=r"Row 3, number: This candidate is in row 2 already\."):
        draft.roster()


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([], (0, "")),
        ([["Nachname", "Prüfung"], ["A", "M-1"]], (1, "number")),
        ([["number"], ["1"]], (1, "exam")),
        ([["number", "Nummer", "exam"], ["1", "1", "M-1"]], (1, "number")),
        ([["number", "exam"], *[["1", "M-1"]] * (MAX_ROWS + 1)], (0, "")),
        ([["number", "exam", *[""] * 63], ["1", "M-1"]], (0, "")),
    ],
)
def test_a_table_that_cannot_be_read(rows: list[list[object]], place: tuple[int, str]) -> None:
    """Empty, without or with doubled needed columns, or too large: said once, no row is tried."""
    draft = draft_roster(rows, sitting="morning", exams=EXAMS)
    assert places(draft) == [place]
    assert draft.entries == ()


def test_the_largest_table_is_read() -> None:
    """Exactly as many rows as are promised are taken."""
    assert len(drafted(*[[str(number), "A", "", "M-1"] for number in range(MAX_ROWS)]).roster().entries) == MAX_ROWS


def test_one_exam_needs_no_column() -> None:
    """Where the sitting has a single exam, a list of numbers is a roster."""
    draft = draft_roster([["Nummer"], ["1"], ["2"]], sitting="morning", exams={"M-1": "maths", "maths": "maths"})
    assert [(entry.candidate.id, entry.exam) for entry in draft.roster().entries] == [("1", "maths"), ("2", "maths")]


def test_problems_are_capped_and_the_rest_counted() -> None:
    """A wholly wrong table does not fill the screen."""
    draft = drafted(*[["", "A", "", "M-1"]] * (MAX_PROBLEMS + 20))
    assert len(draft.problems) == MAX_PROBLEMS + 1
    assert draft.problems[-1].message.endswith("20.")


def test_what_a_table_names_is_found_without_knowing_what_there_is() -> None:
    """For a dry run: where the columns stand, which exams and cameras are named, each once."""
    assert columns_in(["x", "Nachname", "Matrikel-Nr.", "name"], COLUMNS) == {"last_name": 1, "number": 2}
    assert exams_named([["Prüfungsnummer"], ["M-1"], [""], ["P-1"], ["M-1"]]) == ("M-1", "P-1")
    assert exams_named([["Nummer"], ["1"]]) == ()
    assert cameras_named([["Platz-Nr.", "Kamera"], ["A1", "left, right"], ["A2", "left"]]) == {"left", "right"}


CELLS = st.none() | st.text(max_size=20) | st.integers() | st.floats(allow_nan=True) | st.sampled_from(["M-1", "25 %"])


@given(st.lists(st.lists(CELLS, max_size=9), max_size=12))
def test_any_table_is_drafted(rows: list[list[object]]) -> None:
    """Whatever cells hold, the dry run answers: good rows are entries, each once, and others have a named problem."""
    draft = draft_roster([HEADS, *rows], sitting="morning", exams=EXAMS)
    numbers = [entry.candidate.number for entry in draft.entries]
    assert len(numbers) == len(set(numbers))
    assert len(draft.entries) + len({problem.row for problem in draft.problems}) == draft.rows


def roster_of(*numbers: str) -> Roster:
    """A roster of these candidates, in maths."""
    entries = tuple(
        RosterEntry(candidate=Candidate(id=f"c{number}", number=number), exam="maths") for number in numbers
    )
    return Roster(sitting="morning", entries=entries)


SEAT_HEADS: list[object] = ["Platz", "Nummer", "Reihe", "Spalte", "Kameras"]


def test_a_seating_plan_names_who_sits_where_and_who_does_not() -> None:
    """Seats with and without candidates, their place and cameras; candidates without a seat are listed."""
    rows = [SEAT_HEADS, ["A1", "1", 1, 1.0, "left, right"], ["A2", "", 1, 2, ""]]
    draft = draft_seating(rows, roster=roster_of("1", "2"), cameras={"left", "right"})
    assert draft.unseated == ("c2",)
    plan = draft.plan()
    assert plan.assigned == {"A1": "c1"}
    assert (plan.seats[0].row, plan.seats[0].column, plan.seats[0].cameras) == (1, 1, ("left", "right"))


def test_each_seats_problem_is_named() -> None:
    """Seats, candidates and places twice, unknown ones, and numbers that are none."""
    rows: list[list[object]] = [
        SEAT_HEADS,
        ["A1", "1", 1, 1, ""],
        ["a1", "", 1, 3, ""],
        ["A3", "1", 1, 4, ""],
        ["A4", "7", 1, 5, ""],
        ["A5", "", 1, 1, ""],
        ["A6", "", "x", 0, "back"],
        ["", "2", "", "", ""],
        ["A" * 61, "", "", "", ""],
    ]
    draft = draft_seating(rows, roster=roster_of("1", "2"))
    assert [(problem.row, problem.column) for problem in draft.problems] == [
        (3, "seat"),
        (4, "number"),
        (5, "number"),
        (6, "column"),
        (7, "cameras"),
        (7, "column"),
        (7, "row"),
        (8, "seat"),
        (9, "seat"),
    ]
    with pytest.raises(BadInputError, match=r"Row 3, seat: This seat is in row 2 already\."):
        draft.plan()
    assert [problem.column for problem in draft_seating([["x"]], roster=roster_of()).problems] == ["seat"]


EXAM = Exam(
    id="maths",
    integration="i",
    account="107",
    exam_id="M-1",
    name="Mathematics",
    duration_us=60 * MINUTE,
    window_start_us=NINE,
    window_end_us=NINE + 600 * MINUTE,
)
SITTING = Sitting(id="morning", room="101", name="Maths", exams=("maths",), timing=SittingTiming(start_us=NINE))


def test_a_plan_becomes_a_sitting() -> None:
    """Roster, seats, extra time and what the exam asks for are in the run; everybody is expected."""
    plan = draft_seating([SEAT_HEADS, ["A1", "1"]], roster=roster_of("1", "2")).plan()
    run = planned_run(SITTING, [EXAM], roster_of("1", "2"), plan)
    assert [person.seat for person in run.people.values()] == ["A1", ""]
    assert not run.people["c1"].identity_asked
    assert run.end_of("c1", now_us=NINE).at_us == NINE + 60 * MINUTE


@pytest.mark.parametrize(
    ("exams", "roster"),
    [
        ([], roster_of("1")),
        ([EXAM], roster_of("1", "1")),
        ([EXAM], Roster(sitting="evening", entries=())),
        (
            [EXAM, msgspec.structs.replace(EXAM, id="physics")],
            Roster(sitting="morning", entries=(RosterEntry(candidate=Candidate(id="c"), exam="physics"),)),
        ),
        ([EXAM], Roster(sitting="morning", entries=(RosterEntry(candidate=Candidate(id="c"), exam="physics"),))),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(exams: list[Exam], roster: Roster) -> None:
    """A missing exam, a candidate twice, another sitting's roster: nothing is made of them."""
    with pytest.raises(BadInputError):
        planned_run(SITTING, exams, roster)
