"""How wrong the box's clock is by the centre's, kept where every process of the box can read it.

The samples lie in a file of the run folder: they mean nothing beyond one boot. Who checks a token asks
`TokenClock`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import boot_id, clock_is_trusted
from appliance.exchange.centre.clock_offset import (
    OWN_LEEWAY_US,
    ClockEstimate,
    Sample,
    centre_time_us,
    estimate,
    leeway_us,
    observe,
    stepped_us,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.config import Settings

FILE: Final = "centre.json"
_READINGS: Final = 5
_AT_ONCE_US: Final = 50
"""Two clocks that were read within this were read at once."""
_MAX_BYTES: Final = 64 * 1024
_ASK_EVERY_US: Final = 3_000_000


class CentreState(msgspec.Struct, frozen=True, kw_only=True):
    """What the process that speaks to the centre last knew; wall times are UTC by the box's clock.

    Attributes:
        boot: of the samples.
        samples: of signed answers.
        answered_us: when the centre last answered at all, refusals included.
        reported_us: when it last took a report.
        pulled_us: when everything was taken over, up to then.
        changed: whether the centre says there is something to pull.
        wants_media: how many recordings it asked for and lacks.
    """

    boot: str = ""
    samples: tuple[Sample, ...] = ()
    answered_us: int | None = None
    reported_us: int | None = None
    pulled_us: int | None = None
    changed: bool = False
    wants_media: int = 0


@dataclass(frozen=True, slots=True)
class TokenTime:
    """By which time tokens are checked, and how far theirs may be off."""

    now_us: int
    leeway_us: int


def state_path(settings: Settings) -> Path:
    """Return where the state is kept."""
    return settings.sync_beat.with_name(FILE)


def read_state(path: Path) -> CentreState:
    """Return what was last known; nothing where there is no file, or none that can be read."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_BYTES), type=CentreState)
    except (OSError, msgspec.MsgspecError):
        return CentreState()


def write_state(path: Path, state: CentreState) -> None:
    """Let other processes see what is known.

    Raises:
        OSError: the run folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(state))
    new.chmod(0o640)
    new.replace(path)


class ClockMeter:
    """Collects samples of one process and says what they mean; steps of the wall clock are told to ``stepped``.

    Args:
        clock: the box's.
        samples: of before, of this boot or another.
        own_trusted: whether the kernel's clock is synchronised.
        boot: of now.
        stepped: is told by how much the wall clock was set, in microseconds.
    """

    def __init__(
        self,
        clock: Clock,
        samples: tuple[Sample, ...] = (),
        *,
        own_trusted: Callable[[], bool] = clock_is_trusted,
        boot: str = "",
        stepped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._boot = boot or boot_id()
        self._own_trusted = own_trusted
        self._stepped = stepped
        self.samples = tuple(one for one in samples if one.boot == self._boot)
        self._last = self.measured()

    @property
    def boot(self) -> str:
        """The boot the samples are of."""
        return self._boot

    @property
    def own_trusted(self) -> bool:
        """Whether the box's own clock is synchronised."""
        return self._own_trusted()

    def measured(self) -> ClockEstimate | None:
        """Return what is known of the offset now.

        The two clocks are read one after the other, and a busy computer may do something else between: what lies
        between them widens the bound, so that it does not look like a step.
        """
        mono_us, wall_us, between_us = self._both()
        found = estimate(self.samples, boot=self._boot, mono_us=mono_us, wall_us=wall_us)
        return None if found is None else replace(found, bound_us=found.bound_us + between_us)

    def _both(self) -> tuple[int, int, int]:
        """Return monotonic and wall clock of one moment, and by how much it may be missed."""
        readings = []
        for _ in range(_READINGS):
            before_us = self._clock.mono_us()
            wall_us = self._clock.wall_us()
            between_us = self._clock.mono_us() - before_us
            readings.append((between_us, before_us + between_us // 2, wall_us))
            if between_us <= _AT_ONCE_US:
                break
        between_us, mono_us, wall_us = min(readings)
        return mono_us, wall_us, -(-between_us // 2)

    def add(self, *, sent_us: int, received_us: int, hub_us: int) -> None:
        """Take a signed answer's time in; a step of the wall clock since the last one is told."""
        self.look()
        self.samples = observe(self.samples, Sample(self._boot, sent_us, received_us, hub_us))
        self._last = self.measured()

    def look(self) -> None:
        """Tell a step of the wall clock that happened since the last look; samples are by the monotonic clock."""
        before, now = self._last, self.measured()
        if before is not None and now is not None and (by_us := stepped_us(before, now)):
            self._stepped(by_us)
        self._last = now

    def time(self) -> TokenTime:
        """Return the centre's time as near as it is known, and how far tokens may be off."""
        measured, trusted = self.measured(), self.own_trusted
        now_us = centre_time_us(measured, wall_us=self._clock.wall_us(), own_trusted=trusted)
        return TokenTime(now_us, leeway_us(measured, own_trusted=trusted))


class TokenClock:
    """By which time tokens of LMSs are checked on a box, asked at most every few seconds. Safe between threads.

    Where the box belongs to no centre nothing was measured, and its own clock counts, trusted or not.

    Args:
        settings: of the box.
        clock: the box's.
        belongs: whether the box belongs to a centre.
        own_trusted: whether the kernel's clock is synchronised.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        belongs: Callable[[], bool],
        own_trusted: Callable[[], bool] = clock_is_trusted,
    ) -> None:
        self._path = state_path(settings)
        self._clock = clock
        self._belongs = belongs
        self._own_trusted = own_trusted
        self._known: tuple[int, int, int] | None = None

    def time(self) -> TokenTime:
        """Return the time that counts now, and the leeway."""
        mono_us, wall_us = self._clock.mono_us(), self._clock.wall_us()
        known = self._known
        if known is None or not 0 <= mono_us - known[0] < _ASK_EVERY_US:
            known = self._known = (mono_us, *self._look(wall_us))
        return TokenTime(wall_us + known[1], known[2])

    def _look(self, wall_us: int) -> tuple[int, int]:
        if not self._belongs():
            return 0, OWN_LEEWAY_US
        found = ClockMeter(self._clock, read_state(self._path).samples, own_trusted=self._own_trusted).time()
        return found.now_us - wall_us, found.leeway_us
