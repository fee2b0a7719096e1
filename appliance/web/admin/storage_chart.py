"""The two pictures of the storage page as numbers: a bar of what fills the disk, and how free space goes on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.vault.forecast import Moment
from appliance.vault.retention import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.config import VaultSettings
    from appliance.vault.forecast import Forecast

WIDTH = 1000
HEIGHT = 200
SHOWN_DAYS = 14
_DAY_US = 24 * HOUR_US
# What is there is seen, however little it is.
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the bar: of what kind, from where, how wide, in thousandths."""

    kind: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold: which, its percent free, and where it lies on the bar (x) and on the course (y)."""

    name: str
    percent: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Course:
    """Free space over the next days: the points of its edge, and the same closed to an area."""

    points: str
    area: str
    days: tuple[int, ...]
    """Beginnings of the shown days, wall microseconds."""


def bar(shares: Sequence[tuple[str, int]], total: int) -> list[Piece]:
    """Return the bar's pieces; together they are exactly as wide as the bar, unless nothing is known."""
    there = [(kind, count) for kind, count in shares if count > 0]
    whole = max(total, sum(count for _, count in there), 1)
    widths = [max(_LEAST, count * WIDTH // whole) for _, count in there]
    if widths:
        largest = max(range(len(widths)), key=widths.__getitem__)
        widths[largest] += WIDTH - sum(widths)
    found, x = [], 0
    for (kind, _), width in zip(there, widths, strict=True):
        found.append(Piece(kind, x, width))
        x += width
    return found


def thresholds(settings: VaultSettings) -> list[Line]:
    """Return the three thresholds, the one that is met first standing first."""
    percents = (
        ("warn", settings.disk_warn_free_percent),
        ("delete", settings.disk_delete_free_percent),
        ("stop", settings.disk_stop_free_percent),
    )
    return [
        Line(name, percent, WIDTH - percent * WIDTH // 100, HEIGHT - percent * HEIGHT // 100)
        for name, percent in percents
    ]


def course(found: Forecast, total: int, now_us: int) -> Course:
    """Return the next days of a forecast as points; where the disk is full the line stays at the bottom it reached."""
    end_us = now_us + SHOWN_DAYS * _DAY_US
    shown = [moment for moment in found.course if moment.at_us <= end_us]
    shown.append(Moment(end_us, free_at(found, end_us)))
    pairs = [((moment.at_us - now_us) * WIDTH // (end_us - now_us), _height(moment.free, total)) for moment in shown]
    points = " ".join(f"{x},{y}" for x, y in pairs)
    return Course(
        points,
        f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}",
        tuple(now_us + day * _DAY_US for day in range(0, SHOWN_DAYS + 1, 2)),
    )


def free_at(found: Forecast, at_us: int) -> int:
    """Return the free bytes at a wall time; beyond the end of the course what was free there."""
    before = found.course[0]
    for moment in found.course:
        if moment.at_us > at_us:
            share = (at_us - before.at_us) * (moment.free - before.free)
            return before.free + share // (moment.at_us - before.at_us)
        before = moment
    return before.free


def _height(free: int, total: int) -> int:
    return HEIGHT - min(HEIGHT, max(0, free) * HEIGHT // max(1, total))
