"""A browser in words, for the list of one's own sessions; only the two names are kept, not what it sent."""

from __future__ import annotations

import re

UNKNOWN = ""
# The first that fits: most browsers also name those they are built on.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Version/[0-9.]+ .*Safari/"),
    ("curl", r"^curl/"),
)
_SYSTEMS = (
    ("iPad", r"iPad"),
    ("iPhone", r"iPhone"),
    ("Android", r"Android"),
    ("Windows", r"Windows NT"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)
_MAX = 400


def browser_words(user_agent: str) -> str:
    """Return ``Firefox, Windows`` for what a browser sends as its name; what is not known is left out."""
    text = user_agent[:_MAX]
    found = (_first(_BROWSERS, text), _first(_SYSTEMS, text))
    return ", ".join(name for name in found if name)


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, mark in names if re.search(mark, text)), UNKNOWN)
