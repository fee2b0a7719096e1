"""A recording as a camera: any container with H.264 or H.265, looped at its own speed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import AudioInfo, SourcePacket, StreamInfo, VideoInfo
from appliance.capture.sources.failures import camera_error, reason_of
from appliance.capture.sources.sound import SoundPath
from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from appliance.cameras.model import Camera
    from appliance.clock import Clock

# A file that is broken at its very beginning would otherwise be read in a frantic loop.
SHORTEST_LOOP_US = 40_000


class FileSource:
    """Plays one file for ever; its timestamps go on from loop to loop."""

    def __init__(self, camera: Camera, clock: Clock) -> None:
        self._path = Path(camera.address)
        self._audio = camera.audio
        self._clock = clock
        self._closing = threading.Event()
        self._first: InputContainer | None = None
        self._sound: SoundPath | None = None

    def open(self) -> StreamInfo:
        """Open the file; see `Source.open`."""
        what = str(self._path)
        container = self._open_file()
        self._first = container  # kept open: the streams are templates
        if not container.streams.video:
            raise camera_error("no_video", what)
        stream: Any = container.streams.video[0]
        codec: Any = stream.codec_context.name if stream.codec_context else ""
        if codec not in ("h264", "hevc"):
            raise camera_error("unsupported_codec", what)
        if not stream.codec_context.extradata:
            raise camera_error("no_video", what)
        rate = stream.average_rate or stream.guessed_rate
        video = VideoInfo(
            codec, stream.width, stream.height, stream.codec_context.extradata, float(rate) if rate else 0.0
        )
        templates: dict[Any, Any] = {"video": stream}
        sound: AudioInfo | None = None
        if self._audio and container.streams.audio:
            self._sound = SoundPath(container.streams.audio[0])
            templates["audio"], sound = self._sound.template, self._sound.info
        return StreamInfo(video, sound, templates=templates)

    def _open_file(self) -> InputContainer:
        try:
            if not self._path.is_file():
                raise camera_error("not_found", str(self._path))
            return av.open(str(self._path), "r")
        except (av.FFmpegError, OSError) as problem:
            raise camera_error(reason_of(problem, opening=True), str(self._path)) from problem

    def packets(self) -> Iterator[SourcePacket]:
        """Yield the file's packets at its own speed until closed; see `Source.packets`."""
        begun_us = self._clock.mono_us()
        offset_us = 0
        while not self._closing.is_set():
            length_us = 0
            try:
                for packet, camera_us in self._one_loop(offset_us):
                    length_us = max(length_us, camera_us - offset_us + _duration_us(packet))
                    self._wait_until(begun_us + camera_us)
                    if self._closing.is_set():
                        return
                    yield from self._as_source(packet)
            except (av.FFmpegError, OSError) as problem:
                raise camera_error(reason_of(problem, opening=False), str(self._path)) from problem
            if length_us < SHORTEST_LOOP_US:
                raise camera_error("no_video", str(self._path))
            offset_us += length_us

    def _one_loop(self, offset_us: int) -> Iterator[tuple[Any, int]]:
        """Yield each packet of the file, its times moved on by ``offset_us``, with its decode time."""
        with self._open_file() as container:
            video = container.streams.video[0]
            wanted: list[Any] = [video, container.streams.audio[0]] if self._sound else [video]
            origin_us: int | None = None
            for packet in container.demux(tuple(wanted)):
                if not packet.size or packet.dts is None:
                    continue
                if origin_us is None:
                    if packet.stream is not video or not packet.is_keyframe:
                        continue
                    origin_us = round(packet.dts * packet.time_base * SECOND_US)
                shift = round((offset_us - origin_us) / SECOND_US / packet.time_base)
                packet.dts += shift
                if packet.pts is not None:
                    packet.pts += shift
                yield packet, max(offset_us, round(packet.dts * packet.time_base * SECOND_US))

    def _wait_until(self, when_us: int) -> None:
        while not self._closing.is_set():
            left_us = when_us - self._clock.mono_us()
            if left_us <= 0:
                return
            self._clock.sleep(min(left_us, SECOND_US // 4) / SECOND_US)

    def _as_source(self, packet: Any) -> Iterator[SourcePacket]:
        now_us = self._clock.mono_us()
        if packet.stream.type == "video":
            yield SourcePacket("video", packet, packet.is_keyframe, now_us)
        elif self._sound:
            yield from self._sound.push(packet, now_us)

    def close(self) -> None:
        """End soon."""
        self._closing.set()


def _duration_us(packet: Any) -> int:
    duration: int = round((packet.duration or 0) * packet.time_base * SECOND_US)
    return duration
