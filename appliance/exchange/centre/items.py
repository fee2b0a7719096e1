"""What happened on a box, as it tells the centre: one item an outbox row (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from appliance.errors import BadInputError
from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.kinds import (
    CHANGES_OWNED,
    MAX_BODY,
    Digest,
    ItemKind,
    JsonText,
    Micros,
    OptionalId,
    Word,
)
from appliance.exchange.idempotency import DeliveryKeyError, parse_delivery_key
from appliance.exchange.json_edge import JsonError, Limits, parse_object

if TYPE_CHECKING:
    from appliance.exchange.idempotency import DeliveryKey
    from appliance.exchange.json_edge import JsonObject

BODY_LIMITS: Final = Limits(size=4 * MAX_BODY, depth=24)


_CENTRES: Final = frozenset(CHANGES_OWNED) - frozenset(map(str, ItemKind))
"""Kinds that only the centre changes."""


class ItemError(BadInputError):
    """An item is not what its key and hash say; ``reason`` is a stable word: key, box, sha256, kind, body."""

    code = "centre.item"
    status = 400

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, hint="The item is parked on the box, where its log says more.")
        self.reason = reason


class Item(Struct, frozen=True, kw_only=True):
    """One thing that happened.

    Attributes:
        key: ``box:epoch:seq``, by which the hub knows it again.
        kind: what it is; a newer box may have more kinds.
        stream: what its order is kept within: a session's id, or empty.
        at_us: when it happened, by the box's clock.
        body: it, as JSON.
        sha256: of the body's UTF-8.
    """

    key: Annotated[str, Meta(min_length=5, max_length=160, examples=["box-1f2e3d4c:65a1b2c3-9f8e7d:17"])]
    kind: Annotated[Word, Meta(examples=list(ItemKind))]
    stream: OptionalId = ""
    at_us: Micros
    body: JsonText
    sha256: Digest

    def content(self) -> JsonObject:
        """Return the body parsed.

        Raises:
            JsonError: it is no JSON object as it is taken here.
        """
        return parse_object(self.body.encode(), BODY_LIMITS)


def item_of(key: DeliveryKey, *, kind: str, stream: str, at_us: int, body: str) -> Item:
    """Return the item of an outbox row; ``body`` is its JSON as stored.

    Raises:
        ItemError: it is too long to be sent (``body``).
    """
    if len(body) > MAX_BODY:
        raise ItemError(f"The {kind} is longer than {MAX_BODY} characters.", reason="body")
    digest = sha256_text(body.encode())
    return Item(key=str(key), kind=kind, stream=stream, at_us=at_us, body=body, sha256=digest)


def check_item(item: Item, *, box: str) -> DeliveryKey:
    """Return the key of an item if it is this box's, of a kind a box may tell of, and whole.

    A kind that is not known is none of the centre's, and taken.

    Raises:
        ItemError: says which of these it is not.
    """
    try:
        key = parse_delivery_key(item.key)
    except DeliveryKeyError as problem:
        raise ItemError(problem.message, reason="key") from problem
    if key.box != box:
        raise ItemError("The item is of another box than sends it.", reason="box")
    if item.kind in _CENTRES:
        raise ItemError(f"A {item.kind} is the central service's to change, not a box's.", reason="kind")
    if sha256_text(item.body.encode()) != item.sha256:
        raise ItemError("The item's body is not what was hashed.", reason="sha256")
    try:
        item.content()
    except JsonError as problem:
        raise ItemError(f"The item's body cannot be read: {problem.message}", reason="body") from problem
    return key
