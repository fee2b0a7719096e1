"""What may be asked of the keyring, checked at the edge. The protocol is in ``ARCHITECTURE.md``."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec

from appliance.errors import BadInputError
from appliance.vault.crypto import Suite

Person = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Purpose = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z _-]{0,39}$")]
KeyId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
PartId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
Wrapped = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+$", max_length=8192)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="want"):
    person: Person = ""
    """Who is signed in at the web; empty: the account at the other end."""


class Status(_Request, frozen=True, tag="status"):
    """How the keyring is."""


class Unlock(_Request, frozen=True, tag="unlock"):
    """Open the review key."""

    passphrase: Annotated[str, msgspec.Meta(max_length=1024)] | None = None

    def __repr__(self) -> str:
        """Return a form that may stand in logs."""
        return "Unlock(***)"


class Lock(_Request, frozen=True, tag="lock"):
    """Forget the private keys."""


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a wrapped part key is bound to."""

    box: Name
    sitting: Name
    camera: Name
    part: Annotated[int, msgspec.Meta(ge=1, le=10**9)]
    part_id: PartId


class PartKey(_Request, frozen=True, tag="part_key"):
    """Unwrap one part's key."""

    suite: Suite
    key_id: KeyId
    wrapped: Wrapped
    info: Binding
    purpose: Purpose = "unstated"


class SignExport(_Request, frozen=True, tag="sign_export"):
    """Sign an export manifest."""

    manifest: str


Request = Status | Unlock | Lock | PartKey | SignExport


class ExportedFile(msgspec.Struct, frozen=True):
    """The exported file as its manifest names it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Sha256


class ExportManifest(msgspec.Struct, frozen=True):
    """What the keyring reads of a manifest before it signs (``docs/vault-format.md``, section 11)."""

    format: Literal["exambox-export-1"]
    file: ExportedFile
    box: Name
    sitting: Name
    camera: Name
    device_key: Sha256


def parse_request(value: dict[str, Any]) -> Request:
    """Return the typed request.

    Raises:
        BadInputError: it is none; the message names the field and never repeats a value.
    """
    try:
        request: Request = msgspec.convert(value, Request)
    except msgspec.ValidationError as problem:
        raise BadInputError(f"The keyring does not understand this: {_where(problem)}") from problem
    return request


def parse_manifest(text: str) -> ExportManifest:
    """Read what is to be signed.

    Raises:
        BadInputError: it is no export manifest; a key that stands twice in one object is none either, because
            two readers could then read two different manifests under one signature.
    """
    try:
        return msgspec.convert(json.loads(text, object_pairs_hook=_no_doubles), ExportManifest)
    except msgspec.ValidationError as problem:
        raise BadInputError(f"This is no export manifest: {_where(problem)}") from problem
    except (ValueError, RecursionError) as problem:
        raise BadInputError("This is no export manifest: not JSON, or a key stands in it twice.") from problem


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _where(problem: msgspec.ValidationError) -> str:
    text, at, path = str(problem).partition(" - at `$")
    if text.startswith("Invalid value"):  # the value itself may be a secret
        text = "not a known request"
    return f"{path.strip('.`')}: {text}." if at else f"{text}."
