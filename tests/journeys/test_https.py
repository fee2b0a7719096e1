"""The box on its network, in a Chromium that trusts it as the box's own page says: all that it does is encrypted."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import plistlib
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.certificates.hints import HINTS
from appliance.certificates.store import CertificateStore
from tests.journeys.conftest import PASSWORD, Box
from tests.journeys.for_everybody import faults_of
from tests.journeys.test_first_page import assert_live_and_sealed
from tests.support.browsers import CHROMIUM, CHROMIUM_ARGUMENTS, DESKTOP, TABLET, is_fault
from tests.support.waiting import until
from tests.web.attacks.conftest import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Page, Playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LAN = "127.0.0.20"
"""Stands for the box's address on its network: loopback as well, but not where plain HTTP is."""
NAME = "exambox-hall.local"
ROOM = "Hall & <2>"


@pytest.fixture
def port() -> int:
    """The port HTTPS is offered at."""
    return free_port()


@pytest.fixture
def box_settings(port: int) -> Mapping[str, str]:
    """A box on its network, with a name of its own; its neighbours are heard on loopback."""
    return {
        "EXAMBOX_WEB__LAN": "true", "EXAMBOX_WEB__LAN_ADDRESS": LAN, "EXAMBOX_WEB__HTTPS_PORT": str(port),
        "EXAMBOX_WEB__NAMES": f'["{NAME}"]', "EXAMBOX_BOX__ROOM": ROOM,
    }  # fmt: skip


@contextmanager
def device(home: Path, driver: Playwright, *, trusts: Path | None = None, screen: tuple[int, int] = DESKTOP) -> Iterator[Page]:  # fmt: skip  # noqa: E501
    """Open a Chromium of somebody's own account, which trusts an authority as the hints for Linux say."""
    home.mkdir(exist_ok=True)
    if trusts is not None:
        if shutil.which("certutil") is None:
            pytest.skip("there is no certutil; install Debian's package libnss3-tools")
        store = home / ".local/share/pki/nssdb"
        store.mkdir(parents=True)
        subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True)
        (line,) = (line for hint in HINTS for line in hint.staff if "-A -t C,," in line)
        (home / "exambox-ca.pem").write_bytes(trusts.read_bytes())
        command = line.partition(": ")[2]
        subprocess.run(["sh", "-ec", command], check=True, cwd=home, env={**os.environ, "HOME": str(home)})
    faults: list[str] = []
    context = driver.chromium.launch_persistent_context(
        str(home / "profile"), executable_path=CHROMIUM, env={**os.environ, "HOME": str(home)},
        args=[*CHROMIUM_ARGUMENTS, f"--host-resolver-rules=MAP {NAME} {LAN}"],
        viewport={"width": screen[0], "height": screen[1]}, accept_downloads=True,
    )  # fmt: skip
    page = context.pages[0]
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    try:
        yield page
    finally:
        context.close()
    assert faults == []


def sign_up(page: Page, box: Box, origin: str) -> None:
    """Make the first account over the network."""
    one_time = box.one_time_password()
    page.goto(origin)
    page.get_by_label("One-time password").fill(one_time)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/live")


def test_a_device_that_trusts_the_box_works_with_it_over_the_network(
    box: Box, port: int, tmp_path: Path, driver: Playwright
) -> None:
    """Signed in without a warning, live pictures, guarded cookies, the certificate on its page; a stop ends streams."""
    said = box.one_time_password() and box.output.read_text(encoding="utf-8")
    assert f"https://{NAME}:{port}/" in said
    origin = f"https://{NAME}:{port}"
    with device(tmp_path / "ada", driver, trusts=CertificateStore(box.state / "tls").ca_file, screen=TABLET) as page:
        sign_up(page, box, origin)
        assert page.evaluate("() => isSecureContext && location.protocol") == "https:"
        assert_live_and_sealed(page)
        cookies = page.context.cookies(origin)
        assert cookies
        for cookie in cookies:
            # Language, light or dark are nothing about a person and are read by no script either.
            assert cookie["secure"], cookie
            assert cookie["httpOnly"], cookie
            assert cookie["sameSite"] in {"Strict", "Lax"}, cookie
        assert page.evaluate("() => document.cookie") == ""

        page.goto(f"{origin}/admin/certificates")
        shown = page.locator("main").inner_text()
        assert f"port {port}" in shown
        assert NAME in shown
        until(lambda: _neighbour_is_shown(page), 20, "the box itself among its neighbours")

        page.goto(f"{origin}/live")
        assert_live_and_sealed(page)
        began = time.monotonic()
        box.stop()
        assert time.monotonic() - began < 20
        page.goto("about:blank")


def _neighbour_is_shown(page: Page) -> bool:
    page.reload()
    return page.locator("table.list .tag", has_text="this box").count() == 1


def test_a_device_that_does_not_trust_it_is_warned_and_finds_out_how(
    box: Box, port: int, tmp_path: Path, driver: Playwright
) -> None:
    """Chromium stops at a warning; the page for devices gives steps, and the authority in each form."""
    from playwright.sync_api import Error

    box.one_time_password()
    store = CertificateStore(box.state / "tls")
    origin = f"https://{NAME}:{port}"
    with device(tmp_path / "eve", driver) as page, pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(origin)
    with device(tmp_path / "bob", driver, trusts=store.ca_file) as page:
        page.goto(f"{origin}/certificate")
        facts = store.facts()
        assert page.locator(".trust-print").inner_text().split() == [
            facts.ca_sha256.upper()[at : at + 4]
            for at in range(0, 64, 4)  # type: ignore[union-attr]
        ]
        assert page.locator("details.trust-device[open]").count() == 1
        assert "Linux" in page.locator("details.trust-device[open] summary").first.inner_text()
        assert page.locator("details.trust-device").count() == len(HINTS)
        for form, read in FORMS.items():
            data = bytes(page.evaluate(FETCHED, f"{origin}/certificate/{form}"))
            assert read(data).fingerprint(hashes.SHA256()).hex() == facts.ca_sha256
        with page.expect_download() as waiting:
            page.locator("details.trust-device[open] a[download]").click()
        saved = waiting.value.path().read_bytes()
        assert saved == store.ca_file.read_bytes()
        assert hashlib.sha256(saved).hexdigest() != facts.ca_sha256
        assert faults_of(page, "certificate-on-the-network") == []


FETCHED = "async address => Array.from(new Uint8Array(await (await fetch(address)).arrayBuffer()))"
FORMS = {
    "exambox-ca.pem": x509.load_pem_x509_certificate,
    "exambox-ca.crt": x509.load_der_x509_certificate,
    "exambox-ca.mobileconfig": lambda data: x509.load_der_x509_certificate(
        plistlib.loads(data)["PayloadContent"][0]["PayloadContent"]
    ),
}


def test_plain_http_is_refused_on_the_network(box: Box, port: int, tmp_path: Path, driver: Playwright) -> None:
    """Nobody listens at the plain port; http:// at the encrypted one says what to do; a renewal is used at once."""
    box.one_time_password()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LAN, box.port), timeout=5)
    with device(tmp_path / "bob", driver, trusts=CertificateStore(box.state / "tls").ca_file) as page:
        answer = page.goto(f"http://{NAME}:{port}/")
        assert answer is not None
        assert answer.status == 400
        assert "put https:// in front" in page.locator("body").inner_text()
        page.goto(f"https://{NAME}:{port}/certificate")
        store = CertificateStore(box.state / "tls")
        store.renew(store.facts().names, dt.datetime.now(dt.UTC))
        page.goto(f"https://{NAME}:{port}/sign-in")
        assert page.get_by_role("heading").first.is_visible()
    shown = _served(port)
    assert shown.fingerprint(hashes.SHA256()).hex() == store.facts().sha256


def _served(port: int) -> x509.Certificate:
    with socket.create_connection((LAN, port), timeout=10) as made:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(made) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
