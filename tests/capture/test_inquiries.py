"""Questions about cameras that are not recorded, over the real socket: answered, in time, and never with a secret."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.cameras.credentials import credential, credential_context, pack_credential
from appliance.capture import inquiries
from appliance.capture.in_child import ChildDiedError, ChildLateError, in_child
from appliance.capture.inquiries import Inquiries, may_inquire
from appliance.capture.live_server import LiveServer
from appliance.clock import SystemClock
from appliance.config import CaptureSettings
from appliance.errors import BadInputError, CameraError, MissingKeyError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.framing import Peer
from appliance.ipc.live import LiveClient
from appliance.vault import keys
from tests.capture.test_live_server import Cameras
from tests.support.fixtures import rtsp_camera as rtsp_camera  # noqa: PLC0414  a fixture, used by its name
from tests.support.lying_rtsp import LyingCamera
from tests.support.onvif_device import OnvifDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings
    from tests.support.rtsp_camera import RtspCamera

SECRET = credential("admin", "pass word")


@pytest.fixture
def box(settings: Settings) -> Settings:
    """A box with keys that looks for cameras on loopback."""
    keys.init_keys(settings, passphrase=None, clock=SystemClock())
    return msgspec.structs.replace(settings, capture=CaptureSettings(discovery_addresses=("127.0.0.1",)))


@pytest.fixture
def client(box: Settings) -> Iterator[LiveClient]:
    """Somebody who may ask."""
    server = LiveServer(box.live_socket, Cameras(), Inquiries(box), max_viewers=2)
    server.start()
    yield LiveClient(box.live_socket)
    server.stop()


def camera(kind: str, address: str, **more: Any) -> dict[str, Any]:
    """Return a camera's fields."""
    return {"id": "cam", "name": "Cam", "role": "room", "kind": kind, "address": address, **more}


def sealed(box: Settings, user: str, password: str, name: str = "cam", address: str = "rtsp://127.0.0.1/") -> bytes:
    """Return what the dashboard seals."""
    packed = pack_credential(credential(user, password))
    return keys.seal_for_capture(box.keys_dir, packed, context=credential_context(name, address))


@pytest.mark.media
def test_a_camera_is_tried_with_the_password_the_dashboard_cannot_read(
    box: Settings, client: LiveClient, rtsp_camera: RtspCamera
) -> None:
    """What the dashboard sealed signs in; the answer tells codec, size, rate and shows a picture, within 5 seconds."""
    began = time.monotonic()
    facts, jpeg = client.probe(camera("rtsp", rtsp_camera.url), sealed(box, rtsp_camera.user, rtsp_camera.password))
    assert time.monotonic() - began < 5.5
    assert (facts["codec"], facts["width"], facts["height"], facts["audio"]) == ("h264", 640, 360, None)
    assert jpeg[:2] == b"\xff\xd8"
    assert rtsp_camera.password not in str(facts)


@pytest.mark.media
def test_a_wrong_password_is_that(box: Settings, client: LiveClient, rtsp_camera: RtspCamera) -> None:
    """The reason arrives as a stable word."""
    with pytest.raises(CameraError) as refused:
        client.probe(camera("rtsp", rtsp_camera.url), sealed(box, rtsp_camera.user, "wrong"))
    assert refused.value.reason == "unauthorised"


def test_a_password_sealed_for_another_camera_opens_nothing(box: Settings, client: LiveClient) -> None:
    """A sealed password is good for the camera it was sealed for; garbage is refused as such."""
    with pytest.raises(MissingKeyError):
        client.probe(camera("rtsp", "rtsp://127.0.0.1:9/"), sealed(box, "admin", "pw", "other"))
    with pytest.raises(MissingKeyError):
        client.probe(camera("rtsp", "rtsp://127.0.0.1:9/"), b"garbage")


def test_a_password_is_told_to_no_other_host(box: Settings, client: LiveClient) -> None:
    """Not even a dashboard that was taken over can have a stored password sent to a host of its choice."""
    for host in ("127.0.0.2", "localhost"):
        with pytest.raises(MissingKeyError):
            client.probe(camera("rtsp", f"rtsp://{host}:9/"), sealed(box, "admin", "pw"))
    with pytest.raises(MissingKeyError):
        client.streams({"host": "127.0.0.2", "port": 9}, "cam", sealed(box, "admin", "pw"))
    with pytest.raises(CameraError):
        client.probe(camera("rtsp", "rtsp://127.0.0.1:9/other"), sealed(box, "admin", "pw"))


@pytest.mark.parametrize(
    ("kind", "address", "reason"),
    [
        ("rtsp", "rtsp://127.0.0.1:9/x", "refused"),
        ("file", "/nowhere/film.mp4", "not_found"),
        ("v4l2", "/dev/v4l/by-id/none-video-index0", "not_found"),
        ("pattern", "9x9", "invalid"),
    ],
)
def test_what_cannot_work_is_said_with_its_reason(client: LiveClient, kind: str, address: str, reason: str) -> None:
    """Each failure has its word."""
    with pytest.raises(CameraError) as refused:
        client.probe(camera(kind, address), None)
    assert refused.value.reason == reason


def test_two_at_once_and_no_more(client: LiveClient) -> None:
    """While two cameras are tried a third is asked to wait, status is answered, and then there is room again."""
    with LyingCamera(answer={"OPTIONS": "silence"}) as liar:
        slow = [threading.Thread(target=_try, args=(client, liar.url)) for _ in range(2)]
        for one in slow:
            one.start()
        deadline = time.monotonic() + 4
        refused: UnavailableError | None = None
        while refused is None and time.monotonic() < deadline:
            try:
                client.probe(camera("pattern", "9x9"), None)
            except UnavailableError as problem:
                refused = problem
            except CameraError:
                continue
        assert refused is not None
        assert "being tried" in refused.message
        assert client.status()["ok"]
        assert isinstance(client.devices(), list)
        for one in slow:
            one.join(10)
    with pytest.raises(CameraError):
        client.probe(camera("pattern", "9x9"), None)


def _try(client: LiveClient, url: str) -> None:
    """Try a camera that keeps silent, as soon as there is room."""
    while True:
        try:
            client.probe(camera("rtsp", url), None)
        except UnavailableError:
            continue
        except CameraError:
            return


@pytest.mark.parametrize(
    "request_", [{"want": "probe"}, {"want": "streams", "target": 1}, {"want": "probe", "camera": 1}]
)
def test_half_questions_are_refused(box: Settings, client: LiveClient, request_: dict[str, Any]) -> None:
    """A question without what it is about is an error, not a crash."""
    with client._ask(request_) as connection:
        answer = framing.receive_json(connection)
    assert answer is not None
    assert answer["code"] == "input.bad"
    assert client.status()["ok"]


def test_cameras_are_found_and_asked_for_their_streams(box: Settings, client: LiveClient) -> None:
    """The whole way: found on the network, signed in with the sealed password, streams named at its address."""
    streams = {"mainStream": "rtsp://192.0.2.64:554/Streaming/101?a=1&b=2"}
    with OnvifDevice(user="admin", password="pass word", streams=streams) as device:
        found = client.discover()
        assert [(one["host"], one["port"], one["name"]) for one in found] == [
            ("127.0.0.1", device.port, "HIKVISION DS-2CD2042WD-I")
        ]
        target = {"host": "127.0.0.1", "port": device.port}
        offer = client.streams(target, "cam", sealed(box, "admin", "pass word"))
        with pytest.raises(CameraError) as refused:
            client.streams(target, "cam", sealed(box, "admin", "wrong"))
    assert offer["streams"][0]["address"] == "rtsp://127.0.0.1:554/Streaming/101?a=1&b=2"
    assert refused.value.reason == "unauthorised"


@pytest.mark.parametrize("host", ["192.0.2.64", "169.254.169.254", "localhost", "224.0.0.1", "::1", "127.0.0.1.nip.io"])
def test_no_stranger_is_asked(client: LiveClient, host: str) -> None:
    """Only what stands on a network the box looks at is asked for streams; names are not looked up."""
    with pytest.raises(BadInputError):
        client.streams({"host": host, "port": 80}, "cam", None)


def test_who_may_ask() -> None:
    """Root, the process's own user and the dashboard's account; nobody else of the group."""
    assert may_inquire(Peer(1, 0, 0))
    assert not may_inquire(Peer(1, 54_321, 0))


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


def _bloat() -> int:
    return len(bytearray(1 << 34))


def _refuse() -> None:
    raise CameraError("No.", reason="busy", hint="Wait.")


def test_a_childs_work_is_limited_and_its_refusal_comes_through() -> None:
    """Too long and too much memory end the child alone; a camera's error is raised here as it was there."""
    with pytest.raises(ChildLateError):
        in_child(_sleep, 60, seconds=0.3)
    with pytest.raises(ChildDiedError):
        in_child(_bloat, seconds=20, memory_bytes=1 << 30)
    with pytest.raises(CameraError) as refused:
        in_child(_refuse, seconds=20)
    assert refused.value.reason == "busy"


def test_the_dashboards_account_is_the_units(box: Settings) -> None:
    """The name that may ask is the one the dashboard's unit runs as."""
    from pathlib import Path

    unit = Path(__file__).parents[2] / "systemd" / "exambox-web.service"
    assert f"User={inquiries._WEB_ACCOUNT}\n" in unit.read_text()
