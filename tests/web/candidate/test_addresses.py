"""Origins and addresses the LMS gave: nothing in them gets into a policy, a frame or a redirect by stealth."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.candidate.addresses import CLIENT_ORIGIN, framed, known_return, origin_of, origins_of

PLAIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://LMS.example.org/mod/quiz?id=7#x", "https://lms.example.org"),
        ("https://lms.example.org:443/", "https://lms.example.org"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
        ("https://prüfung.example/", "https://xn--prfung-4ya.example"),
        ("https://lms.example.org./", "https://lms.example.org"),
        ("https://[::1]/", None),
        ("https://lms.example.org;script-src/", None),
        ("https://*.example.org/", None),
        ("https://a_b.example/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//lms.example.org/", None),
        ("https://", None),
        ("https://x:99999/", None),
        ("", None),
        (None, None),
    ],
)
def test_an_origin_is_made_of_checked_parts(address: str | None, origin: str | None) -> None:
    """Scheme, host and port that is not the usual one; what a policy cannot name has none."""
    assert origin_of(address) == origin


@given(st.text(max_size=60) | st.from_regex(r"https?://[^\x00]{0,60}", fullmatch=True))
def test_no_text_becomes_anything_but_a_plain_origin(address: str) -> None:
    """Whatever an address is, its origin has no blank, quote or semicolon that a policy could be led astray by."""
    origin = origin_of(address)
    assert origin is None or PLAIN.fullmatch(origin)


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("https://lms.example/quiz", "https://lms.example/quiz?{}"),
        ("https://lms.example/quiz?id=7&x=%20a+b", "https://lms.example/quiz?id=7&x=%20a+b&{}"),
        ("https://lms.example/quiz?a=1#part", "https://lms.example/quiz?a=1&{}#part"),
        ("https://lms.example/?examus-client-origin=https://evil.example&b=2", "https://lms.example/?b=2&{}"),
    ],
)
def test_the_frame_names_its_owner_and_keeps_the_rest(address: str, opened: str) -> None:
    """The exam's own query stays letter by letter, and only the box says who owns the frame."""
    mine = f"{CLIENT_ORIGIN}=https%3A%2F%2Fbox.local%3A8443"
    assert framed(address, "https://box.local:8443") == opened.format(mine)
    assert dict(parse_qsl(urlsplit(framed(address, "https://box.local:8443")).query))[CLIENT_ORIGIN] == (
        "https://box.local:8443"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        "https://lms.example.evil.example/",
        "https://evil.example/https://lms.example/",
        "https://lms.example@evil.example/",
        "https://evil.example\\@lms.example/",
        "https://lms.example:444/",
        "http://lms.example/",
        "//lms.example/",
        "https:lms.example",
        "https:///lms.example",
        "javascript:location='https://lms.example/'",
        " https://lms.example/",
        "https://lms.example/\nSet-Cookie: a=b",
        "https://user@lms.example/",
        "",
    ],
)
def test_nobody_is_sent_to_an_address_made_up(wanted: str) -> None:
    """Another host, port, scheme or a spelling browsers read otherwise is no known way back."""
    assert known_return(wanted, frozenset({"https://lms.example"})) is None


def test_a_known_way_back_is_taken() -> None:
    """Any page of an origin that the session names is."""
    known = origins_of(["https://lms.example/quiz", None, "https://portal.example:8443/end"])
    for wanted in ("https://lms.example/", "https://LMS.example/other?x=1#y", "https://portal.example:8443/"):
        assert known_return(wanted, known) == wanted
