"""The box answers to its own names, and not to other sites' pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.hosts import host_of, is_foreign, is_ours, plain_address, plain_host

NAMES = {"room-1", "room-1.local", "192.168.1.7", "fd00::7"}


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "LOCALHOST:8480",
        "127.0.0.1:1",
        "[::1]:8480",
        "room-1.local:8443",
        "Room-1.",
        "192.168.1.7",
        "[fd00::7]:8443",
        "[FD00:0::7]",
    ],
)
def test_own_names_are_answered(header: str) -> None:
    """Loopback's and the certificate's names, with or without a port, however they are written."""
    assert is_ours(header, NAMES)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "room-1.evil.example",
        "localhost.evil.example",
        "192.168.1.8",
        "room-1:x",
        "room-1:999999",
        "user@room-1",
        "room-1/",
        "[::2]",
        "::1",
        "[fd00::7",
        "room-1,evil",
        "room-1\t",
        "127.0.0.1.nip.io",
    ],
)
def test_others_are_not(header: str) -> None:
    """Anything else is not this box."""
    assert not is_ours(header, NAMES)


@given(st.text(max_size=40))
def test_no_header_is_taken_for_more_than_a_name(header: str) -> None:
    """What comes out is a name or address in lower case, or nothing."""
    host = host_of(header)
    assert host is None or (host == host.lower() and not set(host) & set("/@?#[]% \t"))


@pytest.mark.parametrize(
    ("site", "origin", "foreign"),
    [
        ("same-origin", "https://room-1:8443", False),
        ("same-origin", "null", False),
        ("none", "", False),
        ("", "", False),
        ("", "https://ROOM-1:8443", False),
        ("cross-site", "", True),
        ("same-site", "", True),
        ("", "https://evil.example", True),
        ("", "http://room-1:8443", True),
        ("", "https://room-1", True),
        ("", "null", True),
    ],
)
def test_other_sites_pages_are_known(site: str, origin: str, foreign: bool) -> None:
    """A browser says whose page asks; old ones at least say the origin of what changes something."""
    assert is_foreign(site=site, origin=origin, host="room-1:8443", secure=True) is foreign


@pytest.mark.parametrize(
    ("told", "plain"),
    [("::ffff:192.168.1.5", "192.168.1.5"), ("::1", "::1"), ("10.0.0.1", "10.0.0.1"), ("::ffff:1", "::ffff:1")],
)
def test_addresses_are_said_plainly(told: str, plain: str) -> None:
    """An IPv4 client is shown with its IPv4 address."""
    assert plain_address(told) == plain


@pytest.mark.parametrize(
    ("name", "plain"), [("Room-1.Local.", "room-1.local"), ("FD00:0::7", "fd00::7"), ("10.0.0.1", "10.0.0.1")]
)
def test_names_of_the_settings_are_compared_as_headers_are(name: str, plain: str) -> None:
    """However a name or address is written in the settings, the header that names it is known."""
    assert plain_host(name) == plain
    header = f"[{name}]:8443" if ":" in name else f"{name}:8443"
    assert is_ours(header, {plain_host(name)})
