"""What a page says beside the fields of its forms."""

from __future__ import annotations

import html
import re

_FIELD = re.compile(r'<div class="field[^"]*\bfield-bad">(.*?)</div>', re.DOTALL)


def bad_fields(page: str) -> dict[str, str]:
    """Return what is wrong, by the names of the fields beside which it stands."""
    found = {}
    for inside in _FIELD.findall(page):
        name = re.search(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', inside)
        words = re.search(r"<strong>(.*?)</strong>", inside, re.DOTALL)
        assert name, inside
        assert words, inside
        found[name[1]] = html.unescape(words[1])
    return found
