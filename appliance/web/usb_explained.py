"""Why a policy lets a device in or keeps it out, in the reader's language.

`appliance.usb` says it in English, put together from clauses: ``Rule “x” blocks it: it is at port 1-2 and it has
storage (08:06:50).`` Each clause is a text of the catalogue, in a context of its own: words as short as ``hub`` would
turn up in errors too. What stands in ``“…”`` was said by a device or written by a person, and stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from appliance.web.language import lazy_gettext as _
from appliance.web.language.catalogue import SOURCE_LANGUAGE
from appliance.web.language.problems import MAX_CHARACTERS, templates
from appliance.web.language.texts import current_language

if TYPE_CHECKING:
    from appliance.web.language.problems import Template

CONTEXT: Final = "usb"
_AND: Final = _("and")
_OR: Final = _("or")
_OTHERS: Final = " or others"
_MAX_DEPTH: Final = 4
_HOLE: Final = re.compile(r"\{(\d+)\}")
_KIND: Final = re.compile(r"([^“(]+) (\([^()]*\))")  # storage (08:06:50, 08:06:62)


def explained(sentence: str, language: str = "") -> str:
    """Return an explanation in the reader's language; what is not known in it stays English."""
    said = language or current_language()
    if said == SOURCE_LANGUAGE or not sentence or len(sentence) > MAX_CHARACTERS:
        return sentence
    return _said(sentence, said, _MAX_DEPTH)


def _said(text: str, language: str, depth: int) -> str:
    whole, holed = templates(language, CONTEXT)
    if text in whole:
        return whole[text]
    clauses = _clauses(text, language)
    # A sentence of its own has its clauses behind a colon; only these are taken apart.
    if not text.endswith(".") and len(clauses) > 1:
        return f" {_AND.within(language)} ".join(_said(one, language, depth) for one in clauses)
    if depth:
        for one in holed:
            values = one.values(text)
            if values is not None:
                return _filled(one, values, language, depth - 1)
    return _plain(text, whole, language)


def _filled(template: Template, values: list[str], language: str, depth: int) -> str:
    """Return the translated sentence with its values, those in quotation marks as they are."""
    raw = {at for at in range(len(values)) if template.pieces[at].endswith("“")}

    def value(hole: re.Match[str]) -> str:
        at = int(hole[1])
        return values[at] if at in raw else _said(values[at], language, depth)

    return _HOLE.sub(value, template.translated)


def _clauses(text: str, language: str) -> list[str]:
    """Return the parts of a text between ``and``, outside of quotation marks and of names that have it themselves."""
    at, found = 0, []
    for one in _joints(language).finditer(text):
        if one[1]:
            found.append(text[at : one.start()])
            at = one.end()
    return [*found, text[at:]]


@cache
def _joints(language: str) -> re.Pattern[str]:
    names = [re.escape(name) for name in templates(language, CONTEXT)[0] if " and " in name and not name.endswith(".")]
    return re.compile("|".join(["“[^”]*”", *names, "( and )"]))


def _plain(text: str, whole: dict[str, str], language: str) -> str:
    """Return a kind of interface with its numbers, or a list of patterns, days or modes."""
    kind = _KIND.fullmatch(text)
    if kind:
        return f"{whole.get(kind[1], kind[1])} {kind[2]}"
    if "“" in text:
        return text
    return text.replace(_OTHERS, whole.get(_OTHERS, _OTHERS)).replace(" or ", f" {_OR.within(language)} ")
