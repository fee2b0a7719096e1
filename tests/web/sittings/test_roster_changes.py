"""What a table would change, and where its problems stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, Roster, RosterEntry, Seat, SeatingPlan
from appliance.exams.roster import draft_roster
from appliance.exams.seating import SeatingDraft
from appliance.exams.tabular import RowProblem
from appliance.rosters.sheets import read_table
from appliance.web.sittings.roster_changes import (
    ROWS_SHOWN,
    as_text,
    column_of,
    roster_changes,
    seating_changes,
    shown,
)

HEAD = ("Nummer", "Nachname", "Zeitzugabe", "Bemerkung")


def entry(number: str, last_name: str = "", *, user_id: str = "", minutes: int = 0, exam: str = "e") -> RosterEntry:
    """One candidate of a roster; who is stored has another id than the number."""
    candidate = Candidate(id=f"id-{number or user_id}", number=number, last_name=last_name, user_id=user_id)
    return RosterEntry(candidate=candidate, exam=exam, planned=Allowance(minutes=minutes))


def test_each_problem_stands_at_its_cell() -> None:
    """A problem of a known column is in that column's cell, one of an absent column at the row, one of all above."""
    rows = [("1", "Lovelace", "lots"), ("1", "Twice")]
    draft = draft_roster([HEAD, *rows], sitting="s", exams={"e": "e"})
    seen = shown(
        "roster", HEAD, rows, [*draft.problems, RowProblem(3, "email", "No address."), RowProblem(0, "", "All.")]
    )
    assert [column for _, column in seen.heads] == ["number", "last_name", "extra_time", ""]
    first, second = seen.rows
    assert (first.number, second.number) == (2, 3)
    assert first.cells[2].problems
    assert not first.cells[0].problems
    assert second.cells[0].problems[0].message.startswith("This candidate is in row 2")
    assert second.cells[2].text == ""
    assert [one.message for one in second.problems] == ["No address."]
    assert [one.message for one in seen.problems] == ["All."]
    assert all(row.is_bad for row in seen.rows)


def test_long_tables_are_shortened_but_never_a_problem() -> None:
    """Beyond what anybody reads, rows are counted; each row with a problem is shown."""
    rows = [(str(n),) for n in range(ROWS_SHOWN + 50)]
    seen = shown("roster", ("number",), rows, [RowProblem(ROWS_SHOWN + 40, "number", "Wrong.")])
    assert len(seen.rows) == ROWS_SHOWN + 1
    assert seen.left_out == 49
    assert seen.rows[-1].is_bad


def test_heads_are_recognised_as_the_import_does() -> None:
    """Other languages and spellings of a head, and what is left alone."""
    assert column_of("roster", "Matrikel-Nummer") == "number"
    assert column_of("seating", "Sitzplatz") == "seat"
    assert column_of("roster", "Shoe size") == ""


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2).filter(any), min_size=1, max_size=8))
def test_a_table_read_is_the_table_that_is_taken(rows: list[list[str]]) -> None:
    """What the form carries to be taken is read back cell by cell as it was shown."""
    text = as_text(("number", "name"), rows)
    again = read_table(text.encode(), name="t")
    assert [list(row) + [""] * (2 - len(row)) for row in again.rows] == rows


def test_who_is_new_changed_and_gone() -> None:
    """Candidates are known again by number or the LMS's id; what a table leaves empty about them changes nothing."""
    present = Roster(
        sitting="s", entries=(entry("1", "Ada"), entry("2", "Bob"), entry("", "Eve", user_id="u3"), entry("4", "Kim"))
    )
    found = roster_changes(
        present, [entry("1"), entry("2", "Rob", minutes=10), entry("3", "Eve", user_id="u3"), entry("9", "Dan")]
    )
    assert [one.candidate.number for one in found.added] == ["9"]
    assert [(one.before.candidate.number, one.fields) for one in found.changed] == [("2", ("last_name", "extra_time"))]
    assert [one.candidate.number for one in found.gone] == ["4"]
    assert found.same == 2


@given(st.sets(st.integers(1, 9)), st.sets(st.integers(1, 9)))
def test_everybody_is_in_one_group(present: set[int], wanted: set[int]) -> None:
    """Added, changed, the same and gone together are everybody of both rosters."""
    roster = Roster(sitting="s", entries=tuple(entry(str(n)) for n in sorted(present)))
    found = roster_changes(roster, [entry(str(n)) for n in sorted(wanted)])
    assert {one.candidate.number for one in found.added} == {str(n) for n in wanted - present}
    assert {one.candidate.number for one in found.gone} == {str(n) for n in present - wanted}
    assert found.same + len(found.changed) == len(present & wanted)


def test_who_moves_to_another_seat() -> None:
    """A plan says who gets a seat, who moves from where to where, and who has none."""
    seats = (Seat(label="A1"), Seat(label="A2"))
    present = SeatingPlan(sitting="s", seats=seats, assigned={"A1": "ada", "A2": "bob"})
    draft = SeatingDraft(
        sitting="s", seats=seats, assigned={"A2": "ada", "A1": "eve"}, unseated=("bob",), problems=(), rows=2
    )
    found = seating_changes(present, draft)
    assert (found.seats, found.given, found.moved, found.unseated) == (2, 2, (("ada", "A1", "A2"),), ("bob",))
