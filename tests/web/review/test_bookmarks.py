"""Bookmarks of a sitting: whose they are, what they may say, and that removing can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance import auditlog
from tests.vault.recorded import WALL_US, Recorder, clock_at, movie

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings
    from tests.web.conftest import Browser

BASE = "/api/recordings/exam/bookmarks"
AT = str(WALL_US + 1_000_000)


@pytest.fixture(autouse=True)
def _recorded(settings: Settings) -> None:
    Recorder(settings.vault_dir, clock_at()).part(movie(2))


def made(browser: Browser, **fields: str) -> dict[str, Any]:
    """Make a bookmark and return it."""
    answer = browser.call(BASE, at_us=AT, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


def listed(browser: Browser) -> list[dict[str, Any]]:
    """Return the sitting's bookmarks."""
    return list((browser.client.get(BASE).json or {})["bookmarks"])


def test_a_bookmark_is_made_edited_removed_and_brought_back(person: Callable[[str], Browser], db: Database) -> None:
    """Every step shows in the list and stands in the log with who did it."""
    browser = person("reviewer")
    mark = made(browser, note="Looks at a phone", until_us=str(WALL_US + 2_000_000), camera="front")
    assert (mark["made_by"], mark["editable"], mark["camera"]) == ("Reviewer", True, "front")
    path = f"{BASE}/{mark['id']}"
    assert browser.call(path, at_us=AT, note="A calculator").status_code == 200
    assert [(one["note"], one["until_us"], one["camera"]) for one in listed(browser)] == [("A calculator", None, None)]
    assert browser.call(f"{path}/remove").status_code == 200
    assert listed(browser) == []
    assert browser.call(f"{path}/remove").status_code == 404
    assert browser.call(f"{path}/restore").status_code == 200
    assert browser.call(f"{path}/restore").status_code == 404
    assert [one["id"] for one in listed(browser)] == [mark["id"]]
    done = [line.action for line in auditlog.show(db) if line.action.startswith("bookmark.")]
    assert done == ["bookmark.made", "bookmark.edited", "bookmark.removed", "bookmark.restored"]


def test_others_read_it_and_change_it_not(person: Callable[[str], Browser]) -> None:
    """A reviewer's bookmark is seen by all who play recordings; only its maker and those in charge change it."""
    mine, manager = person("reviewer"), person("centre_manager")
    theirs = made(manager, note="The manager's")
    own = made(mine, note="Mine")
    assert [(one["note"], one["editable"]) for one in listed(mine)] == [("The manager's", False), ("Mine", True)]
    for path in (f"{BASE}/{theirs['id']}", f"{BASE}/{theirs['id']}/remove", f"{BASE}/{theirs['id']}/restore"):
        fields = {"at_us": AT, "note": "x"} if path.endswith(str(theirs["id"])) else {}
        assert mine.call(path, **fields).status_code in {403, 404}
    assert mine.call(f"{BASE}/{theirs['id']}", at_us=AT, note="x").status_code == 403
    assert manager.call(f"{BASE}/{own['id']}", at_us=AT, note="Corrected").status_code == 200


def test_a_bookmark_belongs_to_its_sitting(person: Callable[[str], Browser], settings: Settings) -> None:
    """Its number opens nothing in another sitting."""
    Recorder(settings.vault_dir, clock_at(), sitting="other").part(movie(1))
    browser = person("reviewer")
    mark = made(browser, note="x")
    assert browser.call(f"/api/recordings/other/bookmarks/{mark['id']}/remove").status_code == 404
    assert len(listed(browser)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"at_us": "-1"},
        {"at_us": "now"},
        {"at_us": str(2**60)},
        {"at_us": AT, "until_us": AT},
        {"at_us": AT, "until_us": "1"},
        {"at_us": AT, "note": "x" * 2001},
        {"at_us": AT, "note": "a\x00b"},
        {"at_us": AT, "camera": "back"},
        {"at_us": AT, "camera": "../front"},
        {"at_us": AT, "account": "1"},
    ],
)
def test_what_cannot_be_marked_is_refused(person: Callable[[str], Browser], fields: dict[str, str]) -> None:
    """Times, ranges, cameras and notes that make no sense are refused in words, and nothing is kept."""
    browser = person("reviewer")
    assert browser.call(BASE, **fields).status_code == 422
    assert listed(browser) == []


def test_markup_in_a_note_is_only_text(person: Callable[[str], Browser]) -> None:
    """A note is given back as it was written, as JSON that no page takes for markup."""
    browser = person("reviewer")
    text = '<img src=x onerror="alert(1)">\n</script>'
    made(browser, note=text)
    answer = browser.client.get(BASE)
    assert answer.content_type == "application/json"
    assert listed(browser)[0]["note"] == text


def test_an_unknown_sitting_has_no_bookmarks(person: Callable[[str], Browser]) -> None:
    """Nothing can be marked in a sitting that was never recorded."""
    browser = person("reviewer")
    assert browser.client.get("/api/recordings/none/bookmarks").status_code == 404
    assert browser.call("/api/recordings/none/bookmarks", at_us=AT).status_code == 404
