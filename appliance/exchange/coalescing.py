"""Many warnings of one kind, told as one (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.messages import WarningFact

GAP_US: Final = 10_000_000
"""Warnings of one kind no further apart than this are one."""


def coalesce(warnings: Iterable[WarningFact], *, gap_us: int = GAP_US) -> list[WarningFact]:
    """Return the warnings of one session with those merged that follow one another closely.

    Merged are only warnings of the same kind and the same origin (`cyber`), so that a person's word never vanishes
    in software's. The merged one has the number of the first and reaches to the latest end. No time that was warned
    of is lost, and doing it twice changes nothing. The result is in order of start, then number.
    """
    merged: list[WarningFact] = []
    last: dict[tuple[str, bool], int] = {}
    for one in sorted(warnings, key=_order):
        at = last.get((one.kind, one.cyber))
        if at is not None and one.start_us - merged[at].end_us <= gap_us:
            merged[at] = replace(merged[at], end_us=max(merged[at].end_us, one.end_us))
        else:
            last[one.kind, one.cyber] = len(merged)
            merged.append(one)
    return merged


def _order(one: WarningFact) -> tuple[int, int]:
    return one.start_us, one.number
