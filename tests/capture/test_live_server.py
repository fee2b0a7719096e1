"""The live socket: answers, refuses, survives hostile peers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from appliance.capture.live_server import LiveServer, not_there
from appliance.errors import NotFoundError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.live import LiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Cameras:
    """What the server asks, recorded."""

    def __init__(self) -> None:
        self.watching = 0
        self.handed: list[tuple[str, str]] = []

    def status(self) -> dict[str, Any]:
        """Return a short status."""
        return {"cameras": [], "sitting": None}

    def hand_over(self, camera: str, order: str, connection: socket.socket) -> None:
        """Serve the one camera there is: a picture, at once."""
        if camera != "front":
            raise not_there(camera)
        self.handed.append((camera, order))
        if order == "snapshot":
            connection.sendall(framing.pack(b"P", b"jpeg"))
        else:
            framing.send_json(connection, {"ok": True, "codecs": "avc1.42C01E"})

    def viewers(self) -> int:
        """Return how many watch."""
        return self.watching


@pytest.fixture
def cameras() -> Cameras:
    """Cameras that answer."""
    return Cameras()


@pytest.fixture
def path(tmp_path: Path, cameras: Cameras) -> Iterator[Path]:
    """A running server's socket."""
    where = tmp_path / "run" / "live.sock"
    server = LiveServer(where, cameras, max_viewers=2)
    server.start()
    yield where
    server.stop()
    assert not where.exists()


def test_status_and_snapshot_are_answered(path: Path, cameras: Cameras) -> None:
    """The client gets what the cameras give."""
    client = LiveClient(path)
    assert client.status()["sitting"] is None
    assert client.snapshot("front") == b"jpeg"
    assert cameras.handed == [("front", "snapshot")]


def test_an_unknown_camera_is_named(path: Path) -> None:
    """The error says which camera was asked for."""
    with pytest.raises(NotFoundError, match="garden"):
        LiveClient(path).snapshot("garden")


def test_beyond_the_cap_a_viewer_is_refused_with_the_number(path: Path, cameras: Cameras) -> None:
    """Too many viewers are told so; nobody who watches is disturbed."""
    cameras.watching = 2
    with pytest.raises(UnavailableError, match="2 people"):
        list(LiveClient(path).relay("front"))
    cameras.watching = 1
    assert next(iter(LiveClient(path).relay("front")))[4:5] == b"J"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff" * 5,
        b"\xff\xff\xff\xffJ",
        framing.pack(b"J", b"[]"),
        framing.pack(b"J", b"{" * 5000),
        framing.pack(b"J", b'{"want":"everything"}'),
        framing.pack(b"J", b'{"want":"live","camera":7}'),
        framing.pack(b"X", b"\x00" * 100),
        framing.pack_json({"want": "live"})[:-3],
    ],
)
def test_garbage_costs_nothing(path: Path, raw: bytes) -> None:
    """After any nonsense the next request is served."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.connect(str(path))
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(5)
        peer.recv(4096)
    assert LiveClient(path).status()["ok"]


def test_silent_peers_do_not_keep_others_out(path: Path) -> None:
    """Who connects and says nothing costs a slot for two seconds, not the service."""
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(40)]
    for peer in silent:
        peer.connect(str(path))
    assert LiveClient(path).status()["ok"]
    for peer in silent:
        peer.close()
