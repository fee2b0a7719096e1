"""Packets become fragments a browser and the vault can use."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from av.packet import Packet
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.capture.codec_strings import boxes
from appliance.capture.fragmenter import MAX_FRAME_US, Fragment, Fragmenter
from appliance.capture.segmenter import Segmenter
from appliance.capture.sources.base import SourcePacket, StreamInfo
from appliance.capture.sources.encoding import H264Encoder
from appliance.errors import CameraError
from tests.support.media import decoded, pictures

FPS = 25
FRAME_US = 40_000
EPOCH_US = 10**9


def encoded(count: int, width: int = 160, height: int = 96) -> tuple[StreamInfo, list[SourcePacket]]:
    """Pictures as an encoding camera sends them, one every 40 ms, arriving at once."""
    encoder = H264Encoder(width, height, FPS)
    info = StreamInfo(encoder.info, None, templates={"video": encoder.template})
    packets = []
    for frame in pictures(count, width, height):
        frame.pts, frame.time_base = frame.pts * 3600, encoder.template.codec_context.time_base
        for packet in encoder.encode(frame):
            arrived = EPOCH_US + round(float(packet.pts * packet.time_base) * 1e6)
            packets.append(SourcePacket("video", packet, packet.is_keyframe, arrived))
    return info, packets


def run(count: int = 30) -> tuple[Fragmenter, list[Fragment]]:
    """Return a fragmenter and what it made of some pictures."""
    info, packets = encoded(count)
    fragmenter = Fragmenter(info)
    done = [fragment for packet in packets for fragment in fragmenter.push(packet)]
    return fragmenter, done + fragmenter.flush()


def test_every_picture_is_a_fragment_of_whole_boxes() -> None:
    """Each fragment is one moof and one mdat, with the keyframes marked, at the time of its picture."""
    _, fragments = run()
    assert [[kind for kind, _, _ in boxes(f.data)] for f in fragments] == [[b"moof", b"mdat"]] * 30
    assert [f.start_us for f in fragments] == [EPOCH_US + n * FRAME_US for n in range(30)]
    assert [f.media_us for f in fragments] == [n * FRAME_US for n in range(30)]
    assert {f.duration_us for f in fragments} == {FRAME_US}
    assert [n for n, f in enumerate(fragments) if f.keyframe] == [0, 25]


def test_initialisation_and_fragments_play() -> None:
    """The initialisation followed by all fragments decodes to every picture at its own time."""
    fragmenter, fragments = run()
    assert fragmenter.codecs.startswith("avc1.42C0")
    shown = decoded(fragmenter.init + b"".join(f.data for f in fragments))
    assert [round(frame.time * 1e6) for frame in shown] == [n * FRAME_US for n in range(30)]


def test_a_viewer_may_begin_at_any_keyframe() -> None:
    """The initialisation with fragments from a later keyframe on decodes from there."""
    fragmenter, fragments = run()
    shown = decoded(fragmenter.init + b"".join(f.data for f in fragments[25:]))
    assert len(shown) == 5
    assert round(shown[0].time * 1e6) == 25 * FRAME_US


def test_one_frame_is_held_back_and_flush_gives_it() -> None:
    """A fragment is complete once the next picture has come; flush does not wait for it, and reading goes on."""
    info, packets = encoded(3)
    fragmenter = Fragmenter(info)
    assert fragmenter.push(packets[0]) == []
    assert [f.start_us for f in fragmenter.push(packets[1])] == [EPOCH_US]
    assert [f.start_us for f in fragmenter.flush()] == [EPOCH_US + FRAME_US]
    assert fragmenter.flush() == []
    assert fragmenter.push(packets[2]) == []
    assert [f.media_us for f in fragmenter.flush()] == [2 * FRAME_US]


def test_a_long_silence_is_not_put_into_a_picture() -> None:
    """After a hole the picture before it keeps its usual duration, and times inside the fragments go on."""
    info, packets = encoded(6)
    for packet in packets[3:]:
        packet.packet.pts += 3 * 90_000
        packet.packet.dts += 3 * 90_000
        packet.arrived_us += 3_000_000
    fragmenter = Fragmenter(info)
    fragments = [f for packet in packets for f in fragmenter.push(packet)] + fragmenter.flush()
    assert [f.duration_us for f in fragments] == [FRAME_US] * 6
    assert fragments[3].start_us - fragments[2].start_us == 3_000_000 + FRAME_US > MAX_FRAME_US
    shown = decoded(fragmenter.init + b"".join(f.data for f in fragments))
    assert [round(frame.time * 1e6) for frame in shown] == [f.media_us for f in fragments]


def test_a_jump_of_the_camera_clock_is_passed_on() -> None:
    """The first fragment after a jump says so, and nothing is lost."""
    info, packets = encoded(6)
    for packet in packets[3:]:
        packet.packet.pts -= 10**9
        packet.packet.dts -= 10**9
    fragmenter = Fragmenter(info)
    fragments = [f for packet in packets for f in fragmenter.push(packet)] + fragmenter.flush()
    assert [f.discontinuity for f in fragments] == [False, False, False, True, False, False]


def test_nothing_begins_without_a_keyframe() -> None:
    """Pictures before the first keyframe, and sound nobody asked for, are left out."""
    info, packets = encoded(28)
    fragmenter = Fragmenter(info)
    assert all(fragmenter.push(packet) == [] for packet in packets[20:25])
    assert fragmenter.push(SourcePacket("audio", packets[25].packet, keyframe=True, arrived_us=EPOCH_US)) == []
    assert fragmenter.flush() == []


def test_large_pictures_stay_whole() -> None:
    """A keyframe far larger than the muxer's 32 KiB buffer comes out as one whole fragment."""
    info, packets = encoded(2)
    filler: Any = Packet(bytes(packets[0].packet) + b"\0\0\1\x0c" + b"\xff" * 300_000 + b"\x80")
    filler.pts = filler.dts = packets[0].packet.pts
    filler.time_base, filler.is_keyframe = packets[0].packet.time_base, True
    fragmenter = Fragmenter(info)
    fragmenter.push(SourcePacket("video", filler, True, EPOCH_US))
    (fragment,) = fragmenter.push(packets[1])
    assert len(fragment.data) > 300_000
    assert [kind for kind, _, _ in boxes(fragment.data)] == [b"moof", b"mdat"]


def test_a_stream_that_does_not_fit_mp4_is_refused_plainly() -> None:
    """An H.264 description that is none is a camera error, not a crash."""
    info, _ = encoded(1)
    broken = StreamInfo(type(info.video)("h264", 160, 96, b"\0\0\0\1\x67", 25.0), None, templates=info.templates)
    with pytest.raises(CameraError) as refused:
        Fragmenter(broken)
    assert refused.value.reason in ("invalid", "unsupported_codec")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**33), 2**33), st.integers(0, 2_500_000)), min_size=1, max_size=40)
)
def test_any_timestamps_end_in_playable_segments(moves: list[tuple[int | None, int]]) -> None:
    """Whatever a camera says about time, segments tile forwards, and every picture decodes."""
    info, packets = encoded(len(moves))
    fragmenter, segmenter, arrived = Fragmenter(info), Segmenter(), EPOCH_US
    segments = []
    for packet, (stamp, wait) in zip(packets, moves, strict=True):
        arrived += wait
        packet.packet.pts = packet.packet.dts = stamp
        packet.arrived_us = arrived
        segments += [segmenter.push(fragment) for fragment in fragmenter.push(packet)]
    segments += [segmenter.push(fragment) for fragment in fragmenter.flush()] + [segmenter.flush()]
    whole = [segment for segment in segments if segment]
    assert all(0 < s.duration_us <= 2_000_000 for s in whole)
    assert all(a.start_us + a.duration_us <= b.start_us for a, b in itertools.pairwise(whole))
    assert len(decoded(fragmenter.init + b"".join(s.data for s in whole))) == len(moves)
