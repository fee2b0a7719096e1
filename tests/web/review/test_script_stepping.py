"""Stepping from picture to picture: it goes from what is on screen, wherever the clock stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
FRAME_S = 0.04
FIRST_S = 100.0
COUNT = 50
EDGE = 20  # the picture whose edge is swept
# A real deck, clock and theatre around a video that shows what was asked for only when told (`land`), as a browser's
# decoder does, and rounds to microseconds, as a browser does.
STAGE = """async ({Theatre}, {times, trials}) => {
  const {Deck} = await import("/static/review/deck.js");
  const {MasterClock} = await import("/static/review/clock.js");
  const micro = seconds => Math.round(seconds * 1e6) / 1e6;
  class Video extends EventTarget {
    constructor() {
      super();
      Object.assign(this, {place: 0, seeking: false, paused: true, readyState: 4, callbacks: []});
    }
    get buffered() { return {length: 1, start: () => times[0], end: () => times.at(-1) + 0.04}; }
    get currentTime() { return this.place; }
    set currentTime(seconds) { this.place = micro(seconds); this.seeking = true; }
    requestVideoFrameCallback(call) { this.callbacks.push(call); }
    pause() { this.paused = true; }
    get picture() { return micro(times.findLast(time => micro(time) <= this.place)); }
    present(mediaTime) { for (const call of this.callbacks.splice(0)) call(0, {mediaTime}); }
    land() {
      if (this.seeking) this.readyState = 4;
      this.seeking = false;
      if (this.readyState > 1) this.present(this.picture);
    }
  }
  const track = {at: () => null, missing: () => null, list: []};
  const results = [];
  let now = performance.now();
  performance.now = () => now;
  for (const trial of trials) {
    const clock = new MasterClock(() => 0);
    const video = new Video();
    const facts = () => ({start_us: 0, end_us: 1e12, open: false, gaps: []});
    const unused = {changed() {}, locked() {}, signedOut() {}};
    const deck = new Deck({video, base: "", track, net: null, origin: 0, facts, clock, ...unused});
    deck.awake = true;
    deck.runEnd = (times.at(-1) + 0.04) * 1e6;
    deck.pictures.set("1/1", {end: 0, times});
    const theatre = new Theatre({clock, decks: new Map([["front", deck]]), changed() {}, skipped() {}});
    theatre.close();
    theatre.shown = new Set(["front"]);
    theatre.main = "front";
    const seen = [];
    const number = () => times.findIndex(time => Math.abs(time - video.picture) < 2e-6);
    for (const [act, ...values] of trial) {
      if (act === "seek") theatre.seek(values[0] * 1e6);
      if (act === "aside") { video.place = micro(video.place + values[0]); }
      if (act === "land") video.land();
      if (act === "late") video.present(values[0]);
      if (act === "untold") { video.seeking = false; }
      if (act === "stuck") { video.seeking = false; video.readyState = 1; }
      if (act === "wait") { now += values[0]; theatre.tick(); now += values[0]; theatre.tick(); }
      if (act === "shown") seen.push(times.findIndex(time => Math.abs(time - deck.shown) < 2e-6));
      if (act === "step") theatre.step(values[0]);
      if (act === "look") seen.push(number());
    }
    results.push(seen);
  }
  return results;
}"""
TIMES = [FIRST_S + FRAME_S * number for number in range(COUNT)]


def perform(script: Script, trials: list[list[list[Any]]], times: list[float] | None = None) -> list[list[int]]:
    """Play trials, each on a stage of its own; return the numbers of the pictures looked at."""
    found: list[list[int]] = script("theatre.js", STAGE, {"times": times or TIMES, "trials": trials})
    return found


def offsets() -> list[float]:
    """Seconds from a picture's edge: every tenth of a millisecond up to six, and a few microseconds."""
    return [number / 10_000 for number in range(-60, 61)] + [micros / 1e6 for micros in (-3, -2, 2, 3)]


@pytest.mark.parametrize("direction", [1, -1], ids=["on", "back"])
@pytest.mark.parametrize("aside_ms", [0, -4, -0.5, 0.5, 4])
def test_a_step_goes_from_the_picture_on_screen(script: Script, direction: int, aside_ms: float) -> None:
    """Wherever the clock stands around a picture's edge, and the video up to 4 ms from it, one step is one picture."""
    trials = [
        [["seek", TIMES[EDGE] + offset], ["aside", aside_ms / 1000], ["land"], ["look"],
         ["step", direction], ["land"], ["look"], ["step", direction], ["land"], ["look"]]
        for offset in offsets()
    ]  # fmt: skip
    found = perform(script, trials)
    assert {looked[0] for looked in found} == {EDGE - 1, EDGE}, "the sweep goes over the edge"
    for offset, (first, *later) in zip(offsets(), found, strict=True):
        assert later == [first + direction, first + 2 * direction], f"{offset * 1000} ms from the edge"


def test_quick_presses_each_move_one_picture(script: Script) -> None:
    """Keys pressed before the browser has shown the picture of the key before each count."""
    trials = [
        [["seek", TIMES[EDGE] + offset], ["land"], ["look"], *[["step", 1]] * 3, ["land"], ["look"],
         *[["step", -1]] * 5, ["land"], ["look"]]
        for offset in offsets()
    ]  # fmt: skip
    for first, on, back in perform(script, trials):
        assert (on, back) == (first + 3, first - 2)


def test_a_press_before_a_jump_has_landed_goes_from_where_it_lands(script: Script) -> None:
    """While a jump's picture is not there yet, a step starts there, not from the picture still on screen."""
    trials = [
        [["seek", TIMES[5] + 0.01], ["land"], ["seek", TIMES[EDGE] + offset], ["step", 1], ["land"], ["look"]]
        for offset in offsets()
        if offset
    ]
    wanted = [[EDGE + 1 if offset > 0 else EDGE] for offset in offsets() if offset]
    assert perform(script, trials) == wanted


def test_late_news_of_an_old_picture_misleads_no_step(script: Script) -> None:
    """A picture from before the seek that is reported during it is not taken for the one the seek goes to."""
    late = [["seek", TIMES[5] + 0.01], ["land"], ["step", 1], ["late", TIMES[5]], ["step", 1], ["land"], ["look"]]
    assert perform(script, [late]) == [[7]]


def test_uneven_pictures_are_stepped_one_by_one(script: Script) -> None:
    """A camera whose rate sways, down to one picture a second, is stepped through without leaving one out."""
    times = [100.0, 100.02, 100.021, 100.1, 101.1, 102.0, 102.033, 102.5, 103.9]
    on = [["step", 1], ["land"], ["look"]] * 8
    back = [["step", -1], ["land"], ["look"]] * 8
    assert perform(script, [[["seek", 100.0005], ["land"], *on, *back]], times) == [[*range(1, 9), *range(7, -1, -1)]]


def test_a_picture_the_browser_never_told_of_is_known_all_the_same(script: Script) -> None:
    """When a seek has ended and no news of its picture comes, the page still knows what is on screen."""
    jump = [["seek", TIMES[5] + 0.01], ["land"], ["seek", TIMES[EDGE] + 0.01], ["untold"]]
    found = perform(script, [[*jump, ["shown"]], [*jump, ["wait", 200], ["shown"], ["step", 1], ["land"], ["look"]]])
    assert found == [[5], [EDGE, EDGE + 1]]
    stale = [*jump, ["late", TIMES[5]], ["shown"], ["wait", 200], ["shown"]]
    assert perform(script, [stale]) == [[5, EDGE]]


def test_a_browser_that_shows_nothing_of_what_it_has_is_asked_again(script: Script) -> None:
    """A seek that ends without a picture, although pictures are there, is made once more after a moment."""
    stuck = [["seek", TIMES[5] + 0.01], ["land"], ["seek", TIMES[EDGE] + 0.01], ["stuck"]]
    found = perform(script, [[*stuck, ["land"], ["shown"]], [*stuck, ["wait", 2000], ["land"], ["shown"]]])
    assert found == [[5], [EDGE]]
