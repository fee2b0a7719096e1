"""Requests another site's page makes a person's browser send: none does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Server, Visitor

DEED = "/account/sessions/end-others"
JSON = {"Accept": "application/json"}


def sessions_left(visitor: Visitor) -> int:
    """Return how many other sessions the person's page offers to end."""
    return visitor.ask("/account").body.count(b"/account/sessions/")


@pytest.fixture
def victim(server: Server) -> Visitor:
    """A signed-in administrator with one more session that the deed would end."""
    server.session("administrator")
    return server.visitor("administrator")


@pytest.mark.parametrize(
    "fields",
    ["", "csrf_token=", "csrf_token=x", "csrf_token={stale}", "csrf_token={stranger}", "csrf_token={visitor}"],
)
def test_a_form_without_its_own_token_does_nothing(server: Server, victim: Visitor, fields: str) -> None:
    """Missing, made up, of an ended session, of another person, of a visitor: refused, and nothing is done."""
    earlier = server.visitor("administrator")
    stale = earlier.token()
    earlier.post("/sign-out", f"csrf_token={stale}")
    tokens = {
        "stale": stale,
        "stranger": server.visitor("reviewer").token(),
        "visitor": server.visitor().token("/sign-in"),
    }
    before = sessions_left(victim)
    answer = victim.post(DEED, fields.format(**tokens))
    assert answer.status == 400
    assert sessions_left(victim) == before
    assert victim.post(DEED, f"csrf_token={victim.token()}").status == 302, "with its own token the deed is done"
    assert sessions_left(victim) < before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://sub.localhost:8480"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "nonsense", "Origin": "https://evil.example"},
    ],
)
def test_another_origin_is_refused_even_with_the_right_token(victim: Visitor, headers: dict[str, str]) -> None:
    """A subdomain, another port, a sandboxed frame: whose page asks counts beside the token."""
    before = sessions_left(victim)
    assert victim.post(DEED, f"csrf_token={victim.token()}", headers=headers).status == 403
    assert sessions_left(victim) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""])
def test_bodies_a_foreign_form_can_send_carry_no_token(victim: Visitor, kind: str) -> None:
    """JSON dressed as text and other bodies are no forms: without the header's token they are refused."""
    before = sessions_left(victim)
    token = victim.token()
    body = f'{{"csrf_token": "{token}"}}'.encode()
    assert victim.ask(DEED, "POST", headers={"Content-Type": kind} | JSON, body=body).status == 400
    assert sessions_left(victim) == before


def test_a_token_in_the_address_is_none(victim: Visitor) -> None:
    """A token is taken from a form or a header, not from where it would be seen."""
    assert victim.post(f"{DEED}?csrf_token={victim.token()}", "").status == 400


def test_signing_in_needs_a_token_too(server: Server) -> None:
    """Nobody can be signed in as somebody else behind their back."""
    visitor = server.visitor()
    answer = visitor.post("/sign-in", "name=Administrator&password=Quiet-Room-42!")
    assert answer.status == 400
    assert "exambox_session" not in visitor.cookies
