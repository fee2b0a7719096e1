"""Small but real recordings: H.264 made by x264, through the fragmenter and segmenter, sealed by the part writer."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from appliance.capture.fragmenter import Fragmenter
from appliance.capture.segmenter import Segmenter
from appliance.capture.sources.base import AudioInfo, SourcePacket, StreamInfo, VideoInfo
from appliance.clock import SECOND_US, ManualClock
from appliance.vault.crypto import generate_private, key_id, public_of
from appliance.vault.format import NO_KEY, NO_OFFSET, GapReason
from appliance.vault.keys import DeviceKey
from appliance.vault.keysource import FileKeys
from appliance.vault.part import Anchor, PartOpening, PartWriter, PreviousPart, WriterKeys
from appliance.vault.part_files import part_path
from appliance.vault.recipients import Recipient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FPS = 10
WALL_US = 1_800_000_000 * SECOND_US
MONO_US = 5_000 * SECOND_US
PRIVATE = generate_private("X25519")
DEVICE = DeviceKey.generate()


def recipient(private: bytes = PRIVATE) -> Recipient:
    """Return the recipient of an X25519 private key."""
    public = public_of("X25519", private)
    return Recipient(key_id=key_id("X25519", public), label="Room 1", role="review", suite="X25519", public=public)


def file_keys() -> FileKeys:
    """Return the keys that open what `Recorder` makes."""
    return FileKeys([("X25519", PRIVATE)])


def movie(
    seconds: float, *, size: tuple[int, int] = (64, 48), gop: int = FPS, b_frames: int = 0, audio: bool = False
) -> bytes:
    """Return an MP4 in which the brightness of frame n (mod 200) is n + 30, so that frames tell their number."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        options = {"preset": "ultrafast", "bf": str(b_frames), "sc_threshold": "0", "crf": "10"}
        video: Any = container.add_stream("libx264", rate=FPS, options=options)
        video.width, video.height, video.pix_fmt, video.gop_size = *size, "yuv420p", gop
        sound: Any = container.add_stream("aac", rate=16_000, layout="mono") if audio else None
        for number in range(round(seconds * FPS)):
            picture = np.full((size[1] * 3 // 2, size[0]), 128, dtype=np.uint8)
            picture[: size[1]] = number % 200 + 30
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")):
                container.mux(packet)
        for packet in video.encode(None):
            container.mux(packet)
        for number in range(round(seconds * 16_000 / 1024)) if sound else ():
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1024, Fraction(1, 16_000)
            for packet in sound.encode(frame):
                container.mux(packet)
        for packet in sound.encode(None) if sound else ():
            container.mux(packet)
    return out.getvalue()


@dataclass
class Recorder:
    """Writes parts of one recording, one movie a part."""

    vault: Path
    clock: ManualClock
    sitting: str = "exam"
    camera: str = "front"
    number: int = 0
    previous: PreviousPart | None = None
    boot: str = "boot-1"
    trusted: bool = True
    keys: WriterKeys | None = None

    def part(
        self,
        data: bytes,
        *,
        gap_before: tuple[float, GapReason] | None = None,
        gap_at: tuple[float, float] | None = None,
        opened: str = "start",
        close: bool = True,
    ) -> PartWriter:
        """Seal a movie as the next part, from the clock's present moment; the clock ends at the movie's end.

        Args:
            data: from `movie`.
            gap_before: seconds before now for which a gap is stated, and why.
            gap_at: ``(second, length)``: the camera is lost at that second of the movie for that long.
            opened: the manifest's word.
            close: write the final checkpoint.
        """
        self.number += 1
        now = self.clock.mono_us()
        anchor = Anchor(self.clock.wall_us(), now, self.boot, self.trusted)
        opening = PartOpening(
            sitting=self.sitting,
            camera=self.camera,
            part=self.number,
            opened=opened,
            previous=self.previous,
            masked=False,
            audio=False,
            masks_sha256=None,
            anchor=anchor,
            aead="AES-256-GCM",
        )
        packets = _Packets(data, now, gap_at)
        fragmenter = Fragmenter(packets.info)
        stream = {"codecs": fragmenter.codecs, "video": {"codec": "h264"}, "audio": None, "timescale_note": ""}
        writer = PartWriter.create(
            part_path(self.vault, self.sitting, self.camera, self.number),
            opening,
            self.keys or WriterKeys("box-1", DEVICE, (recipient(),)),
            stream=stream,
            init=fragmenter.init,
            clock=self.clock,
        )
        if gap_before:
            writer.append_gap(now - round(gap_before[0] * SECOND_US), round(gap_before[0] * SECOND_US), gap_before[1])
        for segment in packets.segments(fragmenter):
            missing = segment.start_us - writer.end_us
            if missing > 100_000:
                writer.append_gap(writer.end_us, missing, GapReason.CAMERA_LOST)
            writer.append_segment(
                start_us=segment.start_us,
                duration_us=segment.duration_us,
                media_us=segment.media_us,
                keyframe=segment.keyframe,
                key_us=NO_KEY if segment.key_us is None else segment.key_us,
                key_offset=NO_OFFSET if segment.key_offset is None else segment.key_offset,
                discontinuity=segment.discontinuity or missing > 100_000,
                plaintext=segment.data,
            )
        self.clock.advance((writer.end_us - self.clock.mono_us()) / SECOND_US)
        self.previous = writer.acknowledged()
        if close:
            writer.close()
        return writer


class _Packets:
    """A movie's packets as a camera would send them."""

    def __init__(self, data: bytes, start_us: int, gap_at: tuple[float, float] | None) -> None:
        self._container = av.open(io.BytesIO(data))
        self._start_us = start_us
        self._gap = gap_at
        video = self._container.streams.video[0]
        sound = self._container.streams.audio[0] if self._container.streams.audio else None
        context = video.codec_context
        self.info = StreamInfo(
            VideoInfo("h264", context.width, context.height, context.extradata or b"", FPS),
            AudioInfo("aac", sound.rate, sound.channels) if sound else None,
            templates={"video": video, **({"audio": sound} if sound else {})},
        )

    def segments(self, fragmenter: Fragmenter) -> Iterator[Any]:
        """Yield what the sealer would get."""
        segmenter = Segmenter()
        first_us: int | None = None
        for packet in self._container.demux():
            if packet.dts is None:
                continue
            kind: Any = packet.stream.type
            at_us = round(packet.dts * packet.time_base * SECOND_US)
            first_us = at_us if first_us is None else first_us
            at_us = max(0, at_us - first_us)
            if self._gap and at_us >= round(self._gap[0] * SECOND_US):
                away = round(self._gap[1] / packet.time_base)
                packet.dts, packet.pts = packet.dts + away, (packet.pts or 0) + away
                at_us += round(self._gap[1] * SECOND_US)
            sent = SourcePacket(kind, packet, packet.is_keyframe, self._start_us + at_us)
            for fragment in fragmenter.push(sent):
                if (done := segmenter.push(fragment)) is not None:
                    yield done
        for fragment in fragmenter.flush():
            if (done := segmenter.push(fragment)) is not None:
                yield done
        if (done := segmenter.flush()) is not None:
            yield done


def frame_numbers(path: Path) -> list[tuple[float, int]]:
    """Decode a clip: ``(seconds, number)`` of each frame, in the order shown."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            luma = frame.to_ndarray()[: frame.height]
            found.append((round(float(frame.time or 0), 3), round(float(luma.mean())) - 30))
    return found


def clock_at(wall_us: int = WALL_US, mono_us: int = MONO_US) -> ManualClock:
    """Return a clock for a `Recorder`."""
    return ManualClock(wall_us, mono_us)
