"""Which delivery goes next, when one is tried again, and what an answer means (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
_MOST_DOUBLINGS: Final = 32
POISON_AFTER: Final = 5
"""Refusals of its content after which a delivery is parked."""
_CONTENT_REFUSED: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.GONE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class Outcome(StrEnum):
    """What becomes of a delivery after an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is not accepted yet.

    Attributes:
        seq: its place among the box's deliveries.
        session: what its order is kept within; deliveries of no session share the empty one.
        next_try_us: UTC, not before.
        parked: refused for its content; it waits for a person, and later ones of its session with it.
    """

    seq: int
    session: str
    next_try_us: int = 0
    parked: bool = False


def due(waiting: Iterable[Waiting], *, now_us: int, busy: frozenset[str] = frozenset()) -> list[Waiting]:
    """Return what may be sent now, the oldest first: of each session at most its first, so that none overtakes.

    Args:
        waiting: all that is not accepted yet, in any order.
        now_us: UTC.
        busy: sessions of which a delivery is on its way.
    """
    first: dict[str, Waiting] = {}
    for one in waiting:
        if one.session not in first or one.seq < first[one.session].seq:
            first[one.session] = one
    ready = [one for one in first.values() if not one.parked and one.next_try_us <= now_us and one.session not in busy]
    return sorted(ready, key=lambda one: one.seq)


def wait_s(attempt: int, roll: float, *, retry_after_s: float = 0.0) -> float:
    """Return the seconds until the next try: half of a doubling wait, and a random part of the other half.

    Args:
        attempt: how many tries have failed, from 1 on.
        roll: a random number, 0 to below 1, so that many boxes do not come back at one moment.
        retry_after_s: what the receiver asked for; honoured up to the longest wait.
    """
    whole = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(max(attempt, 1) - 1, _MOST_DOUBLINGS))
    return min(LONGEST_WAIT_S, max(whole / 2 + roll * whole / 2, retry_after_s))


def outcome(status: int | None, *, refusals: int) -> Outcome:
    """Return what becomes of a delivery after an answer.

    Whatever may pass by itself or be set right on the other side (no answer, a wrong secret, a wrong address, a
    failure) is tried forever; content that was refused several times is parked.

    Args:
        status: of HTTP; None where there was no answer.
        refusals: how often its content was refused, this time included.
    """
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome.DELIVERED
    return Outcome.PARKED if is_refusal(status) and refusals >= POISON_AFTER else Outcome.RETRY


def is_refusal(status: int | None) -> bool:
    """Return whether an answer refuses the content, as against not being able to take it now."""
    return status in _CONTENT_REFUSED
