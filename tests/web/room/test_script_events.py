"""The page's own view of events and of what a camera's tile says."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.web.room.events import EventLog, written

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PARSE = """({EventParser, Facts}, pieces) => {
  const parser = new EventParser();
  const facts = new Facts();
  let count = 0;
  for (const piece of pieces) for (const event of parser.feed(piece)) { count += 1; facts.take(event); }
  return [facts.known, facts.last, count];
}"""
names = st.sampled_from(["camera.a", "camera.b", "disk"])
states = st.lists(st.dictionaries(names, st.text(max_size=6), max_size=3), min_size=1, max_size=8)


@few
@given(states=states, cuts=st.lists(st.integers(0, 2000), max_size=10), twice=st.booleans())
def test_the_page_knows_what_the_box_knows(
    room_script: Script, states: list[dict[str, str]], cuts: list[int], twice: bool
) -> None:
    """However the text is cut, and though some of it is heard twice, the page ends with the box's facts."""
    log = EventLog()
    text = ""
    last = None
    for state in states:
        log.tell(state)
        events = log.after(last)
        last = events[-1].number if events else last
        block = b"".join(map(log.written, events)).decode()
        text += block + (block if twice and "snapshot" not in block else "") + written("beat", {"now_us": 1}).decode()
    at = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    known, last_id, _ = room_script("events.js", PARSE, [text[a:b] for a, b in itertools.pairwise(at)])
    assert known == log.after(None)[0].data["facts"]
    assert last_id in {"", f"{log.epoch}-{last}"}


def test_blocks_without_data_are_nothing(room_script: Script) -> None:
    """Comments and the reconnection time are passed over."""
    pieces = ["retry: 1500\n\n: hello\n\n", "event: beat\ndata: {}\n", "\nevent: change\n\n"]
    assert room_script("events.js", PARSE, pieces) == [{}, "", 1]


VERDICT = """({verdict}, [picture, facts, enabled, heard]) =>
  verdict(picture, facts, {enabled, heard, sinceS: (us) => us / 1e6})"""
pictures = st.fixed_dictionaries(
    {"state": st.sampled_from(["starting", "live", "stills", "lost"]), "reason": st.text(max_size=5)}
)
said = st.none() | st.fixed_dictionaries(
    {
        "state": st.sampled_from(["starting", "live", "lost", "stopped"]),
        "message": st.text(max_size=5),
        "since_us": st.integers(0, 10**8),
    }
)


@few
@given(picture=pictures, facts=said, enabled=st.booleans(), heard=st.booleans())
def test_only_a_moving_picture_is_shown_as_alive(
    room_script: Script, picture: dict[str, Any], facts: dict[str, Any] | None, enabled: bool, heard: bool
) -> None:
    """A tile says live only of a picture that moves and a camera that the box has not lost."""
    found = room_script("verdict.js", VERDICT, [picture, facts, enabled, heard])
    alive = found["state"] in {"live", "stills"}
    gone = not enabled or bool(heard and facts and facts["state"] in {"lost", "stopped"})
    assert alive == (picture["state"] in {"live", "stills"} and not gone)
    if not alive:
        assert found["title"]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (None, "unknown"),
        ({"recording": False}, "off"),
        ({"recording": True, "last_segment_us": None}, "late"),
        ({"recording": True, "last_segment_us": 98_000_000}, "fresh"),
        ({"recording": True, "last_segment_us": 93_000_000}, "late"),
        ({"recording": True, "last_segment_us": 60_000_000}, "stale"),
    ],
)
def test_the_seals_age_has_a_colour(room_script: Script, facts: dict[str, Any] | None, kind: str) -> None:
    """Fresh below 5 s, late below 12 s, then stale; nothing is claimed of what is not known."""
    body = "({sealed}, facts) => sealed(facts, {heard: true, sinceS: (us) => (100e6 - us) / 1e6})"
    assert room_script("verdict.js", body, facts)[0] == kind
    unheard = body.replace("true", "false")
    assert room_script("verdict.js", unheard, facts)[0] == "unknown"


@few
@given(problems=st.lists(st.sampled_from(["yes", "perhaps", "no"]), max_size=12))
def test_problems_come_first_and_the_rest_keeps_its_order(room_script: Script, problems: list[str]) -> None:
    """Every camera is shown once; those with a problem before the others; otherwise nothing moves."""
    tiles = [{"id": f"c{number:02}", "problem": problem} for number, problem in enumerate(problems)]
    found = room_script("verdict.js", "({order}, tiles) => order(tiles)", tiles)
    first = [tile["id"] for tile in tiles if tile["problem"] == "yes"]
    rest = [tile["id"] for tile in tiles if tile["problem"] != "yes"]
    assert found == first + rest


def test_no_key_means_two_things(room_script: Script) -> None:
    """Each key stands for one action, and every action has words and a key that is shown."""
    rows = room_script("keys.js", "({shortcuts}) => shortcuts(8)")
    keys = [key for row in rows for key in row["keys"]]
    assert len(keys) == len(set(keys))
    assert all(row["words"] and row["shown"] for row in rows)
    assert json.dumps(rows)
