"""Which language a person reads (pure)."""

from __future__ import annotations

from typing import Final

from babel import negotiate_locale

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""Code (RFC 5646) and own name of each language that is complete."""
_ACCEPT_SHOWN = 20


def choose_language(kept: str | None, accepted: list[str], default: str) -> str:
    """Return the code of the language to show.

    Args:
        kept: what the person chose earlier, if anything; ignored where unknown.
        accepted: the browser's languages, best first (``de-AT``).
        default: the box's own language.
    """
    if kept in LANGUAGES:
        return str(kept)
    wanted = [code.replace("_", "-") for code in accepted[:_ACCEPT_SHOWN]]
    found = negotiate_locale([*wanted, default], list(LANGUAGES), sep="-")
    return found or "en"
