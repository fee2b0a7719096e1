"""The client of the keyring's socket: ask for one part key, for one person, and be logged there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypedDict

from appliance.errors import (
    ApplianceError,
    BadInputError,
    ConflictError,
    LockedError,
    MissingKeyError,
    UnavailableError,
)
from appliance.ipc import framing

if TYPE_CHECKING:
    from pathlib import Path

MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""Room for the manifest of an export of many hours; everything else is small."""
PART_KEY_BYTES = 32
SIGNATURE_BYTES = 64
_TIMEOUT_S = 10.0
_UNLOCK_TIMEOUT_S = 60.0  # a passphrase is stretched, slowly on purpose, and a small board is slow anyway
_ERRORS = {kind.code: kind for kind in (BadInputError, ConflictError, LockedError, MissingKeyError, UnavailableError)}


class Generation(TypedDict):
    """One generation of the review key; ``created_us`` is wall time."""

    key_id: str
    suite: str
    created_us: int


class KeyringStatus(TypedDict):
    """What the keyring tells everybody."""

    locked: bool
    unlocks_itself: bool
    protected: bool
    """Whether a passphrase stands before the private keys on the disk."""
    idle_lock_us: int | None
    """How long until it locks itself if nothing more is asked; None while locked or where it never does."""
    retry_us: int
    """How long a passphrase has to wait after wrong ones; 0: none."""
    key_ids: list[str]
    generations: list[Generation]
    """Of the review key, the oldest first; none where the keyring cannot read it."""
    version: str
    """The software the process runs."""
    up_us: int
    """How long it has been running."""


class KeyringClient:
    """Asks the keyring process; every call is a connection of its own, so one object may serve many threads.

    All methods raise UnavailableError when the keyring is not running, busy or does not answer in time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def status(self) -> KeyringStatus:
        """Return whether the review key is locked, and how it unlocks."""
        answer = self._ask({"want": "status"})
        try:
            return KeyringStatus(
                locked=bool(answer["locked"]),
                unlocks_itself=bool(answer["unlocks_itself"]),
                protected=bool(answer["protected"]),
                idle_lock_us=answer["idle_lock_us"],
                retry_us=int(answer.get("retry_us", 0)),
                key_ids=[str(key) for key in answer["key_ids"]],
                generations=[
                    Generation(key_id=str(one["key_id"]), suite=str(one["suite"]), created_us=int(one["created_us"]))
                    for one in answer.get("generations", ())
                ],
                version=str(answer.get("version", "")),
                up_us=int(answer.get("up_us", 0)),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise _not_understood() from problem

    def unlock(self, passphrase: str | None, person: str = "") -> None:
        """Unlock the review key; None where the box may unlock itself.

        Raises:
            LockedError: the passphrase is wrong, is needed, or too many wrong ones came before.
            MissingKeyError: the key file is missing or damaged.
        """
        self._ask({"want": "unlock", "passphrase": passphrase, "person": person}, timeout=_UNLOCK_TIMEOUT_S)

    def lock(self, person: str = "") -> None:
        """Forget the private keys until somebody unlocks."""
        self._ask({"want": "lock", "person": person})

    def part_key(
        self,
        *,
        suite: str,
        key_id: str,
        wrapped: bytes,
        box: str,
        sitting: str,
        camera: str,
        part: int,
        part_id: bytes,
        purpose: str,
        person: str,
    ) -> bytes:
        """Return one part's key, 32 bytes, unwrapped by the review key; the use is logged before it is answered.

        Args:
            suite: the part's HPKE suite.
            key_id: which review key it was wrapped to.
            wrapped: as the part file holds it.
            box: with sitting, camera, part and part_id, what the wrapping is bound to.
            sitting: see box.
            camera: see box.
            part: see box.
            part_id: see box; 16 bytes.
            purpose: a word for the log: ``playback``, ``export``, ``verify``.
            person: who is signed in.

        Raises:
            LockedError: the review key is locked.
            MissingKeyError: this box has no such key, or it does not open this part.
        """
        info = {"box": box, "sitting": sitting, "camera": camera, "part": part, "part_id": part_id.hex()}
        key = {"suite": suite, "key_id": key_id, "wrapped": wrapped.hex()}
        answer = self._ask({"want": "part_key", **key, "info": info, "purpose": purpose, "person": person})
        return _hex(answer, "part_key", PART_KEY_BYTES)

    def sign_export(self, manifest: bytes, person: str = "") -> bytes:
        """Return the device key's 64-byte signature of an export manifest of this box; logged.

        Raises:
            BadInputError: it is no export manifest, is another box's, or is larger than 8 MiB.
        """
        try:
            text = manifest.decode()
        except UnicodeDecodeError as problem:
            raise BadInputError("An export manifest is UTF-8 text; this is not.") from problem
        answer = self._ask({"want": "sign_export", "manifest": text, "person": person})
        return _hex(answer, "signature", SIGNATURE_BYTES)

    def _ask(self, request: dict[str, Any], *, timeout: float = _TIMEOUT_S) -> dict[str, Any]:
        message = framing.pack_json(request)
        if len(message) > MAX_REQUEST_BYTES:
            raise BadInputError("This is too large to ask the keyring for.", hint="Export a shorter range.")
        with framing.connect(self._path, timeout=timeout, what="keyring") as connection:
            try:
                with contextlib.suppress(BrokenPipeError):  # refused before it was read: the reason waits to be read
                    connection.sendall(message)
                answer = framing.receive_json(connection)
            except TimeoutError as problem:
                raise UnavailableError("The keyring process does not answer.", hint="Try again.") from problem
            except OSError as problem:
                raise UnavailableError("The keyring process broke off.", hint="Try again.") from problem
            except BadInputError as problem:
                raise _not_understood() from problem
        if answer is None:
            raise UnavailableError("The keyring process refused to speak to this user.", hint="Try again as root.")
        if answer.get("ok") is not True:
            raise _error(answer)
        return answer


def _error(answer: dict[str, Any]) -> ApplianceError:
    kind = _ERRORS.get(str(answer.get("code")), UnavailableError)
    return kind(str(answer.get("message", "The keyring process failed.")), hint=str(answer.get("hint", "")))


def _not_understood() -> UnavailableError:
    return UnavailableError(
        "The keyring process gave an answer that makes no sense.",
        hint="Both must be of one version: restart the box's processes.",
    )


def _hex(answer: dict[str, Any], field: str, length: int) -> bytes:
    try:
        value = bytes.fromhex(answer[field])
    except (KeyError, TypeError, ValueError) as problem:
        raise _not_understood() from problem
    if len(value) != length:
        raise _not_understood()
    return value
