"""A box that belongs to a centre whose key the test has: changes as that centre signs them, without a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.centre.context import Taking
from appliance.centre.keys import make_centre_keys
from appliance.centre.store import Centre, get_centre, keep_centre
from appliance.centre.taking_over import Taken, take_changes
from appliance.exchange.centre.changes import Change, sign_change
from appliance.exchange.centre.extra_time import ExtraTime, extra_time_id
from appliance.exchange.centre.messages import EnrolAnswer
from appliance.integrations.exchange_key import exchange_key
from appliance.outbox.epochs import remember_box
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

HUB: Final = "hub:north"
SECOND = 1_000_000


class ACentre:
    """The central service of a box, as far as its key goes."""

    def __init__(self, db: Database, settings: Settings, clock: Clock) -> None:
        self.db, self.settings, self.clock = db, settings, clock
        self.private = Ed25519PrivateKey.generate()
        self.seal_private = X25519PrivateKey.generate()
        keys = make_centre_keys(settings.keys_dir)
        remember_box(db, load_box_id(settings.keys_dir), clock)
        told = EnrolAnswer(
            hub=HUB,
            public=self.private.public_key().public_bytes_raw().hex(),
            seal_public=self.seal_private.public_key().public_bytes_raw().hex(),
            centre="North campus",
            room="Hall 2",
            valid_until_us=clock.wall_us() + 365 * 86_400 * SECOND,
        )
        keep_centre(db, told, address="https://hub.example:8443", ca="", key_print=keys.print, clock=clock, who="ann")

    @property
    def row(self) -> Centre:
        """The centre as the box knows it."""
        return get_centre(self.db)

    @property
    def taking(self) -> Taking:
        """Who takes over in the box's name."""
        box = load_box_id(self.settings.keys_dir)
        keys = make_centre_keys(self.settings.keys_dir)
        return Taking(self.settings, self.clock, box, exchange_key(self.settings), keys, accepted_by="ida")

    def change(
        self, kind: str, name: str, body: dict[str, Any] | None, *, sitting: str = "", version: int = 1
    ) -> Change:
        """Sign a change."""
        return sign_change(
            self.private, hub=HUB, kind=kind, id=name, version=version, at_us=self.clock.wall_us(), body=body,
            sitting=sitting,
        )  # fmt: skip

    def extra_time(self, sitting: str, minutes: int, *, why: str = "fire alarm", candidate: str = "") -> Change:
        """Sign a grant of extra time."""
        grant = ExtraTime(
            sitting=sitting,
            candidate=candidate,
            amount_us=minutes * 60 * SECOND,
            who="cara",
            why=why,
            at_us=self.clock.wall_us(),
            origin=HUB,
            nonce="n" * 20,
        )
        return self.change("extra_time", extra_time_id(grant), grant.body(), sitting=sitting)

    def tell(self, *changes: Change) -> Taken:
        """Let the box take changes over."""
        return take_changes(self.db, self.row, changes, self.taking)
