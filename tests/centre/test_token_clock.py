"""By which time a box checks tokens: its own, or the centre's where its own is not to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.measuring import CentreState, ClockMeter, TokenClock, state_path, write_state
from appliance.clock import SECOND_US
from appliance.exchange.centre.clock_offset import OWN_LEEWAY_US, UNTRUSTED_LEEWAY_US

if TYPE_CHECKING:
    from appliance.clock import ManualClock
    from appliance.config import Settings

AHEAD_US = 900 * SECOND_US


def measured(settings: Settings, clock: ManualClock, answers: int) -> None:
    """Write what answers of a centre fifteen minutes ahead say."""
    meter = ClockMeter(clock, own_trusted=lambda: False)
    for _ in range(answers):
        clock.advance(5)
        now_us = clock.mono_us()
        meter.add(sent_us=now_us - 20_000, received_us=now_us, hub_us=clock.wall_us() + AHEAD_US)
    write_state(state_path(settings), CentreState(boot=meter.boot, samples=meter.samples))


def test_a_box_without_a_centre_goes_by_its_own_clock(settings: Settings, clock: ManualClock) -> None:
    """Whatever was measured before, without a centre the wall clock and thirty seconds count."""
    measured(settings, clock, 4)
    time = TokenClock(settings, clock, belongs=lambda: False, own_trusted=lambda: False).time()
    assert (time.now_us, time.leeway_us) == (clock.wall_us(), OWN_LEEWAY_US)


def test_a_measured_offset_counts_where_the_clock_is_not_trusted(settings: Settings, clock: ManualClock) -> None:
    """With enough answers tokens are checked by the centre's time, within thirty seconds and the bound."""
    measured(settings, clock, 4)
    time = TokenClock(settings, clock, belongs=lambda: True, own_trusted=lambda: False).time()
    assert abs(time.now_us - clock.wall_us() - AHEAD_US) < SECOND_US
    assert OWN_LEEWAY_US < time.leeway_us < OWN_LEEWAY_US + SECOND_US


def test_a_box_that_knows_no_time_allows_more(settings: Settings, clock: ManualClock) -> None:
    """Nothing measured and no time server: five minutes, as the page says; what is measured counts seconds later."""
    used = TokenClock(settings, clock, belongs=lambda: True, own_trusted=lambda: False)
    assert (used.time().now_us, used.time().leeway_us) == (clock.wall_us(), UNTRUSTED_LEEWAY_US)
    measured(settings, clock, 4)
    assert used.time().leeway_us < UNTRUSTED_LEEWAY_US
