"""What happens in the room as events: nothing twice, nothing left out, or everything anew."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.web.room.events import Event, EventLog, worded, written

names = st.sampled_from(["camera.a", "camera.b", "disk", "clock"])
facts = st.dictionaries(names, st.integers(0, 3), max_size=4)


class Listener:
    """A browser: applies what it hears to what it knows."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.known: dict[str, Any] = {}
        self.last: int | None = None
        self.numbers: list[int] = []
        self.snapshots = 0

    def hear(self, events: list[Event]) -> None:
        """Take events as the page does."""
        for event in events:
            if event.kind == "snapshot":
                self.known, self.numbers = dict(event.data["facts"]), []
                self.snapshots += 1
            else:
                self.known.update(event.data["set"])
                for name in event.data["gone"]:
                    del self.known[name]
                self.numbers.append(event.number)
            self.last = event.number


# What happens next: the facts change, or the browser gets so many events and is cut off in the middle of them.
steps = st.lists(st.one_of(facts, st.integers(0, 5)), max_size=60)


@given(steps=steps, ring=st.integers(1, 8), process_restarts=st.booleans())
def test_any_pattern_of_cuts_loses_nothing(steps: list[Any], ring: int, process_restarts: bool) -> None:
    """Wherever the connection is cut, each event is heard once and in order, or a snapshot says everything anew."""
    log = EventLog(ring=ring)
    log.tell({"disk": 0})
    now: dict[str, Any] = {"disk": 0}
    listener = Listener(log)
    for step in steps:
        if isinstance(step, dict):
            log.tell(step)
            now = step
        else:
            listener.hear(log.after(listener.last)[:step])
            assert listener.numbers == sorted(set(listener.numbers))
            gaps = [b - a for a, b in zip(listener.numbers, listener.numbers[1:], strict=False)]
            assert all(gap == 1 for gap in gaps)
    if process_restarts:
        fresh = EventLog(ring=ring)
        fresh.tell(now)
        listener.last = fresh.number_of(f"{log.epoch}-{listener.last}") if listener.last is not None else None
        assert listener.last is None
        listener.hear(fresh.after(listener.last))
    else:
        listener.hear(log.after(listener.last))
    assert listener.known == now


def test_who_was_away_too_long_begins_anew() -> None:
    """Beyond what is kept there is a snapshot, never a gap; up to there, only what was missed."""
    log = EventLog(ring=3)
    for value in range(6):
        log.tell({"disk": value})
    assert [event.kind for event in log.after(2)] == ["snapshot"]
    assert [event.number for event in log.after(3)] == [4, 5, 6]
    assert log.after(6) == []
    assert [event.kind for event in log.after(7)] == ["snapshot"]


def test_what_did_not_change_is_no_event() -> None:
    """The same facts again say nothing."""
    log = EventLog()
    assert log.tell({"disk": 1, "clock": 2})
    assert not log.tell({"disk": 1, "clock": 2})
    assert log.tell({"clock": 2})
    assert log.after(1)[0].data == {"set": {}, "gone": ["disk"]}


@given(text=st.text(max_size=60))
def test_a_foreign_id_is_no_number(text: str) -> None:
    """Whatever a browser sends as its last id, only one of this process counts."""
    log = EventLog(epoch="0123456789abcdef")
    assert log.number_of(text) is None or text.startswith("0123456789abcdef-")
    assert log.number_of("0123456789abcdef-17") == 17
    assert log.number_of("f123456789abcdef-17") is None
    assert log.number_of("0123456789abcdef-" + "9" * 30) is None


@given(value=st.recursive(st.text() | st.integers() | st.none(), lambda one: st.lists(one, max_size=3), max_leaves=8))
def test_an_event_is_one_block_whatever_it_says(value: Any) -> None:
    """No text of a camera's name or message can end an event early or begin another."""
    raw = written("change", {"set": {"x": value}}, event_id="a-1")
    block, end, rest = raw.partition(b"\n\n")
    assert (end, rest) == (b"\n\n", b"")
    lines = block.split(b"\n")
    assert [line.split(b":")[0] for line in lines] == [b"id", b"event", b"data"]
    assert b"\r" not in block
    assert json.loads(lines[2][6:]) == {"set": {"x": value}}


def test_what_is_said_to_people_is_put_into_their_words() -> None:
    """Messages and hints of every fact are translated for one reader; the facts themselves stay as they are."""
    log = EventLog()
    log.tell({"camera.a": {"state": "lost", "message": "gone", "hint": ""}, "cameras": [{"id": "a"}]})
    log.tell({"camera.a": {"state": "lost", "message": "still gone"}, "cameras": [{"id": "a"}]})
    heard = [worded(event, str.upper).data for event in (*log.after(None), *log.after(1))]
    assert heard[0]["facts"] == {"camera.a": {"state": "lost", "message": "STILL GONE"}, "cameras": [{"id": "a"}]}
    assert heard[1]["set"] == {"camera.a": {"state": "lost", "message": "STILL GONE"}}
    assert log.after(1)[0].data["set"]["camera.a"]["message"] == "still gone"
