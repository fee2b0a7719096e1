"""How box and centre stand: for the page, the command line and the health check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.centre.keys import load_centre_keys
from appliance.centre.measuring import CentreState, ClockMeter, TokenTime, read_state, state_path
from appliance.centre.store import Centre, centre_of
from appliance.centre.waiting_rows import count_waiting
from appliance.clock import SECOND_US, clock_is_trusted
from appliance.errors import ApplianceError, MissingKeyError
from appliance.exchange.centre.clock_offset import UNTRUSTED_LEEWAY_US
from appliance.outbox.rows import CENTRE
from appliance.outbox.status import TargetStatus, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exchange.centre.clock_offset import ClockEstimate

SOON_US: Final = 30 * 24 * 3600 * SECOND_US
"""So long before a key's time is over it is said."""


@dataclass(frozen=True, slots=True)
class EpochFact:
    """The box's present epoch: its name, since when, and why it began."""

    name: str
    begun_us: int
    reason: str
    last_seq: int


@dataclass(frozen=True, slots=True)
class ClockFact:
    """What is known of the clock: whether it is synchronised, what was measured, what tokens may be off."""

    trusted: bool
    measured: ClockEstimate | None
    leeway_us: int

    @property
    def is_unknown(self) -> bool:
        """Whether the box does not know the time at all."""
        return self.leeway_us >= UNTRUSTED_LEEWAY_US


@dataclass(frozen=True, slots=True)
class CentreStatus:
    """How things stand; times are UTC.

    Attributes:
        centre: None where the box belongs to none.
        live: what the process that speaks to it last knew.
        stands: the deliveries to it; None where there never was one and nothing was tried.
        proposals, held, declined: changes that wait.
        media: recordings that were asked for and are not all there.
    """

    centre: Centre | None
    live: CentreState
    stands: TargetStatus | None
    epoch: EpochFact | None
    clock: ClockFact
    proposals: int
    held: int
    declined: int
    media: int

    def key_ends(self, now_us: int) -> int | None:
        """Return when the box's key is not taken any more, if that is soon or over; else None."""
        until_us = self.centre.valid_until_us if self.centre else None
        return until_us if until_us is not None and until_us - now_us < SOON_US else None

    def last_heard_us(self) -> int | None:
        """Return when the centre last answered, as far as it is known."""
        known = (self.live.answered_us, self.centre.answered_us if self.centre else None)
        return max((one for one in known if one is not None), default=None)


def centre_status(
    db: Database, settings: Settings, clock: Clock, *, own_trusted: Callable[[], bool] = clock_is_trusted
) -> CentreStatus:
    """Return how box and centre stand now."""
    centre, live = centre_of(db), read_state(state_path(settings))
    meter = ClockMeter(clock, live.samples, own_trusted=own_trusted)
    waiting = count_waiting(db, centre.hub) if centre else {}
    (media,) = db.conn.execute(
        "SELECT COUNT(*) FROM centre_media WHERE state = 'asked' AND hub = ?", (centre.hub if centre else "",)
    ).fetchone()
    token: TokenTime = meter.time()
    return CentreStatus(
        centre=centre,
        live=live,
        stands=next((one for one in status(db).targets if one.target == CENTRE), None),
        epoch=_epoch(db),
        clock=ClockFact(meter.own_trusted, meter.measured(), token.leeway_us),
        proposals=waiting.get("proposed", 0),
        held=waiting.get("held", 0),
        declined=waiting.get("declined", 0),
        media=media,
    )


def keys_problem(centre: Centre, keys_dir: Path) -> ApplianceError | None:
    """Return what is wrong with the box's keys towards the centre, None where they are those it was enrolled with."""
    try:
        keys = load_centre_keys(keys_dir)
    except ApplianceError as problem:
        return problem
    if keys.print != centre.key_print:
        return MissingKeyError(
            "The key files towards the central service are others than it knows.",
            hint="Bring back the former ones from a copy, or let the central service revoke the box, and enrol anew.",
        )
    return None


def _epoch(db: Database) -> EpochFact | None:
    row = db.conn.execute(
        "SELECT name, begun_us, reason, last_seq FROM epoch ORDER BY begun_us DESC LIMIT 1"
    ).fetchone()
    return None if row is None else EpochFact(*row)
