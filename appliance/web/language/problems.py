"""Errors in the reader's language: their English sentences are matched against the templates of the code.

An error is worded where it is raised, with its values already in the sentence, because the command line and
the journal need it so. Here, at the web's edge, `Disk 3 is full.` finds the translated template
`Disk {0} is full.` and takes its value along. What matches no template stays English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from appliance.web.language.catalogue import SOURCE_LANGUAGE, read_catalogue
from appliance.web.language.texts import current_language

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT: Final = "problem"
"""The catalogue's context (`msgctxt`) of sentences that errors are raised with."""
MAX_CHARACTERS = 2000
_MAX_DEPTH = 3
_HOLE = re.compile(r"\{(\d+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence of an error: the texts between its holes, and its translation with numbered holes."""

    pieces: tuple[str, ...]
    translated: str

    def words(self, sentence: str, translate: Callable[[str], str] = str) -> str | None:
        """Return the translated sentence if this is its template; takes time linear in the sentence.

        Args:
            sentence: what was said.
            translate: what is done with the values, which may be sentences themselves.
        """
        values = self.values(sentence)
        return None if values is None else _HOLE.sub(lambda hole: translate(values[int(hole[1])]), self.translated)

    def values(self, sentence: str) -> list[str] | None:
        """Return what the sentence has in the template's holes; None if it is another sentence."""
        first, *middle, last = self.pieces
        if not sentence.startswith(first) or not sentence.endswith(last):
            return None
        at, end = len(first), len(sentence) - len(last)
        values = []
        for piece in middle:
            found = sentence.find(piece, at, end)
            if found < 0:
                return None
            values.append(sentence[at:found])
            at = found + len(piece)
        return [*values, sentence[at:end]] if at <= end else None


def template(source: str, translated: str) -> Template:
    """Return a template of a sentence with holes ``{0}``, ``{1}``, … in this order (pure)."""
    return Template(tuple(_HOLE.split(source)[::2]), translated)


def problem_words(sentence: str) -> str:
    """Return an error's sentence in the reader's language; the English one where it is not known."""
    return problem_words_in(sentence, current_language())


def problem_words_in(sentence: str, language: str) -> str:
    """Return an error's sentence in this language, for answers that go on after their request."""
    if language == SOURCE_LANGUAGE or not sentence or len(sentence) > MAX_CHARACTERS:
        return sentence
    return _translated(sentence, language, _MAX_DEPTH)


def _translated(sentence: str, language: str, depth: int) -> str:
    whole, holed = templates(language)
    if sentence in whole:
        return whole[sentence]
    if depth and " " in sentence:
        for candidate in holed:
            words = candidate.words(sentence, lambda value: _translated(value, language, depth - 1))
            if words is not None:
                return words
    return sentence


@cache
def templates(language: str, context: str = CONTEXT) -> tuple[dict[str, str], tuple[Template, ...]]:
    """Return a context's sentences without holes by their text, and the others, the most definite ones first."""
    catalogue = read_catalogue(language) or ()
    found = {
        str(message.id): str(message.string) for message in catalogue if message.context == context and message.string
    }
    whole = {source: words for source, words in found.items() if not _HOLE.search(source)}
    holed = sorted((source for source in found if source not in whole), key=lambda source: -len(_HOLE.sub("", source)))
    return whole, tuple(template(source, found[source]) for source in holed)
