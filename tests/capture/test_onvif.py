"""Looking for ONVIF cameras and asking them: real shapes are understood, hostile ones cost nothing."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cameras.credentials import credential
from appliance.capture.in_child import ChildDiedError, in_child
from appliance.capture.onvif.discovery import device_of, search
from appliance.capture.onvif.model import MAX_TEXT, OnvifDevice, OnvifTarget
from appliance.capture.onvif.streams import ask_streams, stream_address
from appliance.errors import CameraError
from tests.support import onvif_device

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = [IPv4Interface("127.0.0.1/8")]
MEMORY = 512 * 1024 * 1024
SENDER = "192.168.1.64"
SCOPES = "onvif://www.onvif.org/name/Front%20left onvif://www.onvif.org/hardware/IPC-T5442T"
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>'
)


def match(
    scopes: str = SCOPES, xaddrs: str = f"http://{SENDER}/onvif/device_service", **more: str
) -> OnvifDevice | None:
    """Return what is understood of an answer."""
    return device_of(onvif_device.probe_match(scopes=scopes, xaddrs=xaddrs, **more), SENDER)


def test_an_answer_tells_name_hardware_and_place() -> None:
    """Percent-encoded scopes are read; the address is the sender's, of several the one that names it."""
    assert match(
        xaddrs=f"http://10.0.0.9/onvif/device_service https://{SENDER}:8443/onvif/device_service"
    ) == OnvifDevice(host=SENDER, port=8443, tls=True, name="Front left", hardware="IPC-T5442T")


@pytest.mark.parametrize(
    "xaddrs",
    [
        "http://127.0.0.1:8480/onvif/device_service",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://[::1",
        f"http://user:pw@{SENDER}.evil.example/",
        f"http://{SENDER}:99999/",
        "",
    ],
)
def test_a_device_speaks_for_no_other_address(xaddrs: str) -> None:
    """Whatever address is claimed, the box would ask the sender itself, at the usual port."""
    found = match(xaddrs=xaddrs)
    assert found == OnvifDevice(host=SENDER, name="Front left", hardware="IPC-T5442T")


def test_markup_and_control_characters_stay_text() -> None:
    """What a device calls itself is kept short, as text, without control characters."""
    said = f"%3Cscript%3Ealert(1)%3C/script%3E%00%1b%5b31m{'x' * 500}"
    found = match(scopes=f"onvif://www.onvif.org/name/{said}")
    assert found is not None
    assert found.name.startswith("<script>alert(1)</script>[31mxxx")
    assert len(found.name) <= MAX_TEXT


@pytest.mark.parametrize(
    "data",
    [
        onvif_device.probe_match(scopes="&e;", xaddrs="", head=BOMB),
        onvif_device.probe_match(scopes=SCOPES, xaddrs="").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        b"<a>" * 20_000,
        b"\xff\xfe\x00",
        b"",
        onvif_device.probe_match(scopes=SCOPES, xaddrs="").replace(b"ProbeMatches</wsa", b"Bye</wsa"),
    ],
    ids=["entity bomb", "hidden in utf-16", "deep", "garbage", "empty", "another action"],
)
def test_hostile_datagrams_are_nobody(data: bytes) -> None:
    """They are dropped, and cost neither memory nor the search."""
    assert device_of(data, SENDER) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_search(data: bytes) -> None:
    """Any datagram is a device or nobody, also when it begins like an answer."""
    device_of(data, SENDER)
    device_of(onvif_device.probe_match(scopes=SCOPES, xaddrs="")[:400] + data, SENDER)


def test_the_search_hears_every_device_despite_a_hostile_one() -> None:
    """A device whose answer ends the library's own networking (an instance that is no number) hides nobody."""

    def hostile(xaddrs: str) -> bytes:
        return onvif_device.probe_match(scopes="x" * 40_000, xaddrs=xaddrs, instance="no number")

    good = onvif_device.OnvifDevice(name="Good")
    with onvif_device.OnvifDevice(answer=hostile), good:
        found = search(LOOPBACK, 1.5)
    assert [(one.host, one.port) for one in found] in ([("127.0.0.1", good.port)], [("127.0.0.1", found[0].port)])
    assert len(found) == 1


def test_without_a_network_nobody_is_found() -> None:
    """A box without a network answers at once."""
    assert search([], 60) == []


PASSWORD = "pass word"


def ask(device: onvif_device.OnvifDevice, password: str = PASSWORD, seconds: float = 6.0) -> Any:
    """Ask in a child, as capture does."""
    target = OnvifTarget("127.0.0.1", device.port)
    return in_child(
        ask_streams, target, credential("admin", password), seconds, seconds=seconds + 4, memory_bytes=MEMORY
    )


def reason(device: onvif_device.OnvifDevice, **more: Any) -> str:
    """Return why a device was of no use."""
    with device, pytest.raises(CameraError) as refused:
        ask(device, **more)
    assert "pass word" not in f"{refused.value.message} {refused.value.hint}"
    return refused.value.reason


def signed(**more: Any) -> onvif_device.OnvifDevice:
    """A device that wants a password, whose clock is ten years behind."""
    streams = {"<b>main</b>": "rtsp://127.0.0.1:8554/main", "sub": "rtsp://u:p@10.9.9.9/sub", "bad": "http://x/"}
    return onvif_device.OnvifDevice(user="admin", password="pass word", **{"streams": streams, **more})


def test_streams_are_listed_with_what_they_deliver() -> None:
    """Two streams that can be used, at the device's own address, without a password; sizes and rates as stated."""
    with signed() as device:
        offer = ask(device)
    assert (offer.maker, offer.model) == ("HIKVISION", "DS-2CD2042WD-I")
    assert [(one.name, one.address, one.width, one.fps) for one in offer.streams] == [
        ("<b>main</b>", "rtsp://127.0.0.1:8554/main", 2688, 20.0),
        ("sub", "rtsp://127.0.0.1/sub", 640, 25.0),
    ]


def test_a_wrong_password_is_said() -> None:
    """The device's fault becomes the reason people know."""
    assert reason(signed(), password="wrong") == "unauthorised"


def test_a_device_that_sends_the_box_elsewhere_is_asked_itself() -> None:
    """Services said to be at another host are asked at the device; nobody else hears of the password."""
    with signed(services_at="http://127.0.0.2:1") as device:
        assert len(ask(device).streams) == 2


def _connects_elsewhere() -> str:
    import socket

    from appliance.capture.onvif.streams import speak_only_to

    speak_only_to("127.0.0.1")
    try:
        socket.create_connection(("127.0.0.2", 9), timeout=1)
    except PermissionError:
        return "refused here"
    return "connected"


def test_the_process_that_asks_can_reach_nobody_else() -> None:
    """Not even a redirect or a bug leads to another address."""
    assert in_child(_connects_elsewhere, seconds=20) == "refused here"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (lambda _: b"not XML at all", "invalid"),
        (lambda _: BOMB.encode() + b"<a>&e;</a>", "invalid"),
        (lambda _: b"<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body/></e:Envelope>", "invalid"),
    ],
    ids=["garbage", "entity bomb", "empty"],
)
def test_hostile_answers_are_no_camera(body: Callable[[str], bytes], wanted: str) -> None:
    """What is no SOAP answer is said to be that."""
    assert reason(signed(body=body)) == wanted


def test_an_answer_beyond_measure_ends_the_question_alone() -> None:
    """A device that answers with hundreds of megabytes costs a child process, within its memory."""
    with signed(body=lambda _: b"<a>" + b"x" * (700 << 20)) as device, pytest.raises((CameraError, ChildDiedError)):
        ask(device)


def test_nobody_there_is_said() -> None:
    """A port nobody listens on is refused, a device without streams has no pictures."""
    with pytest.raises(CameraError) as refused:
        in_child(ask_streams, OnvifTarget("127.0.0.1", 9), None, 4.0, seconds=8)
    assert refused.value.reason == "refused"
    assert reason(signed(streams={"a": "http://x/"})) == "no_video"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("rtsp://10.0.0.1:8554/a?b=c", f"rtsp://{SENDER}:8554/a?b=c"),
        ("rtsp://admin:secret@10.0.0.1/a", f"rtsp://{SENDER}/a"),
        ("http://10.0.0.1/", None),
        ("rtsp://10.0.0.1/a b", None),
        ("", None),
    ],
)
def test_a_streams_address_is_the_devices_own(said: str, kept: str | None) -> None:
    """Host and password are taken out of what the device says; what is no RTSP address is left out."""
    assert stream_address(said, SENDER) == kept
