"""What the machine is called."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import ifaddr
import pytest

from appliance.certificates import host
from appliance.errors import BadInputError


def adapters(*addresses: str) -> list[Any]:
    """Return adapters as ifaddr gives them."""
    ips = [SimpleNamespace(ip=(one, 0, 0) if ":" in one else one) for one in addresses]
    return [SimpleNamespace(ips=ips)]


def test_only_lasting_addresses_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv4, and IPv6 of private networks; no loopback, nothing link-local, no public IPv6, which change daily."""
    found = ["127.0.0.1", "10.0.0.9", "169.254.3.3", "::1", "fe80::1", "fd00::9", "2a02:db8::1", "10.0.0.9"]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: adapters(*found))
    assert host.local_addresses() == ["10.0.0.9", "fd00::9"]


def test_a_machine_without_a_network_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's refusal to list them is no failure of ours."""

    def refuse() -> Any:
        raise OSError(97, "Address family not supported")

    monkeypatch.setattr(ifaddr, "get_adapters", refuse)
    assert host.local_addresses() == []


def test_the_host_is_known_by_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first label, that with .local, loopback, its addresses and what was given."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Room-7.school.example")
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: adapters("10.0.0.9"))
    assert host.host_label() == "room-7"
    words = host.machine_names(["hall.example"]).words()
    assert words == ["hall.example", "localhost", "room-7", "room-7.local", "10.0.0.9", "127.0.0.1", "::1"]


@pytest.mark.parametrize("name", ["", "raum_7", "-", "ä", "localhost", "localhost.localdomain", "17"])
def test_a_host_whose_name_is_none_gets_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without a name that a certificate and the network can carry, it is called exambox in both."""
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    monkeypatch.setattr(ifaddr, "get_adapters", adapters)
    assert host.host_label() == "exambox"
    assert host.machine_names().words() == ["exambox", "exambox.local", "localhost", "127.0.0.1", "::1"]


def test_many_addresses_are_cut_and_many_names_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a hundred addresses still gets its certificate; a hundred wished names are a mistake."""
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: adapters(*(f"10.0.1.{number}" for number in range(100))))
    assert 30 < len(host.machine_names().addresses) <= 40
    with pytest.raises(BadInputError):
        host.machine_names([f"room-{number}" for number in range(100)])


def test_this_machine_has_names() -> None:
    """The real machine, whatever it is."""
    assert {"localhost", "127.0.0.1"} <= set(host.machine_names().words())
