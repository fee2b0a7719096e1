"""The figures of the storage page: what fills the disk, how fast, and when it will be full. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.vault.disk import bytes_an_hour
from appliance.vault.forecast import Forecast, Inflow, Release, forecast
from appliance.vault.retention import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from appliance.vault.disk import DiskSpace
    from appliance.vault.holdings import Outlook
    from appliance.vault.retention import PartRow

# A sitting may last a day, and retention begins at its end: so much longer a picture is kept, at most.
LONGEST_SITTING_HOURS = 24
WEEK_HOURS = 168


@dataclass(frozen=True, slots=True)
class Usage:
    """What the used bytes are: recordings that a hold alone keeps, other recordings, database, exports, the rest."""

    held: int
    recordings: int
    database: int
    exports: int
    other: int
    free: int
    total: int

    @property
    def used(self) -> int:
        """All bytes that are not free."""
        return self.total - self.free

    @property
    def shares(self) -> tuple[tuple[str, int], ...]:
        """Each kind with its bytes, in the order of the picture."""
        return (
            ("recordings", self.recordings),
            ("held", self.held),
            ("database", self.database),
            ("exports", self.exports),
            ("other", self.other),
            ("free", self.free),
        )


@dataclass(frozen=True, slots=True)
class CameraUse:
    """What one camera takes and writes.

    ``rate_now`` is None while it does not record, ``oldest_us`` while nothing is there.
    """

    camera: str
    bytes: int
    parts: int
    oldest_us: int | None
    hours: int
    rate_now: int | None
    rate_week: int

    @property
    def rate(self) -> int:
        """Bytes an hour: the present ones, or those of the last week."""
        return self.rate_now or self.rate_week

    @property
    def needs(self) -> int:
        """What it takes at most, recording around the clock at this rate."""
        return self.rate * (self.hours + LONGEST_SITTING_HOURS)


@dataclass(frozen=True, slots=True)
class SittingUse:
    """What one sitting takes; ``due_us`` is when the first of it goes, None where that is not known."""

    sitting: str
    started_us: int
    cameras: int
    parts: int
    bytes: int
    due_us: int | None
    held: bool
    running: bool


def usage(space: DiskSpace, outlooks: Iterable[Outlook], *, database: int, exports: int, now_us: int) -> Usage:
    """Return what fills the disk; what nothing explains is ``other``."""
    rows = list(outlooks)
    held = sum(one.holding.bytes for one in rows if one.kept_by_hold_alone(now_us))
    recordings = sum(one.holding.bytes for one in rows) - held
    other = max(0, space.total - space.free - held - recordings - database - exports)
    return Usage(held, recordings, database, exports, other, space.free, space.total)


def camera_uses(
    outlooks: Iterable[Outlook],
    growing: Sequence[PartRow],
    week: Mapping[str, int],
    hours: Mapping[str, int],
    *,
    now_us: int,
) -> list[CameraUse]:
    """Return what each camera takes and writes, the largest first.

    Args:
        outlooks: of everything there is.
        growing: the parts that are being written.
        week: bytes an hour by camera, over the last week.
        hours: retention by camera: of those that are there, and of those that left something.
        now_us: wall time.
    """
    by_camera: dict[str, list[Outlook]] = {camera: [] for camera in (*week, *hours)}
    for one in outlooks:
        by_camera.setdefault(one.holding.camera, []).append(one)
    found = [
        CameraUse(
            camera=camera,
            bytes=sum(one.holding.bytes for one in rows),
            parts=sum(one.holding.parts for one in rows),
            oldest_us=min((one.holding.started_us for one in rows), default=None),
            hours=hours.get(camera, rows[0].hours if rows else 0),
            rate_now=bytes_an_hour((part for part in growing if part.camera == camera), now_us),
            rate_week=week.get(camera, 0),
        )
        for camera, rows in by_camera.items()
    ]
    return sorted(found, key=lambda use: (-use.bytes, use.camera))


def sitting_uses(outlooks: Iterable[Outlook], running: frozenset[str]) -> list[SittingUse]:
    """Return what each sitting takes, the largest first."""
    by_sitting: dict[str, list[Outlook]] = {}
    for one in outlooks:
        by_sitting.setdefault(one.holding.sitting, []).append(one)
    found = [
        SittingUse(
            sitting=sitting,
            started_us=min(one.holding.started_us for one in rows),
            cameras=len(rows),
            parts=sum(one.holding.parts for one in rows),
            bytes=sum(one.holding.bytes for one in rows),
            due_us=min((one.due_us for one in rows if one.due_us is not None), default=None),
            held=any(one.held for one in rows),
            running=sitting in running or any(one.holding.open for one in rows),
        )
        for sitting, rows in by_sitting.items()
    ]
    return sorted(found, key=lambda use: (-use.bytes, use.sitting))


def projected(
    space: DiskSpace,
    outlooks: Iterable[Outlook],
    rates: Mapping[str, int],
    hours: Mapping[str, int],
    *,
    reserve: int,
    now_us: int,
    deletes: bool,
) -> Forecast:
    """Return how free space goes on if recording goes on around the clock at these rates (bytes an hour by camera).

    It is on the careful side: a sitting counts as lasting a day, a hold as never released, and without deletion
    (``deletes`` False: the clock is doubtful) as if nothing were ever deleted.
    """
    inflows = [Inflow(rate, hours.get(camera, 0) + LONGEST_SITTING_HOURS) for camera, rate in rates.items()]
    releases = [release for one in outlooks if (release := _release(one, now_us))]
    if not deletes:
        inflows, releases = [Inflow(one.bytes_an_hour, 10**6) for one in inflows], []
    return forecast(free=space.free, reserve=reserve, inflows=inflows, releases=releases, now_us=now_us)


def _release(one: Outlook, now_us: int) -> Release | None:
    if one.held:
        return None
    if one.due_us is not None:
        return Release(one.due_us, one.holding.bytes)
    return Release(now_us + (LONGEST_SITTING_HOURS + one.hours) * HOUR_US, one.holding.bytes)
