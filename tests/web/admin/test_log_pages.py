"""The log's page, its files and its check."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import appliance
from appliance.auditlog import ACTIONS, append, checkpoint, erase_person, show
from appliance.auditlog.line import LogLine
from appliance.database import write
from appliance.vault.keys import DeviceKey
from appliance.web.admin import log_lines, log_pages, log_words
from appliance.web.services import of
from tests.support.waiting import until
from tests.web.admin.filled_box import fill_log

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser

    Person = Callable[[str], Browser]

_ENTRIES = re.compile(r'id="entry-(\d+)"')


def entries(page: str) -> list[int]:
    """Return the numbers of the entries on a page."""
    return [int(number) for number in _ENTRIES.findall(page)]


def test_it_says_who_did_what_from_where(db: Database, clock: ManualClock, person: Person) -> None:
    """Actions are said in words, with the person, the place and what it was about; unknown ones as they are."""
    append(db, "hold.placed", clock=clock, who="Mia", where="10.0.0.9", detail={"hold": 7, "sitting": "exam-1"},
           personal={"reason": "appeal"})  # fmt: skip
    append(db, "future.thing", clock=clock, detail={"free": 5_000_000_000, "since_us": clock.wall_us()})
    page = person("auditor").get("/admin/log").text
    for words in ("a legal hold was placed", "Mia", "10.0.0.9", "Hold 7", "exam-1", "appeal", "future.thing", "5.0 GB"):
        assert words in page, words


def test_roles_are_said_in_the_readers_language(db: Database, clock: ManualClock, person: Person) -> None:
    """An entry about a role names it as the other pages do."""
    append(db, "account.role_changed", clock=clock, detail={"from": "invigilator", "to": "centre_manager"})
    page = person("auditor").get("/admin/log", headers={"Accept-Language": "de"}).text
    assert "Zentrumsleitung" in page
    assert "centre_manager" not in page


def test_the_boxs_own_words_are_said_in_the_readers_language(db: Database, clock: ManualClock, person: Person) -> None:
    """Whoever reads German reads why a camera was lost and who began to record; what people wrote stays as it is."""
    append(db, "camera.lost", clock=clock, detail={"camera": "front", "reason": "refused"})
    append(db, "recording.started", clock=clock, who="first start", detail={"sitting": "s1"})
    append(db, "vault.part_found", clock=clock, detail={"state": "closed", "sitting": "s1"})
    append(db, "hold.placed", clock=clock, detail={"hold": 1}, personal={"reason": "closed"})
    page = person("auditor").get("/admin/log?group=all", headers={"Accept-Language": "de"}).text
    assert "die Verbindung wird abgelehnt" in page
    assert "refused" not in page
    assert ">der erste Start<" in page
    assert "first start" not in page
    assert "abgeschlossen" in page
    assert page.count("closed<") == page.count("vault.part_closed<") + 1


def test_every_action_and_group_has_words_in_the_readers_language() -> None:
    """No group is shown as a bare noun, and no action has words that are not in the catalogue's source."""
    from tools.make_texts import texts_of_the_code

    assert {action.partition(".")[0] for action in ACTIONS} <= log_words.GROUPS.keys()
    known = {message.id for message in texts_of_the_code()}
    assert set(ACTIONS.values()) <= known


def test_routine_is_left_out_until_it_is_asked_for(db: Database, clock: ManualClock, person: Person) -> None:
    """Checkpoints every minute hide nothing that people did, and nothing is hidden where all is asked for."""
    append(db, "vault.checkpoint", clock=clock)
    append(db, "camera.lost", clock=clock)
    browser = person("administrator")
    assert 1 not in entries(browser.get("/admin/log").text)
    assert 1 in entries(browser.get("/admin/log?group=all").text)
    assert entries(browser.get("/admin/log?group=vault").text) == [1]
    assert entries(browser.get("/admin/log?group=camera.lost").text) == [2]


def test_pages_join_in_both_directions(db: Database, clock: ManualClock, person: Person) -> None:
    """Older and newer lead through every entry once; a link to an entry shows it first; its page knows newer ones."""
    fill_log(db, 180, start_us=clock.wall_us())
    browser = person("administrator")
    last = max(line.seq for line in show(db))
    page = entries(browser.get("/admin/log?group=all").text)
    seen = list(page)
    while len(page) == log_pages.PAGE:
        text = browser.get(f"/admin/log?group=all&before={page[-1]}").text
        page = entries(text)
        seen += page
    assert seen == list(range(last, 0, -1))
    assert entries(browser.get("/admin/log?group=all&after=20").text) == list(range(20 + log_pages.PAGE, 20, -1))
    text = browser.get("/admin/log?group=all&entry=33").text
    assert entries(text)[0] == 33
    assert "after=33" in text


def test_it_is_narrowed_by_person_time_and_text(db: Database, clock: ManualClock, person: Person) -> None:
    """Filters are kept by the links to other pages; days are the room's; texts also find the words of actions."""
    for number in range(70):
        append(db, "camera.lost", clock=clock, who="Mia" if number % 2 else "Ben", detail={"camera": f"c-{number}"})
    append(db, "bookmark.made", clock=clock, who="Ben", detail={"note": "paper on the floor"})
    browser = person("administrator")
    text = browser.get("/admin/log?who=Mia&q=c-").text
    assert len(entries(text)) == 35
    assert entries(browser.get("/admin/log?q=PAPER+on").text) == [71]
    assert 71 in entries(browser.get("/admin/log?q=a+bookmark+was").text)
    assert len(entries(browser.get("/admin/log?who=Ben").text)) == 36
    day = "2027-01-15"  # of the tests' clock
    assert entries(browser.get(f"/admin/log?from={day}&to={day}&group=bookmark").text) == [71]
    assert entries(browser.get("/admin/log?to=2027-01-14").text) == []
    older = browser.get("/admin/log?group=all&q=c-").text
    assert "q=c-" in older.split("pager", 1)[1]
    assert browser.get("/admin/log?from=soon").status_code == 422
    assert browser.get(f"/admin/log?q={'x' * 101}").status_code == 422


def test_erased_people_read_erased(db: Database, clock: ManualClock, person: Person) -> None:
    """The entry stays, the name does not: neither on the page nor in a file."""
    append(db, "bookmark.made", clock=clock, who="Eve Müller", where="10.0.0.5")
    erase_person(db, "Eve Müller", clock=clock)
    browser = person("administrator")
    assert "erased" in browser.get("/admin/log").text
    for path in ("/admin/log", "/admin/log.csv", "/admin/log.jsonl"):
        assert "Müller" not in browser.get(path).get_data(as_text=True)


def test_a_table_runs_nothing_in_a_spreadsheet(db: Database, clock: ManualClock, person: Person) -> None:
    """Cells that begin like formulas are made text; who takes the log away is itself an entry."""
    bad = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"]
    for name in bad:
        append(db, "bookmark.made", clock=clock, who=name, detail={"note": '=HYPERLINK("x")'})
    answer = person("auditor").get("/admin/log.csv?group=bookmark")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [one["who"] for one in rows] == [f"'{name}" for name in bad]
    assert all(one["detail"].startswith("{") for one in rows)
    taken = list(show(db, action="log.taken"))[-1]
    assert (taken.who, taken.detail["form"], taken.detail["group"]) == ("Auditor", "csv", "bookmark")


def test_lines_are_those_of_the_command(db: Database, clock: ManualClock, person: Person) -> None:
    """JSON Lines hold what `exambox log show --json` prints, the oldest first."""
    append(db, "hold.placed", clock=clock, who="Mia", where="10.0.0.9", detail={"hold": 7}, personal={"reason": "ä"})
    text = person("auditor").get("/admin/log.jsonl?group=hold").get_data(as_text=True)
    (line,) = [json.loads(one) for one in text.splitlines()]
    assert (line["who"], line["where"]) == ("Mia", "10.0.0.9")
    assert (line["detail"], line["personal"]) == ({"hold": 7}, {"reason": "ä"})


def test_a_file_that_was_cut_says_so(
    db: Database, clock: ManualClock, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit the last line tells that more was left out; at the limit it does not."""
    for _ in range(4):
        append(db, "bookmark.made", clock=clock)
    browser = person("auditor")
    monkeypatch.setattr(log_pages, "MAX_ROWS", 4)
    assert "left_out" not in browser.get("/admin/log.jsonl?group=bookmark").get_data(as_text=True)
    monkeypatch.setattr(log_pages, "MAX_ROWS", 3)
    assert browser.get("/admin/log.jsonl?group=bookmark").get_data(as_text=True).endswith('{"left_out": true}\n')
    assert "More entries were left out" in browser.get("/admin/log.csv?group=bookmark").get_data(as_text=True)


def test_a_check_gives_its_verdict_in_plain_words(
    app: Flask, db: Database, settings: Settings, clock: ManualClock, person: Person
) -> None:
    """A whole log is called whole, a changed one not, with the entry; others do not see one's check."""
    key = DeviceKey.generate()
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    (settings.keys_dir / "device.pub").write_bytes(key.public)
    fill_log(db, 600, start_us=clock.wall_us())
    checkpoint(db, key, clock=clock)
    browser = person("auditor")

    def verdict() -> str:
        answer = _check(browser)
        return until(lambda: text if "Look again" not in (text := browser.get(answer).text) else "", 20, "the verdict")

    whole = verdict()
    assert "The log is whole." in whole
    assert "1 signed checkpoints, up to entry 600" in whole
    assert list(show(db, action="log.verified"))[-1].who == "Auditor"
    db.conn.execute("DROP TRIGGER log_entry_append_only_update")
    with write(db):
        changed = db.conn.execute("SELECT replace(CAST(body AS TEXT), 'front', 'other') FROM log_entry WHERE seq = 300")
        db.conn.execute("UPDATE log_entry SET body = CAST(? AS BLOB) WHERE seq = 300", changed.fetchone())
    broken = verdict()
    assert "The log is not what was written." in broken
    assert "entry=300" in broken
    assert "A guard against changes was removed" in broken
    job = next(iter(of(app).jobs._jobs))
    assert person("administrator").get(f"/admin/log/checks/{job}").status_code == 404


def _check(browser: Browser) -> str:
    token = browser.token("/admin/log")
    answer = browser.client.post("/admin/log/checks", data={"csrf_token": token}, headers={"Accept": "text/html"})
    assert answer.status_code == 303
    return str(answer.location)


def test_every_finding_has_plain_words() -> None:
    """Each code a check can give is explained; one of newer software is shown as it was told."""
    source = (Path(appliance.__file__).parent / "auditlog" / "verify.py").read_text("utf-8")
    codes = set(re.findall(r'report\.add\("([a-z.]+)"', source))
    assert len(codes) > 10
    assert all(log_words.finding_words(code, "?") != "?" for code in codes)
    assert log_words.finding_words("new.code", "As told.") == "As told."


def test_a_hundred_thousand_entries_are_fast(db: Database, clock: ManualClock, person: Person) -> None:
    """Pages, filters and a search that finds nothing answer in well under a second."""
    fill_log(db, 100_000, start_us=clock.wall_us() - 200_000_000_000)
    browser = person("administrator")
    queries = ("", "group=all", "group=account", "who=Ada&group=recording", "q=nothing-like-it", "who=Nobody")
    for query in (*queries, "before=5000"):
        begun = time.process_time()
        assert browser.get(f"/admin/log?{query}").status_code == 200
        assert time.process_time() - begun < 1.0, query


def test_facts_are_bounded_and_told_apart() -> None:
    """Times, sizes, lengths, links and erased values are known for what they are; long texts are cut."""
    line = LogLine(
        1, 2, "x.y", "a", "b",
        {"at_us": 1_800_000_000_000_000, "idle_us": 5_000_000, "bytes": 5, "ok": True, "sitting": "s", "n": 3,
         "long": "x" * 900, "list": [1, 2], "none": None},
        {"reason": "(erased)"},
    )  # fmt: skip
    kinds = {fact.name: fact.kind for fact in log_lines.facts(line)}
    assert kinds == {
        "sitting": "sitting", "reason": "erased", "at_us": "time", "bytes": "size", "idle_us": "length", "list": "text",
        "long": "text", "n": "text", "ok": "yes",
    }  # fmt: skip
    assert all(len(str(fact.value)) <= 401 for fact in log_lines.facts(line))
    assert [fact.name for fact in log_lines.in_line(line)] == ["sitting", "reason"]
