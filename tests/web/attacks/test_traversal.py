"""Paths that try to leave where they belong, in every variable part of every address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.web.app import create_app
from appliance.web.services import of
from tests.web.gate_table import VALUES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.web.attacks.conftest import Server, Visitor

STEPS = (
    "..", "../", "../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "..%252f..%252f..%252fetc%252fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "%2e%2e%2f%2e%2e%2fkeys%2fdevice.key",
    "..\\..\\..\\etc\\passwd", "..%5c..%5c..%5cetc%5cpasswd", "%c0%ae%c0%ae%2fetc%2fpasswd", "..%00/etc/passwd",
    "front%00", "%00", "/etc/passwd", "%2fetc%2fpasswd", "....//....//etc/passwd", "..;/..;/etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd", "~root", "%ff%fe", ".", "x" * 300, "%2e", "exam%2f..%2fexam", "CON", "a%0ab",
    "../db/exambox.db", "..%2fdb%2fexambox.db", "..%2f..%2ftls%2fserver.key", "%252e%252e%252fkeys%252freview.key",
)  # fmt: skip
SECRETS = (b"root:x:", b"SQLite format 3", b"PRIVATE KEY", b"[Unit]")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every address with one variable part as ``{}`` and the others filled in; its methods tell GET or POST."""
    app = create_app(Settings(paths=PathSettings(state=str(tmp_path_factory.mktemp("routes")))), SystemClock())
    found = []
    for rule in app.url_map.iter_rules():
        for wanted in sorted(rule.arguments):
            path = re.sub(
                r"<(?:[^:>]+:)?([^>]+)>",
                lambda part, wanted=wanted: "{}" if part[1] == wanted else quote(str(VALUES[part[1]])),  # type: ignore[misc]
                rule.rule,
            )
            found.append((path, "GET" if "GET" in (rule.methods or ()) else "POST"))
    of(app).jobs.close()
    of(app).keeper.conn.close()
    return found


def attempts(addresses: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield every path and method to try."""
    for path, method in addresses:
        for step in STEPS:
            yield path.replace("{}", step), method


@pytest.mark.timeout(300)
def test_no_variable_part_leads_out(server: Server, addresses: list[tuple[str, str]], tmp_path: Path) -> None:
    """As an administrator, who may most: nothing of the box's files comes back, and nothing falls over."""
    visitor = server.visitor("administrator")
    headers = {"X-CSRFToken": visitor.token(), "Accept": "application/json"}
    assert len(addresses) > 20
    for path, method in attempts(addresses):
        answer = tried(visitor, path, method, headers)
        assert answer[0] < 500 or answer[0] == 503, (path, method, answer)
        assert not any(secret in answer[1] for secret in SECRETS), (path, method)


def tried(visitor: Visitor, path: str, method: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Ask and return status and body."""
    answer = visitor.ask(path, method, headers=headers, body=b"" if method == "POST" else None)
    return answer.status, answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../../etc/passwd", "/static/%2e%2e/%2e%2e/app.py", "/static/..%2fapp.py", "/static/../app.py",
        "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/review/..%2f..%2fapp.py", "/static/", "/static",
        "/static/.git/config", "/.git/config", "/.env", "/static/exambox.css/..", "/../../etc/passwd", "//etc/passwd",
        "/static/..\\app.py", "/static/exambox.css%00.html", "/words/de-..%2f..%2fapp.py-x.js",
        "/certificate/..%2fserver.key", "/certificate/ca.key", "/certificate/server.key", "/exports/", "/vault/",
        "/db/exambox.db", "/web/form.key",
    ],
)  # fmt: skip
def test_no_file_beside_those_of_the_pages_is_served(server: Server, path: str) -> None:
    """Sources, keys, databases and folders are no addresses, for nobody and for an administrator."""
    for visitor in (server.visitor(), server.visitor("administrator")):
        answer = visitor.ask(path)
        assert answer.status in {302, 400, 404, 405, 308}, answer.status
        assert not any(secret in answer.body for secret in (*SECRETS, b"import annotations"))
