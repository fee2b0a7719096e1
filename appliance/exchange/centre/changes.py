"""A change the centre tells its boxes of, signed by the hub, so that it may come by network or stick (pure)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.utils import base64url_decode, base64url_encode
from msgspec import Meta, Struct
from msgspec.structs import replace

from appliance.errors import BadInputError
from appliance.exchange.centre.canonical import canonical, sha256_text
from appliance.exchange.centre.kinds import (
    MAX_BODY,
    ChangeKind,
    HubId,
    JsonText,
    Micros,
    ObjectId,
    OptionalId,
    Signature,
    Version,
    Word,
)
from appliance.exchange.json_edge import Limits, parse_object

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.exchange.json_edge import JsonObject

PREFIX: Final = b"exambox/1 change\n"
"""What is signed begins with it, so that a signature over something else is never one over a change."""
BODY_LIMITS: Final = Limits(size=4 * MAX_BODY, depth=24)


class ChangeError(BadInputError):
    """A change is not what its hub signed."""

    code = "centre.change"
    status = 400


class Change(Struct, frozen=True, kw_only=True):
    """How one thing the centre owns is from now on, or that it is gone.

    Attributes:
        hub: who signed.
        kind: what it is; a newer hub may have more kinds.
        id: which one; unique within its kind and hub.
        version: grows with each change of the thing.
        deleted: it is gone; the body is ``{}``.
        at_us: when it was changed.
        sitting: the sitting it is about; empty where it is about none. What touches a running one waits for acceptance.
        body: the whole thing as JSON.
        signature: the hub's, over the line `exambox/1 change` and the canonical JSON of all other fields.
    """

    hub: HubId
    kind: Annotated[Word, Meta(examples=list(ChangeKind))]
    id: ObjectId
    version: Version
    deleted: bool = False
    at_us: Micros
    sitting: OptionalId = ""
    body: JsonText = "{}"
    signature: Signature

    @property
    def key(self) -> tuple[str, str]:
        """Kind and id: which thing it is about."""
        return self.kind, self.id

    @property
    def digest(self) -> str:
        """SHA-256 of what was signed, base64url: two changes of one digest are the same."""
        return sha256_text(signed_bytes(self))

    def content(self) -> JsonObject:
        """Return the body parsed.

        Raises:
            JsonError: it is no JSON object as it is taken here.
        """
        return parse_object(self.body.encode(), BODY_LIMITS)


def signed_bytes(change: Change) -> bytes:
    """Return what the hub signs: the prefix, and all fields but the signature as canonical JSON."""
    return PREFIX + canonical(
        {
            "hub": change.hub,
            "kind": change.kind,
            "id": change.id,
            "version": change.version,
            "deleted": change.deleted,
            "at_us": change.at_us,
            "sitting": change.sitting,
            "body": change.body,
        }
    )


def sign_change(
    private: Ed25519PrivateKey,
    *,
    hub: str,
    kind: str,
    id: str,  # noqa: A002  the field's name on the wire
    version: int,
    at_us: int,
    body: JsonObject | None,
    sitting: str = "",
) -> Change:
    """Return a signed change; without a body it says that the thing is gone.

    Raises:
        BadInputError: the body is longer than `MAX_BODY` characters.
    """
    text = json.dumps(body or {}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_BODY:
        raise BadInputError(
            f"This {kind} is longer than {MAX_BODY} characters.", hint="Divide it, for example a roster by sitting."
        )
    unsigned = Change(
        hub=hub,
        kind=kind,
        id=id,
        version=version,
        deleted=body is None,
        at_us=at_us,
        sitting=sitting,
        body=text,
        signature="",
    )
    return replace(unsigned, signature=base64url_encode(private.sign(signed_bytes(unsigned))).decode())


def check_change(change: Change, public: bytes) -> Change:
    """Return the change if the hub with this raw public key signed it and its body can be read.

    Raises:
        ChangeError: the signature is not the hub's over just this.
        JsonError: the body is no JSON object as it is taken here.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64url_decode(change.signature), signed_bytes(change))
    except (InvalidSignature, ValueError) as problem:
        raise ChangeError(
            f"The change of {change.kind} {change.id} is not what {change.hub} signed.",
            hint="If the central service has a new key, enrol the box again.",
        ) from problem
    change.content()
    return change
