"""The policy as seat agents get it: content, signature, and a number that only grows.

The signature is Ed25519 over `CONTEXT` and the content's bytes as they are sent; it is checked before they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.errors import BadInputError
from appliance.usb.model import Mode

if TYPE_CHECKING:
    from sqlite_utils import Database

CONTEXT: Final = b"exambox usb policy 1\0"
MAX_BYTES: Final = 512 * 1024


class SignedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a seat agent goes by.

    Attributes:
        box: the box's id, so that one box's policy is none for another's agents.
        version: counts up with every change of policy or mode; an agent refuses one that is not newer than its own.
        made_us: when it was signed (wall).
        mode: as the box is in.
        policy_version: of the policy, 0 for the default one.
        policy: the policy file (TOML).
    """

    box: Annotated[str, msgspec.Meta(max_length=80)]
    version: Annotated[int, msgspec.Meta(ge=1)]
    made_us: int
    mode: Mode
    policy_version: Annotated[int, msgspec.Meta(ge=0)]
    policy: Annotated[str, msgspec.Meta(max_length=256 * 1024)]


class SignedText(msgspec.Struct, frozen=True):
    """A policy as it is kept and sent: ``version`` stands in the content too."""

    version: int
    body: str
    signature: bytes


def sign_policy(private: bytes, policy: SignedPolicy) -> SignedText:
    """Return the policy signed by the box's USB key (32 raw bytes of Ed25519)."""
    body = msgspec.json.encode(policy)
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(CONTEXT + body)
    return SignedText(policy.version, body.decode(), signature)


def check_policy(
    body: str | bytes, signature: bytes, public: bytes, *, box: str | None = None, after: int = 0
) -> SignedPolicy:
    """Return what was signed.

    Args:
        body: the content as it came.
        signature: that came with it.
        public: the box's public USB key (32 raw bytes), as known from enrolment.
        box: the box it has to be of; None: any.
        after: the version the reader has; one that is not newer is refused.

    Raises:
        BadInputError: it is too long, not signed by that key, of another box, or old.
    """
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > MAX_BYTES:
        raise BadInputError("policy: larger than a policy can be.", hint="This is no policy of the box.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, CONTEXT + raw)
        policy = msgspec.json.decode(raw, type=SignedPolicy)
    except (InvalidSignature, ValueError, msgspec.DecodeError) as problem:
        raise BadInputError("policy: it is not signed by this box.", hint="Enrol the workstation anew.") from problem
    if box is not None and policy.box != box:
        raise BadInputError("policy: it is another box's.", hint="Enrol the workstation anew.")
    if policy.version <= after:
        raise BadInputError(f"policy: version {policy.version} is not newer than {after}.", hint="Nothing is done.")
    return policy


def signed_policy(db: Database) -> SignedText | None:
    """Return the newest policy for seat agents, None where none was signed yet."""
    row = db.conn.execute("SELECT version, body, signature FROM usb_signed_policy WHERE id = 1").fetchone()
    return None if row is None else SignedText(row[0], row[1], bytes(row[2]))


def keep_signed(db: Database, signed: SignedText) -> None:
    """Keep the newest policy, in the open transaction or one of its own."""
    db.conn.execute(
        "INSERT INTO usb_signed_policy (id, version, body, signature) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET version = excluded.version, body = excluded.body, signature = excluded.signature"
        " WHERE excluded.version > version",
        (signed.version, signed.body, signed.signature),
    )
