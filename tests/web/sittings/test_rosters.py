"""Rosters and seating plans over HTTP: looked at first, taken whole or not at all, by page and by script."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from appliance.sittings.rosters import roster_of, seating_of
from appliance.sittings.runs import stored_sitting
from tests.web.sittings.conftest import ROSTER, SEATS

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.web.sittings.conftest import Day

WRONG = "number;last_name;extra_time;email\n1;Lovelace;lots;\n1;Babbage;;nobody\n;Hopper;;\n"


def rows(day: Day) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that a roster is made of."""
    tables = ("candidate", "roster_entry", "seat", "sitting_event", "sitting", "log_entry")
    return {name: day.db.conn.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608  constants


def check(day: Day, kind: str = "roster", **more: Any) -> TestResponse:
    """Send a table to be looked at, as the page's form does."""
    data = {"csrf_token": day.token, "kind": kind, **more}
    return day.invigilator.client.post(
        f"{day.path}/import/check", data=data, headers={"Accept": "text/html"}, content_type="multipart/form-data"
    )


def take(day: Day, text: str, **more: str) -> TestResponse:
    """Take a table that was looked at."""
    version = str(stored_sitting(day.db, day.sitting).version)
    data = {"csrf_token": day.token, "kind": "roster", "text": text, "version": version, **more}
    return day.invigilator.client.post(f"{day.path}/import/take", data=data, headers={"Accept": "text/html"})


def test_each_rows_problem_stands_in_its_cell(day: Day) -> None:
    """The dry run shows row, column, what is wrong and what to do; nothing can be taken, nothing is stored."""
    before = rows(day)
    answer = check(day, file=(io.BytesIO(WRONG.encode()), "roster.csv"))
    assert answer.status_code == 422
    page = answer.text
    assert "4 problems: nothing can be taken yet." in page
    for words in (
        "is not understood",
        "This candidate is in row 2 already",
        "This is not an e-mail address",
        "missing",
    ):
        assert words in page
    assert page.count('class="cell-bad"') == 4
    assert "Take it" not in page
    assert "Correct it here" in page
    assert rows(day) == before


def test_a_good_table_says_what_it_changes_and_is_taken(day: Day) -> None:
    """Counts of new, changed, same and gone; taking it leads to the roster, with a notice."""
    answer = check(day, file=(io.BytesIO(ROSTER.encode()), "roster.csv"))
    assert answer.status_code == 200
    assert "The table is good." in answer.text
    assert "3 rows were read." in answer.text
    assert take(day, ROSTER).status_code == 303
    page = day.page("/roster")
    assert "Ada Lovelace" in page
    assert "25 %" in page
    again = check(day, file=(io.BytesIO(ROSTER.replace("25 %", "30 min").encode()), "roster.csv")).text
    assert "25 % → 30 min" in again


def test_who_is_not_in_the_table_stays_unless_it_is_the_whole_roster(day: Day) -> None:
    """Adding leaves the others; replacing takes them off."""
    assert take(day, ROSTER).status_code == 303
    one = "number\tlast_name\n4\tTuring\n"
    assert take(day, one, replace="false").status_code == 303
    assert len(roster_of(day.db, day.sitting).entries) == 4
    assert take(day, one, replace="true").status_code == 303
    assert [entry.candidate.last_name for entry in roster_of(day.db, day.sitting).entries] == ["Turing"]


def test_a_table_that_became_wrong_is_not_taken(day: Day) -> None:
    """With a problem in any row, or a roster that was changed meanwhile, nothing is stored and the page says so."""
    before = rows(day)
    assert take(day, WRONG).status_code == 422
    assert take(day, ROSTER, version="9999").status_code == 409
    assert take(day, "").status_code == 422
    assert rows(day) == before


STRANGE = (b"", b"\x89PNG\r\n", b"PK\x03\x04 no", b"\xff\xfe\x00", b"number\n\x00", b"<html>", b'number\n"never closed')


def test_what_is_no_table_is_refused_in_words(day: Day) -> None:
    """A picture, a broken archive, a text that cannot be split: said with the file's name, nothing is stored."""
    before = rows(day)
    for data in STRANGE:
        answer = check(day, file=(io.BytesIO(data), "strange.xlsx"))
        assert answer.status_code == 422, data
        assert "callout-bad" in answer.text
    assert rows(day) == before


def test_a_table_may_be_longer_than_other_forms(day: Day) -> None:
    """A roster of hundreds is taken; what is beyond the limit is refused, and signed out nobody may send much."""
    many = "number\tlast_name\n" + "".join(f"{n}\tCandidate number {n} with a long name\n" for n in range(1500))
    assert len(many) > 50_000
    assert take(day, many).status_code == 303
    assert len(roster_of(day.db, day.sitting).entries) == 1500
    assert take(day, "x" * 4_100_000).status_code == 413
    stranger = day.app.test_client()
    answer = stranger.post(f"{day.path}/import/take", data={"text": many}, headers={"Accept": "text/html"})
    assert answer.status_code == 413


def test_a_seating_plan_is_looked_at_and_taken(day: Day) -> None:
    """Unknown candidates and places taken twice are named; a good plan gives each their seat."""
    assert day.take().status_code == 200
    wrong = check(day, "seating", text="seat\tnumber\trow\tcolumn\nA1\t1\t1\t1\nA2\t99\t1\t1\n")
    assert wrong.status_code == 422
    assert "is not on the roster" in wrong.text
    assert "has this place already" in wrong.text
    assert take(day, SEATS, kind="seating").status_code == 303
    plan = seating_of(day.db, day.sitting)
    assert plan.assigned["A1"] == day.candidate("Lovelace")
    assert len(plan.seats) == 4


def test_a_script_is_told_the_same_as_the_page(day: Day) -> None:
    """The dry run by script names each problem as JSON; without it the table is taken, whole or not at all."""
    where = f"/api{day.path}/roster"
    wrong = day.post(f"{where}?dry_run=true", text=WRONG)
    assert (wrong.status_code, wrong.json["good"]) == (200, False)
    assert {(one["row"], one["column"]) for one in wrong.json["problems"]} == {
        (2, "extra_time"), (3, "number"), (3, "email"), (4, "number"),
    }  # fmt: skip
    dry = day.post(f"{where}?dry_run=true", text=ROSTER)
    assert (dry.status_code, dry.json["added"], dry.json["taken"]) == (200, 3, False)
    assert roster_of(day.db, day.sitting).entries == ()
    done = day.post(where, text=ROSTER)
    assert (done.status_code, done.json["taken"]) == (200, True)
    assert day.post(f"{where}?dry_run=true", text=ROSTER).json["same"] == 3
    refused = day.post(where, text=WRONG)
    assert (refused.status_code, refused.json["detail"][:5]) == (422, "Row 2")
    assert len(roster_of(day.db, day.sitting).entries) == 3


def test_what_is_taken_away_can_be_brought_again(day: Day) -> None:
    """Roster and plan as CSV hold what an import reads: taken again they change nothing."""
    day.take()
    day.take(SEATS, "seating")
    roster = day.invigilator.client.get(f"{day.path}/roster.csv").text
    assert day.post(f"/api{day.path}/roster?dry_run=true", text=roster).json["same"] == 3
    seating = day.invigilator.client.get(f"{day.path}/seating.csv").text
    answer = day.post(f"/api{day.path}/roster?dry_run=true&kind=seating", text=seating).json
    assert (answer["good"], answer["changed"], answer["added"]) == (True, 0, 3)


def test_templates_are_there_and_read_as_what_they_are(day: Day) -> None:
    """A template of each kind is sent as a file to keep, and an import reads its heads."""
    for kind in ("roster", "seating"):
        for form in ("csv", "xlsx"):
            answer = day.invigilator.client.get(f"/sittings/templates?kind={kind}&form={form}")
            assert answer.status_code == 200
            assert answer.headers["Content-Disposition"].endswith(f".{form}")
            assert "left alone" not in check(day, kind, file=(io.BytesIO(answer.data), f"t.{form}")).text


def test_one_candidate_by_hand(day: Day) -> None:
    """Added with extra time, changed afterwards; after the check has begun it needs a reason."""
    fields = {"number": "7", "first_name": "Alan", "last_name": "Turing", "extra_time": "25 %", "exam": day.exam}
    assert day.post(f"{day.path}/candidates", **fields).status_code == 303
    one = day.candidate("Turing")
    page = day.page(f"/candidates?candidate={one}")
    assert 'value="25 %"' in page
    changed = fields | {"extra_time": "10 min", "known": one}
    assert day.post(f"{day.path}/candidates", **changed).status_code == 303
    (entry,) = roster_of(day.db, day.sitting).entries
    assert (entry.planned.minutes, entry.planned.percent_hundredths) == (10, 0)
    wrong = day.post(f"{day.path}/candidates", **(fields | {"number": "8", "extra_time": "lots"}))
    assert wrong.status_code == 422
    assert "is not understood" in wrong.text
    day.do("check_readiness")
    late = fields | {"number": "9", "last_name": "Late"}
    assert day.post(f"{day.path}/candidates", **late).status_code == 409
    assert day.post(f"{day.path}/candidates", **late, why="Registered late").status_code == 303
    assert day.candidate("Late") in day.run.people
