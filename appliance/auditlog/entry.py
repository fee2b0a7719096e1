"""Log entries as pure functions: canonical bodies, commitments, chain. See ``docs/log-format.md``."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any

from appliance.errors import BadInputError

FORMAT = "exambox-log-1"
CHECKPOINT_FORMAT = "exambox-log-checkpoint-1"
SALT_BYTES = 16
MAX_VALUE_CHARACTERS = 500
MAX_BODY_BYTES = 64 * 1024
WHO = "who"
WHERE = "where"

_ACTION = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,40}")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class Personal:
    """A personal value as it lies beside its entry: erasable, and bound to the entry by its commitment."""

    field: str
    salt: bytes
    value: str

    @property
    def commitment(self) -> str:
        """What stands in the entry instead of the value, hex."""
        return commit(self.salt, self.value)


def commit(salt: bytes, value: str) -> str:
    r"""Return hex SHA-256("exambox/1 log\n" || salt || value)."""
    return hashlib.sha256(b"exambox/1 log\n" + salt + value.encode()).hexdigest()


def chain_start() -> bytes:
    """Return ``chain[0]``, which stands before the first entry."""
    return hashlib.sha256(b"exambox/1 log chain\n").digest()


def chain_next(before: bytes, body: bytes) -> bytes:
    """Return ``chain[n]`` from ``chain[n-1]`` and an entry's body."""
    return hashlib.sha256(before + hashlib.sha256(body).digest()).digest()


def checkpoint_message(body: bytes) -> bytes:
    """Return what the device key signs for a checkpoint of the log."""
    return b"exambox/1 log checkpoint\n" + body


def encode(value: dict[str, Any]) -> bytes:
    """Return canonical JSON: sorted keys, no white space, UTF-8. Floats are a programming error (TypeError)."""
    _refuse_floats(value)
    return _CANONICAL.encode(value).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("log entries hold no floating-point numbers")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        _refuse_floats(item)


def personal_values(who: str, where: str, more: dict[str, str] | None) -> list[Personal]:
    """Return who, where (if known) and further personal values, each with a fresh random salt.

    Raises:
        BadInputError: a field's name is not usable.
    """
    values = {WHO: who, **({WHERE: where} if where else {})}
    for field, value in (more or {}).items():
        if field in {WHO, WHERE} or not _FIELD.fullmatch(field):
            raise BadInputError(f"log: {field[:40]!r} is not usable as the name of a personal value.")
        values[field] = value
    return [Personal(field, os.urandom(SALT_BYTES), _storable(value)) for field, value in values.items()]


def _storable(value: str) -> str:
    """Return a value cut to its longest allowed length, without what UTF-8 cannot hold (lone surrogates)."""
    return value[:MAX_VALUE_CHARACTERS].encode("utf-8", "replace").decode()


def build_body(
    *, seq: int, at_us: int, mono_us: int, action: str, detail: dict[str, Any], personal: list[Personal]
) -> bytes:
    """Return the canonical body of an entry; what is personal stands in it as commitments only.

    Raises:
        BadInputError: the action is not a ``noun.verb`` word, or the detail is too large.
    """
    if not _ACTION.fullmatch(action):
        raise BadInputError(f"log: {action[:80]!r} is no action.", hint="Actions are listed in auditlog/actions.py.")
    body = encode(
        {
            "format": FORMAT,
            "seq": seq,
            "at_us": at_us,
            "mono_us": mono_us,
            "action": action,
            "detail": detail,
            "personal": {value.field: {"salted": value.commitment} for value in personal},
        }
    )
    if len(body) > MAX_BODY_BYTES:
        raise BadInputError(f"log: the detail of {action} is larger than {MAX_BODY_BYTES} bytes.")
    return body


def read_body(raw: bytes) -> dict[str, Any] | None:
    """Return an entry's or checkpoint's body as an object, or None where it is none."""
    try:
        value = json.loads(raw) if len(raw) <= 2 * MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def commitments_of(body: dict[str, Any]) -> dict[str, str]:
    """Return each personal field's commitment (hex) as an entry states it; malformed ones are left out."""
    stated = body.get("personal")
    if not isinstance(stated, dict):
        return {}
    return {
        field: item["salted"]
        for field, item in stated.items()
        if isinstance(item, dict) and isinstance(item.get("salted"), str)
    }
