"""The help page and its topics, as different people get them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance.web.help import topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.web.conftest import Browser


def shown(page: str) -> list[str]:
    """Return the topics a page shows."""
    return re.findall(r'<article[^>]* data-topic="([^"]+)"', page)


@pytest.mark.parametrize(
    ("role", "has", "lacks"),
    [
        ("administrator", {"users", "room", "review-sitting", "keyboard"}, set()),
        ("centre_manager", {"users", "room", "review-sitting"}, set()),
        ("invigilator", {"room", "first-steps"}, {"users", "review-sitting", "health"}),
        ("reviewer", {"review-sitting", "account"}, {"users", "room"}),
        ("auditor", {"review-sitting", "health"}, {"users", "room"}),
    ],
)
def test_people_read_what_their_role_can_use(
    role: str, has: set[str], lacks: set[str], person: Callable[[str], Browser]
) -> None:
    """A topic is there for those who may open one of its pages."""
    found = set(shown(person(role).get("/help").text))
    assert has <= found
    assert not lacks & found


def test_those_who_cannot_sign_in_are_helped(browser: Browser, account: Callable[[str, str], None]) -> None:
    """Signing in, certificates, an LMS's recordings, what to do when something fails: readable without an account."""
    account("Ann", "reviewer")
    page = browser.get("/help")
    assert page.status_code == 200
    assert set(shown(page.text)) == {"sign-in", "trouble", "review-archive", "certificates", "words"}
    assert browser.get("/help/users").status_code == 404


def test_searching_works_without_scripts(person: Callable[[str], Browser]) -> None:
    """Topics without all of the words are left out; nothing found is said."""
    browser = person("reviewer")
    assert "review-sitting" in shown(browser.get("/help?q=Manifest+EXPORT").text)
    assert "sign-in" not in shown(browser.get("/help?q=Manifest+EXPORT").text)
    nothing = browser.get("/help?q=zebra")
    assert shown(nothing.text) == []
    assert "Nothing in help says that" in nothing.text
    assert browser.get("/help?q=" + "x" * 101).status_code == 422


def test_a_topic_alone(person: Callable[[str], Browser]) -> None:
    """A topic has a page of its own, which the context help shows; a topic of others is not there."""
    browser = person("invigilator")
    assert shown(browser.get("/help/account").text) == ["account"]
    assert browser.get("/help/users").status_code == 404
    assert browser.get("/help/none").status_code == 404
    assert browser.get("/help/..%2f..%2fapp").status_code == 404


def test_help_is_read_in_the_readers_language(person: Callable[[str], Browser]) -> None:
    """A German reader gets German topics."""
    page = person("reviewer").get("/help/account", headers={"Accept-Language": "de"})
    assert "Ihr Konto" in page.text


def test_a_changed_file_is_shown_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No restart and no build step to change a topic."""
    import os

    folder = tmp_path / "en"
    folder.mkdir()
    path = folder / "words.html"
    monkeypatch.setattr(topics, "FOLDER", tmp_path)
    path.write_text("<h2>One</h2>")
    os.utime(path, ns=(1, 1))
    assert topics.article("words", "de").title == "One"
    path.write_text("<h2>Two</h2>")
    os.utime(path, ns=(2, 2))
    assert topics.article("words", "de").title == "Two"
