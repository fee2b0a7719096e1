"""What is kept of an answer's body: short, without tokens, secrets, e-mail addresses or a person's names (pure)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT_BYTES: Final = 2 * 1024
GONE: Final = "▒▒▒"
_SHORTEST_NAME: Final = 2
_TOKEN: Final = re.compile(
    r"\beyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,2}|\b(?:JWT|Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"
)
_KEYED: Final = re.compile(
    r"""(["']?\b\w*(?:secret|token|passw(?:or)?d|sesskey|api_?key|authori[sz]ation)\w*["']?\s*[:=]\s*)["']?[^\s"'<>,;&}]{4,}""",
    re.IGNORECASE,
)
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}")
_UNPRINTABLE: Final = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f]")
_ERROR_WORDS: Final = re.compile(
    r"\b(?:error|exception|fatal|failed|failure|traceback|not\s+found|invalid|denied|warning:)\b", re.IGNORECASE
)
_BAD_KEYS: Final = frozenset({"error", "errors", "exception", "errorcode", "error_code", "errormessage"})


def kept_body(text: str, *, secrets: Iterable[str] = (), names: Iterable[str] = ()) -> str:
    """Return what is kept of a body.

    Args:
        text: the body.
        secrets: values that must not be in it, exactly as they are.
        names: values of a person, in whatever case.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, GONE)
    text = _TOKEN.sub(GONE, text)
    text = _KEYED.sub(rf"\g<1>{GONE}", text)
    text = _MAIL.sub(GONE, text)
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        if len(name) >= _SHORTEST_NAME:
            for spelled in {name, json.dumps(name)[1:-1]}:
                text = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", GONE, text, flags=re.IGNORECASE)
    return cut(_UNPRINTABLE.sub(" ", text).strip())


def cut(text: str, size: int = KEPT_BYTES) -> str:
    """Return a text of at most ``size`` bytes of UTF-8, with a mark where it was cut."""
    raw = text.encode()
    return text if len(raw) <= size else raw[: size - 3].decode(errors="ignore") + "…"


def says_error(text: str) -> bool:
    """Return whether an accepting answer's body speaks of an error all the same."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return bool(_ERROR_WORDS.search(text))
    if isinstance(value, dict):
        keys = {str(key).lower(): item for key, item in value.items()}
        status = keys.get("status")
        return (
            any(keys.get(key) for key in _BAD_KEYS)
            or keys.get("success") is False
            or keys.get("ok") is False
            or (isinstance(status, str) and status.lower() in {"error", "fail", "failed", "failure"})
        )
    return isinstance(value, str) and bool(_ERROR_WORDS.search(value))
