"""The policy as workstations get it: signed, of one box, and never an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import BadInputError
from appliance.usb.signed import SignedPolicy, check_policy, keep_signed, sign_policy, signed_policy

if TYPE_CHECKING:
    from sqlite_utils import Database

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE, PUBLIC = KEY.private_bytes_raw(), KEY.public_key().public_bytes_raw()
POLICY = SignedPolicy(box="box-1", version=7, made_us=1, mode="armed", policy_version=3, policy="format = 1\n")


def test_what_was_signed_is_what_is_read() -> None:
    """With the box's key, for that box, where it is newer than the one at hand."""
    signed = sign_policy(PRIVATE, POLICY)
    assert check_policy(signed.body, signed.signature, PUBLIC, box="box-1", after=6) == POLICY


def test_a_changed_foreign_or_old_policy_is_refused() -> None:
    """One changed byte, another key, another box, the same or an older version, and far too much."""
    signed = sign_policy(PRIVATE, POLICY)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for body, signature, public, box, after in (
        (signed.body.replace("armed", "ArmEd"), signed.signature, PUBLIC, "box-1", 0),
        (signed.body, bytes(64), PUBLIC, "box-1", 0),
        (signed.body, signed.signature, other, "box-1", 0),
        (signed.body, signed.signature, PUBLIC, "box-2", 0),
        (signed.body, signed.signature, PUBLIC, "box-1", 7),
        ("x" * (1 << 20), signed.signature, PUBLIC, "box-1", 0),
        (signed.body, signed.signature, b"short", "box-1", 0),
    ):
        with pytest.raises(BadInputError, match=r"^policy:"):
            check_policy(body, signature, public, box=box, after=after)


def test_an_older_policy_never_takes_a_newer_ones_place(db: Database) -> None:
    """Also where two processes write."""
    for version in (2, 3, 1):
        keep_signed(
            db,
            sign_policy(
                PRIVATE,
                SignedPolicy(
                    **{name: getattr(POLICY, name) for name in POLICY.__struct_fields__} | {"version": version}
                ),
            ),
        )
    found = signed_policy(db)
    assert found is not None
    assert found.version == 3
