"""Every text of the web house is translated, and none is written past the catalogue."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.jslexer import tokenize
from jinja2 import Environment

from appliance.web.language.catalogue import SOURCE_LANGUAGE
from appliance.web.language.choice import LANGUAGES
from tools.error_texts import error_texts
from tools.make_texts import differences, missing, read_catalogue, texts_of_the_code

WEB = Path(__file__).resolve().parents[3] / "appliance" / "web"
OTHERS = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]
TEMPLATES = sorted(path for path in WEB.rglob("templates/**/*.html"))
# What programmers, machines and the journal read is English: descriptions of the JSON endpoints, names of figures.
FOR_MACHINES = frozenset({"openapi.py", "metrics.py", "main.py"})
# The API that LMSs call answers in English whoever calls it (its JSON and its document are for programs and
# those who write them; no page shows them). Named one by one, and held to it: they ask no catalogue at all.
FOR_LMSS = (WEB / "api" / "answers.py", WEB / "api" / "description.py")
MODULES = sorted(path for path in WEB.rglob("*.py") if path.name not in FOR_MACHINES)
VIEWS = [path for path in MODULES if path not in FOR_LMSS]
SCRIPTS = sorted(path for path in WEB.rglob("static/**/*.js"))
READ_ALOUD = frozenset({"title", "aria-label", "placeholder", "alt", "data-confirm", "data-confirm-label"})
# The same in every language: the product's name, names of keys and formats, units.
SAME_EVERYWHERE = re.compile(
    r"exambox|UTC|SHA-256|GB|MB|kB|px|fps|H\.26[45]|[kM]bit/s|JSON Lines|JSON|CSV|PEM|DER|Enter|Esc|Tab|[A-Z]|dBFS"
)
# A block that its parent puts inside an attribute.
UNREAD_BLOCK = re.compile(r"\{%-? block \w+_class -?%\}.*?\{%-? endblock -?%\}")
WORD = re.compile(r"[A-Za-z]{2,}")
# Proper names.
NAMES = frozenset({"Samsung Internet", "Windows NT"})
TAG = re.compile(r"<[A-Za-z][^<>]*>")
SENTENCE = re.compile(r"[A-Z][a-z]+[ ,.:]")
TEXTS = frozenset({"_", "_n", "gettext", "ngettext", "lazy_gettext"})
_HOLE = "\x00"


class Prose(HTMLParser):
    """Collects what a person would read of a template's own markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes that are read aloud."""
        if tag in {"kbd", "code", "pre", "script", "style"}:
            self._silent += 1
        self.found += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        """Listen again after code."""
        if tag in {"kbd", "code", "pre", "script", "style"}:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        """Keep prose."""
        if not self._silent:
            self.found.append(data)


def prose_of(template: str) -> list[str]:
    """Return the words a template says without asking the catalogue."""
    tokens = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).lex(UNREAD_BLOCK.sub("", template))
    parser = Prose()
    text = "".join(value if kind == "data" else _HOLE if kind.endswith("_begin") else "" for _, kind, value in tokens)
    # Inside a tag what Jinja puts in is an attribute or its value.
    parser.feed(TAG.sub(lambda tag: tag[0].replace(_HOLE, " "), text))
    parser.close()
    pieces = [piece for text in parser.found for piece in text.split(_HOLE)]
    return [piece.strip() for piece in pieces if WORD.search(SAME_EVERYWHERE.sub("", piece))]


def spoken_past_the_catalogue(script: str) -> list[str]:
    """Return the sentences of a script that are not given to ``_`` or ``_n``."""
    tokens = [token for token in tokenize(script) if token.type not in {"linecomment", "multilinecomment"}]
    found = []
    for at, token in enumerate(tokens):
        text = token.value[1:-1] if token.type in {"string", "template_string"} else ""
        if not re.match(r"[A-Z][a-z]+[ ,.:][^/]*", text) or len(WORD.findall(text)) == 1:
            continue
        before = [known.value for known in tokens[max(0, at - 4) : at]]
        if not (before[-2:] in (["_", "("], ["_n", "("]) or before[-4:-2] == ["_n", "("]):
            found.append(text)
    return found


def hidden_in_template_strings(script: str) -> list[str]:
    """Return the look-ups of texts that stand inside template strings."""
    return re.findall(r"\$\{[^}]*?\b(_n?\([^)]*\))", script)


def python_past_the_catalogue(source: str) -> list[str]:
    """Return the sentences of a module that are neither texts, nor errors, nor docstrings."""
    tree = ast.parse(source)
    known = error_texts(tree)
    asked = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TEXTS
        for argument in call.args
    }
    asked |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in asked
        if SENTENCE.match(node.value)
        and "|" not in node.value
        and node.value not in NAMES
        and not any(node.value in text for text in known)
    ]


def looked_up_at_import(source: str) -> list[str]:
    """Return the texts a module looks up before anybody asks, so in no reader's language."""
    found: list[str] = []
    tree = ast.parse(source)
    # What is imported as lazy_gettext, under whatever name, is looked up when it is shown.
    lazy = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name == "lazy_gettext"
    }

    def look(node: ast.AST) -> None:
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.FunctionDef):
            for part in [*node.decorator_list, node.args]:
                look(part)
            return
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TEXTS - lazy:
            found.append(ast.unparse(node.args[0]))
        for child in ast.iter_child_nodes(node):
            look(child)

    look(tree)
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_each_catalogue_is_current(language: str) -> None:
    """The catalogue holds the texts of the code, no others: `make texts` would change nothing."""
    assert differences(read_catalogue(language), texts_of_the_code()) == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_catalogue_is_complete(language: str) -> None:
    """Every text has a translation."""
    assert missing(read_catalogue(language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_take_the_same_values(language: str) -> None:
    """A translation fills in exactly the values its text has."""
    holes = re.compile(r"%\(\w+\)[sd]|\{\w+\}")

    def of(text: Any) -> list[set[str]]:
        return [set(holes.findall(one)) for one in (text if isinstance(text, (list, tuple)) else [text])]

    wrong = []
    for message in read_catalogue(language):
        if not message.id or not message.string:
            continue
        wanted = of(message.id)[-1]
        wrong += [
            message.id
            for given in of(message.string)
            if given - wanted or (len(of(message.id)) == 1 and given != wanted)
        ]
    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_templates_say_nothing_past_the_catalogue(path: Path) -> None:
    """A template's own markup holds no words, but for names that are the same everywhere."""
    assert prose_of(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(WEB)))
def test_scripts_say_nothing_past_the_catalogue(path: Path) -> None:
    """A script's sentences go through the catalogue."""
    assert spoken_past_the_catalogue(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(WEB)))
def test_scripts_keep_their_texts_out_of_template_strings(path: Path) -> None:
    """The catalogue's reader does not look into `${…}`: a text looked up there would never be translated."""
    assert hidden_in_template_strings(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: str(path.relative_to(WEB)))
def test_views_say_nothing_past_the_catalogue(path: Path) -> None:
    """A view's sentences go through the catalogue, or are raised as errors, which are translated at the edge."""
    assert python_past_the_catalogue(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", FOR_LMSS, ids=lambda path: str(path.relative_to(WEB)))
def test_what_lmss_are_answered_is_english(path: Path) -> None:
    """The answers of the API and its document take nothing from the catalogue of pages."""
    imported = [
        node.module for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)
    ]
    assert imported
    assert [module for module in imported if (module or "").startswith("appliance.web.language")] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(WEB)))
def test_no_text_is_looked_up_at_import(path: Path) -> None:
    """Labels made at import are lazy: each reader gets their own language."""
    assert looked_up_at_import(path.read_text("utf-8")) == []


def test_the_checks_find_what_they_look_for() -> None:
    """Words in markup, in attributes and in scripts are found; texts from the catalogue are not."""
    assert prose_of("<p>{{ _('Fine') }}</p><p>Not fine</p>") == ["Not fine"]
    assert prose_of('<a title="Not fine" href="/x y">{{ _("Fine") }}</a>') == ["Not fine"]
    assert prose_of('<tr{% if x %} class="not fine"{% endif %}><td{% if y %} hidden{% endif %}>5 Mbit/s</td>') == []
    assert prose_of('<tr{% if x %} title="Not fine"{% endif %}>') == ["Not fine"]
    assert prose_of("<kbd>Space</kbd> exambox {# a note #}{% if x %}{{ y }}{% endif %}") == []
    assert spoken_past_the_catalogue('say(_("All fine")); say("Not fine"); use("a.css b.css")') == ["Not fine"]
    assert spoken_past_the_catalogue('_n("One camera", "Many cameras", n)') == []
    assert hidden_in_template_strings('`${x ? _("Hidden") : ""}`; `${y}`; say(_("Seen"))') == ['_("Hidden")']
    assert python_past_the_catalogue('"""Words."""\nf(_("Fine words"))\nraise XError(f"Fine {x}")\nf("Not fine")') == [
        "Not fine"
    ]
    assert looked_up_at_import('from x import lazy_gettext as _\nA = _("Fine")') == []
    assert looked_up_at_import('from x import gettext as _\nA = _("Not fine")') == ["'Not fine'"]
    assert looked_up_at_import(
        'class F:\n  a = Field(_("Name"))\ndef f(): return _("Fine")\ng = lambda: _("Fine")'
    ) == ["'Name'"]
