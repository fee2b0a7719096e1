"""What of a fragment a decoder needs is found, and nothing hostile breaks the search."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.pictures.boxes import keyframe_of


def box(name: bytes, *bodies: bytes) -> bytes:
    """Return a box."""
    body = b"".join(bodies)
    return (8 + len(body)).to_bytes(4, "big") + name + body


def init(codec: bytes = b"avc1", configuration: bytes = b"avcC") -> bytes:
    """Return an initialisation segment with a sound track before the pictures."""
    entry = box(codec, bytes(78), box(b"pasp", bytes(8)), box(configuration, b"\x01extra"))
    tracks = [
        box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", bytes(8), one)))))
        for one in (box(b"mp4a", bytes(28)), entry)
    ]
    return box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", bytes(4)), *tracks)


def fragment(samples: int = 1, data: bytes = b"picture") -> bytes:
    """Return a fragment."""
    run = box(b"trun", bytes(4), samples.to_bytes(4, "big"))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfhd", bytes(8)), run)) + box(b"mdat", data)


def test_the_picture_and_its_decoder_are_found() -> None:
    """H.264 and H.265, whatever tracks and boxes stand around them."""
    found = keyframe_of(init(), fragment())
    assert found
    assert (found.codec, found.extradata, found.data) == ("h264", b"\x01extra", b"picture")
    other = keyframe_of(init(b"hvc1", b"hvcC"), fragment())
    assert other
    assert other.codec == "hevc"


def test_what_is_not_one_known_picture_is_left_to_others() -> None:
    """Several pictures in a fragment, another codec, no configuration, no data: nothing is guessed."""
    assert keyframe_of(init(), fragment(samples=2)) is None
    assert keyframe_of(init(b"av01", b"av1C"), fragment()) is None
    assert keyframe_of(init(b"avc1", b"none"), fragment()) is None
    assert keyframe_of(init(), fragment(data=b"")) is None
    assert keyframe_of(b"", b"") is None


@given(st.binary(max_size=200), st.integers(0, 200), st.binary(max_size=8))
def test_no_bytes_break_the_search(raw: bytes, at: int, patch: bytes) -> None:
    """Whatever a camera sent, the answer is a picture or nothing."""
    whole = init() + raw
    broken = whole[:at] + patch + whole[at + len(patch) :]
    keyframe_of(broken, fragment())
    keyframe_of(init(), raw)
