"""A session's state, and its finish, as an LMS asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.api.lms import is_problem

if TYPE_CHECKING:
    from tests.web.api.lms import Lms


@pytest.mark.parametrize("slash", ["/", ""])
def test_the_state_of_a_session_is_told_in_full(lms: Lms, slash: str) -> None:
    """Every key, the ids as they were sent; what is not known is null."""
    number = 4711 + len(slash)
    lms.arrive(number, userId=f"state {number}")
    answer = lms.call("GET", lms.session_path(str(number), "status").rstrip("/") + slash)
    assert answer.status_code == 200
    told = answer.get_json()
    assert set(told) == {"accountId", "sessionId", "status", "sessionStart", "sessionEnd"}
    assert (told["accountId"], told["sessionId"]) == (123, number)
    assert told["status"] in {"not_scheduled", "early_to_start", "ready_to_start", "late_to_start", "started"}


@pytest.mark.parametrize("what", ["status", "finish"])
@pytest.mark.parametrize("session", ["unknown", "a/b", "%2e%2e", "ü", "x" * 255, "x" * 3000, "%00", "a%0Ab"])
def test_an_unknown_session_is_404(lms: Lms, what: str, session: str) -> None:
    """Whatever it is called."""
    method = "GET" if what == "status" else "POST"
    is_problem(lms.call(method, lms.session_path(session, what)), 404)


def test_a_name_with_a_slash_is_found(lms: Lms) -> None:
    """An LMS chooses its sessions' names; escaped or not, this one is found."""
    lms.arrive("2026/11/7", userId="slash")
    assert lms.call("GET", lms.session_path("2026%2F11%2F7", "status")).get_json()["sessionId"] == "2026/11/7"


@pytest.mark.parametrize("body", [None, {}, [], b"null", b"", {"sessionFinishUrl": None}, {"more": [1]}])
def test_a_session_is_finished_once(lms: Lms, body: Any) -> None:
    """However empty the body is; the second call changes nothing and says so."""
    name = f"finish {body!r}"
    lms.arrive(name, userId=name)
    path = lms.session_path(name, "finish")
    first = lms.call("POST", path, body)
    assert (first.status_code, first.get_json()) == (200, {"message": "finished"})
    again = lms.call("POST", path, body)
    assert (again.status_code, again.get_json()) == (200, {"message": "not_changed"})


def test_the_finish_may_say_where_the_candidate_goes(lms: Lms) -> None:
    """The address is kept with the session."""
    lms.arrive("goes", userId="goes")
    body = {"sessionFinishUrl": "https://lms.example/thanks"}
    assert lms.call("POST", lms.session_path("goes", "finish"), body).status_code == 200
    row = lms.db.conn.execute("SELECT finish_url FROM session WHERE session_id = 'goes'").fetchone()
    assert row == ("https://lms.example/thanks",)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"sessionFinishUrl": "javascript:1"}, "sessionFinishUrl"), ({"sessionFinishUrl": 7}, "sessionFinishUrl"),
     ([1], "body"), (b"{", "body"), (b'"x"', "body")],
)  # fmt: skip
def test_a_wrong_finish_changes_nothing(lms: Lms, body: Any, field: str) -> None:
    """The field is named, and the session goes on."""
    name = f"wrong {body!r}"
    lms.arrive(name, userId=name)
    before = lms.stored()
    assert is_problem(lms.call("POST", lms.session_path(name, "finish"), body), 400)["field"] == field
    assert lms.stored() == before
    assert lms.call("GET", lms.session_path(name, "status")).get_json()["sessionEnd"] is None


def test_who_finished_it_is_in_the_log(lms: Lms) -> None:
    """The LMS, by its integration's name."""
    lms.arrive("logged", userId="logged")
    lms.call("POST", lms.session_path("logged", "finish"))
    who = {row[0] for row in lms.db.conn.execute("SELECT value FROM log_personal WHERE field = 'who'")}
    assert "LMS moodle" in who
