"""The disk: warn, then delete what retention already allows, then stop. Decisions are pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from appliance.config import VaultSettings
    from appliance.vault.retention import DuePart, PartRow

DiskState = Literal["ok", "warn", "delete", "stop"]
# Thresholds are left only when this much more is free, so that the state does not flap around one.
HYSTERESIS_PERCENT = 1
_SHORTEST_MEASURE_US = 10_000_000
_HOUR_US = 3_600_000_000
DISK_STATES: tuple[DiskState, ...] = ("ok", "warn", "delete", "stop")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Bytes this box may use in all, and those still free. Blocks reserved for root count as neither."""

    total: int
    free: int


def read_space(folder: Path) -> DiskSpace:
    """Return the space of the file system that holds ``folder``.

    Raises:
        OSError: the folder does not exist or cannot be asked.
    """
    facts = os.statvfs(folder)
    reserved = facts.f_bfree - facts.f_bavail
    return DiskSpace((facts.f_blocks - reserved) * facts.f_frsize, facts.f_bavail * facts.f_frsize)


def disk_state(total: int, free: int, settings: VaultSettings, before: DiskState = "ok") -> DiskState:
    """Return how the disk stands.

    Args:
        total: bytes this box may use.
        free: bytes of them that are free.
        settings: the three thresholds, percent free.
        before: the state so far; a better one is only returned when `HYSTERESIS_PERCENT` more is free.
    """
    entered = _state_at(total, free, settings, 0)
    if DISK_STATES.index(entered) >= DISK_STATES.index(before):
        return entered
    left = _state_at(total, free, settings, HYSTERESIS_PERCENT)
    return min(left, before, key=DISK_STATES.index)


def _state_at(total: int, free: int, settings: VaultSettings, margin_percent: int) -> DiskState:
    thresholds: tuple[tuple[DiskState, int], ...] = (
        ("stop", settings.disk_stop_free_percent),
        ("delete", settings.disk_delete_free_percent),
        ("warn", settings.disk_warn_free_percent),
    )
    for state, percent in thresholds:
        if free * 100 < total * (percent + margin_percent):
            return state
    return "ok"


def plan_for_disk(
    space: DiskSpace, due: Sequence[DuePart], parts: Iterable[PartRow], settings: VaultSettings, before: DiskState
) -> tuple[DuePart, ...]:
    """Return what to delete at once to make room, in this order; nothing while there is room.

    Only what retention already allows is ever chosen, the oldest first, and no more than is needed to leave the
    threshold; never a camera's newest part. Where that is not enough, recording has to stop: see `disk_state`.

    Args:
        space: the disk as it is.
        due: what `due_parts` allows, the oldest first.
        parts: all parts, to know each camera's newest.
        settings: the thresholds.
        before: the state so far.
    """
    state = disk_state(space.total, space.free, settings, before)
    kept = _newest(parts)
    free, chosen = space.free, []
    for one in due:
        if disk_state(space.total, free, settings, state) not in {"delete", "stop"}:
            break
        if one.part.part_id not in kept:
            chosen.append(one)
            free += one.part.bytes
    return tuple(chosen)


def _newest(parts: Iterable[PartRow]) -> set[str]:
    newest: dict[str, PartRow] = {}
    for part in parts:
        if part.state != "deleted" and (part.camera not in newest or part.started_us >= newest[part.camera].started_us):
            newest[part.camera] = part
    return {part.part_id for part in newest.values()}


def bytes_an_hour(parts: Iterable[PartRow], now_us: int) -> int | None:
    """Return how much is being recorded an hour at the present rate, or None while nothing can be said."""
    rates = [
        part.bytes * _HOUR_US // (now_us - part.started_us)
        for part in parts
        if part.state == "open" and part.bytes > 0 and now_us - part.started_us >= _SHORTEST_MEASURE_US
    ]
    return sum(rates) or None


def minutes_left(space: DiskSpace, settings: VaultSettings, rate: int | None) -> int | None:
    """Return for how many minutes the disk lasts at ``rate`` bytes an hour, until recording would stop."""
    if not rate:
        return None
    usable = max(0, space.free - space.total * settings.disk_stop_free_percent // 100)
    return usable * 60 // rate
