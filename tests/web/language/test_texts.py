"""Texts and scripts' texts in the language asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.web.language import current_language, gettext, ngettext
from appliance.web.language.catalogue import read_catalogue, script_module, translations

if TYPE_CHECKING:
    from flask import Flask

    from tests.web.conftest import Browser


def test_values_are_filled_in() -> None:
    """Texts take named values; plural forms fit their count."""
    assert gettext("%(who)s is here", who="Ann") == "Ann is here"
    assert ngettext("%(num)s camera", "%(num)s cameras", 1) == "1 camera"
    assert ngettext("%(num)s camera", "%(num)s cameras", 3) == "3 cameras"


def test_a_page_names_its_language(browser: Browser) -> None:
    """A German browser is answered in German, and the page says so to screen readers."""
    page = browser.get("/sign-in", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}, follow_redirects=True)
    assert '<html lang="de"' in page.text
    assert '<html lang="en"' in browser.get("/sign-in", follow_redirects=True).text


def test_the_box_has_a_language_of_its_own(app: Flask) -> None:
    """Where the browser wishes nothing known, the box's language counts."""
    app.extensions["exambox-language"] = "de"
    with app.test_request_context("/", headers={"Accept-Language": "fr"}):
        assert current_language() == "de"


def test_scripts_get_the_same_texts(browser: Browser) -> None:
    """The page names the module with its language's texts, which is kept by browsers and changes with its texts."""
    page = browser.get("/sign-in", headers={"Accept-Language": "de"}, follow_redirects=True)
    named = re.search(r'data-words="([^"]+)"', page.text)
    assert named
    module = browser.get(named[1])
    assert module.text == script_module("de")[1]
    assert module.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_unknown_modules_are_not_found(browser: Browser) -> None:
    """A language that is not there, or texts of another version, are no page."""
    for path in ("/words/xx-0.js", "/words/de-0.js", "/words/en-.js"):
        assert browser.get(path).status_code == 404


def test_english_needs_no_catalogue() -> None:
    """Texts are written in English, so English is what stands in the code."""
    assert read_catalogue("en") is None
    assert translations("en").gettext("Some text") == "Some text"
