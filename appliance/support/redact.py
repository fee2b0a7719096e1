"""Takes personal data out of text: each value the box knows of, in any common spelling, and what looks like one (pure).

All text of a support bundle goes through here as its last step. The net is coarse on purpose: it rather takes out a
harmless word that happens to be a camera's name than leave in a person's.
"""

from __future__ import annotations

import base64
import html
import ipaddress
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FREE_STANDING: Final = 6
"""Shorter values are only found where no letter or digit stands beside them: `Al` is not taken out of `normal`."""
ENCODED_FROM: Final = 6
"""Shorter pieces of base64 or hexadecimal are found by chance in anything."""
MAX_VALUE: Final = 2000
_GRAM: Final = 4
_IP_LOOPBACK = frozenset({"127.0.0.1", "::1", "::"})
_PATTERNS: Final = (
    ("mail", r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63})*"),
    ("url", r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.\-]{1,20})://[^\s\"'<>]+"),
    ("mac", r"(?<![0-9A-Fa-f:\-])[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:\-])"),
    ("ip4", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\.\d)(?!\w)"),
    ("ip6", r"(?<![\w:])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{3,39}(?:\.\d{1,3}){0,3}(?:%\w+)?(?![\w:])"),
    ("host", r"(?<![\w.\-])[\w\-]+(?:\.[\w\-]+)*\.(?:local|lan|home|internal|localdomain|intranet)(?![\w\-])"),
    ("path", r"/(?:home|Users|media|mnt|run/media)/[^\s\"'<>:]+"),
    ("hex", r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32,}(?![0-9A-Fa-f])"),
)
_WORDS: Final = {
    "mail": "<e-mail>", "mac": "<MAC address>", "host": "<host>", "path": "<path>", "hex": "<hex>",
}  # fmt: skip


def spellings(value: str) -> frozenset[str]:
    """Return the value as it may stand in a log, an address, JSON or HTML (pure)."""
    plain = {value, *(unicodedata.normalize(form, value) for form in ("NFC", "NFD", "NFKC", "NFKD"))}
    plain |= {changed for text in tuple(plain) for changed in (text.casefold(), text.lower(), text.upper())}
    found = set(plain)
    for text in plain:
        raw = text.encode("utf-8", "surrogatepass")
        found |= {
            quote(raw, safe=""), quote(raw), quote_plus(raw), html.escape(text), json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1], ascii(text)[1:-1], repr(raw)[2:-1],
            raw.decode("latin-1"), text.encode("ascii", "xmlcharrefreplace").decode(),
        }  # fmt: skip
    return frozenset(text for text in found if text.strip())


def encodings(value: str) -> frozenset[str]:
    """Return the value as it looks inside of base64 and hexadecimal; nothing where it is too short to tell (pure)."""
    raws = {value.encode(code, "surrogatepass") for code in ("utf-8", "utf-16-le", "utf-16-be")}
    raws |= {value.encode("latin-1")} if value.isascii() or all(ord(sign) < 256 for sign in value) else set()  # noqa: PLR2004
    found = {text for raw in raws if len(raw) >= ENCODED_FROM for text in (raw.hex(), *_in_base64(raw))}
    return frozenset(text for text in found if len(text) >= ENCODED_FROM)


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield what the bytes look like inside of base64, at each of the three places a group of three can begin."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + raw).decode("ascii").rstrip("=")
        # Signs that also hold bits of what stands before and behind are left out.
        whole = text[(0, 2, 3)[shift] : len(text) - (1 if (shift + len(raw)) % 3 else 0)]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


class Redactor:
    """Replaces known values by the words that stand for them, then what has the form of personal data.

    Args:
        known: value to the word that stands for it, such as ``<camera 1>``; words hold no quotes or backslashes.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._words: dict[str, str] = {}
        self._looks: dict[str, str] = {}  # spelling to the expression that finds it
        for value, word in sorted(known.items(), key=lambda pair: -len(pair[0])):
            if value.strip():
                for spelling in spellings(value[:MAX_VALUE]):
                    self._enter(spelling, word, _bounded(spelling))
                for encoding in encodings(value[:MAX_VALUE]):
                    self._enter(encoding, word, re.escape(encoding))

    def _enter(self, spelling: str, word: str, expression: str) -> None:
        self._words.setdefault(spelling.lower(), word)
        self._looks.setdefault(spelling, expression)

    def text(self, text: str, *, patterns: bool = True) -> str:
        """Return the text without personal data; ``patterns`` off leaves what only looks like some (versions)."""
        return str(self.tree(text, patterns=patterns))

    def tree(self, value: Any, *, patterns: bool = True) -> Any:
        """Return a JSON value with every text in it redacted; the names of fields are ours and stay."""
        finds = self._expression("\n".join(_texts(value)), patterns=patterns)
        return value if finds is None else self._clean(value, finds)

    def _clean(self, value: Any, finds: re.Pattern[str]) -> Any:
        if isinstance(value, str):
            return finds.sub(self._word, value)
        if isinstance(value, dict):
            return {key: self._clean(one, finds) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(one, finds) for one in value]
        return value

    def _expression(self, text: str, *, patterns: bool) -> re.Pattern[str] | None:
        """Return what finds all that has to go of this text: of many known values only the few that are there."""
        there = sorted(self._candidates(text.lower()), key=len, reverse=True)
        shapes = [f"(?P<{name}>{shape})" for name, shape in _PATTERNS] if patterns else []
        known = [f"(?P<known>{'|'.join(self._looks[one] for one in there)})"] if there else []
        return re.compile("|".join([*known, *shapes]), re.IGNORECASE) if known or shapes else None

    def _candidates(self, folded: str) -> Iterator[str]:
        """Yield the spellings that are in a lower-case text; their first and last signs rule most others out."""
        grams = {folded[at : at + _GRAM] for at in range(len(folded))}
        for spelling in self._looks:
            lower = spelling.lower()
            likely = len(lower) < _GRAM or (lower[:_GRAM] in grams and lower[-_GRAM:] in grams)
            if likely and lower in folded:
                yield spelling

    def _word(self, found: re.Match[str]) -> str:
        groups = found.groupdict()
        if groups.get("known") is not None:
            return self._words.get(found[0].lower(), "<private>")
        if groups.get("scheme"):
            return f"{found['scheme']}://<address>"
        if groups.get("ip4") or groups.get("ip6"):
            return _address_word(found[0])
        return next((_WORDS[name] for name in _WORDS if groups.get(name)), "<private>")


def _bounded(spelling: str) -> str:
    exact = re.escape(spelling)
    if len(spelling) >= FREE_STANDING:
        return exact
    return rf"(?<![^\W_]){exact}(?![^\W_])"


def _address_word(text: str) -> str:
    if text in _IP_LOOPBACK:
        return text
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    return "<IP address>"


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value that is no field's name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
