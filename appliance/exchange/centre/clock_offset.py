"""How wrong the box's clock is, measured from answers the hub signed (pure).

The hub read its clock between the moment a request left and the moment its answer came. So the difference between the
hub's time and the box's monotonic clock is known within the time the answer took. Of the last samples the largest set
that can be true together is believed, and the difference lies where all of them overlap (Marzullo); others are
outliers. Older samples are widened by what two quartzes may drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT: Final = 16
"""Samples that are kept."""
NEEDED: Final = 3
"""Samples that have to agree before an offset is trusted."""
DRIFT_PPM: Final = 200
"""How far two clocks may run apart, in millionths; of a quartz, with room."""
LONGEST_ANSWER_US: Final = 20 * SECOND_US
"""An answer that took longer says too little."""
TRUSTED_BOUND_US: Final = 2 * SECOND_US
"""An offset that is known no better than this is not trusted."""
OWN_LEEWAY_US: Final = 30 * SECOND_US
"""What tokens may be off where the clock, or its offset, is trusted."""
UNTRUSTED_LEEWAY_US: Final = 300 * SECOND_US
"""What tokens may be off where the box does not know the time."""
_HUB_GRAIN_US: Final = 999
"""An answer's time is cut to a millisecond: so much later it may have been."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One signed answer.

    Attributes:
        boot: which boot of the box the monotonic times are of.
        sent_us: monotonic, before the request was sent.
        received_us: monotonic, after the answer was read.
        hub_us: the hub's time in it, cut to a millisecond.
    """

    boot: str
    sent_us: int
    received_us: int
    hub_us: int

    def shift(self, mono_us: int) -> tuple[int, int]:
        """Return between which two values the hub's time less the monotonic clock lies, seen from a later moment."""
        age_us = max(mono_us - self.sent_us, 0)
        drift_us = -(-age_us * DRIFT_PPM // _MILLION)
        return self.hub_us - self.received_us - drift_us, self.hub_us + _HUB_GRAIN_US - self.sent_us + drift_us


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """What is known of the offset.

    Attributes:
        offset_us: the centre's time less the box's wall clock.
        bound_us: the offset is right within this.
        agreeing: samples that support it, of ``samples``.
        trusted: enough support it, more than half, and the bound is small.
    """

    offset_us: int
    bound_us: int
    agreeing: int
    samples: int
    trusted: bool


def observe(samples: Sequence[Sample], sample: Sample) -> tuple[Sample, ...]:
    """Return the samples with one more; the oldest, those of another boot and useless ones are left out."""
    kept = [one for one in samples if one.boot == sample.boot]
    if 0 <= sample.received_us - sample.sent_us <= LONGEST_ANSWER_US:
        kept.append(sample)
    return tuple(kept[-KEPT:])


def estimate(samples: Iterable[Sample], *, boot: str, mono_us: int, wall_us: int) -> ClockEstimate | None:
    """Return the offset of the wall clock now, or None where nothing was measured in this boot.

    Args:
        samples: of `observe`.
        boot: of now.
        mono_us: monotonic now.
        wall_us: the box's wall clock now, read together with it.
    """
    ranges = [one.shift(mono_us) for one in samples if one.boot == boot]
    if not ranges:
        return None
    agreeing = _largest_agreement(ranges)
    low, high = max(one[0] for one in agreeing), min(one[1] for one in agreeing)
    middle = (low + high) // 2
    bound_us = high - middle
    enough = len(agreeing) >= NEEDED and 2 * len(agreeing) > len(ranges)
    trusted = enough and bound_us <= TRUSTED_BOUND_US
    return ClockEstimate(middle + mono_us - wall_us, bound_us, len(agreeing), len(ranges), trusted)


def centre_time_us(measured: ClockEstimate | None, *, wall_us: int, own_trusted: bool) -> int:
    """Return UTC as near to the centre's as is known.

    The box's wall clock plus the offset, where that is trusted or the wall clock itself (``own_trusted``:
    synchronised) is not; else the wall clock.
    """
    if measured is not None and (measured.trusted or not own_trusted):
        return wall_us + measured.offset_us
    return wall_us


def leeway_us(measured: ClockEstimate | None, *, own_trusted: bool) -> int:
    """Return how far a token's times may be off from `centre_time_us` and be accepted."""
    if measured is not None and measured.trusted:
        return OWN_LEEWAY_US + measured.bound_us
    return OWN_LEEWAY_US if own_trusted else UNTRUSTED_LEEWAY_US


def stepped_us(before: ClockEstimate, after: ClockEstimate) -> int:
    """Return by how much the box's wall clock was set between two estimates; 0 where their bounds leave it open.

    Positive: it was set forward (or the hub's was set back). For the log, which records every step.
    """
    step_us = before.offset_us - after.offset_us
    return step_us if abs(step_us) > before.bound_us + after.bound_us else 0


def _largest_agreement(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the largest set of ranges that have a point in common; of two the one with the later ranges."""
    best: list[int] = []
    for low, _ in ranges:
        with_point = [index for index, one in enumerate(ranges) if one[0] <= low <= one[1]]
        if (len(with_point), with_point[::-1]) > (len(best), best[::-1]):
            best = with_point
    return [ranges[index] for index in best]
