"""A browser keeps how it wants to see the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Browser


def _choose(browser: Browser, **fields: str) -> str:
    token = browser.token("/sign-in")
    answer = browser.client.post("/preferences", data={"csrf_token": token, **fields}, headers={"Accept": "text/html"})
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def test_a_choice_shows_on_the_next_page(browser: Browser) -> None:
    """Language and theme stay chosen, for people who are not signed in too."""
    _choose(browser, language="de", theme="dark", times="utc")
    page = browser.get("/sign-in", follow_redirects=True).text
    assert '<html lang="de"' in page
    assert 'data-theme="dark"' in page
    assert 'data-times="utc"' in page


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""]
)
def test_one_is_led_back_but_never_elsewhere(browser: Browser, elsewhere: str) -> None:
    """After choosing one is where one was; an address outside of this box leads to the first page."""
    assert _choose(browser, theme="dark", next="/sign-in?x=1") == "/sign-in?x=1"
    assert _choose(browser, theme="dark", next=elsewhere) == "/"


def test_unknown_choices_are_refused(browser: Browser) -> None:
    """A value that is none of the choices is refused and nothing is kept."""
    token = browser.token("/sign-in")
    answer = browser.client.post("/preferences", data={"csrf_token": token, "theme": "<b>"})
    assert answer.status_code == 422
    assert "exambox_theme" not in str(answer.headers)


def test_a_cookie_of_another_hand_is_ignored(browser: Browser) -> None:
    """A kept value that is none of the choices counts as the default."""
    browser.client.set_cookie("exambox_theme", '"><script>')
    assert 'data-theme="auto"' in browser.get("/sign-in", follow_redirects=True).text
