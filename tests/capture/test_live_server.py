"""The live socket: answers, refuses, survives hostile peers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from appliance.capture.live_server import LiveServer, not_there
from appliance.errors import BadInputError, NotFoundError, UnavailableError
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
        if order in {"snapshot", "uncovered"}:
            connection.sendall(framing.pack(b"P", b"jpeg"))
        else:
            framing.send_json(connection, {"ok": True, "codecs": "avc1.42C01E"})

    def viewers(self) -> int:
        """Return how many watch."""
        return self.watching


class Inquiries:
    """Answers that a question arrived."""

    def answer(self, request: dict[str, Any], connection: socket.socket) -> None:
        """Say which."""
        framing.send_json(connection, {"ok": True, "usb": [request["want"]]})


@pytest.fixture
def cameras() -> Cameras:
    """Cameras that answer."""
    return Cameras()


@pytest.fixture
def path(tmp_path: Path, cameras: Cameras) -> Iterator[Path]:
    """A running server's socket."""
    where = tmp_path / "run" / "live.sock"
    server = LiveServer(where, cameras, Inquiries(), max_viewers=2)
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


def test_root_and_the_dashboard_alone_may_ask_about_other_cameras(
    path: Path, cameras: Cameras, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process of the group gets status and pictures, but no look under masks and no way into the network."""
    client = LiveClient(path)
    assert client.devices() == ["devices"]
    assert client.uncovered("front") == b"jpeg"
    monkeypatch.setattr(framing, "peer_of", lambda _: framing.Peer(1, 54_321, path.stat().st_gid))
    assert client.snapshot("front") == b"jpeg"
    for ask in (client.devices, client.discover, lambda: client.uncovered("front"), lambda: client.probe({}, None)):
        with pytest.raises(BadInputError, match="may not ask"):
            ask()
    assert cameras.handed == [("front", "uncovered"), ("front", "snapshot")]


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
