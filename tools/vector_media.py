"""Tiny, real pictures for the test vectors: 64x64, five a second, each a ``moof mdat`` fragment of its own."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction

import av

FRAME_US = 200_000
GROUP = 5
SIZE = 64


@dataclass(frozen=True, slots=True)
class Media:
    """An initialisation segment and one fragment a frame; every fifth begins with a keyframe."""

    init: bytes
    fragments: tuple[bytes, ...]
    codecs: str

    def description(self) -> dict[str, object]:
        """Return record 0's stream description."""
        return {
            "codecs": self.codecs,
            "video": {"codec": "h264", "width": SIZE, "height": SIZE},
            "audio": None,
            "timescale_note": "media times count from the first picture of the camera",
        }


def make_media(frames: int) -> Media:
    """Encode a moving bar."""
    target = io.BytesIO()
    options = {"movflags": "frag_every_frame+empty_moov+default_base_moof", "fflags": "bitexact"}
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(1_000_000, FRAME_US))
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={GROUP}:scenecut=0"}
        for number in range(frames):
            container.mux(stream.encode(_picture(number)))
        container.mux(stream.encode())
        record = bytes(stream.codec_context.extradata or b"")
    boxes = list(_boxes(target.getvalue()))
    init = b"".join(data for kind, data in boxes if kind in {b"ftyp", b"moov"})
    pairs = [data for kind, data in boxes if kind in {b"moof", b"mdat"}]
    fragments = tuple(moof + mdat for moof, mdat in zip(pairs[::2], pairs[1::2], strict=True))
    if len(fragments) != frames:
        raise RuntimeError(f"{len(fragments)} fragments for {frames} frames")
    return Media(init, fragments, f"avc1.{_profile(record)}")


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame(SIZE, SIZE, "yuv420p")
    stride = frame.planes[0].line_size
    bar = number * 4 % SIZE
    row = bytes(200 if bar <= x < bar + 8 else 60 for x in range(stride))
    frame.planes[0].update(row * SIZE)
    for plane in frame.planes[1:]:
        plane.update(bytes([128]) * (plane.line_size * (SIZE // 2)))
    frame.pts = number
    frame.time_base = Fraction(FRAME_US, 1_000_000)
    return frame


def _profile(extradata: bytes) -> str:
    """Return profile, constraints and level, as the sequence parameter set has them."""
    at = extradata.index(b"\x67")
    return extradata[at + 1 : at + 4].hex()


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    start = 0
    while start < len(data):
        size = int.from_bytes(data[start : start + 4])
        found.append((data[start + 4 : start + 8], data[start : start + size]))
        start += size
    return found
