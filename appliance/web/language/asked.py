"""A language that somebody else named for a reader: an LMS for its candidate or reviewer."""

from __future__ import annotations

from typing import Final

from flask import g

from appliance.web.language.choice import choose_language

_FALLBACK: Final = "en"


def speak(language: str | None) -> None:
    """Answer this request in the language of a tag such as ``de-ch``; English where it names one we do not speak.

    Nothing changes where none was named.
    """
    if language:
        g.language = choose_language(None, [language.replace("_", "-")], _FALLBACK)
