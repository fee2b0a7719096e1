"""Calls as shipped LMS plugins make them, over real HTTP to a real server, chunked bodies and all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest

from appliance.clock import SECOND_US, SystemClock
from appliance.config import PathSettings, Settings
from appliance.database import open_box_database
from appliance.web.main import answers
from tests.support.waiting import until
from tests.web.api.lms import EXAMPLE, EXAMS, NAME, Lms
from tests.web.attacks.conftest import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
AT_ONCE = 12


@pytest.fixture(scope="module")
def lms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lms]:
    """An LMS that is connected to the box of `port`."""
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(paths=PathSettings(state=str(folder / "state"), run=str(folder / "run")))
    clock, db = SystemClock(), open_box_database(settings.database)
    yield Lms.of(cast("Any", None), db, cast("Any", clock), settings)
    db.conn.close()


@pytest.fixture(scope="module")
def port(lms: Lms) -> Iterator[int]:
    """A port on loopback where a dashboard's process serves the box."""
    found = free_port()
    environ = {
        **os.environ, "EXAMBOX_PATHS__STATE": lms.settings.paths.state, "EXAMBOX_PATHS__RUN": lms.settings.paths.run,
        "EXAMBOX_WEB__PORT": str(found), "EXAMBOX_LOG__LEVEL": "error",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], cwd=ROOT, env=environ)
    try:
        until(lambda: answers("127.0.0.1", found, timeout=1), 30, "the dashboard")
        yield found
    finally:
        process.kill()
        process.wait(10)


def exchange(port: int, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Send bytes and return status, headers and JSON of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        data = b""
        while piece := connection.recv(65536):
            data += piece
    head, _, body = data.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, json.loads(body)


def request(port: int, method: str, path: str, token: str, body: bytes = b"", *more: str) -> bytes:
    """Return a request's bytes, the length stated."""
    head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: JWT {token}",
            f"Content-Length: {len(body)}", "Connection: close", *more]  # fmt: skip
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def moodle(lms: Lms, **claims: Any) -> str:
    """A token of a PHP plugin: +30 s, with iat."""
    now = lms.clock.wall_us() // SECOND_US
    return jwt.encode({"exp": now + 30, "iat": now} | claims, lms.secret, algorithm="HS256")


def open_edx(lms: Lms) -> str:
    """A token of a Python plugin: +300 s as a float, and claims of its own."""
    now = lms.clock.wall_us() / SECOND_US
    return jwt.encode({"exp": now + 300.5, "session_id": "x", "course_id": 7}, lms.secret, algorithm="HS256")


def test_a_php_plugins_exam(lms: Lms, port: int) -> None:
    """Ids as numbers, explicit nulls, an empty object as a list, offsets without colons, a form's kind, Expect."""
    exam = EXAMPLE | {
        "examId": 42, "accountId": 1, "userAgreementUrl": None, "courseName": None, "scoreConfig": [],
        "visibleWarnings": [], "identification": None, "startDate": "2026-11-20T08:00:00+0100",
        "endDate": "2026-11-20T12:00:00+0100", "auxiliaryCameraMode": "", "desktopAppForbiddenProcesses": None,
    }  # fmt: skip
    sent = request(port, "POST", EXAMS, moodle(lms), json.dumps(exam).encode(),
                   "Content-Type: application/x-www-form-urlencoded", "Expect: 100-continue")  # fmt: skip
    status, headers, told = exchange(port, sent)
    assert status == 201
    assert "Set-Cookie" not in headers
    assert (told["examId"], told["accountId"], told["startDate"]) == (42, 1, "2026-11-20T08:00:00+01:00")
    assert exchange(port, sent)[0] == 200


def test_a_python_plugins_exam_and_session(lms: Lms, port: int) -> None:
    """Without a slash at the end, a fractional end, unknown keys, a chunked body; then state and finish."""
    exam = EXAMPLE | {"examId": "course-v1:X+1+2026", "accountId": "edx", "custom": {"block": "a@b"}}
    body = json.dumps(exam).encode()
    halves = [body[:100], body[100:]]
    chunked = b"".join(f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in halves) + b"0\r\n\r\n"
    head = (
        f"POST {EXAMS.rstrip('/')} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: JWT {open_edx(lms)}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    status, _, told = exchange(port, head.encode() + chunked)
    assert (status, told["custom"]) == (201, {"block": "a@b"})
    session = lms.arrive("828331bda025", userId="edx-1", accountId="edx")
    path = f"/api/v2/integration/simple/{NAME}/sessions/{session.session_id}"
    status, _, told = exchange(port, request(port, "GET", f"{path}/status/", open_edx(lms)))
    assert (status, told["accountId"], told["sessionId"]) == (200, "edx", "828331bda025")
    status, _, told = exchange(port, request(port, "POST", f"{path}/finish/", open_edx(lms), b"{}"))
    assert (status, told) == (200, {"message": "finished"})
    status, _, told = exchange(port, request(port, "POST", f"{path}/finish", open_edx(lms)))
    assert (status, told) == (200, {"message": "not_changed"})


def test_a_chunked_body_without_an_end_in_sight_is_refused(lms: Lms, port: int) -> None:
    """413 once it is longer than is taken, however it is cut into pieces."""
    head = (
        f"POST {EXAMS} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: JWT {moodle(lms)}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunks = (f"{4096:x}\r\n".encode() + b" " * 4096 + b"\r\n") * 70 + b"0\r\n\r\n"
    assert exchange(port, head.encode() + chunks)[0] == 413


def test_a_body_that_ends_early_is_refused(lms: Lms, port: int) -> None:
    """400, and no exam is made of its beginning."""
    body = json.dumps(EXAMPLE | {"examId": "cut"}).encode()
    sent = request(port, "POST", EXAMS, moodle(lms), body)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent[:-5])
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(65536)
    assert lms.db.conn.execute("SELECT count(*) FROM exam WHERE exam_id = 'cut'").fetchone() == (0,)


def test_identical_calls_at_the_same_time_make_one_exam(lms: Lms, port: int) -> None:
    """Over real connections: one 201, and all others 200."""
    gate = threading.Barrier(AT_ONCE)
    statuses: list[int] = []
    sent = request(port, "POST", EXAMS, moodle(lms), json.dumps(EXAMPLE | {"examId": "at once"}).encode())

    def send() -> None:
        gate.wait()
        statuses.append(exchange(port, sent)[0])

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * (AT_ONCE - 1) + [201]
    assert lms.db.conn.execute("SELECT version FROM exam WHERE exam_id = 'at once'").fetchall() == [(1,)]
