"""What of a journal's line goes into a bundle."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from appliance.diagnosis.machine import Machine
from appliance.support.journal import journal_facts, message_facts, parse_line

LINE = (
    'event="camera lost" level=warning module=appliance.capture.supervisor process=capture camera=front restarts=3 '
    'reason="cannot reach Frau Meier"'
)


def test_an_event_of_ours_keeps_sentence_and_numbers() -> None:
    """Values that are texts are named and left out."""
    assert message_facts(LINE) == {
        "event": "camera lost", "level": "warning", "module": "appliance.capture.supervisor", "process": "capture",
        "restarts": 3, "left_out": ["camera", "reason"],
    }  # fmt: skip


def test_an_exception_keeps_its_kind_and_place() -> None:
    """Not its words, and not where the program is installed."""
    text = (
        'event="request failed" exception="Traceback (most recent call last):\\n'
        '  File "/home/anna/appliance/web/app.py", line 7, in view\\nValueError: Frau Meier"'
    )
    found = message_facts(text)
    assert found["trace"] == ["appliance/web/app.py:7 view"]
    assert "Meier" not in json.dumps(found)
    assert "anna" not in json.dumps(found)


def test_a_line_that_is_not_ours_is_only_counted() -> None:
    """What another program says may be anything."""
    assert message_facts("hello Frau Meier") == {"event": "(a line of 16 characters, left out)"}


def test_a_closed_journal_is_said_to_be_closed() -> None:
    """An empty list would read as if nothing had happened."""
    assert journal_facts(Machine(ask=lambda _: None))["readable"] is False
    assert journal_facts(Machine(ask=lambda _: ""))["readable"] is False


@given(
    st.text(max_size=300)
    | st.recursive(st.none() | st.text(max_size=20), lambda x: st.dictionaries(st.text(max_size=9), x))
)
def test_any_line_is_survived(value: object) -> None:
    """Broken JSON, other types, nested rubbish."""
    parse_line(value if isinstance(value, str) else json.dumps(value))
    parse_line(json.dumps({"MESSAGE": value, "PRIORITY": value, "__REALTIME_TIMESTAMP": value}))


@given(st.text("abcdefghijklmnopqrstuvwxyzäöü ", min_size=4, max_size=20).filter(str.strip))
def test_a_value_of_any_text_never_comes_through(value: str) -> None:
    """Only numbers do."""
    found = message_facts(f'event="done" level=info who="{value}"')
    assert found == {"event": "done", "level": "info", "left_out": ["who"]}
