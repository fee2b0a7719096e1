from __future__ import annotations

import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError, LockedError, UnavailableError
from appliance.ipc import framing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected ends."""
    one, two = socket.socketpair()
    one.settimeout(5)
    two.settimeout(5)
    with one, two:
        yield one, two


def received(raw: bytes, limit: int = 1000) -> tuple[bytes, bytes] | None:
    """Receive from an end that sends ``raw`` and closes."""
    one, two = socket.socketpair()
    with two:
        with one:
            one.sendall(raw)
        return framing.receive(two, limit)


@given(kind=st.sampled_from([b"J", b"K", b"\0"]), payload=st.binary(max_size=1000))
def test_a_message_arrives_as_it_was_sent(kind: bytes, payload: bytes) -> None:
    """Kind and payload come back, also an empty payload."""
    assert received(framing.pack(kind, payload)) == (kind, payload)


@given(payload=st.binary(max_size=50), cut=st.integers(min_value=0))
def test_a_cut_message_is_an_error_and_a_closed_end_is_none(payload: bytes, cut: int) -> None:
    """Cut anywhere inside it is bad input; between messages it is simply the end."""
    raw = framing.pack(b"J", payload)
    at = cut % len(raw)
    if at == 0:
        assert received(b"") is None
        return
    with pytest.raises(BadInputError, match="cut short"):
        received(raw[:at])


@given(st.binary(max_size=200))
def test_no_bytes_make_receiving_fail_otherwise(raw: bytes) -> None:
    """Garbage is bad input, the end, or by chance a message; never anything else."""
    try:
        message = received(raw, 100)
    except BadInputError:
        return
    assert message is None or len(message[1]) <= 100


def test_a_huge_length_is_refused_before_anything_is_read(pair: Pair) -> None:
    """Nothing is waited for and nothing is stored for a length beyond the limit."""
    one, two = pair
    one.sendall(struct.pack(">Ic", 0xFFFFFFFF, b"J"))
    with pytest.raises(BadInputError, match="longer than"):
        framing.receive(two)


def test_a_large_message_passes_whole(pair: Pair) -> None:
    """More than one read's worth arrives complete."""
    one, two = pair
    payload = os.urandom(5_000_000)
    sender = threading.Thread(target=one.sendall, args=(framing.pack(b"I", payload),))
    sender.start()
    assert framing.receive(two) == (b"I", payload)
    sender.join()


@pytest.mark.parametrize("raw", [b"[]", b"1", b"{", b"\xff", b"[" * 60_000])
def test_json_messages_are_objects(pair: Pair, raw: bytes) -> None:
    """Whatever else stands in a J message is bad input; so is another kind."""
    one, two = pair
    for message in (framing.pack(b"J", raw), framing.pack(b"P", b"{}")):
        one.sendall(message)
        with pytest.raises(BadInputError, match="not a JSON object"):
            framing.receive_json(two)


def test_json_comes_back(pair: Pair) -> None:
    """An object survives, with all of Unicode."""
    value: dict[str, Any] = {"want": "status", "name": "Prüfung 😀", "n": [1, None, True]}
    framing.send_json(pair[0], value)
    assert framing.receive_json(pair[1]) == value
    pair[0].close()
    assert framing.receive_json(pair[1]) is None


def test_the_kernel_names_the_peer(pair: Pair) -> None:
    """Process, user and group of the other end are this process's own here."""
    peer = framing.peer_of(pair[0])
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert framing.Peer(1, 4_000_000, 1).name == "uid 4000000"


def test_who_may_connect() -> None:
    """Root, the own user and the socket's group may; a stranger, also one without an account, may not."""
    group = 54_321
    assert framing.may_connect(framing.Peer(1, 0, 0), group)
    assert framing.may_connect(framing.Peer(1, os.getuid(), 99), group)
    assert framing.may_connect(framing.Peer(1, 4_000_000, group), group)
    assert not framing.may_connect(framing.Peer(1, 4_000_000, 99), group)
    assert not framing.may_connect(framing.Peer(1, 65534, 65534), group)


def test_listening_replaces_a_dead_socket(tmp_path: Path) -> None:
    """What a killed process left is no obstacle; the folder is made, the mode is exact."""
    path = tmp_path / "run" / "a.sock"
    framing.listen(path).close()
    assert path.exists()
    with framing.listen(path), framing.connect(path, timeout=5, what="keyring"):
        assert path.stat().st_mode & 0o777 == 0o660


def test_nobody_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    """No socket, or one nobody listens at: the process is not running, and how to start it."""
    framing.listen(tmp_path / "dead.sock").close()
    for name in ("none.sock", "dead.sock"):
        with pytest.raises(UnavailableError, match="keyring process is not running") as caught:
            framing.connect(tmp_path / name, timeout=1, what="keyring")
        assert "exambox-keyring" in caught.value.hint


def test_an_error_carries_code_message_and_hint() -> None:
    """The other end can raise the same error again."""
    told = framing.error_message(LockedError("Locked.", hint="Unlock."))
    assert told == {"ok": False, "code": "keys.locked", "message": "Locked.", "hint": "Unlock."}


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_where_messages_end_is_known_however_the_bytes_are_cut(payloads: list[bytes], data: st.DataObject) -> None:
    """Whole after the last byte of a message, and only there."""
    raw = b"".join(framing.pack(b"F", payload) for payload in payloads)
    ends, at, boundaries = framing.MessageEnds(), 0, {0}
    for payload in payloads:
        boundaries.add(max(boundaries) + framing.PREFIX_BYTES + len(payload))
    while at < len(raw):
        step = data.draw(st.integers(1, len(raw) - at))
        ends.feed(raw[at : at + step])
        at += step
        assert ends.whole == (at in boundaries)
