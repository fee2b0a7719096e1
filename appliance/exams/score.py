"""The score of a session: it orders the queue of reviews, and nothing else follows from it.

    score = min(100, floor(Σ over kinds of warnings: weight x occurrences))

*Occurrences* of a kind are the numbers of 30-second slots, counted from the session's start, in which at least one
warning of the kind began that nobody has dismissed. Repeats within a slot count once, so that a detector that fires
ten times a second does not outweigh everything else. Slots are fixed: a new warning can only add a slot, never join
two, which makes the score monotone: one more warning, a warning confirmed, or a higher weight never lowers it, a
dismissal never raises it. It does not depend on the order of warnings.

The two thresholds are *attention* and *rejected*; they are names of the LMS's interface for bands of the queue. A
person concludes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exams.records import Warning as Flag

SLOT_US: Final = 30 * SECOND_US
HIGHEST: Final = 100
Weight = Annotated[float, msgspec.Meta(ge=0, le=10)]
Level = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]
Band = Literal["low", "attention", "high"]
_ATTENTION_SHARE: Final = (3, 4)


class ScoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An exam's weights (0 to 10) and thresholds (0 to 100), with the defaults of the LMS's interface.

    ``cheater_level`` is the threshold *rejected*. ``attention_level`` is None where the exam names none.
    """

    cheater_level: Level = 80
    attention_level: Level | None = None
    extra_user: Weight = 1.0
    user_replaced: Weight = 1.0
    absent_user: Weight = 2.0
    look_away: Weight = 1.5
    active_window_changed: Weight = 1.0
    forbidden_device: Weight = 1.0
    voice: Weight = 1.0
    phone: Weight = 1.0


class Thresholds(msgspec.Struct, frozen=True):
    """Where the bands of the queue begin; ``attention`` is never above ``rejected``."""

    attention: int
    rejected: int


class Score(msgspec.Struct, frozen=True):
    """A session's score (0 to 100), its band, and the occurrences it is made of, by kind of warning."""

    value: int
    band: Band
    occurrences: dict[str, int]


WEIGHT_OF: Final = {
    "extra_user_in_frame": "extra_user",
    "substitution_user": "user_replaced",
    "no_user_in_frame": "absent_user",
    "avert_eyes": "look_away",
    "change_active_window_on_computer": "active_window_changed",
    "forbidden_device": "forbidden_device",
    "voice_detected": "voice",
    "phone": "phone",
}
"""Which weight a kind of warning has; kinds that are not here (a timeout) weigh nothing."""


def thresholds_of(config: ScoreConfig) -> Thresholds:
    """Return the thresholds; *attention* is three quarters of *rejected* where the exam names none."""
    share, whole = _ATTENTION_SHARE
    attention = config.cheater_level * share // whole if config.attention_level is None else config.attention_level
    return Thresholds(min(attention, config.cheater_level), config.cheater_level)


def score_of(config: ScoreConfig, warnings: Iterable[Flag], *, start_us: int) -> Score:
    """Return the score of a session that started at ``start_us`` (wall)."""
    slots: dict[str, set[int]] = defaultdict(set)
    for warning in warnings:
        if warning.decision != "dismissed":
            slots[warning.kind].add((warning.start_us - start_us) // SLOT_US)
    occurrences = {kind: len(found) for kind, found in sorted(slots.items())}
    total = math.fsum(weight_of(config, kind) * count for kind, count in occurrences.items())
    value = min(HIGHEST, math.floor(total))
    return Score(value, band_of(value, thresholds_of(config)), occurrences)


def weight_of(config: ScoreConfig, kind: str) -> float:
    """Return the exam's weight of a kind of warning; 0 of one that weighs nothing."""
    name = WEIGHT_OF.get(kind)
    return 0.0 if name is None else float(getattr(config, name))


def band_of(value: int, thresholds: Thresholds) -> Band:
    """Return the band of the queue a score lies in: a word for order, never a conclusion."""
    if value >= thresholds.rejected:
        return "high"
    return "attention" if value >= thresholds.attention else "low"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A session that waits for a review: what the queue is ordered by. ``incident`` is the worst severity, 0 none."""

    session: str
    score: int
    incident: int
    since_us: int


def review_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Return the queue: people's incidents by severity first, then the score, then who has waited longest."""
    return sorted(waiting, key=lambda one: (-one.incident, -one.score, one.since_us, one.session))
