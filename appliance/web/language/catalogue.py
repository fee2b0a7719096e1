"""Catalogues of translated texts: gettext's ``.po`` files, read as they are, so that a change needs no build step."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

SOURCE_LANGUAGE = "en"


@cache
def read_catalogue(language: str) -> Catalog | None:
    """Return the parsed catalogue of a language; None for the language the texts are written in."""
    if language == SOURCE_LANGUAGE:
        return None
    raw = files("appliance.web.language").joinpath(f"{language}.po").read_bytes()
    return read_po(io.BytesIO(raw), locale=language, abort_invalid=True)


@cache
def translations(language: str) -> NullTranslations:
    """Return a language's texts, ready to look up."""
    catalogue = read_catalogue(language)
    if catalogue is None:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def script_module(language: str) -> tuple[str, str]:
    """Return the version and the text of the ES module with the texts that scripts use.

    The module's default export maps each English text to its translation, or to a list of plural forms.
    """
    catalogue = read_catalogue(language)
    words: dict[str, Any] = {}
    for message in catalogue or ():
        if message.id and any(str(place).endswith(".js") for place, _line in message.locations):
            key = message.id[0] if isinstance(message.id, (list, tuple)) else message.id
            words[key] = list(message.string) if isinstance(message.string, (list, tuple)) else message.string
    text = f"export default {json.dumps(words, ensure_ascii=False, sort_keys=True)};\n"
    return hashlib.sha256(text.encode()).hexdigest()[:12], text
