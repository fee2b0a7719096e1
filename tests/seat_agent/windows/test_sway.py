"""The active window of sway, by its IPC as sway speaks it."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import UnavailableError
from appliance.seat_agent.windows.sway import active_applications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TREE = {
    "type": "root",
    "nodes": [
        {"app_id": "org.exam", "focused": False, "nodes": []},
        {"app_id": None, "window_properties": {"class": "Xterm", "title": "secret"}, "focused": True, "nodes": []},
    ],
}


def message(kind: int, body: Any) -> bytes:
    """One message of i3's protocol."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return struct.pack("=6sII", b"i3-ipc", len(text), kind) + text


def focus(**container: Any) -> bytes:
    """The event of a window that becomes active."""
    return message(0x8000_0003, {"change": "focus", "container": container})


def serving(path: Path, *answers: bytes) -> Iterator[str]:
    """Watch a sway that says these things once it was asked."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        there, _ = server.accept()
        with there:
            for _ in range(2):
                length = struct.unpack("=6sII", there.recv(14, socket.MSG_WAITALL))[1]
                if length:
                    there.recv(length, socket.MSG_WAITALL)
            there.sendall(b"".join(answers))
        server.close()

    threading.Thread(target=serve, daemon=True).start()
    return active_applications(str(path))


def test_what_is_focused_is_told_at_first_and_at_each_change(tmp_path: Path) -> None:
    """First by the tree, then by events; wayland applications by their id, X11 ones by their class."""
    seen = serving(
        tmp_path / "sway", message(2, {"success": True}), message(4, TREE), focus(app_id="org.files"),
        message(0x8000_0003, {"change": "title", "container": {"app_id": "org.other"}}),
        focus(app_id=None, window_properties={"class": "Xmail"}),
    )  # fmt: skip
    assert [next(seen) for _ in range(5)] == ["", "Xterm", "org.files", "org.files", "Xmail"]
    with pytest.raises(UnavailableError):
        next(seen)


def test_no_sway_is_said(tmp_path: Path) -> None:
    """A socket that is not there is an error in words."""
    with pytest.raises(UnavailableError, match="Sway"):
        next(active_applications(str(tmp_path / "none")))


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda body: message(4, body))))
def test_whatever_answers_is_an_application_or_an_error_in_words(
    tmp_path_factory: pytest.TempPathFactory, answer: bytes
) -> None:
    """What does not speak the protocol ends the watching, and nothing else."""
    seen = serving(tmp_path_factory.mktemp("sway") / "s", answer)
    with pytest.raises(UnavailableError):
        list(itertools.islice(seen, 3))
