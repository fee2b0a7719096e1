"""The sittings that arm USB, as `usb.modes` asks for them: `usb/` knows no sittings itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exams.states import SittingStatus
from appliance.sittings.rows import rows_of
from appliance.usb.modes import SittingTimes

if TYPE_CHECKING:
    from sqlite_utils import Database

_OPEN: Final = (
    "SELECT id, status, start_us, lead_us FROM sitting WHERE removed_us IS NULL AND status <> ? ORDER BY start_us"
)


def sitting_times(db: Database) -> tuple[SittingTimes, ...]:
    """Return the sittings that are neither closed nor removed; begun are those that have left the state *planned*."""
    return tuple(
        SittingTimes(
            id=row["id"],
            begun=row["status"] != SittingStatus.PLANNED,
            start_us=row["start_us"],
            lead_us=row["lead_us"],
        )
        for row in rows_of(db, _OPEN, (SittingStatus.CLOSED,))
    )
