"""What a box says of itself, and what it makes of what others say: nothing they say is believed or shown as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.lan.announcement import MAX_NAME, SERVICE, Neighbour, instance_name, neighbour, properties

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINT = "0123456789abcdef" * 4
NOWHERE = ("127.0.0.1", "0.0.0.0", "::", "fe80::1", "fe80::1%eth0", "::1", "224.0.0.251")  # noqa: S104  announced only
TXT: dict[bytes, bytes | None] = {
    key.encode(): value.encode() for key, value in properties("0.2.0", "a1b2c3d4e5f6a7b8", PRINT).items()
}


def heard(
    name: str = f"Hall 2 (a1b2c3).{SERVICE}",
    host: str = "exambox-hall2.local.",
    port: int = 8443,
    addresses: tuple[str, ...] = ("192.168.1.7",),
    txt: Mapping[bytes, bytes | None] = TXT,
) -> Neighbour | None:
    """Return what is made of an announcement."""
    return neighbour(name, host, port, addresses, txt)


def test_a_box_hears_what_another_says() -> None:
    """Name, address, version, beginning of id and fingerprint come through as they were sent."""
    assert heard() == Neighbour(
        "Hall 2 (a1b2c3)", "https://exambox-hall2.local:8443/", "0.2.0", "a1b2c3d4e5f6", PRINT[:16]
    )


def test_nothing_secret_or_about_exams_is_announced() -> None:
    """The record has these entries and no others; id and fingerprint are only begun."""
    assert properties("0.2.0", "a1b2c3d4e5f6a7b8", PRINT) == {
        "txtvers": "1", "api": "1", "version": "0.2.0", "box": "a1b2c3d4e5f6", "path": "/", "ca": PRINT[:16],
    }  # fmt: skip
    assert "ca" not in properties("0.2.0", "a1b2", "")


@pytest.mark.parametrize(
    ("host", "addresses", "address"),
    [
        ("room-1.local.", (), "https://room-1.local:8443/"),
        ("ROOM-1.LOCAL", (), "https://room-1.local:8443/"),
        ("evil.example.", ("10.0.0.7",), "https://10.0.0.7:8443/"),
        ("a.b.local.", ("fd00::7",), "https://[fd00::7]:8443/"),
        ("room_1.local.", ("rubbish", "192.168.1.9"), "https://192.168.1.9:8443/"),
        ("-.local", ("10.0.0.7",), "https://10.0.0.7:8443/"),
        ("evil.example.", ("8.8.8.8", "172.16.0.4"), "https://172.16.0.4:8443/"),
    ],
)
def test_an_address_is_inside_the_building(host: str, addresses: tuple[str, ...], address: str) -> None:
    """A single label below .local, else the first private address: no announcement leads a person outside."""
    found = heard(host=host, addresses=addresses)
    assert found is not None
    assert found.address == address


@pytest.mark.parametrize(
    "announced",
    [
        {"host": "evil.example.", "addresses": ("8.8.8.8",)},
        {"host": "evil.example.", "addresses": NOWHERE},
        {"host": "", "addresses": ()},
        {"port": 0},
        {"port": 70000},
        {"name": f"\u202e\u200b.{SERVICE}"},
        {"host": "room-1.local@evil.example", "addresses": ()},
    ],
)
def test_announcements_that_lead_nowhere_are_dropped(announced: dict[str, object]) -> None:
    """Foreign or loopback addresses, no port, no name that can be read."""
    assert heard(**announced) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"version", b"<script>"),
        (b"version", b"9" * 30),
        (b"box", b"NOT HEX"),
        (b"ca", b"xyz"),
        (b"ca", b"\xff" * 16),
        (b"box", None),
    ],
)
def test_odd_values_are_left_out(key: bytes, value: bytes | None) -> None:
    """What is not of its form is as if it had not been said; the box is still listed."""
    found = heard(txt=TXT | {key: value})
    assert found is not None
    assert "" in (found.version, found.box, found.fingerprint)


@given(
    st.text(max_size=300), st.text(max_size=80), st.integers(-10, 1 << 17), st.lists(st.text(max_size=40), max_size=4),
    st.dictionaries(st.sampled_from([b"version", b"box", b"ca", b"x"]), st.none() | st.binary(max_size=300)),
)  # fmt: skip
def test_whatever_is_announced_is_short_plain_and_a_link_inside(
    name: str, host: str, port: int, addresses: list[str], txt: dict[bytes, bytes | None]
) -> None:
    """Any announcement is dropped or becomes a few plain signs and an https link to a host of the network."""
    found = neighbour(f"{name}.{SERVICE}", host, port, addresses, txt)
    if found is None:
        return
    assert 0 < len(found.name) <= MAX_NAME
    assert found.name.isprintable()
    link = urlsplit(found.address)
    assert (link.scheme, link.path, link.username, link.port) == ("https", "/", None, port)
    assert re.fullmatch(r"[a-z0-9-]+\.local|[0-9.]+|[0-9a-f:.]+", link.hostname or "")
    assert all(re.fullmatch(r"[0-9A-Za-z.+-]{0,20}", text) for text in (found.version, found.box, found.fingerprint))


@given(st.text(max_size=80), st.from_regex(r"[0-9a-f]{16}", fullmatch=True))
def test_every_room_has_a_name_the_network_can_carry(room: str, box: str) -> None:
    """At most 63 bytes, printable, without a dot, and told apart by the box's id."""
    name = instance_name(room, box)
    assert len(name.encode()) <= MAX_NAME
    assert name.endswith(f"({box[:6]})")
    assert name.isprintable()
    assert "." not in name
