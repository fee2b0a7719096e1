"""How wrong the box's clock is, measured on a computer that has other things to do."""

from __future__ import annotations

from appliance.centre.measuring import ClockMeter
from appliance.clock import ManualClock


class BusyClock(ManualClock):
    """Some milliseconds pass now and then between reading one clock and the next."""

    reads = 0
    every = 3

    def wall_us(self) -> int:
        """Return the wall time, and be away for a while."""
        now = super().wall_us()
        self.reads += 1
        if self.reads % self.every == 0:
            self.advance(0.004)
        return now


def measured(clock: BusyClock) -> list[int]:
    """Return the steps that are told while signed answers come in, one of them after a real step of 3 s."""
    steps: list[int] = []
    meter = ClockMeter(clock, own_trusted=lambda: True, boot="b", stepped=steps.append)
    for number in range(40):
        if number == 20:
            clock.step(3)
        sent_us = clock.mono_us()
        hub_us = ManualClock.wall_us(clock) - (3_000_000 if number >= 20 else 0)
        clock.advance(0.0002)
        meter.add(sent_us=sent_us, received_us=clock.mono_us(), hub_us=hub_us // 1000 * 1000)
        meter.look()
        clock.advance(0.1)
    return steps


def test_what_passes_between_two_readings_is_no_step() -> None:
    """Of a computer that is away for 4 ms at any moment, the one real step is told, and no other."""
    for every in (1, 2, 3, 7):
        clock = BusyClock()
        clock.every = every
        (step,) = measured(clock)
        assert abs(step - 3_000_000) <= 5_000
