"""How wrong the box's clock is, measured from answers the hub signed (pure).

The hub read its clock between the moment a request left and the moment its answer came. So the difference between the
hub's time and the box's monotonic clock is known within the time the answer took. Of the last samples the largest set
that can be true together is believed, and the difference lies where all of them overlap (Marzullo); others are outliers.
Older samples are widened by what two quartzes may drift apart.
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
_HUB_GRAIN_US: Final = 1000


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
    raise NotImplementedError


def estimate(samples: Iterable[Sample], *, boot: str, mono_us: int, wall_us: int) -> ClockEstimate | None:
    """Return the offset of the wall clock now, or None where nothing was measured in this boot.

    Args:
        samples: of `observe`.
        boot: of now.
        mono_us: monotonic now.
        wall_us: the box's wall clock now, read together with it.
    """
    raise NotImplementedError


def centre_time_us(measured: ClockEstimate | None, *, wall_us: int, own_trusted: bool) -> int:
    """Return UTC as near to the centre's as is known.

    The box's own clock where it is trusted (synchronised) or nothing better was measured, else that plus the offset.
    """
    raise NotImplementedError


def leeway_us(measured: ClockEstimate | None, *, own_trusted: bool) -> int:
    """Return how far a token's times may be off from `centre_time_us` and be accepted."""
    raise NotImplementedError


def stepped_us(before: ClockEstimate, after: ClockEstimate) -> int:
    """Return by how much the box's wall clock was set between two estimates; 0 where their bounds leave it open.

    Positive: it was set forward. For the log, which records every step.
    """
    raise NotImplementedError
