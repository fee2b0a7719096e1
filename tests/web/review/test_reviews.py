"""Reviews over HTTP: the queue, a session's page, judging, concluding, and what the LMS knows of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.sittings.reviews import review_of
from appliance.sittings.warnings import warnings_of
from tests.web.review.a_review import Reviewed, post

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.config import Settings
    from tests.web.conftest import Browser


@pytest.fixture
def reviewed(app: Flask, db: Database, settings: Settings, account: Callable[[str, str], None]) -> Reviewed:
    """A box with a sitting of three that is still open."""
    account("First", "administrator")
    return Reviewed(db, settings)


@pytest.fixture
def closed(reviewed: Reviewed) -> Reviewed:
    """The sitting is closed: its sessions are ready for review."""
    reviewed.room.closes()
    return reviewed


def names(page: str) -> list[str]:
    """The candidates of a list, in its order."""
    return re.findall(r'class="open-link"[^>]*>([^<]+)<', page)


def test_the_queue_has_the_worst_first(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Incident before score before wait, with seat, sitting, exam, warnings by kind and what is held."""
    page = person("reviewer").get("/reviews").text
    assert names(page) == ["Ada Last 3", "Ada Last 2", "Ada Last 1"]
    assert "<strong>seat 2</strong><small>Monday</small>" in page
    assert "2\N{MULTIPLICATION SIGN} A telephone" in page
    assert "3\N{MULTIPLICATION SIGN} Looks away" in page
    assert "Major" in page
    assert page.count("result held") == 3
    assert "Algebra" in page


def test_the_lists_and_the_search(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """What is decided leaves the queue and what is held; words narrow a list; an empty one says what to do."""
    reviewer = person("reviewer")
    assert post(reviewer, f"{closed.page('2')}/verdict", name="pass").status_code == 200
    assert len(names(reviewer.get("/reviews").text)) == 2
    assert len(names(reviewer.get("/reviews?show=held").text)) == 2
    decided = reviewer.get("/reviews?show=decided").text
    assert len(names(decided)) == 1
    assert "Passed" in decided
    found = reviewer.get("/reviews?q=monday+3").text
    assert len(names(found)) == 1
    assert "No review fits" in reviewer.get("/reviews?q=%25").text
    assert reviewer.get("/reviews?show=other").status_code == 422


def test_the_queue_is_paged_behind_its_last(
    closed: Reviewed, person: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page leads to the next, which begins behind its last one, also when that one was decided meanwhile."""
    monkeypatch.setattr("appliance.web.review.queue_views.PAGE", 1)
    reviewer = person("reviewer")
    seen, where = [], "/reviews"
    while where:
        page = reviewer.get(where).text
        seen += names(page)
        if len(seen) == 1:
            post(reviewer, f"{closed.page('3')}/verdict", name="pass")
        found = re.search(r'rel="next" href="([^"]+)"', page)
        where = found[1].replace("&amp;", "&") if found else ""
    assert [name[-1] for name in seen] == ["3", "2", "1"]


def test_held_results_of_an_open_sitting_are_seen(reviewed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Before the close nothing waits, but who looks for a held result finds it, and why nothing can be done yet."""
    reviewer = person("reviewer")
    assert "Nothing waits for a review" in reviewer.get("/reviews").text
    assert len(names(reviewer.get("/reviews?show=held").text)) == 3
    assert "when its sitting is closed" in reviewer.get(reviewed.page("1")).text
    answer = post(reviewer, f"{reviewed.page('1')}/verdict", name="pass")
    assert answer.status_code == 409


def test_a_session_says_who_where_and_why_it_ended(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Seat, exam, sitting, times with their reasons, the incident, the score's parts; nothing recorded is said so."""
    reviewer = person("reviewer")
    page = reviewer.get(closed.page("3")).text
    for said in ("Seat seat 3", "Algebra", "Monday", "A note under the sheet", "duration of the exam", "No pictures"):
        assert said in page
    page = reviewer.get(closed.page("2")).text
    assert "Looks away" in page
    assert '<td class="number">1.5</td>' in page
    assert "score 5" in page, "two telephones, and looking away in two slots of 30 seconds at 1.5"
    heaviest = re.findall(r'data-group="(\d+)"', page)
    timed = re.findall(r'data-group="(\d+)"', reviewer.get(closed.page("2") + "?order=time").text)
    assert sorted(heaviest) == sorted(timed)
    assert heaviest != timed
    assert reviewer.get("/reviews/none").status_code == 404


def test_a_group_is_judged_at_once(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Repeats are dismissed together with one reason and count no more; without a reason nothing is kept."""
    reviewer, where = person("reviewer"), f"{closed.page('2')}/warnings"
    phones = closed.numbers("phone")
    assert post(reviewer, where, warnings=phones, decision="dismissed").status_code == 409
    assert {one.warning.decision for one in warnings_of(closed.db, session=closed.session("2"))} == {"open"}
    told = post(reviewer, where, warnings=phones, decision="dismissed", why="A calculator").get_json()
    assert told["said"] == "2 warnings are dismissed."
    page = reviewer.get(closed.page("2")).text
    assert "score 3" in page
    assert "A calculator" in page
    assert post(reviewer, where, warnings=closed.numbers("avert_eyes")[:1], decision="confirmed").status_code == 200
    kept = warnings_of(closed.db, session=closed.session("2"))
    assert sorted(one.warning.decision for one in kept) == ["confirmed", "dismissed", "dismissed", "open", "open"]
    assert post(reviewer, where, warnings=phones, decision="dismissed", why="again").status_code == 409
    assert review_of(closed.db, closed.session("2")).status == "ready_for_review", "nothing concludes by itself"


def test_only_the_sessions_own_warnings_are_judged(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """One that is not the session's refuses all of them."""
    phones = closed.numbers("phone")
    answer = post(person("reviewer"), f"{closed.page('1')}/warnings", warnings=phones, decision="confirmed")
    assert answer.status_code == 404
    assert {one.warning.decision for one in warnings_of(closed.db, session=closed.session("2"))} == {"open"}
    assert post(person("centre_manager"), f"{closed.page('2')}/warnings", decision="confirmed").status_code == 422


def test_a_verdict_and_its_release(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """The first is told at once; a change is not before a centre manager releases it, and the page says so plainly."""
    reviewer, manager, where = person("reviewer"), person("centre_manager"), closed.page("1")
    assert "The result is held" in reviewer.get(where).text
    missing = reviewer.client.post(
        f"{where}/verdict", data={"csrf_token": reviewer.token(where), "name": "fail", "why": ""},
        headers={"Accept": "text/html"},
    )  # fmt: skip
    assert missing.status_code == 409
    assert "needs a reason" in missing.text
    assert post(reviewer, f"{where}/verdict", name="fail", why="Somebody else wrote").status_code == 200
    closed.delivered()
    page = reviewer.get(where).text
    assert "rejected (failed)" in page
    assert "delivered" in page
    assert "Somebody else wrote" in page
    answer = post(reviewer, f"{where}/verdict", name="change_to_passed", why="It was the twin after all")
    assert answer.get_json()["status"] == "passed"
    page = reviewer.get(where).text
    assert "The verdict here is another one" in page
    assert 'value="release"' not in page
    assert [conclusion for _, conclusion in closed.told("1")][-1] == "rejected"
    assert post(reviewer, f"{where}/verdict", name="release", why="x").status_code == 409
    assert 'value="release"' in manager.get(where).text
    assert post(manager, f"{where}/verdict", name="release", why="Told the faculty").status_code == 200
    assert [conclusion for _, conclusion in closed.told("1")][-1] == "accepted"
    page = manager.get(where).text
    assert "on its way" in page
    assert "The verdict here is another one" not in page
    assert "the LMS knows another verdict" not in manager.get("/reviews?show=decided").text


def test_a_refused_delivery_is_shown_with_its_reason(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Parked, with why; who may see deliveries is led to it, who may not is not."""
    where = closed.page("1")
    reviewer = person("reviewer")
    post(reviewer, f"{where}/verdict", name="pass")
    closed.delivered("parked")
    page = reviewer.get(where).text
    assert "parked: it was refused" in page
    assert "It answered with the status (500)" in page
    assert "/admin/deliveries" not in page
    assert re.search(r'href="/admin/deliveries/\d+"', person("centre_manager").get(where).text)


def test_a_second_review_is_somebody_elses(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Who gave the last verdict is told so, is offered no other, and is led past it."""
    reviewer, where = person("reviewer"), closed.page("3")
    post(reviewer, f"{where}/verdict", name="pass")
    post(reviewer, f"{where}/verdict", name="ask_second", why="Not sure")
    page = reviewer.get(where).text
    assert "A second review is made by somebody else." in page
    assert 'value="pass"' not in page
    assert "by somebody else than you" in reviewer.get("/reviews").text
    assert reviewer.get(f"{closed.page('2')}/next").location == closed.page("1")
    other = person("centre_manager")
    assert other.get(f"{closed.page('1')}/next").location == closed.page("3")
    assert post(other, f"{where}/verdict", name="pass").status_code == 200


def test_next_leads_through_the_queue(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """From one to the one behind it, from the last to the first, and out of the queue when nothing else waits."""
    reviewer = person("reviewer")
    assert reviewer.get(f"{closed.page('3')}/next").location == closed.page("2")
    assert reviewer.get(f"{closed.page('1')}/next").location == closed.page("3")
    for number in ("3", "2", "1"):
        post(reviewer, f"{closed.page(number)}/verdict", name="pass")
    assert reviewer.get(f"{closed.page('1')}/next").location == "/reviews"
    assert "No other review waits" in reviewer.get("/reviews").text


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_who_reads_changes_nothing(closed: Reviewed, person: Callable[[str], Browser], role: str) -> None:
    """The page without a way to judge or conclude."""
    page = person(role).get(closed.page("2")).text.split("<main", 1)[1]
    assert "A telephone" in page
    assert "<form" not in page.split("<dialog", 1)[0]


def test_what_was_done_is_in_the_log(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Who judged and who concluded, of which session."""
    reviewer, where = person("reviewer"), closed.page("2")
    post(reviewer, f"{where}/warnings", warnings=closed.numbers("phone"), decision="confirmed")
    post(reviewer, f"{where}/verdict", name="fail", why="A telephone")
    lines = [line for line in show(closed.db, limit=20) if line.action in {"warning.judged", "review.acted"}]
    assert sorted(line.action for line in lines) == ["review.acted", "warning.judged", "warning.judged"]
    assert {line.who for line in lines} == {"Reviewer"}


def test_a_sitting_and_its_reviews_lead_to_one_another(closed: Reviewed, person: Callable[[str], Browser]) -> None:
    """Register, candidate and exam link the review for who may see it; the review links back to the sitting."""
    manager, sitting = person("centre_manager"), closed.room.sitting
    review = closed.page("2")
    register = manager.get(f"/sittings/{sitting}/register").text
    assert all(f'href="{closed.page(number)}"' in register for number in ("1", "2", "3"))
    assert "Ready for review" in register
    page = manager.get(review).text
    (candidate,) = re.findall(rf'href="(/sittings/{sitting}/candidates/[^"]+)"', page)
    assert f'href="/sittings/{sitting}"' in page
    assert f'href="{review}"' in manager.get(candidate).text
    exam = closed.db.conn.execute("SELECT id FROM exam").fetchone()[0]
    assert 'href="/reviews?q=' in manager.get(f"/exams/{exam}").text
    assert f'href="/sittings/{sitting}"' in manager.get(f"/exams/{exam}").text

    invigilator = person("invigilator")
    for path in (f"/sittings/{sitting}/register", candidate, f"/exams/{exam}"):
        assert "/reviews" not in invigilator.get(path).text, "who may not see reviews is shown no way to them"
    reviewer = person("reviewer")
    assert f'href="{review}"' in reviewer.get(f"/sittings/{sitting}/register").text
    back = reviewer.get(review).text
    assert f'href="/sittings/{sitting}/register"' in back
    assert candidate not in back
