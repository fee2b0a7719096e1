"""The client of the live socket, against a real socket."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from appliance.errors import NotFoundError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.live import LiveClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from socket import socket


@contextmanager
def capture(path: Path, answer: Callable[[socket, dict[str, object]], None]) -> Iterator[list[dict[str, object]]]:
    """One connection of a stand-in for capture; gives the requests it saw."""
    seen: list[dict[str, object]] = []
    server = framing.listen(path)
    server.settimeout(10)

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            seen.append(framing.receive_json(connection) or {})
            answer(connection, seen[0])

    thread = threading.Thread(target=serve)
    thread.start()
    yield seen
    thread.join(10)
    server.close()


def refuse(code: str) -> Callable[[socket, dict[str, object]], None]:
    """An answer that refuses."""
    return lambda connection, _: framing.send_json(
        connection, {"ok": False, "code": code, "message": "No.", "hint": "Why."}
    )


def test_status_returns_what_capture_says(tmp_path: Path) -> None:
    """A status question is asked as promised and its answer returned."""
    with capture(tmp_path / "s", lambda c, _: framing.send_json(c, {"ok": True, "cameras": []})) as seen:
        assert LiveClient(tmp_path / "s").status() == {"ok": True, "cameras": []}
    assert seen == [{"want": "status"}]


def test_snapshot_returns_the_picture(tmp_path: Path) -> None:
    """A snapshot's bytes come back as they were sent."""
    with capture(tmp_path / "s", lambda c, _: c.sendall(framing.pack(b"P", b"\xff\xd8jpeg"))) as seen:
        assert LiveClient(tmp_path / "s").snapshot("front") == b"\xff\xd8jpeg"
    assert seen == [{"want": "snapshot", "camera": "front"}]


@pytest.mark.parametrize(("code", "error"), [("not_found", NotFoundError), ("unavailable", UnavailableError)])
def test_refusals_become_the_errors_they_are(tmp_path: Path, code: str, error: type[Exception]) -> None:
    """A refusal is raised as the error its code names, with capture's own words."""
    with capture(tmp_path / "s", refuse(code)), pytest.raises(error, match=r"No\."):
        next(LiveClient(tmp_path / "s").relay("front"))


def test_without_capture_the_error_says_how_to_start_it(tmp_path: Path) -> None:
    """A missing capture process is named together with what to do."""
    with pytest.raises(UnavailableError, match="capture process is not running") as problem:
        LiveClient(tmp_path / "none").status()
    assert "exambox-capture" in problem.value.hint


@pytest.mark.parametrize(
    "answer", [b"", framing.pack(b"P", b"x"), framing.pack(b"J", b"[1]"), framing.pack(b"J", b"{")]
)
def test_an_answer_that_makes_no_sense_is_unavailability(tmp_path: Path, answer: bytes) -> None:
    """Neither silence nor rubbish from capture is anything but one plain error."""
    with capture(tmp_path / "s", lambda c, _: c.sendall(answer)), pytest.raises(UnavailableError):
        LiveClient(tmp_path / "s").status()


def test_relay_passes_everything_on_unchanged(tmp_path: Path) -> None:
    """What a browser gets is byte for byte what capture sent."""
    hello = framing.pack_json({"ok": True, "codecs": "avc1"})
    sent = framing.pack(b"I", b"init") + framing.pack(b"K", b"k" * 700_000) + framing.pack(b"F", b"f")
    with capture(tmp_path / "s", lambda c, _: c.sendall(hello + sent)):
        pieces = list(LiveClient(tmp_path / "s").relay("front"))
    assert b"".join(pieces) == hello + sent


def test_relay_ends_without_a_word_inside_a_message_that_was_cut(tmp_path: Path) -> None:
    """Words after half a message would be taken for its rest."""
    hello = framing.pack_json({"ok": True})
    half = framing.pack(b"K", b"whole")[:-2]
    with capture(tmp_path / "s", lambda c, _: c.sendall(hello + half)):
        assert b"".join(LiveClient(tmp_path / "s").relay("front")) == hello + half
