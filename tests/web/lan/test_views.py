"""The page that makes devices trust the box, and the administration's page about certificate and network."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.certificates.hints import HINTS
from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateFacts, CertificateStore
from appliance.clock import SECOND_US
from appliance.config import WebSettings
from appliance.web.lan import runner, views
from appliance.web.lan.announcement import Neighbour
from appliance.web.services import of
from tests.certificates.made import centre, odd

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser

IPAD = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15"


@pytest.fixture
def facts(settings: Settings, clock: ManualClock) -> CertificateFacts:
    """A box with a certificate."""
    now = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC)
    return CertificateStore(settings.tls_dir).create("Room 1", names_of(["room-1.local", "10.0.0.7"]), now)


def text_of(page: str) -> str:
    """Return a page's words without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_anybody_learns_how_to_trust_the_box(browser: Browser, facts: CertificateFacts) -> None:
    """Unsigned: the authority's whole fingerprint, every system's steps, and each file."""
    page = browser.get("/certificate")
    assert page.status_code == 200
    shown = re.search(r'class="trust-print">(.*?)</p>', page.text, re.DOTALL)
    assert shown
    assert text_of(shown[1]).replace(" ", "").lower() == facts.ca_sha256
    assert facts.sha256.upper()[:4] + " " + facts.sha256.upper()[4:8] not in page.text
    assert page.text.count('class="trust-device"') == len(HINTS)
    assert page.text.count(" open>") == 1


def test_the_steps_of_the_device_at_hand_are_open_and_first(browser: Browser, facts: CertificateFacts) -> None:
    """An iPad that says it is a Mac sees both, iPad first."""
    page = browser.get("/certificate", headers={"User-Agent": IPAD}).text
    titles = re.findall(r'<details class="trust-device"( open)?>\s*<summary>([^<]+)', page)
    assert [(title.strip(), bool(opened)) for opened, title in titles][:3] == [
        ("iPhone and iPad", True), ("macOS", True), ("Windows", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "media", "shown_as"),
    [
        ("exambox-ca.pem", "application/x-pem-file", "attachment"),
        ("exambox-ca.crt", "application/x-x509-ca-cert", "attachment"),
        ("exambox-ca.mobileconfig", "application/x-apple-aspen-config", "inline"),
    ],
)
def test_each_file_comes_as_devices_take_it(
    browser: Browser, facts: CertificateFacts, name: str, media: str, shown_as: str
) -> None:
    """Media type and disposition are what each system installs from; nothing private is in any."""
    answer = browser.get(f"/certificate/{name}")
    assert answer.status_code == 200
    assert answer.content_type == media
    assert answer.headers["Content-Disposition"] == f'{shown_as}; filename="{name}"'
    assert b"PRIVATE" not in answer.data
    if name.endswith(".crt"):
        assert x509.load_der_x509_certificate(answer.data).fingerprint(hashes.SHA256()).hex() == facts.ca_sha256


@pytest.mark.parametrize("name", ["ca.key", "server.pem", "server.key", "..%2fca.key", "exambox-ca.p12", "%2e%2e"])
def test_no_other_file_is_given(browser: Browser, facts: CertificateFacts, name: str) -> None:
    """Only the three forms of the authority's certificate."""
    assert browser.get(f"/certificate/{name}").status_code == 404


def test_a_box_without_a_certificate_says_so(browser: Browser) -> None:
    """There is nothing to install and nothing to download."""
    page = browser.get("/certificate")
    assert page.status_code == 200
    assert "has no certificate" in page.text
    assert "trust-device" not in page.text
    missing = browser.get("/certificate/exambox-ca.pem")
    assert missing.status_code == 404
    assert "exambox certs create" in missing.text


def test_with_the_centres_own_certificate_nothing_is_to_be_installed(
    browser: Browser, settings: Settings, facts: CertificateFacts
) -> None:
    """People are sent to IT staff, not taught to install the box's authority."""
    theirs = centre()
    files = odd(theirs, [x509.SubjectAlternativeName([x509.DNSName("room-1.example")])])
    CertificateStore(settings.tls_dir).use_own(files.certificate, files.key, dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    page = browser.get("/certificate").text
    assert "a certificate of the centre" in page
    assert "trust-device" not in page


@pytest.mark.parametrize(
    ("trial", "to_do", "other"),
    [(True, "make run ARGS=--lan", "exambox certs create"), (False, "exambox certs create", "make run")],
)
def test_it_says_how_this_box_comes_onto_the_network(
    person: Callable[[str], Browser], app: Flask, trial: bool, to_do: str, other: str
) -> None:  # fmt: skip
    """A trial box is started anew with its own command; a provisioned one gets a certificate at the console."""
    box = of(app)
    settings = msgspec.structs.replace(box.settings, box=msgspec.structs.replace(box.settings.box, trial=trial))
    object.__setattr__(box, "settings", settings)
    page = person("administrator").get("/admin/certificates").text
    assert to_do in page
    assert other not in page


@pytest.mark.parametrize("role", ["administrator", "centre_manager", "auditor"])
def test_who_looks_after_the_box_sees_its_certificate(
    person: Callable[[str], Browser], facts: CertificateFacts, role: str
) -> None:
    """Names, both fingerprints, how long, and what is done at the console."""
    page = text_of(person(role).get("/admin/certificates").text)
    assert "10.0.0.7" in page
    for fingerprint in (facts.sha256, facts.ca_sha256 or ""):
        assert fingerprint.upper() in page.replace(" ", "")
    assert "397 days" in page
    assert "exambox certs renew" in page
    assert "not offered on the network" in page


@pytest.mark.parametrize(("days", "kind"), [(0, "good"), (370, "warn"), (400, "bad")])
def test_a_certificate_that_ends_is_conspicuous(
    person: Callable[[str], Browser], facts: CertificateFacts, clock: ManualClock, days: int, kind: str
) -> None:
    """Green, amber with less than thirty days, red when it has ended."""
    clock.advance(days * 86400)
    page = person("administrator").get("/admin/certificates").text
    assert f"stat-{kind}" in page
    assert ("ended" in text_of(page)) is (kind == "bad")


def test_without_a_certificate_the_command_is_given(person: Callable[[str], Browser]) -> None:
    """An administrator sees what to do; nobody is heard where the box does not take part."""
    page = text_of(person("administrator").get("/admin/certificates").text)
    assert "make run ARGS=--lan" in page
    assert "does not take part" in page


def test_neighbours_are_listed_as_what_they_are(
    person: Callable[[str], Browser], facts: CertificateFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are text, addresses links that tell nothing of us; this box is marked; nothing is claimed to be proved."""
    own = (facts.ca_sha256 or "")[:16]
    heard = [
        Neighbour("Hall <script>", "https://hall.local:8443/", "0.2.0", "a1b2", own),
        Neighbour("Gym", "https://10.0.0.9:8443/", "", "", ""),
    ]
    monkeypatch.setattr(views, "neighbours", lambda: heard)
    page = person("administrator").get("/admin/certificates").text
    assert "Hall &lt;script&gt;" in page
    assert "<script>" not in page.split("<main", 1)[1]
    assert page.count("this box</span>") == 1
    assert '<a href="https://10.0.0.9:8443/" rel="noreferrer">' in page
    assert "is not proved" in page


def test_names_the_box_answers_to_follow_its_certificate(app: Flask, settings: Settings, clock: ManualClock) -> None:
    """Those of the settings always, those of the certificate as soon as it is there, and of the renewed one at once."""
    box = of(app)
    wished = msgspec.structs.replace(settings, web=WebSettings(names=("Hall.Example", "FD00:0::9")))
    object.__setattr__(box, "settings", wished)
    assert box.box_names() == {"hall.example", "fd00::9"}
    now = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC)
    store = CertificateStore(settings.tls_dir)
    store.create("Room", names_of(["room-1.local"]), now)
    assert "room-1.local" in box.box_names()
    store.renew(names_of(["room-2.local"]), now)
    assert box.box_names() == {"hall.example", "fd00::9", "room-2.local"}
    store.certificate_file.write_bytes(b"rubbish")
    assert box.box_names() == {"hall.example", "fd00::9"}


@pytest.mark.parametrize(
    ("web", "announced"),
    [(WebSettings(), False), (WebSettings(lan=True, announce=False), False), (WebSettings(announce=True), False)],
)
def test_a_box_announces_itself_only_where_it_is_offered_and_wished(
    app: Flask, settings: Settings, web: WebSettings, announced: bool
) -> None:
    """Not on this machine alone, not where it is switched off."""
    object.__setattr__(of(app), "settings", msgspec.structs.replace(settings, web=web))
    runner.start(app)
    assert runner.is_announced(app) is announced
    runner.stop(app)


def test_a_box_without_an_id_is_not_announced(app: Flask, settings: Settings) -> None:
    """Before its keys are made there is nothing to announce, and the dashboard goes on."""
    object.__setattr__(of(app), "settings", msgspec.structs.replace(settings, web=WebSettings(lan=True)))
    runner.start(app)
    assert not runner.is_announced(app)


@pytest.mark.parametrize(
    ("address", "told"), [("127.0.0.20", ["127.0.0.20"]), ("0.0.0.0", ["10.1.1.1"]), ("", ["10.1.1.1"]), ("::", ["10.1.1.1"])]  # noqa: E501, S104
)  # fmt: skip
def test_only_addresses_that_are_served_are_announced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str, told: list[str]
) -> None:
    """The one address that is set, else all of the machine's; "all" is no address."""
    monkeypatch.setattr(runner, "local_addresses", lambda: ["10.1.1.1"])
    wished = msgspec.structs.replace(settings, web=WebSettings(lan=True, lan_address=address))
    assert runner._addresses(wished) == told


def test_what_is_announced_is_of_the_box_itself(app: Flask, facts: CertificateFacts) -> None:
    """Room, id, port, and the authority whose certificate it shows."""
    told = runner._told(of(app), "a1b2c3")
    assert (told.room, told.box, told.port, told.fingerprint) == ("Exam room", "a1b2c3", 8443, facts.ca_sha256)
