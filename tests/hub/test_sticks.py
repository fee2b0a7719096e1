"""Sticks: changes to a box, and what it tells, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.exchange.centre.bundle import BundleError, open_bundle, seal_bundle
from appliance.exchange.centre.changes import check_change
from appliance.exchange.centre.items import item_of
from appliance.exchange.idempotency import DeliveryKey
from appliance.hub.boxes import BoxRefusedError, revoke_box
from appliance.hub.identity import init_hub
from appliance.hub.media import ask_media
from appliance.hub.publishing import Publisher
from appliance.hub.sticks import export_changes, import_items
from appliance.integrations.exchange_key import exchange_key

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

BOX = "box-1"


class Rig:
    """A hub, and a box that joined it."""

    def __init__(self, db: Database, settings: Settings, clock: ManualClock) -> None:
        self.db, self.clock = db, clock
        self.keys = init_hub(settings, db, clock)
        self.publisher = Publisher(self.keys, exchange_key(settings), address="", clock=clock)
        self.sign, self.seal = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        db.conn.execute(
            "INSERT INTO hub_box (id, room, name, public, seal_public, enrolled_us) VALUES (?, 'r', 'r', ?, ?, 0)",
            (BOX, self.sign.public_key().public_bytes_raw(), self.seal.public_key().public_bytes_raw()),
        )

    def file(self, *numbers: int) -> bytes:
        """Return what the box wrote on a stick."""
        items = [
            item_of(DeliveryKey(BOX, "1-a", n), kind="log_head", stream="", at_us=1, body=f'{{"seq":{n}}}')
            for n in numbers
        ]
        return seal_bundle(
            items, kind="items", private=self.sign, sender=BOX, recipient=self.keys.id,
            recipient_public=self.keys.seal_public, created_us=1, random=bytes(16),
        )  # fmt: skip

    def read(self, data: bytes) -> tuple[int, int]:
        """Take a file in; return how many items were new and how many known."""
        taken = import_items(self.db, data, keys=self.keys, clock=self.clock, who="test")
        return taken.stored, taken.known


@pytest.fixture
def rig(db: Database, settings: Settings, clock: ManualClock) -> Rig:
    """A hub, and a box that joined it."""
    return Rig(db, settings, clock)


def test_a_stick_brings_a_box_all_it_gets(rig: Rig) -> None:
    """The file for a box opens with its key and holds its changes, each signed by the hub."""
    media = ask_media(
        rig.db, BOX, sitting="s", camera="c", from_us=0, to_us=1, why="appeal", clock=rig.clock, who="test"
    )
    data = export_changes(rig.db, BOX, keys=rig.keys, publisher=rig.publisher, clock=rig.clock, who="test")
    bundle = open_bundle(data, me=BOX, private=rig.seal, signers={rig.keys.id: rig.keys.public})
    (change,) = bundle.changes
    assert check_change(change, rig.keys.public).key == ("media_request", media.id)


def test_a_stick_is_read_as_often_as_one_likes(rig: Rig) -> None:
    """What is here already is known again, in whatever order files are read."""
    assert rig.read(rig.file(2, 3)) == (2, 0)
    assert rig.read(rig.file(1, 2, 3)) == (1, 2)
    assert rig.read(rig.file(2, 3)) == (0, 2)


def test_a_foreign_or_revoked_boxs_stick_is_refused(rig: Rig) -> None:
    """A file of a box that is not let in is refused and leaves nothing."""
    data = rig.file(1)
    revoke_box(rig.db, BOX, why="stolen", clock=rig.clock, who="test")
    with pytest.raises(BundleError) as refused:
        rig.read(data)
    assert refused.value.reason == "sender"
    assert rig.db["hub_item"].count == 0
    with pytest.raises(BoxRefusedError):
        export_changes(rig.db, BOX, keys=rig.keys, publisher=rig.publisher, clock=rig.clock, who="test")
