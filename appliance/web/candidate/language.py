"""The candidate's page speaks the language the LMS named for them; English where it names another."""

from __future__ import annotations

from flask import g

from appliance.web.language.choice import choose_language

_FALLBACK = "en"


def speak(language: str | None) -> None:
    """Answer this request in the language of a tag such as ``de-ch``; nothing changes where none was named."""
    if language:
        g.language = choose_language(None, [language.replace("_", "-")], _FALLBACK)
