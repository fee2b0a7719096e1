"""The scripts of the exam's page: time left on a steady clock, what is told once, the handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.page_scripts import scripts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Run ``(module, given) => …`` of a script of the page in a real Chromium."""
    with scripts_of("candidate", tmp_path_factory.mktemp("scripts")) as run:
        yield run


COUNT = """({Countdown}, steps) => {
  let now = 0;
  const countdown = new Countdown(() => now);
  return steps.map(([what, ...values]) => {
    if (what === "wait") now += values[0];
    else countdown.learn(...values);
    return countdown.leftUs();
  });
}"""


def test_time_left_runs_on_its_own_clock(script: Callable[..., Any]) -> None:
    """It runs down, ends at nothing, stands still in a pause, and does not jump for an answer that was late."""
    steps = [["learn", 10e6, False], ["wait", 4000], ["learn", 6.3e6, False], ["wait", 1000],
             ["learn", 605e6, False], ["wait", 5000], ["learn", 600e6, True], ["wait", 60_000],
             ["learn", 600e6, False], ["wait", 601_000], ["learn", None, False]]  # fmt: skip
    assert script("countdown.js", COUNT, steps) == [
        10e6, 6e6, 6e6, 5e6, 605e6, 600e6, 600e6, 600e6, 600e6, 0, None,
    ]  # fmt: skip


def test_an_answer_counts_from_when_it_was_made(script: Callable[..., Any]) -> None:
    """What the box said two seconds ago is two seconds less now."""
    body = "({Countdown}) => { const c = new Countdown(() => 5000); c.learn(60e6, false, 3000); return c.leftUs(); }"
    assert script("countdown.js", body) == 58e6


@pytest.mark.parametrize(
    ("us", "face"),
    [(0, "0:00"), (1, "0:01"), (59_000_000, "0:59"), (60_000_001, "1:01"), (3_600_000_000, "1:00:00"), (-5, "0:00"),
     (36_000_000_000, "10:00:00")],
)  # fmt: skip
def test_the_face_of_the_clock(script: Callable[..., Any], us: int, face: str) -> None:
    """Hours only where there are some, and a second that has begun counts."""
    assert script("countdown.js", "({clockFace}, us) => clockFace(us)", us) == face


def test_each_note_is_told_once_when_it_stands(script: Callable[..., Any]) -> None:
    """Extra time is told once, a pause when it is over, and nothing twice."""
    body = """({newNotes}, rounds) => {
      const known = new Set();
      return rounds.map(([keys, moving]) => newNotes(keys.map((key) => ({key})), known, moving).map(({key}) => key));
    }"""
    rounds = [[["planned"], False], [["planned", "extra-1"], False], [["planned", "extra-1"], False],
              [["planned", "extra-1", "pause-1-10"], True], [["planned", "extra-1", "pause-1-90"], False]]  # fmt: skip
    assert script("countdown.js", body, rounds) == [["planned"], ["extra-1"], [], [], ["pause-1-90"]]


def test_the_word_is_said_for_a_quarter_of_a_minute(script: Callable[..., Any]) -> None:
    """At once and each second for 15 s, to the exam's origin alone; a page that loads again is greeted anew."""
    body = """async ({Handshake}) => {
      const said = [];
      const shake = new Handshake((...words) => said.push(words), "word", "https://lms.example", 1);
      shake.begin();
      while (said.length < 16) await new Promise((done) => setTimeout(done, 1));
      await new Promise((done) => setTimeout(done, 30));
      const first = said.length;
      shake.begin();
      const again = said.length;
      shake.stop();
      return [first, again, [...new Set(said.map(String))]];
    }"""
    assert script("handshake.js", body) == [16, 17, ["word,https://lms.example"]]
