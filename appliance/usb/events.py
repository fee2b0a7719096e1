"""What happened to USB devices, as rows: repeats of the same are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from appliance.usb.model import Device
from appliance.usb.rows import rows_of, to_json

if TYPE_CHECKING:
    from sqlite_utils import Database

EventKind = Literal["plugged", "unplugged", "changed", "decided", "failed", "missed", "storm"]
"""``changed``: the descriptors are other ones than before. ``decided``: judged otherwise than before, without being
plugged in anew. ``failed``: the kernel could not be told, or somebody else told it otherwise. ``missed``: no event told
of it, the sweep found it. ``storm``: so much came that it was not told one by one."""
_FIELDS: Final = ("id", "at_us", "kind", "port", "hash", "times", "last_us", "mode", "verdict", "rule", "why",
                  "sitting", "seat", "warning")  # fmt: skip


class UsbEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event, or ``times`` of the same from ``at_us`` to ``last_us`` (wall).

    ``verdict``, ``rule`` and ``why`` are as decided then; ``device`` None where only the port is known. ``warning`` is
    the number of the warning it made.
    """

    id: int = 0
    at_us: int
    kind: EventKind
    port: str
    hash: str = ""
    times: int = 1
    last_us: int
    mode: str
    verdict: str = ""
    rule: str = ""
    why: str = ""
    device: Device | None = None
    sitting: str = ""
    seat: str = ""
    warning: int | None = None


def events_of(
    db: Database, *, sitting: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[UsbEvent, ...]:
    """Return events, the newest first: of one sitting, or all; ``before`` continues after the last one shown."""
    sql = "SELECT * FROM usb_event WHERE (? IS NULL OR sitting = ?) AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?"
    return tuple(map(_event, rows_of(db, sql, (sitting, sitting, before, before, limit))))


def event_of_warning(db: Database, warning: int) -> UsbEvent | None:
    """Return the newest event that made a warning, None where none did."""
    found = rows_of(db, "SELECT * FROM usb_event WHERE warning = ? ORDER BY id DESC LIMIT 1", (warning,))
    return _event(found[0]) if found else None


def note_event(db: Database, event: UsbEvent) -> int:
    """Keep an event in the open transaction; return its id."""
    row = {name: getattr(event, name) for name in _FIELDS if name != "id"}
    row["device"] = "{}" if event.device is None else to_json(event.device)
    marks = ", ".join("?" * len(row))
    db.conn.execute(f"INSERT INTO usb_event ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  own words
    return int(db.conn.execute("SELECT last_insert_rowid()").fetchone()[0])


def repeat_event(db: Database, id: int, *, last_us: int, times: int = 1) -> None:  # noqa: A002  the table's word
    """Keep in the open transaction that the same happened again."""
    db.conn.execute(
        "UPDATE usb_event SET times = times + ?, last_us = MAX(last_us, ?) WHERE id = ?", (times, last_us, id)
    )


def forget_events(db: Database, *, before_us: int) -> int:
    """Remove old events that no warning rests on; return how many."""
    sql = "DELETE FROM usb_event WHERE last_us < ? AND warning IS NULL"
    return int(db.conn.execute(sql, (before_us,)).rowcount)


def _event(row: dict[str, Any]) -> UsbEvent:
    device = None if row["device"] == "{}" else msgspec.json.decode(row["device"], type=Device)
    return UsbEvent(device=device, **{name: row[name] for name in _FIELDS})
