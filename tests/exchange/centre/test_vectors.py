"""What was signed or sealed once is read for as long as the protocol has this number, by us and by plain libraries."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.exchange.centre.bodies import ReceiptBody
from appliance.exchange.centre.bundle import open_bundle
from appliance.exchange.centre.changes import Change, check_change
from appliance.exchange.centre.enrol_code import check_hub, parse_code
from appliance.exchange.centre.extra_time import extra_time_id, read_extra_time
from appliance.exchange.centre.items import Item, check_item
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.messages import message_of
from appliance.exchange.centre.peer_token import check_answer, check_request
from tools import make_centre_vectors

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "centre-1.json").read_text(encoding="utf-8")
)
BOX, HUB = VECTORS["box"], VECTORS["hub"]


def public(name: str) -> bytes:
    """Return the public key of a signing key."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["keys"][name])).public_key().public_bytes_raw()


def test_a_request_and_its_answer_are_read() -> None:
    """The tokens of then are good now, at their time."""
    request, answer = VECTORS["request"], VECTORS["answer"]
    found = check_request(
        request["token"],
        public("box sign"),
        audience=HUB,
        method=request["method"],
        path=request["path"],
        body=request["body"].encode(),
        now_us=VECTORS["now_us"],
    )
    assert (found.sender, found.jti) == (BOX, answer["to"])
    told = check_answer(
        answer["token"],
        public("hub sign"),
        hub=HUB,
        to=answer["to"],
        status=answer["status"],
        body=answer["body"].encode(),
    )
    assert told.at_us == VECTORS["now_us"] // 1000 * 1000


@pytest.mark.parametrize("one", [*VECTORS["changes"], *VECTORS["receipts"]["changes"]])
def test_a_change_is_read_by_us_and_by_plain_libraries(one: dict[str, Any]) -> None:
    """A change of then is its hub's; a JSON library and Ed25519 alone come to the same."""
    change = check_change(msgspec.convert(one["change"], Change), public("hub sign"))
    assert change.digest == one["digest"]
    plain = {name: value for name, value in one["change"].items() if name != "signature"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert one["signed"] == f"exambox/1 change\n{text}"
    signature = base64.urlsafe_b64decode(one["change"]["signature"] + "==")
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["keys"]["hub sign"])).public_key()
    key.verify(signature, one["signed"].encode())


def test_an_item_a_grant_and_a_code_are_read() -> None:
    """Hashes, ids and prints of then are the same now."""
    assert check_item(msgspec.convert(VECTORS["item"], Item), box=BOX).seq == 17
    grant = VECTORS["extra_time"]
    assert extra_time_id(read_extra_time(grant["grant"])) == grant["id"]
    plain = json.dumps(grant["grant"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(plain.encode()).hexdigest()[:32] == grant["id"]
    check_hub(parse_code(VECTORS["enrol_code"]), public("hub sign"))


def test_a_stick_is_opened() -> None:
    """A file of then holds what it held."""
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["keys"]["box seal"]))
    found = open_bundle(base64.b64decode(VECTORS["stick"]), me=BOX, private=private, signers={HUB: public("hub sign")})
    assert [msgspec.to_builtins(one) for one in found.changes] == [one["change"] for one in VECTORS["changes"]]


def test_a_stick_with_receipts_is_opened() -> None:
    """A file of then says which items have arrived, stretch by stretch, beside what else the box gets."""
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["keys"]["box seal"]))
    file = base64.b64decode(VECTORS["receipt_stick"])
    found = open_bundle(file, me=BOX, private=private, signers={HUB: public("hub sign")}).changes
    told = VECTORS["receipts"]
    expected = [one["change"] for one in (*VECTORS["changes"], *told["changes"])]
    assert [msgspec.to_builtins(one) for one in found] == expected
    receipts = [check_change(one, public("hub sign")) for one in found if one.kind == ChangeKind.RECEIPT]
    bodies = [message_of(ReceiptBody, one.content()) for one in receipts]
    assert [one.id for one in receipts] == [f"{told['epoch']}:0", f"{told['epoch']}:1"]
    assert {(body.box, body.epoch) for body in bodies} == {(BOX, told["epoch"])}
    assert [body.ranges for body in bodies] == [((1, 3), (17, 17), (20_000, 20_000)), ((20_001, 20_001),)]
    numbers = [seq for body in bodies for first, last in body.ranges for seq in range(first, last + 1)]
    assert numbers == told["held"]


def test_the_vectors_are_what_is_made_today() -> None:
    """But for the sticks, whose sealing is random, a new run makes the same."""
    made = make_centre_vectors.vectors()
    sealed = dict.fromkeys(make_centre_vectors.SEALED, "")
    assert made | sealed == VECTORS | sealed
    claims = jwt.decode(made["request"]["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 30
