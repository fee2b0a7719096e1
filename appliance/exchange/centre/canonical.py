"""The one way to write a JSON value as bytes, so that two sides sign and hash the same (pure).

Keys sorted by code point, no spaces, UTF-8, nothing escaped that need not be. Floats are refused: two languages write
one number in two ways. Whatever holds floats (an exam's weights) therefore travels as a text, its own JSON, of which
every byte is kept.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from jwt.utils import base64url_encode

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json


def canonical(value: Json) -> bytes:
    """Return the canonical JSON of a value.

    Raises:
        TypeError: it holds a float, or what is no JSON.
        ValueError: it holds a text that is not Unicode.
    """
    _refuse(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_text(data: bytes) -> str:
    """Return the SHA-256 of bytes as 43 characters of base64url, as tokens and items hold it."""
    return base64url_encode(hashlib.sha256(data).digest()).decode()


def _refuse(value: object) -> None:
    """Refuse what `json` would write in a way that is not the only one."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(key, str):
                raise TypeError("a key of canonical JSON has to be a text")
            _refuse(one)
    elif isinstance(value, list):
        for one in value:
            _refuse(one)
    elif value is not None and not isinstance(value, (str, int)):
        raise TypeError(f"canonical JSON holds no {type(value).__name__}")
