"""Reads of ISO BMFF just what decoding one keyframe needs (ISO/IEC 14496-12 and -15; pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = 8
_ENTRY: Final = 78
"""Bytes of a visual sample entry before the boxes inside it."""
_TABLE: Final = 8
_CODECS: Final = {
    b"avc1": ("h264", b"avcC"), b"avc3": ("h264", b"avcC"), b"hvc1": ("hevc", b"hvcC"), b"hev1": ("hevc", b"hvcC"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One coded picture, and what its decoder has to know."""

    codec: str
    extradata: bytes
    data: bytes


def keyframe_of(init: bytes, fragment: bytes) -> Keyframe | None:
    """Return the one picture of a fragment; None where it is not exactly one of H.264 or H.265.

    Args:
        init: the initialisation segment (``ftyp moov``).
        fragment: ``moof mdat``.
    """
    described = _description(init)
    data = next(_inside(fragment, b"mdat"), b"")
    if described is None or not data or _samples(fragment) != 1:
        return None
    return Keyframe(*described, data)


def _description(init: bytes) -> tuple[str, bytes] | None:
    for table in _inside(init, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        for name, entry in _boxes(table[_TABLE:]):
            if name in _CODECS:
                codec, wanted = _CODECS[name]
                return next(((codec, body) for kind, body in _boxes(entry[_ENTRY:]) if kind == wanted), None)
    return None


def _samples(fragment: bytes) -> int:
    runs = [int.from_bytes(run[4:8], "big") for run in _inside(fragment, b"moof", b"traf", b"trun")]
    return sum(runs)


def _inside(data: bytes, first: bytes, *path: bytes) -> Iterator[bytes]:
    for name, body in _boxes(data):
        if name == first:
            if path:
                yield from _inside(body, *path)
            else:
                yield body


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and bodies; what does not fit its surroundings ends the walk."""
    at = 0
    while at + _HEADER <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < _HEADER or at + size > len(data):
            return
        yield data[at + 4 : at + _HEADER], data[at + _HEADER : at + size]
        at += size
