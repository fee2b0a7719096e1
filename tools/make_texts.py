"""Writes the catalogues of translated texts anew from the pages, scripts and errors: `make texts`, or `--check`.

Texts that are new wait in the catalogue with an empty translation; texts that are gone are taken out; what is
translated stays. `--check` writes nothing and names what is missing, new or gone.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from appliance.auditlog import ACTIONS
from appliance.capture.sources.failure_words import PROCESS_ENDED
from appliance.capture.sources.failure_words import WORDS as CAMERA_WORDS
from appliance.diagnosis.processes import LOST_WORDS
from appliance.exams.words import every_word
from appliance.vault.facts import DAMAGED_PART, MISSING_PART, NOT_RECORDED, Gap
from appliance.vault.format import GapReason
from appliance.web.language.catalogue import SOURCE_LANGUAGE
from appliance.web.language.choice import LANGUAGES
from appliance.web.language.problems import CONTEXT
from appliance.web.usb_explained import CONTEXT as EXPLAINED
from tools.error_texts import error_texts_below, explaining_texts

if TYPE_CHECKING:
    from babel.messages.catalog import Message

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "appliance"
CATALOGUES = PACKAGE / "web" / "language"
# They put sentences together from clauses: why a policy lets a device in or keeps it out. True: words of tables too.
_EXPLAINING = {"class_names": True, "dry_run": False, "engine": True, "matching": True, "usbguard_import": False}
# The command line is English.
_WITHOUT_ERRORS_OF = frozenset({"commands"})
_METHODS = [
    ("web/**.py", "python"),
    ("web/**/templates/**.html", "jinja2"),
    ("web/**/static/**.js", "javascript"),
    ("web/templates/**.html", "jinja2"),
    ("web/static/**.js", "javascript"),
]
_OPTIONS = {
    "web/**/templates/**.html": {"newstyle_gettext": "true"},
    "web/templates/**.html": {"newstyle_gettext": "true"},
}
_KEYWORDS = {"_": None, "_n": (1, 2), "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def texts_of_the_code() -> Catalog:
    """Return every text of the web house as a catalogue without translations."""
    catalogue = Catalog(charset="utf-8")
    for file, _line, text, _comments, context in extract_from_dir(
        PACKAGE, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    ):
        catalogue.add(text, locations=[(f"appliance/{file}", 0)], context=context)
    for words in ACTIONS.values():  # the log names actions in English; its page says them in the reader's language
        catalogue.add(words, locations=[("appliance/auditlog/actions.py", 0)])
    for reason in (*(one.name.lower() for one in GapReason), MISSING_PART, DAMAGED_PART, NOT_RECORDED):
        catalogue.add(Gap(0, 0, reason).words, locations=[("appliance/vault/facts.py", 0)], context=CONTEXT)
    for words in (*LOST_WORDS.values(), "it is not known why"):
        catalogue.add(words, locations=[("appliance/diagnosis/processes.py", 0)], context=CONTEXT)
    for words in every_word():
        catalogue.add(words, locations=[("appliance/exams/words.py", 0)], context=CONTEXT)
    _add_explanations(catalogue)
    for words in (PROCESS_ENDED, *(message.format(what="{0}") for message, _hint in CAMERA_WORDS.values())):
        catalogue.add(words, locations=[("appliance/capture/sources/failure_words.py", 0)], context=CONTEXT)
    for name, sentences in error_texts_below(PACKAGE, without=_WITHOUT_ERRORS_OF).items():
        for sentence in sorted(sentences):
            catalogue.add(sentence, locations=[(name, 0)], context=CONTEXT)
    return catalogue


def _add_explanations(catalogue: Catalog) -> None:
    for name, tables in _EXPLAINING.items():
        tree = ast.parse((PACKAGE / "usb" / f"{name}.py").read_text("utf-8"))
        for sentence in sorted(explaining_texts(tree, tables=tables)):
            catalogue.add(sentence, locations=[(f"appliance/usb/{name}.py", 0)], context=EXPLAINED)


def read_catalogue(language: str) -> Catalog:
    """Return a language's catalogue as it is on disk."""
    return read_po(io.BytesIO(path_of(language).read_bytes()), locale=language, abort_invalid=True)


def path_of(language: str) -> Path:
    """Return where a language's catalogue is."""
    return CATALOGUES / f"{language}.po"


def renewed(kept: Catalog, texts: Catalog) -> str:
    """Return the text of the catalogue with the code's texts and the translations that are kept (pure)."""
    kept.update(texts, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    kept.obsolete.clear()
    out = io.BytesIO()
    write_po(out, kept, width=120, no_location=False, include_lineno=False, sort_output=True, omit_header=True)
    return HEAD.format(language=kept.locale) + out.getvalue().decode()


HEAD = """# Texts of the web house. Written by `make texts`; translations are written by people.
msgid ""
msgstr ""
"Project-Id-Version: exambox\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def missing(catalogue: Catalog) -> list[str]:
    """Return the texts that have no whole translation."""
    return [_name(message) for message in catalogue if message.id and not _is_whole(message)]


def differences(kept: Catalog, texts: Catalog) -> list[str]:
    """Return what `make texts` would change: texts that are new and texts that are gone."""
    old, new = (
        {(message.context, str(message.id)) for message in catalogue if message.id} for catalogue in (kept, texts)
    )
    return [f"new: {text}" for _, text in sorted(new - old, key=str)] + [
        f"gone: {text}" for _, text in sorted(old - new, key=str)
    ]


def _is_whole(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return bool(strings) and all(strings)


def _name(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, (tuple, list)) else message.id)


def main() -> int:
    """Write or check; 1 where a catalogue is not current or not complete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, name what is missing")
    check = parser.parse_args().check
    failed = False
    texts = texts_of_the_code()
    for language in LANGUAGES:
        if language == SOURCE_LANGUAGE:
            continue
        changed = differences(read_catalogue(language), texts)
        if not check:
            written = renewed(read_catalogue(language), texts)
            path_of(language).write_text(written, "utf-8")
        untranslated = missing(read_catalogue(language))
        for line in [*changed, *(f"not translated: {text}" for text in untranslated)] if check else untranslated:
            print(f"{language}: {line}")
        print(f"{language}: {len(untranslated)} of {len(read_catalogue(language))} texts are not translated")
        failed = failed or bool(untranslated) or (check and bool(changed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
