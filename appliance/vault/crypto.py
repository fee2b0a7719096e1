"""Sealing: key schedule, segments, wrapping to recipients. See ``docs/vault-format.md``, section 4."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from appliance.errors import IntegrityError, MissingKeyError
from appliance.vault.format import sha256

Suite = Literal["MLKEM768-X25519", "X25519"]
Aead = Literal["AES-256-GCM", "ChaCha20-Poly1305"]
PART_KEY_BYTES = 32
PART_ID_BYTES = 16
_X25519_BYTES = 32
_MLKEM_PUBLIC_BYTES = 1184
_MLKEM_SEED_BYTES = 64

PublicKey = hpke.MLKEM768X25519PublicKey | X25519PublicKey
PrivateKey = hpke.MLKEM768X25519PrivateKey | X25519PrivateKey


@dataclass(frozen=True, slots=True)
class PartBinding:
    """What a wrapped key is bound to, so that it opens no other part."""

    box: str
    sitting: str
    camera: str
    part: int
    part_id: bytes

    def info(self) -> bytes:
        """Return HPKE's ``info``."""
        fields = [self.box, self.sitting, self.camera, str(self.part), self.part_id.hex()]
        return b"exambox/1 wrap\n" + "\n".join(fields).encode()


@dataclass(frozen=True, slots=True)
class PartSecrets:
    """What is derived from a part key."""

    content_key: bytes
    nonce_base: bytes
    commitment: bytes


def derive(part_key: bytes, part_id: bytes) -> PartSecrets:
    """Return content key (32 bytes), nonce base (12) and commitment (32) of a part key."""
    prk = HKDF.extract(hashes.SHA256(), part_id, part_key)

    def expand(label: bytes, length: int) -> bytes:
        return HKDFExpand(hashes.SHA256(), length, label).derive(prk)

    return PartSecrets(
        expand(b"exambox/1 content key", 32),
        expand(b"exambox/1 nonce base", 12),
        expand(b"exambox/1 commitment", 32),
    )


class RecordCipher:
    """Seals and opens the records of one part."""

    def __init__(self, secrets: PartSecrets, aead: Aead) -> None:
        self._base = int.from_bytes(secrets.nonce_base)
        self._aead = AESGCM(secrets.content_key) if aead == "AES-256-GCM" else ChaCha20Poly1305(secrets.content_key)

    def _nonce(self, seq: int) -> bytes:
        return (self._base ^ seq).to_bytes(12)

    def seal(self, seq: int, header: bytes, plaintext: bytes) -> bytes:
        """Return ciphertext and tag. ``seq`` must never be used twice with one part key."""
        return self._aead.encrypt(self._nonce(seq), plaintext, header)

    def open(self, seq: int, header: bytes, data: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            IntegrityError: header or data are not what was sealed.
        """
        try:
            return self._aead.decrypt(self._nonce(seq), data, header)
        except InvalidTag as problem:
            raise IntegrityError(f"Record {seq} is not what was sealed: it does not decrypt.") from problem


@functools.cache
def _hpke(suite: Suite) -> hpke.Suite:
    kem = hpke.KEM.MLKEM768_X25519 if suite == "MLKEM768-X25519" else hpke.KEM.X25519
    return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _load_public(suite: Suite, raw: bytes) -> PublicKey:
    if suite == "X25519":
        return X25519PublicKey.from_public_bytes(raw)
    if len(raw) != _MLKEM_PUBLIC_BYTES + _X25519_BYTES:
        raise ValueError("wrong length")
    return hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:]),
    )


def _load_private(suite: Suite, raw: bytes) -> PrivateKey:
    if suite == "X25519":
        return X25519PrivateKey.from_private_bytes(raw)
    if len(raw) != _MLKEM_SEED_BYTES + _X25519_BYTES:
        raise ValueError("wrong length")
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED_BYTES:]),
    )


def key_id(suite: Suite, public: bytes) -> str:
    """Return the 16 hex digits that name a public key."""
    return sha256(suite.encode() + b"\n", public).hex()[:16]


def generate_private(suite: Suite) -> bytes:
    """Return a fresh raw private key of the suite."""
    if suite == "X25519":
        return X25519PrivateKey.generate().private_bytes_raw()
    return MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw()


def public_of(suite: Suite, private: bytes) -> bytes:
    """Return the raw public key of a raw private key.

    Raises:
        MissingKeyError: the bytes are no private key of this suite.
    """
    try:
        if suite == "X25519":
            return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        seed, scalar = private[:_MLKEM_SEED_BYTES], private[_MLKEM_SEED_BYTES:]
        lattice = MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
        return lattice + X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()
    except ValueError as problem:
        raise MissingKeyError(f"This is no {suite} private key.") from problem


def wrap(suite: Suite, public: bytes, info: bytes, secret: bytes) -> bytes:
    """Return ``secret`` wrapped to a raw public key with HPKE, bound to ``info``.

    Raises:
        MissingKeyError: the bytes are no public key of this suite.
    """
    try:
        key = _load_public(suite, public)
    except ValueError as problem:
        raise MissingKeyError(f"A recipient's public key is no {suite} key.") from problem
    return _hpke(suite).encrypt(secret, key, info=info)


def unwrap(suite: Suite, private: bytes, info: bytes, wrapped: bytes) -> bytes:
    """Return what `wrap` wrapped.

    Raises:
        MissingKeyError: this private key, or this binding, does not open it.
    """
    try:
        return _hpke(suite).decrypt(wrapped, _load_private(suite, private), info=info)
    except (InvalidTag, ValueError) as problem:
        raise MissingKeyError("This key does not open it.") from problem


def choose_aead(wish: Literal["auto", "AES-256-GCM", "ChaCha20-Poly1305"], cpuinfo: Path | None = None) -> Aead:
    """Return the wished cipher; for ``auto`` AES where the CPU has instructions for it, else ChaCha20."""
    if wish != "auto":
        return wish
    try:
        text = (cpuinfo or Path("/proc/cpuinfo")).read_text(encoding="ascii", errors="replace")
    except OSError:
        return "AES-256-GCM"
    flags = {
        word for line in text.splitlines() if line.lower().startswith(("flags", "features")) for word in line.split()
    }
    return "AES-256-GCM" if "aes" in flags else "ChaCha20-Poly1305"


def new_part_key() -> bytes:
    """Return 32 fresh random bytes."""
    return os.urandom(PART_KEY_BYTES)


def new_part_id() -> bytes:
    """Return 16 fresh random bytes."""
    return os.urandom(PART_ID_BYTES)
