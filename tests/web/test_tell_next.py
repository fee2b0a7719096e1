"""What was done is said on the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from appliance.web.tell_next import MAX_CHARACTERS, NOTICE_COOKIE, keep_notice, take_notice, tell_next

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def _client() -> FlaskClient:
    app = Flask("notices")
    app.secret_key = "a" * 32
    app.after_request(keep_notice)

    @app.get("/do/<what>")
    def do(what: str) -> str:
        tell_next(what)
        return "done"

    @app.get("/page")
    def page() -> str:
        return take_notice() or "nothing"

    return app.test_client()


def test_a_notice_is_shown_once() -> None:
    """The next page says it, the one after does not."""
    client = _client()
    client.get("/do/Saved")
    assert [client.get("/page").text for _ in range(2)] == ["Saved", "nothing"]


def test_a_notice_nobody_signed_is_not_shown() -> None:
    """Another site cannot put words on a page of the box."""
    client = _client()
    client.set_cookie(NOTICE_COOKIE, "Your password is wrong, call 555")
    assert client.get("/page").text == "nothing"


def test_a_long_notice_is_cut() -> None:
    """A notice stays a notice."""
    client = _client()
    client.get("/do/" + "x" * 1000)
    assert len(client.get("/page").text) == MAX_CHARACTERS
