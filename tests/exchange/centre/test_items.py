"""An item is what its key and its hash say, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.items import ItemError, check_item
from appliance.exchange.centre.kinds import MAX_BODY
from appliance.exchange.centre.messages import LARGE, PushRequest, read_message, write_message
from appliance.exchange.idempotency import DeliveryKey
from tests.exchange.centre.values import BOX, EPOCH, item


def test_an_item_comes_through_as_it_was_stored() -> None:
    """The body of an outbox row arrives with every character it had."""
    body = '{ "confidence": 0.10, "note": "ü\\u0041" }'
    sent = item(7, body)
    (found,) = read_message(PushRequest, write_message(PushRequest(items=(sent,))), LARGE).items
    assert check_item(found, box=BOX) == DeliveryKey(BOX, EPOCH, 7)
    assert found.body == body
    assert found.content() == {"confidence": 0.1, "note": "üA"}


def body_of(text: str) -> dict[str, str]:
    """Return the fields of an item with this body, rightly hashed."""
    return {"body": text, "sha256": sha256_text(text.encode())}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"key": "box-1f2e3d4c:e:0"}, "key"),
        ({"key": "box-1f2e3d4c:e"}, "key"),
        ({"key": f"box-2:{EPOCH}:1"}, "box"),
        ({"kind": "exam"}, "kind"),
        ({"kind": "roster"}, "kind"),
        ({"body": '{"confidence":0.26}'}, "sha256"),
        (body_of("[1]"), "body"),
        (body_of('{"a":NaN}'), "body"),
        (body_of('{"a":' * 30 + "1" + "}" * 30), "body"),
    ],
)
def test_what_is_wrong_is_named(words: dict[str, Any], why: str) -> None:
    """A wrong key, another box, a kind the centre owns, another body and one that cannot be read are refused."""
    with pytest.raises(ItemError) as refused:
        check_item(replace(item(), **words), box=BOX)
    assert refused.value.reason == why


@pytest.mark.parametrize("kind", ["session", "extra_time", "acceptance", "of_a_newer_box"])
def test_what_happened_is_the_boxs_to_tell(kind: str) -> None:
    """Kinds a box owns, those both may tell of, and those of a newer box are taken."""
    assert check_item(item(3, kind=kind), box=BOX).seq == 3


def test_a_body_that_is_too_long_is_not_sent() -> None:
    """What is too much for one item is refused where it is made."""
    with pytest.raises(ItemError) as refused:
        item(body='{"a":"' + "x" * MAX_BODY + '"}')
    assert refused.value.reason == "body"
