"""What the room is told at once: things software found at a place, that nobody has judged yet. Grouped, newest first.

A fact of the room's events (``alerts``). It holds no words for people but the things' own; `alert_words.py` puts a
reader's language to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

SHOWN: Final = 12
"""More groups than this are counted, and found on the sitting's page of warnings."""
_LOOKED_AT: Final = 500
_WITHOUT_SITTING_US: Final = 12 * 3600 * SECOND_US
"""One that belongs to no sitting is shown for so long after it began."""
_COLUMNS: Final = "w.number, w.kind, w.start_us, w.end_us, w.seat, w.session, w.subject, w.sitting"
_UNJUDGED: Final = "w.subject <> '{}' AND w.judgements = '[]' AND w.kind <> 'change_active_window_on_computer'"
# Each half by the index on sitting and start: asked at each commit, it must not read the warnings of all years.
_OPEN: Final = (
    f"SELECT {_COLUMNS}, s.name AS sitting_name FROM sitting s CROSS JOIN warning w ON w.sitting = s.id"  # noqa: S608  own words
    f" WHERE s.status <> 'closed' AND {_UNJUDGED}"
    f" UNION ALL SELECT {_COLUMNS}, '' FROM warning w WHERE w.sitting IS NULL AND w.start_us > ? AND {_UNJUDGED}"
    " ORDER BY 1 DESC LIMIT ?"
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A warning nobody has judged; ``subject`` is what it is about (`StoredWarning.subject`)."""

    number: int
    kind: str
    start_us: int
    end_us: int
    seat: str
    session: str
    sitting: str
    sitting_name: str
    subject: dict[str, Any]

    @property
    def group(self) -> tuple[str, ...]:
        """What makes two of them repeats: the same thing at the same place of the same sitting."""
        told = self.subject
        thing = str(told.get("hash") or f"{told.get('what', '')}/{told.get('name', '')}")
        return (self.sitting, self.kind, self.seat, str(told.get("port", "")), thing, str(told.get("verdict", "")))


def open_rows(db: Database, *, now_us: int) -> list[Row]:
    """Return the warnings about a thing at a place that nobody has judged, of sittings that are not closed."""
    found = db.query(_OPEN, (now_us - _WITHOUT_SITTING_US, _LOOKED_AT))
    return [
        Row(
            number=row["number"],
            kind=row["kind"],
            start_us=row["start_us"],
            end_us=row["end_us"],
            seat=row["seat"] or "",
            session=row["session"] or "",
            sitting=row["sitting"] or "",
            sitting_name=row["sitting_name"] or "",
            subject=msgspec.json.decode(row["subject"], type=dict[str, Any]),
        )
        for row in found
    ]


def repeats_of(rows: Iterable[Row], number: int) -> list[int]:
    """Return the numbers of a warning and its repeats among these rows; none where it is not among them (pure)."""
    known = list(rows)
    group = next((row.group for row in known if row.number == number), None)
    return sorted(row.number for row in known if row.group == group) if group is not None else []


def alerts_fact(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the fact ``alerts``: how many groups are open, and the newest of them (pure).

    Each item: ``number`` (of its newest warning), ``first_us``, ``last_us`` (wall), ``times``, ``kind``, ``sitting``,
    ``sitting_name``, ``seat``, ``known`` (a session is known), ``subject``.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    ranked = sorted(groups.values(), key=lambda group: -max(row.number for row in group))
    return {"open": len(ranked), "items": [_item(group) for group in ranked[:SHOWN]]}


def _item(group: list[Row]) -> dict[str, Any]:
    newest = max(group, key=lambda row: row.number)
    times = sum(max(1, _count(row.subject.get("times"))) for row in group)
    return {
        "number": newest.number,
        "first_us": min(row.start_us for row in group),
        "last_us": max(row.end_us for row in group),
        "times": times,
        "kind": newest.kind,
        "sitting": newest.sitting,
        "sitting_name": newest.sitting_name,
        "seat": newest.seat,
        "known": bool(newest.session),
        "subject": dict(newest.subject),
    }


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 1
