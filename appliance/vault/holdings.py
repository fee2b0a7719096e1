"""What the box holds of each camera in each sitting, and what happens to it next. One look at the rows, then pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.vault.holds import LegalHold, keeping_holds
from appliance.vault.part_rows import retention_hours, wished_sittings
from appliance.vault.retention import HOUR_US, LONGEST_PART_US, Hold, retention_over_us, sitting_ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from appliance.vault.retention import PartRow, Sittings


WEEK_US = 168 * HOUR_US


@dataclass(frozen=True, slots=True)
class Holding:
    """The parts of one camera in one sitting; times are wall microseconds.

    Attributes:
        sitting: the sitting.
        camera: the camera.
        parts: how many are there: open, finished, or with a deletion that is not carried through.
        bytes: what those take.
        started_us: when the first of all began, the deleted too.
        latest_end_us: the latest moment the last of all can have ended.
        open: how many of them are being written.
        deleting: how many of them are past saving.
        gone: how many more were deleted.
        gone_bytes: what those took.
    """

    sitting: str
    camera: str
    parts: int
    bytes: int
    started_us: int
    latest_end_us: int
    open: int
    deleting: int
    gone: int
    gone_bytes: int

    @property
    def unfinished(self) -> bool:
        """Whether a part is still being written, as far as the box knows."""
        return self.open > 0

    @property
    def savable(self) -> int:
        """How many parts a hold placed now would keep."""
        return self.parts - self.deleting


@dataclass(frozen=True, slots=True)
class Outlook:
    """What happens to a holding next.

    Attributes:
        holding: which.
        hours: the camera's retention.
        due_us: from when it may be deleted; None while its sitting is not over or a hold stands.
        holds: the legal holds that keep it, those in their grace after a release too.
        over_us: from when retention alone would let it go; None while its sitting is not over.
    """

    holding: Holding
    hours: int
    due_us: int | None
    holds: tuple[LegalHold, ...]
    over_us: int | None

    @property
    def held(self) -> bool:
        """Whether a hold that stands keeps it."""
        return any(hold.released_us is None for hold in self.holds)

    def kept_by_hold_alone(self, now_us: int) -> bool:
        """Whether retention would have deleted it by now, were it not for a hold."""
        return bool(self.holds) and self.over_us is not None and self.over_us <= now_us


_GROUPED = """
SELECT sitting, camera,
  count(*) FILTER (WHERE state != 'deleted'),
  coalesce(sum(bytes) FILTER (WHERE state != 'deleted'), 0),
  min(started_us), max(coalesce(ended_us, started_us + ?)),
  count(*) FILTER (WHERE state = 'open'),
  count(*) FILTER (WHERE state = 'deleting'),
  count(*) FILTER (WHERE state = 'deleted'),
  coalesce(sum(bytes) FILTER (WHERE state = 'deleted'), 0)
FROM part"""


def list_holdings(db: Database, sitting: str | None = None) -> list[Holding]:
    """Return what there is and was of every camera in every sitting (or in one), by name."""
    where, values = ("", ()) if sitting is None else (" WHERE sitting = ?", (sitting,))
    rows = db.conn.execute(f"{_GROUPED}{where} GROUP BY sitting, camera", (LONGEST_PART_US, *values))
    return [Holding(*row) for row in rows]


def weekly_rates(db: Database, now_us: int) -> dict[str, int]:
    """Return how many bytes an hour each camera recorded over the last week, or since the first part of all.

    What was recorded counts, also where it has been deleted since.
    """
    first = db.conn.execute("SELECT min(started_us) FROM part").fetchone()[0]
    if first is None or first >= now_us:
        return {}
    since_us = max(first, now_us - WEEK_US)
    hours = max(1, (now_us - since_us) // HOUR_US)
    rows = db.conn.execute("SELECT camera, sum(bytes) FROM part WHERE started_us >= ? GROUP BY camera", (since_us,))
    return {str(camera): int(recorded) // hours for camera, recorded in rows}


def list_outlooks(
    db: Database,
    *,
    default_hours: int,
    now_us: int,
    grace_us: int,
    sitting: str | None = None,
    growing: Iterable[PartRow] = (),
) -> list[Outlook]:
    """Return what happens next to everything there is (or to one sitting's), what goes first standing first.

    Args:
        db: the box's database.
        default_hours: retention of cameras the box does not know.
        now_us: wall time.
        grace_us: for how long a hold keeps beyond its release.
        sitting: only this one.
        growing: the parts that are being written, with their bytes by now (`part_rows.open_parts`).
    """
    return outlooks(
        grown(list_holdings(db, sitting), growing),
        hours=retention_hours(db),
        default_hours=default_hours,
        holds=keeping_holds(db, now_us=now_us, grace_us=grace_us),
        sittings=wished_sittings(db),
        grace_us=grace_us,
    )


def grown(holdings: Iterable[Holding], growing: Iterable[PartRow]) -> list[Holding]:
    """Return holdings with the bytes of parts that are being written, which their rows do not know yet (pure)."""
    more: dict[tuple[str, str], int] = {}
    for part in growing:
        place = part.sitting, part.camera
        more[place] = more.get(place, 0) + part.bytes
    return [replace(one, bytes=one.bytes + more.get((one.sitting, one.camera), 0)) for one in holdings]


def outlooks(
    holdings: Iterable[Holding],
    *,
    hours: Mapping[str, int],
    default_hours: int,
    holds: Iterable[LegalHold],
    sittings: Sittings,
    grace_us: int,
) -> list[Outlook]:
    """Return what happens to holdings next: what goes first, then what nothing is known of yet (pure).

    It agrees with `retention.due_parts`: a finished part is due at a time exactly if its holding's ``due_us`` is
    not later. Holdings of which nothing is left are left out.

    Args:
        holdings: all of a sitting's, those that are gone too: they tell when it ended.
        hours: retention by camera.
        default_hours: for cameras that are not in ``hours``.
        holds: those that keep something now.
        sittings: which run, and when others were ended.
        grace_us: for how long a hold keeps beyond its release.
    """
    rows, keeping = list(holdings), list(holds)
    ends = sitting_ends(rows, sittings)
    found = [
        _outlook(holding, ends.get(holding.sitting), hours.get(holding.camera, default_hours), keeping, grace_us)
        for holding in rows
        if holding.parts
    ]
    return sorted(found, key=_order)


def _outlook(holding: Holding, end_us: int | None, hours: int, holds: Iterable[LegalHold], grace_us: int) -> Outlook:
    keeping = tuple(hold for hold in holds if Hold(hold.sitting, hold.camera).covers(holding))
    over_us = None if end_us is None else retention_over_us(end_us, hours)
    due_us = over_us
    for hold in keeping:
        if hold.released_us is None:
            due_us = None
        elif due_us is not None:
            due_us = max(due_us, hold.released_us + grace_us)
    return Outlook(holding, hours, due_us, keeping, over_us)


def _order(outlook: Outlook) -> tuple[bool, int, str, str]:
    return (outlook.due_us is None, outlook.due_us or 0, outlook.holding.sitting, outlook.holding.camera)
