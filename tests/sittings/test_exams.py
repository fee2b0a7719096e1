"""Exams as rows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import verify
from appliance.database import open_box_database
from appliance.errors import ConflictError, NotFoundError
from appliance.exams.methods import Method
from appliance.exchange.exam_parameters import actual
from appliance.sittings.exams import (
    find_exam,
    get_exam,
    list_exams,
    parameters_of,
    put_exam,
    remove_exam,
    restore_exam,
    set_choices,
    upsert_exam,
)
from appliance.sittings.values import ExamChoices
from tests.sittings.a_box import NINE, a_clock, actions, an_exam, an_integration, exam_said

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


def test_an_exam_is_made_changed_and_left_as_it_is(db: Database) -> None:
    """The first word makes it, another word changes it, the same word writes nothing."""
    clock, lms = a_clock(), an_integration(db)
    made = upsert_exam(db, lms, exam_said(), clock=clock, who="moodle")
    assert (made.created, made.changed, made.exam.version) == (True, True, 1)
    same = upsert_exam(db, lms, exam_said(), clock=clock, who="moodle")
    assert (same.created, same.changed, same.exam) == (False, False, made.exam)
    other = upsert_exam(db, lms, exam_said(duration=90, myKey=1), clock=clock, who="moodle")
    assert (other.created, other.changed, other.exam.version, other.exam.id) == (False, True, 2, made.exam.id)
    assert other.exam.parameters == actual(exam_said(duration=90, myKey=1))
    assert get_exam(db, made.exam.id) == other.exam
    assert parameters_of(other.exam) == exam_said(duration=90, myKey=1)
    assert actions(db) == ["exam.made", "exam.changed"]
    body = db.conn.execute("SELECT body FROM log_entry WHERE seq = 2").fetchone()[0]
    assert b'"changed":["duration","other keys"]' in body
    assert verify(db, None).ok


def test_account_and_exam_of_an_lms_are_the_key(db: Database) -> None:
    """The same exam id in another account or of another LMS is another exam; 7 and "7" are one."""
    clock, one, two = a_clock(), an_integration(db), an_integration(db, "canvas")
    ids = {
        an_exam(db, one, clock, examId=7).id,
        an_exam(db, one, clock, examId=7, accountId="b").id,
        an_exam(db, two, clock, examId=7).id,
        an_exam(db, one, clock, examId="7").id,
    }
    assert len(ids) == 3
    found = find_exam(db, one.id, "123", "7")
    assert found is not None
    assert found.parameters["examId"] == "7"
    assert find_exam(db, one.id, "nobody", "7") is None


def test_the_same_word_from_many_at_once_makes_one_exam(db: Database, settings: Settings) -> None:
    """Eight connections send the same exam at one moment: one makes it, the log says so once."""
    clock, lms = a_clock(), an_integration(db)
    gate, created = threading.Barrier(8), list[bool]()

    def send() -> None:
        mine = open_box_database(settings.database)
        gate.wait()
        created.append(upsert_exam(mine, lms, exam_said(), clock=clock, who="moodle").created)
        mine.conn.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created) == [False] * 7 + [True]
    assert actions(db) == ["exam.made"]


def test_exams_are_listed_and_found(db: Database) -> None:
    """Latest window first, page by page; by name, course or id, with signs of patterns taken as they are."""
    clock, lms = a_clock(), an_integration(db)
    for day in range(1, 6):
        an_exam(db, lms, clock, examId=f"e{day}", examName=f"Part {day}", endDate=f"2026-12-0{day}T00:00:00Z")
    an_exam(db, lms, clock, examId="old", examName="100%", courseName="", endDate="2026-11-25T09:00:00Z")
    names = [one.exam.name for one in list_exams(db, now_us=NINE)]
    assert names == ["Part 5", "Part 4", "Part 3", "Part 2", "Part 1", "100%"]
    first = list_exams(db, now_us=NINE, limit=2)
    last = first[-1].exam
    then = list_exams(db, now_us=NINE, limit=2, before=(last.window_end_us, last.id))
    assert [one.exam.name for one in then] == ["Part 3", "Part 2"]
    assert "100%" not in [one.exam.name for one in list_exams(db, now_us=NINE, past=False)]
    assert [one.exam.name for one in list_exams(db, now_us=NINE, text="0%")] == ["100%"]
    assert len(list_exams(db, now_us=NINE, text="mathem")) == 5
    assert [one.exam_id for one in list_exams(db, now_us=NINE, text="E3")] == ["e3"]


def test_what_the_centre_chooses_wins_and_stays(db: Database) -> None:
    """A choice is kept when the LMS changes the exam, and the same choice again is no change."""
    clock, lms = a_clock(), an_integration(db)
    made = an_exam(db, lms, clock)
    chosen = ExamChoices(method=Method.RECORD_ONLY, instructions="Phones off.")
    kept = set_choices(db, made.id, chosen, clock=clock, who="Grace")
    assert (kept.exam.method, kept.exam.instructions, kept.version) == (Method.RECORD_ONLY, "Phones off.", 2)
    assert set_choices(db, made.id, chosen, clock=clock, who="Grace") == kept
    assert an_exam(db, lms, clock, duration=30).exam.method is Method.RECORD_ONLY
    assert actions(db) == ["exam.made", "exam.changed", "exam.changed"]
    with pytest.raises(NotFoundError):
        set_choices(db, "none", chosen, clock=clock, who="Grace")


def test_a_removed_exam_comes_back(db: Database) -> None:
    """By undo, or when its LMS sends it again."""
    clock, lms = a_clock(), an_integration(db)
    made = an_exam(db, lms, clock)
    remove_exam(db, made.id, clock=clock, who="Grace")
    remove_exam(db, made.id, clock=clock, who="Grace")
    assert list_exams(db, now_us=NINE) == []
    assert find_exam(db, lms.id, made.account, made.exam_id) is None
    assert restore_exam(db, made.id, clock=clock, who="Grace").removed_us is None
    remove_exam(db, made.id, clock=clock, who="Grace")
    assert upsert_exam(db, lms, exam_said(), clock=clock, who="moodle").changed
    assert actions(db) == ["exam.made", "exam.removed", "exam.restored", "exam.removed", "exam.changed"]


def test_an_exam_of_an_open_sitting_is_not_removed(db: Database) -> None:
    """The message names the sitting that holds it."""
    clock, lms = a_clock(), an_integration(db)
    made = an_exam(db, lms, clock)
    db.conn.execute(
        "INSERT INTO sitting (id, room, name, timing, start_us, created_us, created_by, updated_us)"
        " VALUES ('s1', 'r', 'Monday', '{}', 1, 1, 'x', 1)"
    )
    db.conn.execute("INSERT INTO sitting_exam (sitting, exam) VALUES ('s1', ?)", (made.id,))
    db.conn.commit()
    with pytest.raises(ConflictError, match="Monday"):
        remove_exam(db, made.id, clock=clock, who="Grace")
    db.conn.execute("UPDATE sitting SET status = 'closed'")
    db.conn.commit()
    remove_exam(db, made.id, clock=clock, who="Grace")


def test_a_failure_leaves_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log cannot be written there is no exam either."""
    clock, lms = a_clock(), an_integration(db)

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("appliance.auditlog.append", fail)
    with pytest.raises(RuntimeError):
        upsert_exam(db, lms, exam_said(), clock=clock, who="moodle")
    assert db.table("exam").count == 0


def test_what_an_lms_puts_is_kept_as_any_exam(db: Database) -> None:
    """Made, said again and changed, it is answered and logged as `upsert_exam` does."""
    clock, lms = a_clock(), an_integration(db)
    made = put_exam(db, lms, exam_said(), clock=clock, who="moodle")
    assert (made.created, made.changed) == (True, True)
    again = upsert_exam(db, lms, exam_said(), clock=clock, who="moodle")
    assert (again.created, again.changed, again.exam.parameters) == (False, False, made.parameters)
    changed = put_exam(db, lms, exam_said(duration=61), clock=clock, who="moodle")
    assert (changed.created, changed.changed, changed.parameters["duration"]) == (False, True, 61)
    assert not put_exam(db, lms, exam_said(duration=61), clock=clock, who="moodle").changed
    assert actions(db)[-2:] == ["exam.made", "exam.changed"]
