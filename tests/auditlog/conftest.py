"""A device key of the test's own, and a log with a few entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.auditlog import append, checkpoint

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock


class Key:
    """Signs as the device key does."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature."""
        return self._private.sign(message)


@pytest.fixture(scope="session")
def key() -> Key:
    """The device key."""
    return Key()


@pytest.fixture
def filled(db: Database, clock: ManualClock, key: Key) -> Database:
    """Eight entries; checkpoints after the third and the sixth."""
    people = ["ann", "bob", "box"]
    for number in range(8):
        append(
            db,
            "camera.edited",
            clock=clock,
            who=people[number % 3],
            where="10.0.0.5" if number % 2 else "",
            detail={"camera": f"c{number}"},
            personal={"candidate": "Eve Müller"} if number == 4 else None,
        )
        clock.advance(1)
        if number in {2, 5}:
            checkpoint(db, key, clock=clock)
    return db
