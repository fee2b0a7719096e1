"""A camera's user name and password: typed, taken out of addresses, packed for sealing.

Sealing itself is `appliance.vault.keys`: the rows in `appliance.cameras.store` hold only sealed bytes,
and a password stands in clear nowhere but in the memory of the process that speaks to the camera.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from appliance.errors import BadInputError, MissingKeyError

MAX_ADDRESS = 1000
_PASSWORD_WORDS = frozenset({"password", "passwd", "pass", "pwd", "passphrase"})
_ENCODE_HINT = (
    "Write @ / ? # in a user name or password as %40 %2F %3F %23, or give the address without them "
    "and the password when you are asked for it."
)


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What signs the box in at a camera. Never printed: its text form hides both."""

    user: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=500)]

    def __repr__(self) -> str:
        """Return a form that may stand in logs."""
        return "Credential(***)"


def credential(user: str, password: str) -> Credential:
    """Check what a person typed and return the credential.

    Raises:
        BadInputError: too long, no user, or control characters (they would end a header line).
    """
    for field, text in (("user", user), ("password", password)):
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004  ASCII controls
            raise BadInputError(f"{field}: control characters are not possible here.")
    if not user:
        raise BadInputError("user: a password needs a user name.", hint="Cameras mostly call it admin.")
    try:
        return msgspec.convert({"user": user, "password": password}, Credential)
    except msgspec.ValidationError as problem:
        raise BadInputError("The user name or password is too long (200 and 500 characters).") from problem


def pack_credential(value: Credential) -> bytes:
    """Return the bytes that are sealed to the capture key."""
    return msgspec.json.encode(value)


def unpack_credential(raw: bytes) -> Credential:
    """Read what `pack_credential` gave.

    Raises:
        MissingKeyError: the bytes are something else.
    """
    try:
        return msgspec.json.decode(raw, type=Credential)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MissingKeyError(
            "The camera's stored password is not readable.", hint="Enter it again: `exambox cameras edit ID`."
        ) from problem


def credential_context(camera: str, address: str) -> str:
    """Return what a sealed credential is bound to: it opens for no other camera and is told to no other host.

    Whoever can write the database, or ask capture to try a camera, cannot have a password sent elsewhere.
    """
    return f"camera/{camera}@{(urlsplit(address).hostname or '').lower()}"


def split_address(address: str) -> tuple[str, Credential | None]:
    """Take user and password out of an ``rtsp://user:password@host/path`` address.

    Args:
        address: what a person typed; percent-encoding in user and password is undone.

    Returns:
        The address without them, and the credential if there was one.

    Raises:
        BadInputError: not an RTSP address, or a password may hide where it cannot be taken out. The
            message never repeats the address.
    """
    parts = _split(address)
    userinfo, found, host = parts.netloc.rpartition("@")
    clean = parts._replace(netloc=host).geturl()
    if not found:
        return clean, None
    user, _, password = userinfo.partition(":")
    if not user and not password:
        return clean, None
    return clean, credential(unquote(user), unquote(password))


def _split(address: str) -> SplitResult:
    text = address.strip()
    if len(text) > MAX_ADDRESS:
        raise BadInputError(f"address: longer than {MAX_ADDRESS} characters.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004  urlsplit drops some silently
        raise BadInputError("address: white space and control characters are not possible in an address.")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"rtsp", "rtsps"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as problem:
        raise BadInputError("address: this is no RTSP address.", hint=_ENCODE_HINT) from problem
    if not usable:
        raise BadInputError("address: this is no RTSP address.", hint="It looks like rtsp://192.0.2.10:554/stream1.")
    if "#" in text or "@" in parts.path or "@" in parts.query:
        # A password with a bare / ? or # in it ends the host early; what follows would be stored in clear.
        raise BadInputError("address: an @ or # stands after the host.", hint=_ENCODE_HINT)
    if any(key.lower() in _PASSWORD_WORDS for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise BadInputError(
            "address: a password stands in the address's query, where it cannot be kept sealed.",
            hint="Leave it out and give user and password when you are asked; cameras that offer this also take those.",
        )
    return parts
