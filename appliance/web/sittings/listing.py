"""The list of sittings in three groups: today and under way, ahead, past (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.exams.states import SittingStatus
from appliance.web.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from appliance.sittings.values import StoredSitting


@dataclass(frozen=True, slots=True)
class Groups:
    """Sittings by when they matter. ``missed`` are planned ones whose day has passed: nobody held them."""

    today: tuple[StoredSitting, ...]
    ahead: tuple[StoredSitting, ...]
    missed: tuple[StoredSitting, ...]
    past: tuple[StoredSitting, ...]

    @property
    def empty(self) -> bool:
        """Whether there is none at all."""
        return not (self.today or self.ahead or self.missed or self.past)


def grouped(sittings: Iterable[StoredSitting], now_us: int, zone: tzinfo) -> Groups:
    """Return the sittings in groups, each in exactly one; days are the room's."""
    today, ahead, missed, past = [], [], [], []
    day = moment(now_us, zone).date()
    for one in sittings:
        planned = moment(one.start_us, zone).date()
        if one.status is SittingStatus.CLOSED:
            past.append(one)
        elif planned == day or one.status is not SittingStatus.PLANNED:
            today.append(one)
        elif planned > day:
            ahead.append(one)
        else:
            missed.append(one)
    return Groups(
        tuple(sorted(today, key=_by_start)),
        tuple(sorted(ahead, key=_by_start)),
        tuple(sorted(missed, key=_by_start)),
        tuple(sorted(past, key=_by_start, reverse=True)),
    )


def _by_start(one: StoredSitting) -> tuple[int, str]:
    return one.start_us, one.id
