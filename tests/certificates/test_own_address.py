"""What the box's own addresses begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from appliance.certificates.names import names_of
from appliance.certificates.own_address import own_address, reachable_address
from appliance.certificates.store import CertificateStore
from appliance.config import BoxSettings, ExamsSettings, WebSettings
from tests.certificates.made import NOW

if TYPE_CHECKING:
    from appliance.config import Settings

LAN = WebSettings(lan=True, https_port=8443)


def test_the_stated_address_wins(settings: Settings) -> None:
    """What is set for messages to the LMS is what they say."""
    stated = replace(settings, exams=ExamsSettings(public_address="https://hall2.example.org"), web=LAN)
    assert own_address(stated) == reachable_address(stated) == "https://hall2.example.org"


def test_on_its_network_it_is_a_name_of_the_certificate(settings: Settings) -> None:
    """A name the administrator gave comes first, then the certificate's others; this machine's own never."""
    on_lan = replace(settings, web=LAN)
    CertificateStore(settings.tls_dir).create(
        "Room", names_of(["localhost", "127.0.0.1", "a.local", "hall2.local"]), NOW
    )
    assert own_address(on_lan) == "https://a.local:8443"
    assert own_address(replace(on_lan, web=replace(LAN, names=("other.local", "Hall2.local")))) == (
        "https://hall2.local:8443"
    )


def test_an_address_of_ipv6_stands_in_brackets(settings: Settings) -> None:
    """A certificate for an address alone gives an address browsers read."""
    CertificateStore(settings.tls_dir).create("Room", names_of(["::1", "fd00::12"]), NOW)
    assert own_address(replace(settings, web=LAN)) == "https://[fd00::12]:8443"


def test_without_a_network_it_is_this_machine(settings: Settings) -> None:
    """The port is the one the dashboard took; a provisioned box that no one else can reach tells no one an address."""
    assert own_address(settings) == "http://127.0.0.1:8480"
    settings.web_port_file.parent.mkdir(parents=True)
    settings.web_port_file.write_text("8555\n", encoding="ascii")
    assert own_address(settings) == reachable_address(settings) == "http://127.0.0.1:8555"
    assert own_address(replace(settings, web=LAN)) == "http://127.0.0.1:8555"
    assert reachable_address(replace(settings, box=BoxSettings(trial=False))) == ""
