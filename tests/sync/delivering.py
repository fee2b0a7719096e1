"""A box with an integration whose LMS is a `LmsReceiver`, and rounds of deliveries without a process around them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appliance.clock import SystemClock
from appliance.database import open_box_database, write
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.outbox import lms_target, put
from appliance.outbox.calling import Caller
from appliance.sync.lms_delivery import LmsDelivery
from appliance.sync.main import call_rules
from appliance.vault.keys import init_keys
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exchange.json_edge import JsonObject


@dataclass
class World:
    """A box and its LMS."""

    settings: Settings
    db: Database
    clock: Clock
    integration: str
    secret: str
    woken: threading.Event = field(default_factory=threading.Event)

    @property
    def target(self) -> str:
        """The LMS's name among targets."""
        return lms_target(self.integration)

    def put(self, stream: str, n: int, *, kind: str = "warning", target: str = "") -> None:
        """Cause one delivery."""
        body: JsonObject = {"sessionId": stream, "n": n}
        with write(self.db):
            put(self.db, target=target or self.target, stream=stream, kind=kind, body=body, clock=self.clock)

    def states(self) -> dict[str, int]:
        """Return how many deliveries are in each state."""
        return dict(self.db.conn.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state").fetchall())

    @contextmanager
    def delivering(self, settings: Settings | None = None) -> Iterator[LmsDelivery]:
        """Deliver with real calls, in rounds of `run_until` alone."""
        used = settings or self.settings
        duty = LmsDelivery(
            used,
            open_box_database(used.database),
            self.clock,
            calls=Caller(call_rules(used), self.clock),
            keys=exchange_key(used),
            wake=self.woken.set,
            roll=lambda: 0.0,
        )
        try:
            yield duty
        finally:
            duty.close()

    def run_until(self, duty: LmsDelivery, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Do rounds until something is so."""

        def round_() -> object:
            duty.run()
            return condition()

        until(round_, seconds, "what was to be delivered")


def make_world(settings: Settings, url: str, clock: Clock | None = None, *, name: str = "moodle") -> World:
    """Return a box whose integration is told everything at one address a kind."""
    used = clock or SystemClock()
    init_keys(settings, passphrase=None, clock=used)
    db = open_box_database(settings.database)
    integration, secret = add_lms(settings, db, url, used, name=name)
    return World(settings, db, used, integration, secret)


def add_lms(settings: Settings, db: Database, url: str, clock: Clock, *, name: str) -> tuple[str, str]:
    """Add one more integration; return its id and secret."""
    addresses = Addresses(
        review_url=f"{url}/review",
        schedule_url=f"{url}/schedule",
        warning_url=f"{url}/warning",
        agreement_acceptance_url=f"{url}/agreement",
    )
    keys = exchange_key(settings)
    added, secret = add_integration(db, name=name, addresses=addresses, clock=clock, who="ann", keys=keys)
    return added.id, secret


def quicker(settings: Settings, **changes: object) -> Settings:
    """Return settings with other values for deliveries."""
    sync = {name: getattr(settings.sync, name) for name in settings.sync.__struct_fields__} | changes
    return type(settings)(box=settings.box, paths=settings.paths, sync=type(settings.sync)(**sync), log=settings.log)


__all__ = ["World", "add_lms", "make_world", "quicker", "replace"]
