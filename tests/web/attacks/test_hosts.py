"""Requests that name another host: nothing is answered in its name, and no page leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.attacks.conftest import HOST, status_lines

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Server


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8480",
        "localhost.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "localhost, evil.example",
        "localhost evil.example",
        "localhost/evil.example",
        "localhost:x",
        "localhost:123456",
        "[::1",
        "[::1]evil",
        "[evil.example]",
        "192.0.2.1",
        "127.0.0.1.nip.io",
        "0x7f.1",
        "",
        "room-1.local",
    ],
)
def test_a_foreign_name_is_not_answered(server: Server, host: str) -> None:
    """DNS rebinding and forged hosts get 400 on loopback, by page and by script; so does the network's own name."""
    if host == HOST:
        # By HTTP on loopback the box answers to loopback's names alone.
        assert server.visitor().ask("/sign-in", headers={"Host": host}).status == 400
        return
    for accept in ("text/html", "application/json"):
        answer = server.visitor("administrator").ask("/account", headers={"Host": host, "Accept": accept})
        assert answer.status == 400, answer.body[:200]
        assert b"evil" not in answer.body


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "X-Forwarded-Prefix"]
)
def test_no_page_leads_where_a_header_says(server: Server, name: str) -> None:
    """Redirects and pages are made from this box's own address, whatever a header claims."""
    value = "host=evil.example" if name == "Forwarded" else "evil.example"
    for path in ("/", "/sign-in", "/forgotten", "/account", "/certificate"):
        answer = server.visitor().ask(path, headers={name: value})
        assert b"evil.example" not in answer.body
        assert "evil.example" not in answer.header("location")


def test_an_address_of_another_port_is_still_this_box_alone(server: Server) -> None:
    """A port in the Host header leads no redirect away from the box."""
    answer = server.visitor().ask("/account", headers={"Host": "localhost:1"})
    assert answer.status == 302
    assert answer.header("location").startswith("/sign-in?")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "/\t/evil.example",
        "/%09/evil.example", "\\\\evil.example", "http:evil.example", "javascript:alert(1)", "data:text/html,x",
        "/\r\nLocation: https://evil.example", " //evil.example", "/%0d%0aSet-Cookie:a=b", "/..//evil.example",
    ],
)  # fmt: skip
def test_next_leads_nowhere_else(server: Server, target: str) -> None:
    """Where somebody is sent on to after signing in or choosing a language lies on this box."""
    from urllib.parse import quote, urljoin, urlsplit

    visitor = server.visitor("reviewer")
    fields = f"csrf_token={visitor.token()}&theme=dark&next={quote(target, safe='')}"
    answers = [visitor.post("/preferences", fields), server.visitor().ask(f"/sign-in?next={quote(target, safe='')}")]
    token = server.visitor()
    signed = (
        f"csrf_token={token.token('/sign-in')}&name=Auditor&password=Quiet-Room-42%21&next={quote(target, safe='')}"
    )
    answers.append(token.post("/sign-in", signed))
    assert answers[0].status == answers[2].status == 302
    for answer in answers:
        there = answer.header("location")
        if there:
            assert (
                urlsplit(urljoin(visitor.origin + "/x", there.replace("\\", "/"))).netloc
                == visitor.origin.partition("://")[2]
            )
        assert "a=b" not in answer.all("set-cookie")


def test_pipelined_requests_each_pass_the_gate(server: Server) -> None:
    """What follows a good request on the same connection is checked as if it came alone."""
    good = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n"
    bad = b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert status_lines(server.exchange(good + bad)) in ([200], [200, 400])
