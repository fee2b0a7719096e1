"""The decoding child: takes keyframes, gives JPEGs. What a camera sent may bring a decoder down; it falls here alone.

Started by `Decoder`. It may open no file, write none, start no process, and use bounded memory and time; its
standard input's end is its own.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from typing import Any, BinaryIO

from appliance.errors import CameraError
from appliance.pictures.child_protocol import ANSWER, MAX_FRAGMENT, MAX_INIT, REQUEST, WIDEST, Answer
from appliance.pictures.jpeg import jpeg_from_keyframe

ADDRESS_SPACE = 3 << 30
# A decoded 4K picture and FFmpeg's own take a few hundred megabytes at most; the rest is mapped libraries.
CPU_SECONDS = 3600
_STDIO = 3


def main() -> None:
    """Serve until the input ends."""
    import av  # noqa: PLC0415  loaded before the limits stand
    import av.logging  # noqa: PLC0415

    av.logging.set_level(None)
    _warm_up(av)
    _limit()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests one after the other until there are no more, or one is not of this protocol."""
    _answer(answers, Answer.READY)
    while head := requests.read(REQUEST.size):
        if len(head) < REQUEST.size:
            return
        init_bytes, fragment_bytes, widest = REQUEST.unpack(head)
        if init_bytes > MAX_INIT or fragment_bytes > MAX_FRAGMENT or not 0 < widest <= WIDEST:
            return
        init, fragment = requests.read(init_bytes), requests.read(fragment_bytes)
        if len(init) < init_bytes or len(fragment) < fragment_bytes:
            return
        try:
            picture = jpeg_from_keyframe(init, fragment, widest=widest)
        except (CameraError, MemoryError, ValueError):
            _answer(answers, Answer.UNDECODABLE)
        else:
            _answer(answers, Answer.PICTURE, picture)


def _warm_up(av: Any) -> None:
    """Make one picture, so that everything the libraries load late is there before no file may be opened."""
    film = io.BytesIO()
    with av.open(film, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for packet in [*stream.encode(av.VideoFrame(64, 48, "yuv420p")), *stream.encode(None)]:
            container.mux(packet)
    jpeg_from_keyframe(film.getvalue(), b"", widest=32)


def _answer(answers: BinaryIO, kind: Answer, payload: bytes = b"") -> None:
    answers.write(ANSWER.pack(kind, len(payload)) + payload)
    answers.flush()


def _limit() -> None:
    os.closerange(_STDIO, 256)
    for what, value in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _STDIO),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    main()
