"""primitives.json: inputs and outputs of the format's sections 4 to 7."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from vector_keys import DEVICE, REVIEW, REVIEW_PQ, known_bytes

from appliance.vault.crypto import Aead, PartBinding, RecordCipher, derive, wrap
from appliance.vault.format import Flag, Header, Kind, chain_next, chain_start, sha256
from appliance.vault.part import Anchor
from appliance.vault.part_model import sign_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

PART_KEY = known_bytes("primitive part key", 32)
PART_ID = known_bytes("primitive part id", 16)
HEADER = Header(
    kind=Kind.SEGMENT,
    seq=258,
    start_us=1_000_000_000_001,
    duration_us=1_960_000,
    part_tag=PART_ID[:8],
    length=11,
    flags=Flag.KEYFRAME | Flag.DISCONTINUITY,
    media_us=-40_000,
    key_us=1_000_000_000_001,
    key_offset=0,
)


def write_primitives(path: Path) -> None:
    """Write primitives.json; wrapped keys differ from run to run."""
    value = {
        "key_schedule": _key_schedule(),
        "wrapping": [_wrapping(person) for person in (REVIEW, REVIEW_PQ)],
        "header": _header(),
        "sealing": [_sealing("AES-256-GCM"), _sealing("ChaCha20-Poly1305")],
        "chain": _chain(),
        "checkpoint": _checkpoint(),
    }
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _key_schedule() -> dict[str, str]:
    secrets = derive(PART_KEY, PART_ID)
    return {
        "part_key": PART_KEY.hex(),
        "part_id": PART_ID.hex(),
        "prk": hmac.new(PART_ID, PART_KEY, hashlib.sha256).hexdigest(),
        "content_key": secrets.content_key.hex(),
        "nonce_base": secrets.nonce_base.hex(),
        "commitment": secrets.commitment.hex(),
    }


def _wrapping(person: Any) -> dict[str, Any]:
    binding = PartBinding("box-1", "sitting-1", "room", 12, PART_ID)
    return {
        "suite": person.suite,
        "key_id": person.key_id,
        "public": person.public.hex(),
        "private": person.private.hex(),
        "box": binding.box,
        "sitting": binding.sitting,
        "camera": binding.camera,
        "part": binding.part,
        "part_id": PART_ID.hex(),
        "info": binding.info().hex(),
        "wrapped": wrap(person.suite, person.public, binding.info(), PART_KEY).hex(),
        "part_key": PART_KEY.hex(),
    }


def _header() -> dict[str, Any]:
    return {
        "kind": int(HEADER.kind),
        "flags": int(HEADER.flags),
        "reason": HEADER.reason,
        "seq": HEADER.seq,
        "start_us": HEADER.start_us,
        "duration_us": HEADER.duration_us,
        "media_us": HEADER.media_us,
        "key_us": HEADER.key_us,
        "key_offset": HEADER.key_offset,
        "length": HEADER.length,
        "part_tag": HEADER.part_tag.hex(),
        "packed": HEADER.pack().hex(),
    }


def _sealing(aead: Aead) -> dict[str, Any]:
    secrets = derive(PART_KEY, PART_ID)
    nonce = int.from_bytes(secrets.nonce_base) ^ HEADER.seq
    data = RecordCipher(secrets, aead).seal(HEADER.seq, HEADER.pack(), b"moof + mdat")
    return {
        "aead": aead,
        "content_key": secrets.content_key.hex(),
        "seq": HEADER.seq,
        "nonce": nonce.to_bytes(12).hex(),
        "header": HEADER.pack().hex(),
        "plaintext": b"moof + mdat".hex(),
        "data": data.hex(),
    }


def _chain() -> dict[str, str]:
    manifest = b'{"format":"exambox-vault-1"}'
    start = chain_start(manifest)
    return {
        "manifest": manifest.hex(),
        "start": start.hex(),
        "header": HEADER.pack().hex(),
        "data": b"some data".hex(),
        "next": chain_next(start, HEADER.pack(), b"some data").hex(),
    }


def _checkpoint() -> dict[str, Any]:
    signed = sign_checkpoint(
        DEVICE,
        part_id=PART_ID,
        seq=258,
        chain=sha256(b"a chain value"),
        now=Anchor(1_800_000_000_000_000, 1_000_000_000, "unused", trusted=True),
        reason="closed",
        after=None,
    )
    return {
        "device_key": DEVICE.public.hex(),
        "body": signed.body.hex(),
        "signature": signed.signature.hex(),
        "sha256": signed.fact.sha256.hex(),
    }
