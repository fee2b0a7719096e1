"""Two boxes on a network that is this machine's loopback: they hear each other, and neither falls to a third."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from zeroconf import ServiceInfo, Zeroconf

from appliance.errors import UnavailableError
from appliance.web.lan import neighbours as module
from appliance.web.lan.announcement import SERVICE
from appliance.web.lan.neighbours import Announced, Announcer, Neighbours
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOPBACK = ["127.0.0.1"]
HALL = Announced(room="Hall 2", box="a1b2c3d4e5f6", host="exambox-hall2", port=8443, fingerprint="ab" * 32)


@pytest.fixture
def announce() -> Iterator[Callable[..., Announcer]]:
    """Start announcers on loopback, stopped at the end."""
    started: list[Announcer] = []

    def start(
        told: Announced | Callable[[], Announced] = HALL, addresses: Callable[[], Sequence[str]] = lambda: LOOPBACK
    ) -> Announcer:
        made = Announcer(told if callable(told) else lambda: told, addresses, every_seconds=0.05)
        made.start()
        started.append(made)
        return made

    yield start
    for one in started:
        one.stop()


def names(found: Neighbours | Announcer) -> set[str]:
    """Return the names that are heard."""
    return {one.name for one in found.heard()}


def test_boxes_hear_each_other_and_the_end_of_each_other(announce: Callable[..., Announcer]) -> None:
    """Each sees itself and the other; one that is switched off in order is gone at once."""
    hall = announce()
    gym = announce(replace(HALL, room="Gym", box="0f0f0f0f0f0f", host="exambox-gym"))
    both = {"Hall 2 (a1b2c3)", "Gym (0f0f0f)"}
    until(lambda: names(hall) == both and names(gym) == both, 15, "both boxes at both")
    (heard,) = (one for one in gym.heard() if one.name.startswith("Hall"))
    assert heard.address == "https://exambox-hall2.local:8443/"
    assert heard.fingerprint == "ab" * 8
    hall.stop()
    until(lambda: names(gym) == {"Gym (0f0f0f)"}, 10, "the end of the other")
    assert hall.heard() == []


def test_a_listener_without_a_box_hears_them_too(announce: Callable[..., Announcer]) -> None:
    """As `exambox boxes` does."""
    announce()
    with Neighbours(LOOPBACK) as listener:
        until(lambda: names(listener) == {"Hall 2 (a1b2c3)"}, 15, "the box")


def test_what_changes_is_announced_anew(announce: Callable[..., Announcer]) -> None:
    """A new authority is told to the network without a restart."""
    told = [HALL]
    announce(lambda: told[0])
    with Neighbours(LOOPBACK) as listener:
        until(lambda: [one.fingerprint for one in listener.heard()] == ["ab" * 8], 15, "the box")
        told[0] = replace(HALL, fingerprint="cd" * 32)
        until(lambda: [one.fingerprint for one in listener.heard()] == ["cd" * 8], 15, "its new authority")


def test_a_box_without_a_network_waits_for_one(announce: Callable[..., Announcer]) -> None:
    """No address, no announcement; it comes with the cable and goes with it."""
    addresses: list[str] = []
    announce(addresses=lambda: list(addresses))
    with Neighbours(LOOPBACK) as listener:
        addresses.append("127.0.0.1")
        until(lambda: names(listener) == {"Hall 2 (a1b2c3)"}, 15, "the box")
        addresses.clear()
        until(lambda: not names(listener), 10, "the box to be gone")


def test_a_network_that_fails_is_tried_again(announce: Callable[..., Announcer]) -> None:
    """The dashboard goes on, and the announcement comes as soon as it can."""
    failures = iter([OSError("down"), RuntimeError("odd")])

    def addresses() -> list[str]:
        problem = next(failures, None)
        if problem:
            raise problem
        return LOOPBACK

    hall = announce(addresses=addresses)
    until(lambda: names(hall) == {"Hall 2 (a1b2c3)"}, 15, "the box after failures")


def test_hostile_announcements_are_no_obstacle(announce: Callable[..., Announcer]) -> None:
    """Names full of markup, foreign addresses, rubbish in place of records: others are heard as before."""
    with Neighbours(LOOPBACK) as listener:
        hostile = Zeroconf(interfaces=LOOPBACK)
        try:
            for number, (name, server) in enumerate(
                [("<script>alert(1)</script>", "evil.example."), ("x" * 60, "a.b.c.local."), ("\u202eevil", "e.local.")]
            ):
                info = ServiceInfo(
                    SERVICE, f"{name}.{SERVICE}", port=1 + number, server=server,
                    parsed_addresses=["8.8.8.8"], properties={"version": "<b>", "box": "../../etc", "ca": "\x00" * 200},
                )  # fmt: skip
                hostile.register_service(info)
            _throw_rubbish()
            announce()
            until(lambda: "Hall 2 (a1b2c3)" in names(listener), 15, "the honest box")
            addresses = {one.address for one in listener.heard()}
            assert addresses <= {"https://exambox-hall2.local:8443/", "https://e.local:3/"}
            assert not any("<" in one.version or "." in one.box for one in listener.heard())
        finally:
            hostile.close()


def _throw_rubbish() -> None:
    """Send datagrams to the group that are no mDNS, or lie about their lengths."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
        thrower.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        head = struct.pack("!6H", 0, 0x8400, 0, 40_000, 0, 0)
        for data in (b"", b"\xff" * 1400, head, head + b"\xc0\x0c" * 600, head + b"\x3f" + b"a" * 63 + b"\xc0\x0c"):
            thrower.sendto(data, ("224.0.0.251", 5353))


def test_a_flood_of_names_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names beyond the limit are not even asked; known ones are still renewed and forgotten."""
    monkeypatch.setattr(module, "MAX_HEARD", 3)
    asked: list[str] = []

    class Answering(ServiceInfo):
        def request(self, *_: object, **__: object) -> bool:
            asked.append(self.name)
            self.server, self.port = "room.local.", 8443
            return True

    monkeypatch.setattr(module, "ServiceInfo", Answering)
    with Neighbours(LOOPBACK) as listener:
        for number in range(10):
            listener._take(listener.zeroconf, SERVICE, f"box {number}.{SERVICE}", gone=False)
        assert len(listener.heard()) == len(asked) == 3
        listener._take(listener.zeroconf, SERVICE, f"box 0.{SERVICE}", gone=True)
        assert len(listener.heard()) == 2
        listener._take(listener.zeroconf, SERVICE, f"box 9.{SERVICE}", gone=False)
        assert "box 9" in names(listener)


def test_no_announcement_ends_the_listening_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a record makes the library do, the next one is heard."""

    def explode(*_: object, **__: object) -> None:
        raise ValueError("odd record")

    with Neighbours(LOOPBACK) as listener:
        with monkeypatch.context() as patched:
            patched.setattr(module, "ServiceInfo", explode)
            listener._changed(listener.zeroconf, SERVICE, f"odd.{SERVICE}", module.ServiceStateChange.Added)
        assert listener.heard() == []


def test_no_network_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine cannot listen, a person is told so."""

    def refuse(**_: object) -> Zeroconf:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(module, "Zeroconf", refuse)
    with pytest.raises(UnavailableError) as told:
        Neighbours()
    assert "5353" in told.value.hint


def test_stopping_before_the_first_announcement_ends_too() -> None:
    """A process that ends at once leaves no thread."""
    made = Announcer(lambda: HALL, list, every_seconds=60)
    made.start()
    made.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "mdns"]
