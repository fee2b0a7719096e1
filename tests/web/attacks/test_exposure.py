"""What every answer carries so that a browser keeps others out, and what none of them tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.web.api.paths import is_machines
from appliance.web.app import create_app
from appliance.web.services import of
from tests.web.gate_world import Route, routes

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Answer, Server

ENDLESS = ("/stream", "/events")
# Where another site's page may lead a frame: what it is answered hangs on a token or on whose frame it is
# (tests/web/candidate, tests/web/review/test_archive.py), and without one it is a refusal or a page that says nothing.
SAID_TO_ALL = {"/api/v2/openapi.json", "/seat/v1/anchor"}
"""What machines are told without a token: a description, and a certificate that every TLS handshake shows."""
LED_HERE = {"candidate.start", "candidate.finish_by_link", "review.archive"}
TOLD_NOWHERE = (b"Traceback", b"werkzeug", b"gunicorn", b"sqlite3", b"/site-packages/", b"appliance/web", b"Python/")


@pytest.fixture(scope="module")
def all_routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    """Every address of the dashboard."""
    app = create_app(Settings(paths=PathSettings(state=str(tmp_path_factory.mktemp("routes")))), SystemClock())
    found = routes(app)
    of(app).jobs.close()
    of(app).keeper.conn.close()
    return found


def faults(answer: Answer) -> list[str]:
    """Return what an answer lacks or tells too much of."""
    policy = answer.header("content-security-policy")
    wanted = (
        "default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'",
        "script-src 'self'", "require-trusted-types-for 'script'",
    )  # fmt: skip
    found = [f"policy lacks {part}" for part in wanted if part not in policy]
    found += ["unsafe policy"] if "unsafe" in policy or "*" in policy or "data:" in policy else []
    for name, value in (
        ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"), ("cross-origin-opener-policy", "same-origin"),
    ):  # fmt: skip
        found += [f"{name} is missing"] if answer.header(name) != value else []
    found += ["others may read it"] if answer.header("access-control-allow-origin") else []
    found += ["the server's name"] if answer.header("server") or answer.header("x-powered-by") else []
    found += ["no type"] if answer.body and not answer.header("content-type") else []
    for cookie in answer.all("set-cookie"):
        lacking = [mark for mark in ("HttpOnly", "SameSite=Strict", "Path=/") if mark not in cookie]
        found += [f"cookie lacks {mark}: {cookie[:40]}" for mark in lacking]
    found += [f"tells {word!r}" for word in TOLD_NOWHERE if word in answer.body]
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("role", ["", "administrator", "auditor"])
def test_every_answer_is_guarded(server: Server, all_routes: list[Route], role: str) -> None:
    """Pages, refusals, files and JSON alike: the policy, no sniffing, no frames, no readers of other origins."""
    visitor = server.visitor(role)
    for route in all_routes:
        if route.path.endswith(ENDLESS) and role == "administrator":
            continue
        for accept in ("text/html", "application/json"):
            answer = visitor.ask(route.path, headers={"Accept": accept})
            assert faults(answer) == [], (route.path, accept)
            kept = answer.header("cache-control")
            if not route.is_file and role:
                assert "no-store" in kept or kept.startswith(("private", "public")), (route.path, kept)
            if answer.header("content-type").startswith("text/html"):
                assert "charset=utf-8" in answer.header("content-type").lower()
                assert "no-store" in kept, route.path


@pytest.mark.timeout(180)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "fetch",
    [
        ("no-cors", "image", "image/*"),
        ("no-cors", "script", "*/*"),
        ("no-cors", "video", "*/*"),
        ("no-cors", "empty", "text/html"),
        ("cors", "empty", "text/html"),
        ("navigate", "iframe", "text/html"),
        ("navigate", "object", "text/html"),
        ("websocket", "empty", "*/*"),
    ],
    ids=lambda fetch: " ".join(fetch).replace("/", "-"),
)
def test_no_route_answers_another_sites_page(
    server: Server, all_routes: list[Route], site: str, fetch: tuple[str, str, str]
) -> None:
    """Embedded, framed or fetched by a page of another origin, every address refuses: only a link leads here.

    Addresses for machines ask for a token instead, and their answers are for no other page's scripts.
    """
    visitor = server.visitor("administrator")
    mode, dest, accept = fetch
    fetched = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Accept": accept}
    for route in all_routes:
        if "GET" not in route.takes or (dest == "iframe" and route.takes["GET"] in LED_HERE):
            continue
        answer = visitor.ask(route.path, headers=fetched)
        if is_machines(route.path):  # no browser's cookie counts there, and no answer is for another origin's scripts
            assert answer.status in ({200} if route.path in SAID_TO_ALL else {401, 404}), route.path
            assert not answer.header("access-control-allow-origin"), route.path
        else:
            assert answer.status == 403, route.path
    linked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    assert visitor.ask("/account", headers=linked).status == 200


def test_a_download_is_one(server: Server) -> None:
    """Files are offered to be kept under a name of ours, and are never shown as pages."""
    answer = server.visitor().ask("/certificate/exambox-ca.crt")
    if answer.status == 404:
        page = server.visitor().ask("/certificate").body.decode()
        path = page.split('href="/certificate/', 1)[1].split('"', 1)[0]
        answer = server.visitor().ask(f"/certificate/{path}")
    assert answer.status == 200
    assert answer.header("content-disposition").startswith("attachment; filename=")
    assert not answer.header("content-type").startswith("text/html")


def test_by_https_browsers_are_told_to_insist(server: Server) -> None:
    """Strict-Transport-Security on the network, with subdomains, and never longer than the certificate is good."""
    answer = server.visitor(secure=True).ask("/sign-in")
    told = answer.header("strict-transport-security")
    assert told.endswith("; includeSubDomains")
    assert 300 * 86400 < int(told.removeprefix("max-age=").partition(";")[0]) <= 366 * 86400
    assert server.visitor().ask("/sign-in").header("strict-transport-security") == ""
    local = {"Host": f"localhost:{server.https}"}
    assert server.visitor(secure=True).ask("/sign-in", headers=local).header("strict-transport-security") == ""


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PUT", "DELETE", "PATCH", "COPY", "PURGE"])
def test_other_methods_do_nothing(server: Server, method: str) -> None:
    """What browsers do not use is refused, and nothing of the request comes back."""
    answer = server.visitor("administrator").ask("/account", method, headers={"X-Secret": "echo-me"})
    assert answer.status in {400, 405, 501}
    assert b"echo-me" not in answer.body
