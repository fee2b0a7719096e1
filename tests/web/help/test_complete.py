"""Help is complete: every page has its topic, every topic its languages, every link its target, every key its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.web.api.paths import is_machines
from appliance.web.asking import speech_of
from appliance.web.help.topics import BY_NAME, FOLDER, TOPICS, article
from appliance.web.language.choice import LANGUAGES
from tests.web.help.script_keys import LISTENS, keys_of

if TYPE_CHECKING:
    from flask import Flask

WEB = Path(__file__).resolve().parents[3] / "appliance" / "web"
SCRIPTS = sorted(WEB.rglob("static/**/*.js"))
TEMPLATES = sorted(WEB.rglob("templates/**/*.html"))
# Addresses people open that are no pages: they answer with a file, a picture, a text, or lead on.
NO_PAGE = {
    "candidate.start": "the candidate's: says itself what to do, and is told to invigilators under candidate-page",
    "candidate.exam": "as above",
    "candidate.finish_by_link": "as above",
    "candidate.leave": "as above",
    "home.front_door": "leads on to the role's page",
    "account.second_factor_picture": "a picture on a page",
    "account.set_up_picture": "a picture on a page",
    "language.script_words": "texts for scripts",
    "lan.authority": "a file",
    "vitals.healthz": "for machines",
    "vitals.readyz": "for machines",
    "vitals.metrics_text": "for machines",
    "review.download": "a file",
    "sittings.table_template": "a file",
    "sittings.roster_csv": "a file",
    "sittings.seating_csv": "a file",
    "sittings.register_csv": "a file",
    "admin.log_csv": "a file",
    "admin.camera_trial_picture": "a picture on a page",
    "admin.log_export": "a file",
    "admin.support_download": "a file",
}
# Which heading of the topic "keyboard" tells a script's keys; None: keys a browser's own controls have as well.
KEYS = {
    "static/frame.js": "pages",
    "static/help.js": "pages",
    "help/static/page.js": "help",
    "review/static/sittings.js": "list",
    "review/static/keys.js": "player",
    "review/static/judging.js": "player",
    "review/static/panels.js": "player",
    "review/static/bookmarks.js": "player",
    "room/static/keys.js": "room",
    "account/static/passwords.js": None,
    "admin/static/mask_editor.js": "masks",
}
SHOWN = {
    "Escape": "Esc", "ArrowUp": "↑", "ArrowDown": "↓", "ArrowLeft": "←", "ArrowRight": "→", " ": "Space", "=": "+",
}  # fmt: skip
GERMAN = {
    "Enter": "Eingabe", "Space": "Leertaste", "Home": "Pos1", "End": "Ende", "Shift": "Umschalt", "Ctrl": "Strg",
    "Delete": "Entf", "Backspace": "Rücktaste", "PageUp": "Bild ↑", "PageDown": "Bild ↓",
}  # fmt: skip


def test_every_page_has_its_topic(app: Flask) -> None:
    """A page without a topic, and a topic of a page that is not there, are found."""
    # A hub's pages are there in that role alone: tests/web/hub/test_hub_gate.py.
    told = [page for topic in TOPICS for page in topic.pages if not page.startswith("hub.")]
    explained = set(told)
    there = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.endpoint.endswith("static") and not is_machines(rule.rule)
    }
    pages = {page for page in there if speech_of(app.view_functions[page]) is None and page not in NO_PAGE}
    assert pages - explained == set(), "no topic"
    assert explained - there == set(), "no page"
    assert len(told) == len(explained), "explained twice"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_is_written_and_none_is_left_over(language: str) -> None:
    """Each language has a file for each topic, and no other."""
    assert {path.stem for path in (FOLDER / language).iterdir()} == set(BY_NAME)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_topic_holds_plain_help(name: str, language: str) -> None:
    """Its markup is on the list, its links lead to topics, its headings' names are its own, and it says enough."""
    found = article(name, language)
    assert (FOLDER / language / f"{name}.html").is_file()
    assert found.links <= set(BY_NAME) - {name}
    assert all(anchor.startswith(f"{name}-") for anchor in found.anchors)
    assert len(found.words) > 200
    assert not re.search(r"https?://(?!\s|$)\w|www\.", found.words)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_languages_tell_the_same(name: str) -> None:
    """Every language has the same headings, links and number of keys."""
    forms = {
        (found.anchors, found.links, len(found.keys)) for found in (article(name, language) for language in LANGUAGES)
    }
    assert len(forms) == 1


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_links_to_help_lead_to_topics(path: Path) -> None:
    """A page names a topic that is there."""
    text = path.read_text("utf-8")
    named = [one for call in re.findall(r"help_link\(([^)]*)\)", text) for one in re.findall(r'"([a-z-]+)"', call)]
    named += re.findall(r'topic="([a-z-]+)"', text) + re.findall(r'page_head\([^%]*,\s*"([a-z-]+)"\)', text)
    assert set(named) <= set(BY_NAME)


@pytest.mark.parametrize("path", [path for path in SCRIPTS if LISTENS.search(path.read_text("utf-8"))], ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_is_told(path: Path, language: str) -> None:
    """Each key a script listens to has its line in the topic of keys, in each language."""
    name = str(path.relative_to(WEB))
    assert name in KEYS, "say in KEYS under which heading its keys are told"
    listened = keys_of(path.read_text("utf-8"))
    if KEYS[name] is None:
        assert listened == set()
        return
    assert listened, "its keys cannot be read from it"
    lines = {key for anchor, key in article("keyboard", language).keys if anchor == f"keyboard-{KEYS[name]}"}
    told = lines | {part for line in lines for part in line.split()}
    assert {_words(key, language) for key in listened} - told == set()


def _words(key: str, language: str) -> str:
    *modifiers, plain = key.split("+") if len(key) > 1 else [key]
    words = [*modifiers, SHOWN.get(plain, plain.upper() if len(plain) == 1 else plain)]
    return " ".join(GERMAN.get(word, word) if language == "de" else word for word in words)


def test_keys_are_read_from_scripts() -> None:
    """However a script asks for a key, it is found; texts and comments are no keys."""
    script = """
      addEventListener("keydown", (event) => {
        if (event.key === "/" || event.key !== 'q') go(_("Delete"));  // event.key === "w"
        const step = { ArrowDown: 1, j: 1, "k": 2 }[event.key];
        if (["a", "Home"].includes(event.key)) return;
        switch (event.key) { case "x": break; }
      });
      const rows = [[look, "zoom", ["+", "Alt+ArrowUp"], ["+"], _("Closer")]];
    """
    assert keys_of(script) == {"/", "q", "ArrowDown", "j", "k", "a", "Home", "x", "+", "Alt+ArrowUp"}
    assert keys_of('if (segment.key === "x") play("Home");') == set()
