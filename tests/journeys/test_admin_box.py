"""Keys, health and the support bundle in a real browser, over a whole running box."""

from __future__ import annotations

import io
import os
import re
import signal
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from appliance.vault.recipient_files import new_key_pair
from tests.journeys.conftest import Box, first_run
from tests.journeys.watched import sign_in
from tests.support.browsers import chromium
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SUITE = "MLKEM768-X25519"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One box for all of this module's journeys, with an administrator; each leaves it as it found it."""
    box = Box(tmp_path_factory.mktemp("admin-box"))
    try:
        with chromium() as page:
            first_run(page, box)
            page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
        yield box
    finally:
        box.stop()


@pytest.fixture
def admin(box: Box) -> Iterator[Page]:
    """An administrator's browser; a camera is live."""
    with chromium() as page:
        sign_in(page, box.address)
        page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
        yield page


def _process(box: Box, name: str) -> int:
    """Return the number of one of the box's processes."""

    def found() -> int | None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    environ = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if words[-2:-1] == [name.encode()] and str(box.state).encode() in environ:
                    return int(entry.name)
        return None

    return until(found, 10, f"the process {name}")


@pytest.mark.long
def test_the_health_page_follows_what_happens(admin: Page, box: Box) -> None:
    """Capture is stopped: within seconds, untouched, the open page says so and what to do; then that it is back."""
    admin.goto(f"{box.address}/admin/health")
    expect(admin.locator(".verdict")).to_be_visible()
    expect(admin.locator(".verdict-when")).to_contain_text("Database and log:", timeout=30_000)
    capture = _process(box, "capture")
    os.kill(capture, signal.SIGSTOP)
    try:
        expect(admin.locator(".verdict")).to_have_class(re.compile("verdict-bad"), timeout=60_000)
        expect(admin.locator(".findings")).to_contain_text("Recording process")
    finally:
        os.kill(capture, signal.SIGCONT)
    expect(admin.locator(".findings .finding-bad")).to_have_count(0, timeout=60_000)
    expect(admin.locator(".changes")).to_contain_text("Recording process")


def test_a_private_key_file_never_leaves_the_browser(admin: Page, box: Box, tmp_path: Path) -> None:
    """It is refused before it is sent; the public one is checked, and the page gives the command."""
    pair = new_key_pair(tmp_path, "Frau Müller", SUITE)
    sent: list[str] = []
    admin.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    admin.goto(f"{box.address}/admin/keys")
    button = admin.get_by_role("button", name="Check the file")
    admin.get_by_label("Public key file").set_input_files(pair.private_file)
    expect(admin.locator("[data-key-file-problem]")).to_contain_text("was not sent")
    expect(button).to_be_disabled()
    assert not [url for url in sent if "/admin/keys" in url]
    admin.get_by_label("Public key file").set_input_files(pair.public_file)
    button.click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("The file is a usable public key")
    command = "exambox keys recipients add --role auditor --label 'Frau Müller' frau-muller.public.json"
    expect(admin.locator(".command code")).to_have_text(command)


def test_lock_and_unlock_from_the_keys_page(admin: Page, box: Box) -> None:
    """Locking asks first; the page shows how it stands, and who did it stands in the last uses."""
    admin.goto(f"{box.address}/admin/keys")
    admin.get_by_role("button", name="Lock now").click()
    admin.get_by_role("dialog").get_by_role("button", name="Lock now").click()
    expect(admin.locator("#review-key")).to_contain_text("The review key is locked")
    admin.get_by_role("button", name="Unlock").click()
    expect(admin.locator("#review-key")).to_contain_text("The review key is unlocked")
    expect(admin.locator(".card", has=admin.locator("#uses"))).to_contain_text("Ada")


def test_a_bundle_is_made_looked_at_and_taken(admin: Page, box: Box) -> None:
    """With progress and without a reload by hand; what was looked at is what is in the zip."""
    admin.goto(f"{box.address}/admin/support")
    admin.get_by_role("button", name="Make a bundle").click()
    admin.get_by_role("link", name="cameras.json").click(timeout=30_000)
    shown = admin.locator(".preview code").inner_text()
    assert '"camera": "camera 1"' in shown
    admin.get_by_role("link", name="Back to the files").click()
    with admin.expect_download() as waiting:
        admin.get_by_role("link", name="Download").click()
    raw = Path(waiting.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        assert packed.read("exambox-support/cameras.json").decode().strip() == shown.strip()
        everything = b"".join(packed.read(name) for name in packed.namelist())
    for personal in (b"Ada", b"test-picture", str(box.state).encode()):
        assert personal not in everything
