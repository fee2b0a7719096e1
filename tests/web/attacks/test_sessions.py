"""Session cookies that were planted, doubled, copied or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.attacks.conftest import PASSWORD, Visitor

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Server

NAME = "exambox_session"


def sign_in(visitor: Visitor, name: str = "Invigilator") -> None:
    """Sign in with name and password."""
    signed_in = visitor.ask("/account").status == 200
    token = visitor.token("/account" if signed_in else "/sign-in")
    fields = f"csrf_token={token}&name={name.replace(' ', '+')}&password={PASSWORD.replace('!', '%21')}"
    assert visitor.post("/sign-in", fields).status == 302


@pytest.mark.parametrize("secure", [False, True], ids=["loopback", "network"])
def test_the_session_is_made_at_signing_in_and_ends_at_signing_out(server: Server, secure: bool) -> None:
    """A planted value is never taken up: signing in gives a new one, each time, and signing out ends it for good."""
    visitor = server.visitor(secure=secure)
    cookie = visitor.prefix + NAME
    visitor.cookies[cookie] = planted = "P" * 43
    sign_in(visitor)
    first = visitor.cookies[cookie]
    assert first != planted
    assert server.visitor().ask("/account", headers={"Cookie": f"{NAME}={planted}"}).status == 302
    thief = Visitor(server, secure, {cookie: first})
    assert thief.ask("/account").status == 200
    sign_in(visitor)
    assert visitor.cookies[cookie] != first
    assert thief.ask("/account").status == 302, "signing in again ends the session before"
    kept = Visitor(server, secure, dict(visitor.cookies))
    answer = visitor.post("/sign-out", f"csrf_token={visitor.token()}")
    assert answer.status == 302
    assert '"cache"' in answer.header("clear-site-data")
    assert kept.ask("/account").status == 302


def test_an_attackers_session_stays_the_attackers(server: Server) -> None:
    """Whoever signs in over a planted session of somebody else leaves nothing open under it."""
    attacker = server.visitor("reviewer")
    victim = server.visitor()
    victim.cookies[NAME] = attacker.cookies[NAME]
    fields = f"csrf_token={victim.token()}&name=Administrator&password=Quiet-Room-42%21"
    assert victim.post("/sign-in", fields).status == 302
    assert victim.cookies[NAME] != attacker.cookies[NAME]
    assert attacker.ask("/admin/users").status == 302
    assert victim.ask("/admin/users").status == 200


def test_tossed_cookies_open_nothing_of_their_own(server: Server) -> None:
    """Doubled names, quoted values, wrong case, other prefixes: never more than the one good session, or nothing."""
    good = server.session("reviewer")
    for value in (
        f'$Version=1; {NAME}="{good}"; $Path=/',
        f"{NAME.upper()}={good}",
        f"{NAME}={good[:-1]}",
        f"{NAME}={good}%00",
        f"{NAME}=x{good}",
        f"__Host-{NAME}={good}",
        f"__Secure-{NAME}={good}",
        f"{NAME}=; {NAME} ={good}x",
        f"{NAME}={'A' * 43}; {NAME}={good}",
    ):
        answer = server.visitor().ask("/admin/users", headers={"Cookie": value})
        assert answer.status in {302, 400, 403}, value
    by_https = server.visitor(secure=True)
    assert by_https.ask("/account", headers={"Cookie": f"{NAME}={good}"}).status == 302, "without the prefix it is none"


def test_many_or_large_cookies_are_refused_or_ignored(server: Server) -> None:
    """A jar stuffed by another site's page costs an answer, not the process."""
    for value in ("; ".join(f"c{n}=x" for n in range(500)), f"{NAME}={'A' * 7000}", f"exambox_notice={'A' * 7000}"):
        assert server.visitor().ask("/sign-in", headers={"Cookie": value}).status in {200, 302, 400, 431}
