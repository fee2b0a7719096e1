"""The one error root. Each edge (web, command line, journal) translates it once."""

from __future__ import annotations


class ApplianceError(Exception):
    """A failure a person can act on.

    Args:
        message: what is wrong, in plain words, without secrets.
        hint: what to do next; shown on its own line.

    Attributes:
        code: stable, lower-case, dotted name that documents and clients may rely on.
        exit_code: what the command line exits with.
        status: what HTTP answers with.
    """

    code = "error"
    exit_code = 1
    status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        """Return ``code``, ``message`` and ``hint`` as JSON-ready text."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class BadInputError(ApplianceError):
    """Something from outside does not have the promised form; nothing was stored."""

    code = "input.bad"
    exit_code = 2
    status = 422


class ConfigError(BadInputError):
    """A settings file, variable or value is wrong; the message names file, key and reason."""

    code = "config.bad"


class NotFoundError(ApplianceError):
    """The named thing does not exist here."""

    code = "not_found"
    exit_code = 3
    status = 404


class ConflictError(ApplianceError):
    """What was asked does not fit the present state."""

    code = "conflict"
    exit_code = 4
    status = 409


class DatabaseError(ApplianceError):
    """The database cannot be opened, is newer than this software, or is damaged."""

    code = "database.unusable"


class VaultError(ApplianceError):
    """A part file cannot be read or written."""

    code = "vault.error"


class IntegrityError(VaultError):
    """Recorded material is not what was sealed."""

    code = "vault.integrity"
    status = 409


class MissingKeyError(VaultError):
    """A key that is needed is not here or does not fit."""

    code = "keys.missing"
    exit_code = 5
    status = 403


class LockedError(ApplianceError):
    """The review key is locked: recording goes on, playback and export wait."""

    code = "keys.locked"
    exit_code = 5
    status = 423


class UnavailableError(ApplianceError):
    """Another part of the box is not running or is too busy."""

    code = "unavailable"
    exit_code = 6
    status = 503


class CameraError(ApplianceError):
    """A camera cannot be reached, opened or understood; ``reason`` is a stable word for it."""

    code = "camera.error"
    status = 502

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
