from __future__ import annotations

import contextlib
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ConflictError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.keyring import MAX_REQUEST_BYTES
from appliance.keyring import server
from tests.support.waiting import until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from appliance.clock import ManualClock
    from tests.keyring.conftest import Ask, Keyring


@contextlib.contextmanager
def talking(keyring: Keyring) -> Iterator[socket.socket]:
    """Connect as a stranger to the protocol."""
    with framing.connect(keyring.settings.keyring_socket, timeout=10, what="keyring") as connection:
        yield connection


def threads() -> int:
    """Count the threads that serve connections."""
    return sum("_serve_one" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100,
        struct.pack(">Ic", 0xFFFFFFFF, b"J"),
        struct.pack(">Ic", MAX_REQUEST_BYTES + 1, b"J"),
        framing.pack(b"J", b"[" * 50_000),
        framing.pack(b"J", b"\xff\xfe"),
        framing.pack(b"J", b"[]"),
        framing.pack(b"K", b"{}"),
        framing.pack_json({"want": "dump"}),
        framing.pack_json({}),
    ],
)
def test_nonsense_gets_an_error_and_costs_nobody_else(trial: Keyring, ask: Ask, raw: bytes) -> None:
    """Garbage, huge lengths and unknown wishes are answered with an error; the next request is served."""
    with talking(trial) as connection:
        connection.sendall(raw)
        answer = framing.receive_json(connection)
    assert answer is not None
    assert (answer["ok"], answer["code"]) == (False, "input.bad")
    assert trial.client.part_key(**ask()) == b"k" * 32


@pytest.mark.parametrize("raw", [b"", b"\0", struct.pack(">Ic", 100, b"J"), framing.pack_json({"want": "status"})[:-1]])
def test_half_messages_are_forgotten(trial: Keyring, raw: bytes) -> None:
    """A connection that ends anywhere within a request leaves no thread behind."""
    with talking(trial) as connection:
        connection.sendall(raw)
    until(lambda: threads() == 0, what="the end of the serving thread")
    trial.client.status()


def test_a_request_that_trickles_in_is_cut_off(trial: Keyring) -> None:
    """Ten seconds for a whole request, however it is dribbled; idle connections end the same way."""
    with talking(trial) as slow, talking(trial) as idle:
        until(lambda: threads() == 2, what="two connections")
        with contextlib.suppress(BrokenPipeError):  # the last bytes may find it cut off
            for byte in framing.pack_json({"want": "status"})[:10]:
                slow.sendall(bytes([byte]))
                trial.clock.advance(1.2)
        for connection in (slow, idle):
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass
    until(lambda: threads() == 0, what="the end of the serving threads")


def test_too_many_connections_are_refused_and_the_place_is_free_again(
    trial: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the cap the answer is that it is busy; when the others are gone it goes on."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    until(lambda: threads() == 0, what="the end of the first request")
    with contextlib.ExitStack() as crowd:
        for _ in range(3):
            crowd.enter_context(talking(trial))
        until(lambda: threads() == 3, what="three connections")
        with pytest.raises(UnavailableError, match="busy"):
            trial.client.status()
    until(lambda: threads() == 0, what="their end")
    trial.client.status()


def test_whoever_may_not_connect_is_not_served(trial: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer outside the group is hung up on without an answer."""
    monkeypatch.setattr(framing, "may_connect", lambda *_: False)
    with pytest.raises(UnavailableError):
        trial.client.status()


def test_a_failure_nobody_thought_of_ends_one_request_only(trial: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one request is answered as a failure of the keyring, without its text, and the next is served."""

    def bug(_value: object) -> None:
        raise ZeroDivisionError("inner details")

    with monkeypatch.context() as patch:
        patch.setattr(server, "parse_request", bug)
        with pytest.raises(UnavailableError) as caught:
            trial.client.status()
    assert "inner" not in caught.value.message + caught.value.hint
    trial.client.status()


def test_many_ask_at_once(trial: Keyring, ask: Ask) -> None:
    """Simultaneous requests each get their own answer."""
    wanted = {bytes([number]) * 32: ask(bytes([number]) * 32, part_id=bytes([number]) * 16) for number in range(12)}
    found: dict[bytes, bytes] = {}

    def fetch(part_key: bytes) -> None:
        found[part_key] = trial.client.part_key(**wanted[part_key])

    workers = [threading.Thread(target=fetch, args=(part_key,)) for part_key in wanted]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == {part_key: part_key for part_key in wanted}


def test_there_is_one_keyring_a_box(trial: Keyring, clock: ManualClock) -> None:
    """A second one refuses to start and leaves the first one's socket alone."""
    with pytest.raises(ConflictError):
        server.serve(trial.settings, clock, threading.Event())
    trial.client.status()


def test_the_socket_is_the_groups_alone(trial: Keyring) -> None:
    """Others on the box cannot even connect."""
    assert trial.settings.keyring_socket.stat().st_mode & 0o777 == 0o660
