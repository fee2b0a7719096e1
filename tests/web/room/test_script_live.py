"""The live page's scripts: messages cut from a stream, staying close to the present, seeing that a picture is dead."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.ipc import framing

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CUT = """({Messages}, pieces) => {
  const cutter = new Messages();
  return pieces.flatMap((piece) => cutter.feed(Uint8Array.from(piece)).map(([kind, payload]) => [kind, [...payload]]));
}"""


@few
@given(
    messages=st.lists(st.tuples(st.sampled_from("JIKFCH"), st.binary(max_size=40)), max_size=8),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_messages_are_whole_however_they_come(
    room_script: Script, messages: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    """Wherever the network cuts the bytes, each message comes out once, whole and in order."""
    data = b"".join(framing.pack(kind.encode(), payload) for kind, payload in messages)
    at = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    pieces = [list(data[a:b]) for a, b in itertools.pairwise(at)]
    assert room_script("messages.js", CUT, pieces) == [[kind, list(payload)] for kind, payload in messages]


@few
@given(behind=st.floats(-5, 30, allow_nan=False))
def test_drift_is_always_corrected_towards_the_present(room_script: Script, behind: float) -> None:
    """Far off it jumps; behind it plays faster, ahead slower; a picture that is in step is left alone."""
    found = room_script("drift.js", "({correction}, behind) => correction(behind)", behind)
    if behind > 1.2 or behind < -0.2:
        assert found["seek"]
        return
    assert not found["seek"]
    excess = behind - 0.08
    assert (found["rate"] - 1) * excess >= 0
    assert 0.9 <= found["rate"] <= 1.3
    if abs(excess) < 0.04:
        assert found["rate"] == 1


def test_drift_ends(room_script: Script) -> None:
    """From a second behind, the present is reached within seven seconds and then kept."""
    body = """({correction}) => {
      let behind = 1.0;
      const seen = [];
      for (let n = 0; n < 40; n += 1) { behind -= 0.2 * (correction(behind).rate - 1); seen.push(behind); }
      return seen;
    }"""
    seen = room_script("drift.js", body)
    assert max(seen[34:]) < 0.2
    assert min(seen) > 0.02


PULSE = """({Pulse}, steps) => {
  let now = 0;
  const pulse = new Pulse(now);
  let frames = 0;
  return steps.map(([ms, arrives, decodes]) => {
    now += ms;
    if (arrives) pulse.arrive(now);
    if (decodes) frames += 1;
    pulse.look(now, frames, frames / 25);
    return pulse.state(now);
  });
}"""


def test_a_dead_picture_is_seen_within_three_seconds(room_script: Script) -> None:
    """Nothing arrives: silent. It arrives and nothing is decoded: frozen. Both within 3.2 s; alive again at once."""
    alive = [[200, True, True]] * 10
    silent = room_script("drift.js", PULSE, [*alive, *[[200, False, False]] * 16])
    assert silent[5:10] == ["live"] * 5
    assert silent[-1] in {"silent", "frozen"}
    frozen = room_script("drift.js", PULSE, [*alive, *[[200, True, False]] * 14, *alive])
    assert frozen[23] == "frozen"
    assert frozen[-1] == "live"


def test_a_picture_is_not_alive_before_it_moved(room_script: Script) -> None:
    """The first decoded picture alone is no sign of life."""
    assert room_script("drift.js", PULSE, [[200, True, False], [200, True, True]])[0] == "starting"


def test_waits_grow_and_begin_anew(room_script: Script) -> None:
    """At first nearly at once, never longer than six seconds, short again after it worked, not the same for all."""
    body = """({Ladder}, random) => {
      const ladder = new Ladder(() => random);
      const waits = Array.from({length: 9}, () => ladder.next());
      ladder.reset();
      return [...waits, ladder.next()];
    }"""
    low, high = room_script("ladder.js", body, 0), room_script("ladder.js", body, 1)
    assert low[0] < 250
    assert low[:9] == sorted(low[:9])
    assert max(high) <= 6000
    assert low[9] == low[0]
    assert all(a < b for a, b in zip(low, high, strict=True))
