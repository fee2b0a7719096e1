"""The sidecar of an export: what it says, how it is signed, how anybody checks it. Format, section 11."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance import __version__
from appliance.errors import MissingKeyError
from appliance.vault import format as vault_format
from appliance.vault.checks import signature_fits
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appliance.vault.facts import Gap, PartFacts

FORMAT = "exambox-export-1"


def build_manifest(
    *,
    name: str,
    bytes_: int,
    sha256: str,
    asked: tuple[int, int],
    delivered: tuple[int, int],
    parts: Sequence[PartFacts],
    records: Mapping[int, Sequence[tuple[int, bytes]]],
    gaps: Sequence[Gap],
    made_by: str,
    made_us: int,
    signed: bool,
) -> dict[str, Any]:
    """Return the manifest of one exported file.

    Args:
        name: of the files, without a suffix.
        bytes_: the clip's size.
        sha256: the clip's hash, hex.
        asked: wall times, microseconds.
        delivered: wall times, microseconds.
        parts: the parts it was made of, by number.
        records: by part number ``(seq, chain value)`` of each segment it was made of.
        gaps: stated gaps and holes in the range.
        made_by: the person.
        made_us: wall time, microseconds.
        signed: whether a signature lies beside it.
    """
    newest = parts[-1].manifest
    return {
        "format": FORMAT,
        "file": {"name": f"{name}.mp4", "bytes": bytes_, "sha256": sha256},
        "box": newest.box,
        "sitting": newest.sitting,
        "camera": newest.camera,
        "device_key": newest.device_key,
        "range": {"from_us": asked[0], "to_us": asked[1], "start_us": delivered[0], "end_us": delivered[1]},
        "parts": [_part(part, records[part.number]) for part in parts],
        "gaps": [{"start_us": gap.start_us, "end_us": gap.end_us, "reason": gap.reason} for gap in gaps],
        "clock": {"trusted": all(part.manifest.anchor.trusted for part in parts)},
        "masked": any(part.manifest.masked for part in parts),
        "made": {"wall_us": made_us, "by": made_by, "software": f"exambox {__version__}"},
        "signed": signed,
        "how": how_to_check(name, signed=signed),
    }


def _part(part: PartFacts, records: Sequence[tuple[int, bytes]]) -> dict[str, Any]:
    anchor = part.manifest.anchor
    with PartReader(part.path) as reader:
        body = vault_format.sha256(reader.manifest_body).hex()
        final = reader.final_chain()
    return {
        "part_id": part.manifest.part_id,
        "part": part.number,
        "manifest_sha256": body,
        "anchor": {
            "wall_us": anchor.wall_us,
            "mono_us": anchor.mono_us,
            "boot_id": anchor.boot_id,
            "trusted": anchor.trusted,
        },
        "final_chain": final,
        "records": [[seq, chain.hex()] for seq, chain in records],
    }


def how_to_check(name: str, *, signed: bool) -> list[str]:
    """Return the commands that check an export without anything of ours."""
    clip, manifest, pem, signed_text, signature = (
        shlex.quote(name + suffix) for suffix in (".mp4", ".manifest.json", ".device.pem", ".signed", ".manifest.sig")
    )
    hashing = f"sha256sum {clip}    # must print the value of file.sha256 in {manifest}"
    if not signed:
        return [hashing, "This export was made without the box's signature: the hash shows only later changes."]
    prefixed = f"printf 'exambox/1 export\\n' | cat - {manifest} > {signed_text}"
    verify = f"openssl pkeyutl -verify -pubin -inkey {pem} -rawin -in {signed_text} -sigfile {signature}"
    show = f"openssl pkey -pubin -in {pem} -outform DER | tail -c 32 | od -An -v -tx1"
    return [
        hashing,
        prefixed,
        f"{verify}    # must print: Signature Verified Successfully",
        f"{show}    # must be the device key that the room keeps (`exambox keys show`)",
    ]


def encode_manifest(manifest: dict[str, Any]) -> bytes:
    """Return the exact bytes that are stored and signed."""
    return (json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def device_pem(device_key: str) -> bytes:
    """Return a raw Ed25519 public key (hex) as openssl reads it."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(device_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed_by(device_key: str, body: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Have a manifest signed and check the signature before anybody relies on it.

    Raises:
        MissingKeyError: it was signed with another key than the one that signed the recording.
        ApplianceError: as ``sign`` does.
    """
    signature = sign(body)
    if not signature_fits(device_key, vault_format.export_message(body), signature):
        raise MissingKeyError(
            "The signing key here is not the device key of the box that recorded this.",
            hint="Export at the box that recorded it, or without a signature (--unsigned).",
        )
    return signature
