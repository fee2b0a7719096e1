"""Keys, changes and items for the tests of box and centre."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.exchange.centre.changes import Change, sign_change
from appliance.exchange.centre.extra_time import ExtraTime, extra_time_id
from appliance.exchange.centre.items import Item, item_of
from appliance.exchange.idempotency import DeliveryKey

NOW_US = 1_800_000_000_123_456
BOX = "box-1f2e3d4c"
HUB = "hub:north"
EPOCH = "6b49d200-0a1b2c3d4e5f"


def signing(name: str) -> Ed25519PrivateKey:
    """Return the signing key that goes by a name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def sealing(name: str) -> X25519PrivateKey:
    """Return the key for sticks that goes by a name."""
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


BOX_KEY, HUB_KEY, STRANGER = signing("box"), signing("hub"), signing("stranger")
BOX_PUBLIC, HUB_PUBLIC = BOX_KEY.public_key().public_bytes_raw(), HUB_KEY.public_key().public_bytes_raw()


def change(kind: str = "exam", id: str = "e1", version: int = 1, **words: Any) -> Change:  # noqa: A002  the field's name
    """Return a change the hub signed."""
    values: dict[str, Any] = {"at_us": NOW_US, "body": {"name": "Ñandú", "weight": 1.5}, **words}
    return sign_change(HUB_KEY, hub=HUB, kind=kind, id=id, version=version, **values)


def grant(**words: Any) -> ExtraTime:
    """Return ten minutes for one candidate."""
    values: dict[str, Any] = {
        "sitting": "s1",
        "candidate": "c1",
        "amount_us": 600_000_000,
        "who": "Ada",
        "why": "fire alarm",
        "at_us": NOW_US,
        "origin": HUB,
        "nonce": "0123456789abcdef",
    }
    return ExtraTime(**{**values, **words})


def granted(one: ExtraTime, **words: Any) -> Change:
    """Return the change that tells of a grant."""
    return change("extra_time", extra_time_id(one), **{"sitting": one.sitting, "body": one.body(), **words})


def item(seq: int = 1, body: str = '{"confidence":0.25}', **words: Any) -> Item:
    """Return an item of the box."""
    values: dict[str, Any] = {"kind": "warning", "stream": "session-1", "at_us": NOW_US, **words}
    return item_of(DeliveryKey(BOX, EPOCH, seq), body=body, **values)
