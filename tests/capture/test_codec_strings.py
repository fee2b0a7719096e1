"""Codecs are named as browsers want them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.codec_strings import aac_name, avc_name, boxes, codecs_of, hevc_name
from appliance.errors import CameraError


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def init_of(*entries: bytes) -> bytes:
    """Return an initialisation segment with these sample entries."""
    traks = [box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", bytes(8), entry))))) for entry in entries]
    return box(b"ftyp", b"iso5") + box(b"moov", *traks)


@pytest.mark.parametrize(
    ("config", "name"),
    [("0142c01fff", "avc1.42C01F"), ("014d4028ff", "avc1.4D4028"), ("01640033ff", "avc1.640033")],
)
def test_h264_is_named_by_profile_constraints_and_level(config: str, name: str) -> None:
    """The three bytes after the version stand in the name."""
    assert avc_name(bytes.fromhex(config)) == name


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("01 01 60000000 90 00 00 00 00 00 5d", "hvc1.1.6.L93.90"),
        ("01 02 20000000 b0 00 00 00 00 00 78", "hvc1.2.4.L120.B0"),
        ("01 21 60000000 00 00 00 00 00 00 7b", "hvc1.1.6.H123"),
        ("01 41 60000000 90 00 01 00 00 00 5d", "hvc1.A1.6.L93.90.0.1"),
    ],
)
def test_h265_is_named_as_annex_e_says(config: str, name: str) -> None:
    """Profile space, compatibility with bits reversed, tier, level, and constraints without trailing zeros."""
    assert hevc_name(bytes.fromhex(config)) == name


def esds(specific: bytes, oti: int = 0x40, *, wide: bool = False) -> bytes:
    """Return the body of an esds box."""

    def descriptor(tag: int, body: bytes) -> bytes:
        length = bytes([0x80, 0x80, 0x80, len(body)]) if wide else bytes([len(body)])
        return bytes([tag]) + length + body

    config = descriptor(4, bytes([oti]) + bytes(12) + descriptor(5, specific))
    return bytes(4) + descriptor(3, bytes(3) + config)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("specific", "name"), [("1188", "mp4a.40.2"), ("2b11", "mp4a.40.5")])
def test_aac_is_named_by_its_object_type(specific: str, name: str, wide: bool) -> None:
    """The audio object type is read through short and long descriptor lengths."""
    assert aac_name(esds(bytes.fromhex(specific), wide=wide)) == name


def test_a_whole_initialisation_names_every_track() -> None:
    """Pictures and sound are named in the order of their tracks."""
    video = box(b"avc1", bytes(78), box(b"avcC", bytes.fromhex("0142c01fff")))
    audio = box(b"mp4a", bytes(28), box(b"esds", esds(b"\x11\x88")))
    opus = box(b"Opus", bytes(28), box(b"dOps", bytes(11)))
    assert codecs_of(init_of(video, audio)) == "avc1.42C01F,mp4a.40.2"
    assert codecs_of(init_of(video, opus)) == "avc1.42C01F,opus"


@pytest.mark.parametrize("data", [b"", b"nonsense", init_of(box(b"vp09", bytes(90))), init_of()])
def test_what_is_not_recorded_is_refused(data: bytes) -> None:
    """An unknown codec, or no initialisation at all, is a camera error with a reason."""
    with pytest.raises(CameraError) as refused:
        codecs_of(data)
    assert refused.value.reason == "unsupported_codec"


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_name_or_a_camera_error(data: bytes) -> None:
    """Garbage never raises anything else, and never loops."""
    assert sum(end - start for _, start, end in boxes(data)) <= len(data)
    for read in (codecs_of, avc_name, hevc_name):
        try:
            assert read(data)
        except CameraError as refused:
            assert refused.reason in ("unsupported_codec", "invalid")  # noqa: PT017  both ends are right
    assert aac_name(data).startswith("mp4a.")
