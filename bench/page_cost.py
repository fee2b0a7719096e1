"""What a page weighs and how soon it shows something, in headless Chromium with nothing kept from before."""

from __future__ import annotations

import functools
import http.server
import statistics
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE
from bench.rig import CLOCK, BenchBox, Farm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
# What a page is made of; pictures and sound of cameras are the room's, not the page's.
COUNTED = frozenset({"Document", "Stylesheet", "Script", "Image", "Font"})
NOT_THE_PAGE = ("/live/", "/api/", "/thumbnail", "/snapshot")
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
PERCENTILE = 95
PEER_PAGE = "<!doctype html><title>Peer</title><link rel=stylesheet href=peer.css><h1>Words</h1>"


def measure(farm: Farm, folder: Path, *, runs: int) -> dict[str, Any]:
    """Open every main page of a box that records, each time in a browser that has never seen it."""
    from playwright.sync_api import sync_playwright

    box = BenchBox(folder / "pages", farm.addresses)
    sitting = box.record()
    box.start("capture", "keyring", "web")
    try:
        box.wait_sealing(3)
        token = _token(box)
        address = f"http://127.0.0.1:{box.settings.web.port}"
        paths = ("/live", "/recordings", f"/recordings/{sitting}", "/admin", "/admin/cameras", "/admin/health", "/help")
        with sync_playwright() as playwright, _peer(folder / "peer-page") as peer_address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            weights: dict[str, int] = {}
            paints: list[float] = []
            peer_paints: list[float] = []
            for _ in range(runs):
                for path in paths:
                    weight, paint = _open(browser, address + path, token)
                    weights[path.replace(sitting, "…")] = weight
                    paints += [paint] if paint is not None else []
                    _, peer_paint = _open(browser, peer_address, "")
                    peer_paints += [peer_paint] if peer_paint is not None else []
            browser.close()
    finally:
        box.stop()
    heaviest = max(weights, key=lambda path: weights[path])
    return {
        "page_weight_kb": {
            "value": round(weights[heaviest] / 1000, 1),
            "goal": 300,
            "what": f"received for the heaviest page ({heaviest}), nothing kept: page, styles, scripts, icons",
            "runs": {path: round(weight / 1000, 1) for path, weight in sorted(weights.items())},
        },
        "first_paint_ms_p95": {
            "value": round(percentile(paints), 1),
            "goal": None,
            "what": "first contentful paint after navigation, nothing kept, while 4 cameras record",
            "peer": "a page of one line and one style sheet from Python's http.server",
            "peer_value": round(percentile(peer_paints), 1),
            "median": round(statistics.median(paints), 1),
            "loads": len(paints),
        },
    }


def percentile(values: list[float], percent: int = PERCENTILE) -> float:
    """Return the smallest value that so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _token(box: BenchBox) -> str:
    account = create_account(box.db, "pages", "administrator", "Quokka-7-violin!stove", clock=CLOCK, who="bench")
    return open_session(box.db, account.id, address="127.0.0.1", clock=CLOCK)


def _open(browser: Browser, address: str, token: str) -> tuple[int, float | None]:
    """Return the bytes received for the page and its first contentful paint in milliseconds."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        if token:
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
        page = context.new_page()
        network = context.new_cdp_session(page)
        kinds: dict[str, str] = {}
        received: dict[str, int] = {}
        network.on("Network.responseReceived", lambda event: _note(event, kinds))
        network.on(
            "Network.loadingFinished",
            lambda event: received.update({event["requestId"]: int(event["encodedDataLength"])}),
        )
        network.send("Network.enable")
        answer = page.goto(address, wait_until="load")
        if answer is None or not answer.ok:
            raise SystemExit(f"bench: {address} answered {answer and answer.status}")
        page.wait_for_function(f"() => ({PAINT})() !== null", timeout=10_000)
        return sum(size for request, size in received.items() if request in kinds), page.evaluate(PAINT)
    finally:
        context.close()


def _note(event: dict[str, Any], kinds: dict[str, str]) -> None:
    url = event["response"]["url"]
    if event["type"] in COUNTED and not any(part in url for part in NOT_THE_PAGE):
        kinds[event["requestId"]] = event["type"]


@contextmanager
def _peer(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PEER_PAGE, "utf-8")
    (folder / "peer.css").write_text("h1 { color: teal }", "utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        """Says nothing about each request."""

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
