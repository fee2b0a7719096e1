"""Decoding in a child: pictures come, hostile data costs the child at most."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CameraError, UnavailableError
from appliance.pictures import decoder as decoders
from appliance.pictures.child_protocol import ANSWER, MAX_FRAGMENT, request
from appliance.pictures.decoder import Decoder
from tests.vault.recorded import movie

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = "import sys,struct,time;o=sys.stdout.buffer;o.write(struct.pack('>BI',2,0));o.flush();"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """A decoder with its real child."""
    made = Decoder(limit_seconds=10)
    yield made
    made.close()


@pytest.fixture(scope="module")
def film() -> bytes:
    """Two seconds of H.264 as an ordinary MP4, which decodes like an initialisation with fragments."""
    return movie(2, size=(320, 240))


def test_a_keyframe_becomes_a_small_picture(decoder: Decoder, film: bytes) -> None:
    """The picture is a JPEG no wider than asked."""
    jpeg = decoder.jpeg(film, b"", widest=160)
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as picture:
        frame = next(picture.decode(video=0))
        assert (frame.width, frame.height) == (160, 120)


def test_several_ask_at_once(decoder: Decoder, film: bytes) -> None:
    """Each gets the picture of the width they asked for."""
    with ThreadPoolExecutor(8) as people:
        widths = [160, 320] * 4
        pictures = list(people.map(lambda width: decoder.jpeg(film, b"", widest=width), widths))
    assert [len(one) for one in pictures] == [len(pictures[0]), len(pictures[1])] * 4


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_damaged_data_is_refused_and_the_next_picture_comes(decoder: Decoder, film: bytes, data: st.DataObject) -> None:
    """Whatever is changed in a film: a picture or a refusal in words comes, and the decoder lives on."""
    damaged = bytearray(film)
    for _ in range(data.draw(st.integers(1, 30))):
        damaged[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(film)))
    try:
        assert decoder.jpeg(bytes(damaged[:cut]), bytes(damaged[cut:]), widest=160)[:2] == b"\xff\xd8"
    except CameraError as problem:
        assert problem.message == "The picture cannot be decoded."  # noqa: PT017  either outcome is right
    assert decoder.jpeg(film, b"", widest=160)[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    "after",
    [
        "sys.exit(3)",
        "sys.stdin.buffer.read(5);sys.exit(0)",
        "sys.stdin.buffer.read(5);o.write(b'nonsense'*40);o.flush();time.sleep(60)",
        "time.sleep(60)",
    ],
    ids=["dies", "dies in the middle", "talks nonsense", "hangs"],
)
def test_a_child_that_fails_costs_one_picture(after: str) -> None:
    """A child that dies, hangs or talks nonsense is ended; the person is told, and another one is started."""
    failing = Decoder([sys.executable, "-c", READY + after], limit_seconds=0.5)
    for _ in range(2):
        with pytest.raises(CameraError):
            failing.jpeg(b"x" * 100, b"", widest=160)
        assert failing._child is None
    failing.close()


def test_a_child_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no child can be started, pictures are unavailable for now; nothing else fails."""
    monkeypatch.setattr(decoders, "START_SECONDS", 2.0)
    for command in (["/nonexistent"], [sys.executable, "-c", ""]):
        with pytest.raises(UnavailableError):
            Decoder(command).jpeg(b"x", b"", widest=160)


def test_too_many_waiting_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in an endless row."""
    monkeypatch.setattr(decoders, "MAX_WAITING", 1)
    slow = Decoder([sys.executable, "-c", READY + "time.sleep(60)"], limit_seconds=2)
    with ThreadPoolExecutor(4) as people:
        outcomes = [one.exception() for one in [people.submit(slow.jpeg, b"x", b"", widest=160) for _ in range(4)]]
    assert sum(isinstance(outcome, UnavailableError) for outcome in outcomes) == 3
    slow.close()


def test_the_child_can_reach_nothing(decoder: Decoder, film: bytes) -> None:
    """A running child has only its two pipes, and may open or write no file."""
    decoder.jpeg(film, b"", widest=160)
    child = decoder._child
    assert child is not None
    limits = open(f"/proc/{child.pid}/limits", encoding="ascii").read()  # noqa: SIM115, PTH123  a kernel's file
    rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert rows["Max open files"] == ["3", "3"]
    assert rows["Max file size"] == ["0", "0"]
    assert rows["Max core file size"] == ["0", "0"]


@pytest.mark.parametrize(
    ("init", "fragment", "widest"), [(2 << 20, 0, 160), (0, MAX_FRAGMENT + 1, 160), (0, 0, 0), (0, 0, 5000)]
)
def test_requests_have_limits(init: int, fragment: int, widest: int) -> None:
    """What is too large is refused before it is sent."""
    with pytest.raises(ValueError, match="larger"):
        request(bytes(init), bytes(fragment), widest)


@given(st.binary(max_size=40))
def test_an_answer_is_whole_not_yet_or_none(heard: bytes) -> None:
    """Whatever a child says is an answer, the beginning of one, or the end of that child."""
    try:
        answer = decoders._whole(bytearray(heard))
    except EOFError:
        assert len(heard) >= ANSWER.size
    else:
        assert answer is None or answer[1] == heard[ANSWER.size :]
