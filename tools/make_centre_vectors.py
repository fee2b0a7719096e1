#!/usr/bin/env python3
"""Make the test vectors of the protocol between box and central service (`appliance/exchange/centre/`).

Usage: ``python tools/make_centre_vectors.py [FILE]``, by default ``tests/vectors/centre-1.json``.

They hold one of everything that is signed or sealed, with the keys, so that another central service can try its own
code on them, and so that no change here makes what a box or a stick holds unreadable. HPKE encapsulation is random, so
sticks that the file holds already stay as they are: a change of the protocol that breaks them needs a new number.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.exchange.centre.bundle import seal_bundle
from appliance.exchange.centre.changes import sign_change, signed_bytes
from appliance.exchange.centre.enrol_code import new_code
from appliance.exchange.centre.extra_time import ExtraTime, extra_time_id
from appliance.exchange.centre.items import item_of
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.peer_token import new_jti, sign_answer, sign_request
from appliance.exchange.centre.receipts import STRETCH, receipts_of
from appliance.exchange.idempotency import DeliveryKey

if TYPE_CHECKING:
    from appliance.exchange.centre.changes import Change

TARGET = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "centre-1.json"
BOX, HUB, EPOCH, NOW_US = "box-1", "hub:north", "6b49d200-000102030405", 1_800_000_000_123_456
SEALED: Final = ("stick", "receipt_stick")
"""What is different each time it is made."""
HELD: Final = (1, 2, 3, 17, STRETCH, STRETCH + 1)
"""Numbers of the box's items that the hub has, in two stretches."""


def seed(name: str) -> bytes:
    """Return the private key that goes by a name, 32 bytes."""
    return hashlib.sha256(f"exambox test vector {name}".encode()).digest()


def stick(name: str, changes: list[Change]) -> str:
    """Return a file of the hub for the box, base64; the name chooses its number."""
    seal = X25519PrivateKey.from_private_bytes(seed("box seal"))
    file = seal_bundle(
        changes,
        kind="changes",
        private=Ed25519PrivateKey.from_private_bytes(seed("hub sign")),
        sender=HUB,
        recipient=BOX,
        recipient_public=seal.public_key().public_bytes_raw(),
        created_us=NOW_US,
        random=bytes(range(16)) if name == "stick" else seed(name)[:16],
    )
    return base64.b64encode(file).decode()


def shown(change: Change) -> dict[str, Any]:
    """Return a change with what of it is signed, and its digest."""
    return {"change": msgspec.to_builtins(change), "signed": signed_bytes(change).decode(), "digest": change.digest}


def vectors() -> dict[str, Any]:
    """Return everything."""
    box, hub = (Ed25519PrivateKey.from_private_bytes(seed(name)) for name in ("box sign", "hub sign"))
    request = {"method": "POST", "path": "/api/centre/v1/pull/", "body": '{"cursor":"","limit":200}'}
    answer = {"to": new_jti(bytes(range(16))), "status": 200, "body": '{"changes":[],"cursor":"","more":false}'}
    body: Any = {"name": "Ñandú 2027", "weight": 1.5}
    words: Any = {"hub": HUB, "kind": "exam", "id": "e1", "at_us": NOW_US}
    changes = [
        sign_change(hub, version=3, body=body, **words),
        sign_change(hub, version=4, body=None, sitting="s1", **words),
    ]
    receipts = [
        sign_change(hub, version=NOW_US // 1000, body=one.body(), **{**words, "kind": ChangeKind.RECEIPT, "id": name})
        for name, one in receipts_of(BOX, EPOCH, HELD).items()
    ]
    grant = ExtraTime(
        sitting="s1",
        candidate="c1",
        amount_us=600_000_000,
        who="Ada",
        why="fire alarm",
        at_us=NOW_US,
        origin=HUB,
        nonce="000102030405060708090a0b0c0d0e0f",
    )
    item = item_of(DeliveryKey(BOX, EPOCH, 17), kind="warning", stream="x1", at_us=NOW_US, body='{"confidence": 0.10}')
    token = sign_request(
        box,
        box=BOX,
        epoch=EPOCH,
        audience=HUB,
        now_us=NOW_US,
        jti=new_jti(bytes(range(16))),
        **{**request, "body": request["body"].encode()},
    )
    signed_answer = sign_answer(
        hub, hub=HUB, to=str(answer["to"]), status=200, body=str(answer["body"]).encode(), now_us=NOW_US
    )
    return {
        "box": BOX,
        "hub": HUB,
        "now_us": NOW_US,
        "keys": {name: seed(name).hex() for name in ("box sign", "hub sign", "box seal")},
        "request": {**request, "token": token},
        "answer": {**answer, "token": signed_answer},
        "changes": [shown(one) for one in changes],
        "item": msgspec.to_builtins(item),
        "extra_time": {"grant": grant.body(), "id": extra_time_id(grant)},
        "enrol_code": str(new_code(bytes(range(8)), hub.public_key().public_bytes_raw())),
        "stick": stick("stick", changes),
        "receipts": {"epoch": EPOCH, "held": list(HELD), "changes": [shown(one) for one in receipts]},
        "receipt_stick": stick("receipt_stick", [*changes, *receipts]),
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    made = vectors() | {name: before[name] for name in SEALED if name in before}
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(target)
