"""Another site's page in a real Chromium while a person is signed in at the box: it reads and does nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browsers import quiet_chromium
from tests.web.attacks.conftest import status_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.web.attacks.conftest import Server

pytestmark = pytest.mark.browser

TARGETS = (
    "/account", "/api/status", "/live/front/stream", "/live/front/snapshot", "/api/events", "/api/live",
    "/recordings/exam",
    "/api/recordings/exam", "/static/exambox.css", "/static/api.js", "/api/openapi.json", "/metrics", "/healthz",
)  # fmt: skip
# What a page can try: each yields what it could read, or null.
TRIES = """async ([box, path]) => {
  const address = box + path;
  const outcome = {};
  const ways = {
    cors: { credentials: 'include' },
    html: { credentials: 'include', headers: { Accept: 'text/html' } },
    opaque: { credentials: 'include', mode: 'no-cors' },
    post: { method: 'POST', credentials: 'include', mode: 'no-cors', body: new URLSearchParams({ csrf_token: 'x' }) },
    json: { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body: '{}' },
    beacon: null,
  };
  for (const [name, options] of Object.entries(ways)) {
    try {
      if (options) outcome[name] = (await (await fetch(address, options)).text()) || null;
      else outcome[name] = (navigator.sendBeacon(address, 'x'), null);
    } catch { outcome[name] = null; }
  }
  const loaded = (element, set) => new Promise((done) => {
    element.onload = element.onloadedmetadata = () => done('loaded');
    element.onerror = () => done(null);
    set(element);
    document.body.append(element);
    setTimeout(() => done(null), 400);
  });
  outcome.img = await loaded(document.createElement('img'), (e) => { e.src = address; });
  outcome.video = await loaded(document.createElement('video'), (e) => { e.src = address; });
  outcome.script = await loaded(document.createElement('script'), (e) => { e.src = address; });
  outcome.style = await loaded(document.createElement('link'), (e) => { e.rel = 'stylesheet'; e.href = address; });
  outcome.object = await loaded(document.createElement('object'), (e) => { e.data = address; });
  const frame = document.createElement('iframe');
  await loaded(frame, (e) => { e.src = address; });
  try { outcome.frame = frame.contentDocument?.body?.innerText || null; } catch { outcome.frame = null; }
  outcome.framed = frame.contentWindow?.length ? 'inner frames' : null;
  outcome.events = await new Promise((done) => {
    const source = new EventSource(address, { withCredentials: true });
    source.onmessage = (event) => done(event.data);
    source.onopen = () => done('open');
    source.onerror = () => { source.close(); done(null); };
    setTimeout(() => { source.close(); done(null); }, 400);
  });
  outcome.socket = await new Promise((done) => {
    const socket = new WebSocket(address.replace('http', 'ws'));
    socket.onopen = () => done('open');
    socket.onerror = () => done(null);
    setTimeout(() => done(null), 400);
  });
  return outcome;
}"""


class Evil(BaseHTTPRequestHandler):
    """A page at another port of the same host (same site) and of another name (another site)."""

    def do_GET(self) -> None:
        """Give an empty page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body></body>")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def evil() -> Iterator[int]:
    """The port another page is served at."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def signed_in(page: Page, server: Server, role: str = "administrator") -> str:
    """Give the browser a session and return the box's address."""
    box = f"http://localhost:{server.http}"
    page.context.add_cookies(
        [{"name": "exambox_session", "value": server.session(role), "url": box, "httpOnly": True, "sameSite": "Strict"}]
    )
    page.goto(box + "/account")
    assert page.title().startswith("Your account")
    return box


@pytest.mark.timeout(180)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["same site, other port", "another site"])
def test_another_page_gets_nothing(server: Server, evil: int, tmp_path: Any, host: str) -> None:
    """No fetch, picture, video, script, style, frame, event source or socket of it succeeds; nothing is changed."""
    with quiet_chromium() as page:
        box = signed_in(page, server)
        sessions_before = server.visitor("administrator").ask("/account").body.count(b"/account/sessions/")
        own = page.evaluate("async () => (await fetch('/account', { headers: { Accept: 'text/html' } })).text()")
        assert "Your account" in own, "the box's own pages do get it"
        page.goto(f"http://{host}:{evil}/")
        for path in TARGETS:
            outcome = page.evaluate(TRIES, [box, path])
            assert {name: told for name, told in outcome.items() if told} == {}, path
        page.goto(f"http://{host}:{evil}/")
        page.evaluate(
            """([box]) => { const form = document.createElement('form'); form.method = 'POST';
              form.action = box + '/account/sessions/end-others'; document.body.append(form); form.submit(); }""",
            [box],
        )
        page.wait_for_url(f"{box}/**")
        assert page.locator("h1, h2").first.inner_text() != "Your account"
        page.goto(box + "/account")
        assert page.title().startswith("Your account"), "the person is still signed in"
        left = server.visitor("administrator").ask("/account").body.count(b"/account/sessions/")
        assert left >= sessions_before
    assert status_lines(server.exchange(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")) == [
        200
    ]


def test_a_script_cannot_take_the_cookies(server: Server, tmp_path: Any) -> None:
    """What scripts see of cookies is empty, on every kind of page, also where one signs in."""
    with quiet_chromium() as page:
        box = f"http://localhost:{server.http}"
        page.goto(box + "/sign-in")
        assert page.evaluate("document.cookie") == ""
        page.get_by_label("Name").fill("Centre Manager")
        page.get_by_label("Password", exact=True).fill("Quiet-Room-42!")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/live")
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate("async () => (await globalThis.cookieStore?.getAll())?.length ?? 0") == 0
        assert {cookie["name"] for cookie in page.context.cookies()} >= {"exambox_session"}
        assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in page.context.cookies())


def test_no_text_becomes_code(server: Server, tmp_path: Any) -> None:
    """Even a script of the page itself cannot make markup or code from text, or load from elsewhere."""
    tried = """async (box) => {
      const worked = [];
      const attempt = (name, what) => { try { what(); worked.push(name); } catch { /* refused */ } };
      attempt('innerHTML', () => { document.body.innerHTML = '<img src=x onerror=alert(1)>'; });
      attempt('insertAdjacentHTML', () => document.body.insertAdjacentHTML('beforeend', '<b>x</b>'));
      attempt('write', () => document.write('<b>x</b>'));
      attempt('script', () => { document.createElement('script').text = 'globalThis.ran = 1'; });
      attempt('policy', () => trustedTypes.createPolicy('x', { createHTML: (text) => text }));
      const inline = document.createElement('div');
      inline.setAttribute('style', 'color: rgb(1, 2, 3)');
      document.body.append(inline);
      if (getComputedStyle(inline).color === 'rgb(1, 2, 3)') worked.push('inline style');
      try { await fetch('https://example.org/'); worked.push('fetch elsewhere'); } catch { /* refused */ }
      return worked;
    }"""
    with quiet_chromium() as page:
        box = signed_in(page, server)
        assert page.evaluate(tried, box) == []
        assert page.evaluate("globalThis.ran ?? null") is None


def test_nothing_is_shown_after_signing_out(server: Server, tmp_path: Any) -> None:
    """Back does not bring a signed-in page back, neither from memory nor from the cache."""
    with quiet_chromium() as page:
        box = signed_in(page, server)
        page.goto(box + "/admin/users")
        assert "Centre Manager" in page.content()
        page.goto(box + "/account")
        page.evaluate("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()")
        page.wait_for_url("**/sign-in*")
        for _ in range(2):
            page.go_back()
            page.wait_for_load_state()
            assert "Centre Manager" not in page.content()
            assert page.url.startswith((box + "/sign-in", "about:blank"))
