"""What the hub's calls and pages share in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app

from appliance.hub.identity import HubFacts, HubKeys, hub_facts, init_hub, keep_hub, load_hub_keys
from appliance.hub.keeper import Keeper
from appliance.hub.publishing import Publisher
from appliance.hub.reports import Reports
from appliance.hub.seen_tokens import SeenTokens
from appliance.integrations.exchange_key import exchange_key
from appliance.web.api.buckets import Buckets

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

CALLS_PER_SECOND: Final = 100.0
CALLS_BURST: Final = 400.0
"""Calls of one box: a report every 5 s, and as many batches and segments as it can send one after the other."""
REFUSED_PER_SECOND: Final = 1.0
REFUSED_BURST: Final = 30.0
"""Refused calls in one box's name from one address."""
CODES_PER_SECOND: Final = 0.2
CODES_BURST: Final = 20.0
"""Tries to join from one address: sixty random bits are not guessed at that rate."""
_KEY: Final = "exambox-hub"


@dataclass(frozen=True)
class Hub:
    """One for the process."""

    keys: HubKeys
    facts: HubFacts
    publisher: Publisher
    reports: Reports
    tokens: SeenTokens
    keeper: Keeper
    calls: Buckets[str]
    refused: Buckets[tuple[str, str]]
    codes: Buckets[str]
    media_folder: Path

    def tend(self, db: Database, *, flush: bool = False) -> None:
        """Do what is due, if something is."""
        if flush or self.keeper.is_due():
            self.keeper.tend(db, flush=flush)


def install(app: Flask, settings: Settings, clock: Clock, db: Database) -> None:
    """Make the hub known to the application.

    Raises:
        MissingKeyError: its key files are missing: `exambox hub init` makes them.
    """
    keys = init_hub(settings, db, clock) if settings.box.trial else load_hub_keys(settings.keys_dir)
    keep_hub(db, keys.id, centre=settings.box.room, clock=clock)
    publisher = Publisher(keys, exchange_key(settings), address=settings.exams.public_address, clock=clock)
    reports, tokens = Reports(clock), SeenTokens(clock)
    app.extensions[_KEY] = Hub(
        keys=keys,
        facts=hub_facts(db),
        publisher=publisher,
        reports=reports,
        tokens=tokens,
        keeper=Keeper(publisher, reports, tokens, clock, log_key=keys.log_key),
        calls=Buckets(per_second=CALLS_PER_SECOND, burst=CALLS_BURST, mono_us=clock.mono_us),
        refused=Buckets(per_second=REFUSED_PER_SECOND, burst=REFUSED_BURST, mono_us=clock.mono_us),
        codes=Buckets(per_second=CODES_PER_SECOND, burst=CODES_BURST, mono_us=clock.mono_us),
        media_folder=settings.state_dir / "web" / "media",  # a folder the dashboard's unit may write
    )


def hub() -> Hub:
    """Return the hub of the application that handles this request."""
    return cast("Hub", current_app.extensions[_KEY])


def hub_of(app: Flask) -> Hub | None:
    """Return an application's hub, None on a box."""
    return cast("Hub | None", app.extensions.get(_KEY))
