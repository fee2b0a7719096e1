"""What somebody has typed outlives their session, in this tab and for them alone: real pages in a real Chromium."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from tests.support.browsers import chromium
from tests.web.conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from playwright.sync_api import Page
    from sqlite_utils import Database

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
ADDING = "/admin/users/add"
OFFER = "[data-draft]"
BOOKMARKS = """async () => {
  const { Bookmarks } = await import("/static/review/bookmarks.js");
  const made = (tag, data = {}, ...inside) => {
    const element = document.createElement(tag);
    Object.assign(element.dataset, data);
    element.append(...inside);
    return element;
  };
  const note = Object.assign(made("textarea"), { name: "note" });
  const camera = made("select", {}, new Option("All", ""), new Option("Front", "front"));
  camera.name = "camera";
  const form = made("form", {}, note, camera, made("button", { close: "" }));
  const parts = [made("h2", { dialogTitle: "" }), made("p", { dialogTime: "" }), made("p", { problem: "" })];
  const dialog = made("dialog", {}, form, ...parts);
  document.body.append(dialog);
  const zone = { words: String, clock: String };
  window.marks = new Bookmarks({ list: made("ul"), count: made("b"), dialog, base: "", zone, names: new Map() });
}"""


@pytest.fixture
def house(app: Flask) -> Iterator[str]:
    """Return the address of the dashboard, served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


@pytest.fixture
def page(house: str, account: Callable[[str, str], None]) -> Iterator[Page]:
    """A browser in which Ada, an administrator, is signed in."""
    account("Ada", "administrator")
    account("Berta", "administrator")
    with chromium() as opened:
        opened.goto(f"{house}/sign-in")
        sign_in(opened, "Ada")
        yield opened


def sign_in(page: Page, name: str) -> None:
    """Sign somebody in on the page that asks for it."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_function("document.documentElement.dataset.person")


def end_sessions(db: Database) -> None:
    """Let every session end."""
    with db.conn:
        db.conn.execute("DELETE FROM web_session")


def kept(page: Page) -> dict[str, Any]:
    """Return the drafts that the tab holds."""
    rows: dict[str, str] = page.evaluate("() => ({...sessionStorage})")
    return {key: json.loads(value) for key, value in rows.items() if key.startswith("exambox:draft:")}


def type_person(page: Page, house: str) -> None:
    """Begin to add a user."""
    page.goto(f"{house}{ADDING}")
    page.get_by_label("Name", exact=True).fill("Nina")
    page.get_by_label("Role").select_option("reviewer")
    page.get_by_label("A password I type").check()
    page.locator("input[name=password]").fill("Secret-Word-77!")


def test_what_was_typed_is_offered_after_signing_in_again(page: Page, house: str, db: Database) -> None:
    """The refused page leads back to the form, which puts back all but the password; once sent it is forgotten."""
    type_person(page, house)
    end_sessions(db)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Back to the form").click()
    sign_in(page, "Ada")
    assert page.url == f"{house}{ADDING}"
    page.get_by_role("button", name="Put it back").click()
    assert page.get_by_label("Name", exact=True).input_value() == "Nina"
    assert page.get_by_label("Role").input_value() == "reviewer"
    assert page.get_by_label("A password I type").is_checked()
    assert page.locator("input[name=password]").input_value() == ""
    page.get_by_label("One-time code").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Nina").first.wait_for()
    page.wait_for_function("() => !('exambox:sent' in sessionStorage)")
    assert kept(page) == {}
    page.goto(f"{house}{ADDING}")
    assert page.locator(OFFER).count() == 0


def test_a_page_that_is_left_offers_what_was_typed_and_lets_it_go(page: Page, house: str) -> None:
    """Nothing is put back unasked, and what is discarded is gone."""
    type_person(page, house)
    page.goto(f"{house}/admin/users")
    page.goto(f"{house}{ADDING}")
    assert page.get_by_label("Name", exact=True).input_value() == ""
    page.get_by_role("button", name="Discard it").click()
    assert kept(page) == {}
    page.reload()
    assert page.locator(OFFER).count() == 0


def test_no_secret_is_ever_kept(page: Page, house: str) -> None:
    """Neither a password nor an address that holds one lies in the browser's storage."""
    type_person(page, house)
    assert "Nina" in json.dumps(kept(page))
    assert "Secret-Word" not in json.dumps(kept(page))
    page.goto(f"{house}/admin/cameras/add")
    page.get_by_label("Name", exact=True).fill("Door")
    page.get_by_label("Address", exact=True).fill("rtsp://box:Secret-Word@192.0.2.7/live")
    page.get_by_label("Password at the camera").fill("Secret-Word")
    assert "Door" in json.dumps(kept(page))
    assert "Secret-Word" not in json.dumps(kept(page))


def test_a_form_that_is_shown_again_loses_nothing_either(page: Page, house: str, db: Database) -> None:
    """After a refused field the rest, which the page came with, is kept as well."""
    page.goto(f"{house}{ADDING}")
    page.get_by_label("Name", exact=True).fill("Nina")
    page.get_by_label("E-mail address").fill("no address")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".field-bad").wait_for()
    assert page.locator(OFFER).count() == 0
    end_sessions(db)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Back to the form").click()
    sign_in(page, "Ada")
    page.get_by_role("button", name="Put it back").click()
    assert page.get_by_label("Name", exact=True).input_value() == "Nina"


def test_a_bookmarks_note_comes_back_with_its_moment(page: Page, house: str) -> None:
    """A session that ends while a note is written leads to the sign-in; the dialog then opens as it was."""
    page.goto(f"{house}/admin/users")
    page.evaluate(BOOKMARKS)
    page.evaluate("() => marks.open({ at_us: 7e6, until_us: 9e6, camera: 'front' })")
    page.locator("dialog textarea").fill("A phone")
    page.reload()
    page.evaluate(BOOKMARKS)
    page.evaluate("() => marks.resume()")
    assert page.locator("dialog textarea").input_value() == "A phone"
    assert page.locator("dialog select").input_value() == "front"
    assert page.evaluate("() => [marks.editing.at_us, marks.editing.until_us]") == [7e6, 9e6]
    page.evaluate("() => marks.dialog.close()")
    page.wait_for_function("() => !Object.keys(sessionStorage).some((key) => key.startsWith('exambox:draft:'))")
    page.evaluate("() => marks.resume()")
    assert not page.evaluate("() => marks.dialog.open")


@pytest.mark.parametrize("how", ["signs out", "session ends"])
def test_nobody_else_is_offered_it(page: Page, house: str, db: Database, how: str) -> None:
    """Whoever signs in next in the same tab finds nothing of the person before."""
    type_person(page, house)
    assert kept(page)
    if how == "signs out":
        page.get_by_label("Menu of Ada").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in*")
        assert kept(page) == {}
    else:
        end_sessions(db)
    page.goto(f"{house}{ADDING}")
    sign_in(page, "Berta")
    page.goto(f"{house}{ADDING}")
    assert page.locator(OFFER).count() == 0
    assert kept(page) == {}
