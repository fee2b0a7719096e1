"""Parameter sets of H.264 and H.265 inside access units: has the camera changed what it sends?"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import av

if TYPE_CHECKING:
    from collections.abc import Iterator

Codec = Literal["h264", "hevc"]
# ITU-T H.264, table 7-1, and H.265, table 7-1.
_H264_SETS = frozenset({7, 8})
_H264_PICTURES = frozenset(range(1, 6))
_HEVC_SETS = frozenset({32, 33, 34})
_HEVC_LAST_PICTURE = 31
# Parameter sets stand before the first slice; a camera that puts more than this there is not read further.
HEAD_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Geometry:
    """What must not change within one recording part."""

    width: int
    height: int
    profile: str | None


def nal_units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream with start codes (annex B)."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        start += 3
        end = data.find(b"\0\0\1", start)
        unit = data[start : end if end >= 0 else len(data)]
        yield unit.rstrip(b"\0") if end >= 0 else unit
        start = end


def nal_type(unit: bytes, codec: Codec) -> int | None:
    """Return a NAL unit's type, or None if its header is impossible."""
    if not unit or unit[0] & 0x80:
        return None
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1


def parameter_sets(data: bytes, codec: Codec) -> tuple[bytes, ...]:
    """Return the parameter sets before the first slice of an access unit, or of extradata, in annex B."""
    found = []
    for unit in nal_units(data[:HEAD_BYTES]):
        kind = nal_type(unit, codec)
        if kind is None or (kind in _H264_PICTURES if codec == "h264" else kind <= _HEVC_LAST_PICTURE):
            break
        if kind in (_H264_SETS if codec == "h264" else _HEVC_SETS):
            found.append(unit)
    return tuple(found)


def annex_b(units: tuple[bytes, ...]) -> bytes:
    """Return NAL units with start codes."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def geometry(keyframe: bytes, codec: Codec) -> Geometry | None:
    """Return what a keyframe with its parameter sets describes, or None if nobody can tell.

    It is parsed as a file of its own by FFmpeg; that takes milliseconds and happens only when something changed.
    """
    try:
        with av.open(io.BytesIO(keyframe), "r", format=codec) as container:
            stream = container.streams.video[0]
            return Geometry(stream.width, stream.height, stream.profile)
    except (av.FFmpegError, IndexError):
        return None


def looks_like_pictures(data: bytes, codec: Codec) -> bool:
    """Whether an access unit begins as one must: with a start code and a possible NAL header."""
    head = data[:8]
    place = head.find(b"\0\0\1")
    if place not in (0, 1) or place + 3 >= len(head):
        return False
    kind = nal_type(head[place + 3 :], codec)
    limit = 23 if codec == "h264" else 47
    return kind is not None and (kind > 0 or codec == "hevc") and kind <= limit
