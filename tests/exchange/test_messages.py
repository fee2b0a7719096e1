"""What the LMS is told has every key, and times in full."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.enums import Conclusion, ScheduleEvent, SessionStatus, WarningType
from appliance.exchange.messages import (
    Review,
    SessionName,
    WarningFact,
    agreement_body,
    finish_body,
    schedule_body,
    status_body,
    warning_body,
)
from appliance.exchange.visible_warnings import DEFAULT_VISIBLE_WARNINGS
from appliance.exchange.warning_titles import TITLES, titles_of

SESSION = SessionName("107", "828331bda025")


def us(text: str) -> int:
    """Return an instant in microseconds."""
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


EYES = WarningFact(1, "WARNING_AVERT_EYES", us("2018-07-19T12:05:25+00:00"), us("2018-07-19T12:06:01+00:00"))


def test_a_whole_review_is_as_the_guide_shows_it() -> None:
    """Every key and form of the guide's example is sent."""
    body = Review(
        session=SESSION,
        archive="https://box/a",
        conclusion=Conclusion.ACCEPTED,
        comment="…",
        score=65,
        attention=60,
        rejected=80,
        start_us=us("2018-03-27T00:30:00Z"),
        end_us=us("2018-03-27T00:45:10Z"),
        warnings=(EYES,),
        report_url="https://box/r",
    ).body()
    titles: Any = body.pop("warningTitles")
    assert titles["WARNING_AVERT_EYES"]["en"] == "Looking away from the screen"
    assert json.loads(json.dumps(body)) == {
        "accountId": "107", "sessionId": "828331bda025", "archive": "https://box/a", "conclusion": "accepted",
        "comment": "…", "score": 65, "threshold": {"attention": 60, "rejected": 80},
        "sessionStart": "2018-03-27T00:30:00Z", "sessionEnd": "2018-03-27T00:45:10Z",
        "warnings": [{"type": "WARNING_AVERT_EYES", "start": "2018-07-19T12:05:25+00:00",
                      "end": "2018-07-19T12:06:01+00:00", "cyber": True}],
        "reportUrl": "https://box/r",
    }  # fmt: skip


def test_a_review_of_which_nothing_is_known_has_the_same_keys() -> None:
    """What is not known yet is null or empty, never left out."""
    empty = Review(session=SESSION, attention=60, rejected=80).body()
    full = Review(session=SESSION, attention=60, rejected=80, score=1, start_us=0, end_us=1, warnings=(EYES,)).body()
    assert list(empty) == list(full)
    assert empty["conclusion"] == "unknown"
    assert (empty["warnings"], empty["comment"], empty["score"], empty["sessionStart"]) == ([], "", None, None)
    assert empty["threshold"] == {"attention": 60, "rejected": 80}
    assert empty["warningTitles"] == full["warningTitles"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=5))
def test_every_warning_that_is_sent_has_an_english_title(kinds: list[str]) -> None:
    """Known kinds always have titles, and whatever else is sent gets one that is not empty."""
    titles: Any = titles_of(kinds)
    assert set(titles) == {*kinds, *WarningType}
    assert all(one["en"] for one in titles.values())


def test_titles_are_a_copy() -> None:
    """A receiver of the map cannot change what the next one is told."""
    titles: Any = titles_of([])
    titles["WARNING_PHONE"]["en"] = "x"
    assert TITLES[WarningType.PHONE]["en"] != "x"
    assert titles_of(["WARNING_HAND_RAISED"])["WARNING_HAND_RAISED"] == {"en": "Hand raised"}


def test_every_kind_of_warning_can_be_hidden_and_has_a_title() -> None:
    """The wire's types, the candidate's settings and the titles speak of the same kinds."""
    assert {kind.lower() for kind in WarningType} == set(DEFAULT_VISIBLE_WARNINGS.as_json())
    assert set(TITLES) == set(WarningType)
    assert all({"en", "de"} == set(titles) for titles in TITLES.values())


def test_the_other_messages_have_every_key() -> None:
    """Schedule, warning and agreement are as the guide shows them."""
    start = us("2018-03-27T00:30:00Z")
    assert schedule_body(SESSION, ScheduleEvent.SCHEDULED, start_us=start, cancel_deadline_us=None) == {
        "accountId": "107", "sessionId": "828331bda025", "event": "scheduled", "start": "2018-03-27T00:30:00Z",
        "cancelDeadline": None,
    }  # fmt: skip
    assert (
        schedule_body(SESSION, ScheduleEvent.CANCELED, start_us=None, cancel_deadline_us=start)["event"] == "canceled"
    )
    assert warning_body(SESSION, EYES) == {
        "accountId": "107", "sessionId": "828331bda025", "type": "WARNING_AVERT_EYES",
        "start": "2018-07-19T12:05:25+00:00", "end": "2018-07-19T12:06:01+00:00", "cyber": True, "id": 1,
    }  # fmt: skip
    assert agreement_body(SESSION, accepted_us=start) == {
        "accountId": "107", "sessionId": "828331bda025", "timestamp": "2018-03-27T00:30:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("status", list(SessionStatus))
def test_the_answers_have_every_key(status: SessionStatus) -> None:
    """A status names session, times and state; a finish says whether it changed anything."""
    assert status_body(SESSION, status, start_us=0, end_us=None) == {
        "accountId": "107", "sessionId": "828331bda025", "status": status.value,
        "sessionStart": "1970-01-01T00:00:00Z", "sessionEnd": None,
    }  # fmt: skip
    assert (finish_body(changed=True), finish_body(changed=False)) == (
        {"message": "finished"},
        {"message": "not_changed"},
    )
