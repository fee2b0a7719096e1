"""Exams as an LMS makes and changes them."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.exchange.json_edge import BODY
from tests.web.api.lms import EXAMPLE, EXAMS, is_problem

if TYPE_CHECKING:
    from tests.web.api.lms import Lms

AT_ONCE = 8


def exam(exam_id: Any, **changes: Any) -> dict[str, Any]:
    """Return the example under another name."""
    return EXAMPLE | {"examId": exam_id} | changes


def test_the_example_is_created_with_201_and_updated_with_200(lms: Lms) -> None:
    """The answer is the actual exam: what was sent as it was sent, and every default."""
    first = lms.post_exam()
    assert first.status_code == 201
    assert first.content_type == "application/json"
    told = first.get_json()
    for name, value in EXAMPLE.items():
        if not isinstance(value, dict):
            assert told[name] == value, name
            continue
        assert {key: told[name][key] for key in value} == value, name
    assert told["trial"] is False
    assert told["rules"]["allow_to_use_websites"] is False
    assert told["visibleWarnings"]["warning_phone"] is True
    assert told["calculator"] == "off"
    again = lms.post_exam()
    assert (again.status_code, again.get_json()) == (200, told)
    changed = lms.post_exam(EXAMPLE | {"duration": 90})
    assert (changed.status_code, changed.get_json()["duration"]) == (200, 90)
    rows = lms.db.conn.execute("SELECT account, exam_id, version FROM exam WHERE exam_id = 'a3875623'").fetchall()
    assert [(row[0], row[1]) for row in rows] == [("123", "a3875623")]


def test_what_is_answered_can_be_sent_again(lms: Lms) -> None:
    """An answer is itself a good exam, and changes nothing."""
    told = lms.post_exam(exam("again")).get_json()
    assert lms.post_exam(told).get_json() == told


@pytest.mark.parametrize("path", [EXAMS, EXAMS.rstrip("/")])
def test_the_slash_at_the_end_may_be_missing(lms: Lms, path: str) -> None:
    """Neither spelling is redirected to the other."""
    assert lms.call("POST", path, exam(f"slash {path}")).status_code == 201


@pytest.mark.parametrize(
    ("account", "exam_id"), [(1, 2), ("1", "2"), (None, "no account"), ("", 9_007_199_254_740_993), ("ü/ß", " x ")]
)
def test_names_are_answered_as_they_were_sent(lms: Lms, account: Any, exam_id: Any) -> None:
    """Numbers stay numbers, texts texts; no account is an empty one."""
    told = lms.post_exam(exam(exam_id, accountId=account)).get_json()
    assert (told["accountId"], told["examId"]) == ("" if account is None else account, exam_id)


def test_a_number_and_its_text_name_the_same_exam(lms: Lms) -> None:
    """A client that sends 77 once and "77" later has one exam."""
    assert lms.post_exam(exam(77)).status_code == 201
    assert lms.post_exam(exam("77")).status_code == 200


def test_an_account_of_its_own_has_exams_of_its_own(lms: Lms) -> None:
    """The same examId in another account is another exam."""
    assert lms.post_exam(exam("same", accountId="a")).status_code == 201
    assert lms.post_exam(exam("same", accountId="b")).status_code == 201


def test_both_spellings_of_the_score_are_taken_and_echoed(lms: Lms) -> None:
    """Snake case comes back as snake case, with its defaults."""
    told = lms.post_exam(exam("snake", scoreConfig={"cheater_level": 70, "look_away": 2})).get_json()["scoreConfig"]
    assert (told["cheater_level"], told["look_away"], told["absent_user"]) == (70, 2, 2)
    assert "cheaterLevel" not in told


def test_nulls_and_unknown_keys_are_no_error(lms: Lms) -> None:
    """A null is as absent; what is not known is kept and answered, inside of rules, too."""
    nothing: dict[str, Any] = dict.fromkeys(
        ["userAgreementUrl", "identification", "rules", "scoreConfig", "visibleWarnings", "courseName", "trial",
         "desktopAppForbiddenProcesses", "preliminaryCheck", "calculator"]
    )  # fmt: skip
    told = lms.post_exam(exam("nulls", **nothing, custom={"a": [1]})).get_json()
    assert told["custom"] == {"a": [1]}
    assert told["courseName"] == ""
    assert told["rules"]["allow_to_use_paper"] is True
    rules = {"allow_to_use_phone_book": True, "custom_rules": "No hats"}
    told = lms.post_exam(exam("nulls", rules=rules)).get_json()
    assert told["rules"]["allow_to_use_phone_book"] is True
    assert told["rules"]["custom_rules"] == "No hats"


def test_every_wrong_field_is_named_and_nothing_is_stored(lms: Lms) -> None:
    """Wrong types, dates the wrong way round and weights out of range, all at once."""
    before = lms.stored()
    wrong = exam(
        "wrong", duration="long", proctoring="telepathy", startDate="2018-03-30T00:00:00Z",
        endDate="2018-03-27T00:00:00Z", scoreConfig={"phone": 11}, schedule=None,
    )  # fmt: skip
    problem = is_problem(lms.post_exam(wrong), 400)
    named = {one["field"] for one in problem["errors"]}
    assert named == {"duration", "proctoring", "endDate", "scoreConfig.phone", "schedule"}
    assert problem["code"] == "parameters.wrong"
    assert problem["field"] in named
    assert lms.stored() == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "json.bad"),
        (b"   ", 400, "json.bad"),
        (b"[", 400, "json.bad"),
        (b"[]", 400, "parameters.wrong"),
        (b"null", 400, "parameters.wrong"),
        (b'"x"', 400, "parameters.wrong"),
        (b'{"examId": 1, "examId": 2}', 400, "json.bad"),
        (b'{"examId": "\xff"}', 400, "json.bad"),
        (b'{"examId": NaN}', 400, "json.bad"),
        (b'{"examId": 1e999}', 400, "json.bad"),
        (b'{"examId": "\\ud800"}', 400, "json.bad"),
        (b"[" * 100_000, 400, "json.bad"),
        (b'{"examId": ' + b"9" * 5000 + b"}", 400, "json.bad"),
        (b" " * (BODY.size + 1), 413, "json.too_large"),
    ],
)
def test_what_is_no_exam_is_refused_in_one_shape(lms: Lms, body: bytes, status: int, code: str) -> None:
    """And leaves nothing."""
    before = lms.stored()
    assert is_problem(lms.post_exam(body), status)["code"] == code
    assert lms.stored() == before


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.lms+json", "",
     "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"],
)  # fmt: skip
def test_json_is_taken_however_a_client_labels_it(lms: Lms, kind: str) -> None:
    """Also without a kind, and with what libraries put where nobody chose one."""
    assert lms.post_exam(exam(f"kind {kind}"), content_type=kind).status_code == 201


@pytest.mark.parametrize("kind", ["application/xml", "multipart/form-data; boundary=x", "image/png", "text/html"])
def test_a_clearly_different_kind_is_refused(lms: Lms, kind: str) -> None:
    """415, and nothing is stored."""
    before = lms.stored()
    is_problem(lms.post_exam(exam("kinds"), content_type=kind), 415)
    assert lms.stored() == before


def test_a_large_exam_is_taken(lms: Lms) -> None:
    """More than a page's form may send: up to what the JSON edge takes."""
    assert lms.post_exam(exam("large", note="x" * (BODY.size - 4096))).status_code == 201


def test_many_at_once_make_one_exam(lms: Lms) -> None:
    """Identical calls at the same time: one 201, all others 200, one row, and every answer the same."""
    gate = threading.Barrier(AT_ONCE)
    answers: list[tuple[int, str]] = []

    def send() -> None:
        gate.wait()
        answer = lms.post_exam(exam("at once"))
        answers.append((answer.status_code, json.dumps(answer.get_json())))

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({text for _, text in answers}) == 1
    found = lms.db.conn.execute("SELECT version FROM exam WHERE exam_id = 'at once'").fetchall()
    assert found == [(1,)]


def test_an_exam_is_in_the_log_under_the_lmss_name(lms: Lms) -> None:
    """Who made it is said, and from where."""
    lms.post_exam(exam("logged"))
    who = lms.db.conn.execute("SELECT value FROM log_personal WHERE field = 'who' ORDER BY seq DESC").fetchone()[0]
    assert who == "LMS moodle"
