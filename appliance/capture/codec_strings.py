"""Names of codecs as browsers want them (RFC 6381), read from an MP4 initialisation segment."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from appliance.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Children of a sample entry begin after its fixed fields (ISO/IEC 14496-12, 8.5.2 and 12.1.3, 12.2.3).
_VISUAL_ENTRY_BYTES = 78
_AUDIO_ENTRY_BYTES = 28
_PLAIN_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_VIDEO_ENTRIES = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1"})
_AVCC_BYTES = 4
_HVCC_BYTES = 13
_DECODER_CONFIG, _DECODER_SPECIFIC = 0x04, 0x05


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield ``(type, first byte of the body, end)`` of the ISO BMFF boxes that lie whole in ``data[start:end]``."""
    stop = len(data) if end is None else end
    while start + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > stop:  # noqa: PLR2004  a box has at least size and type
            return
        yield kind, start + 8, start + size
        start += size


def codecs_of(init: bytes) -> str:
    """Return the codecs of an initialisation segment, for example ``avc1.42C01F,mp4a.40.2``.

    Raises:
        CameraError: ``unsupported_codec``; it holds something that is not recorded here, or is no such segment.
    """
    names = [_entry_name(init, kind, body, end) for kind, body, end in _sample_entries(init, 0, len(init))]
    if not names:
        raise CameraError("The stream has no picture description.", reason="unsupported_codec")
    return ",".join(names)


def _sample_entries(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, body, stop in boxes(data, start, end):
        if kind in _PLAIN_CONTAINERS:
            yield from _sample_entries(data, body, stop)
        elif kind == b"stsd":
            yield from boxes(data, body + 8, stop)


def _entry_name(data: bytes, kind: bytes, body: int, end: int) -> str:
    skip = _VISUAL_ENTRY_BYTES if kind in _VIDEO_ENTRIES else _AUDIO_ENTRY_BYTES
    children = {child: data[start:stop] for child, start, stop in boxes(data, body + skip, end)}
    if b"avcC" in children:
        return avc_name(children[b"avcC"], kind.decode("ascii"))
    if b"hvcC" in children:
        return hevc_name(children[b"hvcC"], kind.decode("ascii"))
    if b"esds" in children:
        return aac_name(children[b"esds"])
    if kind == b"Opus":
        return "opus"
    raise CameraError(
        f"The codec {kind.decode('latin-1')!r} is not recorded.", reason="unsupported_codec", hint="Use H.264 or H.265."
    )


def avc_name(config: bytes, entry: str = "avc1") -> str:
    """Return ``avc1.PPCCLL`` from an AVCDecoderConfigurationRecord (RFC 6381, 3.3; ISO/IEC 14496-15, 5.3.3)."""
    if len(config) < _AVCC_BYTES:
        raise CameraError("The camera's H.264 description is cut short.", reason="invalid")
    return f"{entry}.{config[1:4].hex().upper()}"


def hevc_name(config: bytes, entry: str = "hvc1") -> str:
    """Return ``hvc1.…`` from an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, annex E.3)."""
    if len(config) < _HVCC_BYTES:
        raise CameraError("The camera's H.265 description is cut short.", reason="invalid")
    space, tier, profile = config[1] >> 6, config[1] >> 5 & 1, config[1] & 0x1F
    compatibility = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    constraints = config[6:12].rstrip(b"\0")
    parts = [
        f"{'ABC'[space - 1] if space else ''}{profile}",
        f"{compatibility:X}",
        f"{'H' if tier else 'L'}{config[12]}",
        *(f"{byte:X}" for byte in constraints),
    ]
    return ".".join([entry, *parts])


def aac_name(esds: bytes) -> str:
    """Return ``mp4a.40.N`` from an ``esds`` box's body (ISO/IEC 14496-1, 7.2.6; N is the audio object type)."""
    config = _descriptor(esds, _DECODER_CONFIG)
    if not config:
        return "mp4a.40.2"
    specific = _descriptor(esds, _DECODER_SPECIFIC)
    if config[0] != 0x40 or not specific:  # noqa: PLR2004  0x40: ISO/IEC 14496-3
        return f"mp4a.{config[0]:X}"
    return f"mp4a.40.{specific[0] >> 3}"


def _descriptor(esds: bytes, wanted: int) -> bytes:
    """Return the body of the first descriptor of that tag, walking ES, DecoderConfig and DecoderSpecificInfo."""
    place = 4  # version and flags of the box
    skip = {0x03: 3, _DECODER_CONFIG: 13}  # fixed fields before nested descriptors
    while place < len(esds):
        tag = esds[place]
        place, length = _length(esds, place + 1)
        if tag == wanted:
            return esds[place : place + length]
        if tag not in skip:
            return b""
        place += skip[tag]
    return b""


def _length(data: bytes, place: int) -> tuple[int, int]:
    length = 0
    while place < len(data):
        byte = data[place]
        place += 1
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return place, length
