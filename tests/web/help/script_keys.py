"""Reads which keys a page's script listens to, from the script itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from babel.messages.jslexer import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = re.compile(
    r"(?:(?:Alt|Shift)\+)*(?:Arrow(?:Up|Down|Left|Right)|Escape|Enter|Space|Home|End|Page(?:Up|Down)|Delete|Backspace"
    r"|Insert|F[1-9][0-2]?)\Z"
)
LISTENS = re.compile(r"""addEventListener\(\s*["']key(?:down|up|press)["']|function shortcuts\(""")
_KEY = r"\b(?:\w+\.)?key\b"
_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
_COMPARED = re.compile(rf"{_KEY}\s*[!=]==?\s*({_STRING})|\bcase\s+({_STRING})\s*:")
_ASKED_FOR = re.compile(rf"\[((?:\s*{_STRING}\s*,?)+)\]\s*\.\s*includes\s*\(\s*{_KEY}\s*\)")
_LOOKED_UP = re.compile(r"\{([^{}]*)\}\s*\[\s*\w+\.key\s*\]")
_ENTRY = re.compile(rf"(?:^|,)\s*({_STRING}|\w+)\s*:")
_TABLED = re.compile(rf"\[\s*\w+\s*,\s*{_STRING}\s*,\s*\[((?:\s*{_STRING}\s*,?)+)\]")


def keys_of(script: str) -> set[str]:
    """Return the keys a script listens to, as ``KeyboardEvent.key`` names them, with their modifiers before them.

    Found are names of keys wherever they stand, what is compared with ``….key``, looked up by it or asked for by it,
    and the lists of keys in a table of shortcuts. Nothing for a script that listens to no key.
    """
    if not LISTENS.search(script):
        return set()
    tokens = [token for token in tokenize(script) if token.type not in {"linecomment", "multilinecomment"}]
    code = re.sub(r"(?<=[=!]) (?==)", "", " ".join(token.value for token in tokens))
    # A text for people, `_("Delete")`, is no key.
    named = {
        _text(token.value)
        for at, token in enumerate(tokens)
        if token.type in {"string", "name"} and [one.value for one in tokens[max(0, at - 2) : at]] != ["_", "("]
    }
    return {name for name in named if NAMED.match(name)} | set(_signs(code))


def _signs(code: str) -> Iterator[str]:
    for found in _COMPARED.finditer(code):
        yield from [text for text in [_text(found[1] or found[2])] if len(text) == 1 or NAMED.match(text)]
    for pattern in (_ASKED_FOR, _TABLED):
        for found in pattern.finditer(code):
            yield from (_text(one) for one in re.findall(_STRING, found[1]))
    for found in _LOOKED_UP.finditer(code):
        yield from (_text(entry[1]) for entry in _ENTRY.finditer(found[1]))


def _text(token: str) -> str:
    return token[1:-1].replace("\\\\", "\\") if token[:1] in {'"', "'", "`"} else token
