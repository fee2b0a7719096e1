"""Errors are said in the reader's language."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.language import problems
from appliance.web.language.problems import problem_words, template

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgctxt "problem"
msgid "There is no such camera."
msgstr "Diese Kamera gibt es nicht."

msgctxt "problem"
msgid "{0}: {1}"
msgstr "{0}: {1}"

msgctxt "problem"
msgid "Disk {0} holds {1}."
msgstr "{1} liegen auf Platte {0}."

msgid "Disk {0} sings."
msgstr "falscher Zusammenhang"
"""


@pytest.fixture
def _german(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read a small catalogue in German."""
    small = read_po(io.BytesIO(CATALOGUE.encode()), locale="de")
    monkeypatch.setattr(problems, "read_catalogue", lambda language: small if language == "de" else None)
    monkeypatch.setattr(problems, "current_language", lambda: "de")
    problems.templates.cache_clear()
    yield
    problems.templates.cache_clear()


@pytest.mark.usefixtures("_german")
@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("There is no such camera.", "Diese Kamera gibt es nicht."),
        ("Disk 3 holds 12 parts.", "12 parts liegen auf Platte 3."),
        ("front: There is no such camera.", "front: Diese Kamera gibt es nicht."),
        ("Disk 3 sings.", "Disk 3 sings."),
        ("Nobody wrote this", "Nobody wrote this"),
        ("", ""),
    ],
)
def test_a_sentence_finds_its_template(said: str, read: str) -> None:
    """Values go along, sentences inside are translated too, unknown ones and other contexts stay English."""
    assert problem_words(said) == read


@given(st.lists(st.text(st.characters(blacklist_characters="|{}")), min_size=2, max_size=4))
def test_values_come_back_as_they_were(values: list[str]) -> None:
    """A template of its own takes any values out of a sentence and puts them back."""
    source = "|".join(f"{{{n}}}" for n in range(len(values)))
    assert template(source, source).words("|".join(values)) == "|".join(values)


@given(st.text(max_size=60))
def test_no_sentence_breaks_a_template(sentence: str) -> None:
    """Whatever was said, a template answers with words or with nothing."""
    assert template("a{0}b{1}c", "{1}{0}").words(sentence) is None or {"a", "b", "c"} <= set(sentence)


def test_english_readers_get_what_was_raised() -> None:
    """Outside of a request, and in English, a sentence stays."""
    assert problem_words("There is no such camera.") == "There is no such camera."
