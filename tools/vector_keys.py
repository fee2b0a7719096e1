"""The test vectors' keys: each derived from its own name, so that everybody knows them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.vault.crypto import Suite, key_id, public_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def known_bytes(name: str, length: int) -> bytes:
    """Return bytes that everybody can compute: SHAKE-256 of a name."""
    return hashlib.shake_256(f"exambox vector {name}".encode()).digest(length)


def seeded(name: str) -> Callable[[int], bytes]:
    """Return a stand-in for the kernel's random numbers."""
    calls = iter(range(1000))
    return lambda length: known_bytes(f"{name} {next(calls)}", length)


class KnownDevice:
    """A device key that is no secret."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.private = known_bytes(name, 32)
        self._key = Ed25519PrivateKey.from_private_bytes(self.private)

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class KnownRecipient:
    """A recipient whose private key is no secret."""

    name: str
    key_id: str
    label: str
    suite: Suite
    public: bytes
    private: bytes

    @classmethod
    def make(cls, name: str, label: str, suite: Suite) -> KnownRecipient:
        """Derive one from its name."""
        private = known_bytes(name, 32 if suite == "X25519" else 96)
        public = public_of(suite, private)
        return cls(name, key_id(suite, public), label, suite, public, private)


DEVICE = KnownDevice("device")
OTHER_DEVICE = KnownDevice("other-device")
REVIEW = KnownRecipient.make("review", "Room 1", "X25519")
AUDITOR = KnownRecipient.make("auditor", "Prüfungsamt", "X25519")
REVIEW_PQ = KnownRecipient.make("review-pq", "Room 1", "MLKEM768-X25519")
MISTAKEN = KnownRecipient("mistaken", REVIEW.key_id, REVIEW.label, REVIEW.suite, AUDITOR.public, AUDITOR.private)
"""Says that it is the review key, and is the auditor's."""


def write_keys(path: Path) -> None:
    """Write keys.json."""
    keys: dict[str, dict[str, Any]] = {
        device.name: {"kind": "Ed25519", "private": device.private.hex(), "public": device.public.hex()}
        for device in (DEVICE, OTHER_DEVICE)
    }
    for recipient in (REVIEW, AUDITOR, REVIEW_PQ):
        keys[recipient.name] = {
            "kind": recipient.suite,
            "key_id": recipient.key_id,
            "label": recipient.label,
            "private": recipient.private.hex(),
            "public": recipient.public.hex(),
        }
    keys["note"] = {"text": "Test material, published. Never use these keys for anything else."}
    path.write_text(json.dumps(keys, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
