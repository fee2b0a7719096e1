"""Reading a live container whose pictures are copied as they come: network cameras, and USB cameras that encode."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import Pace, SourcePacket, StreamInfo, VideoInfo
from appliance.capture.sources.failures import camera_error, reason_of
from appliance.capture.sources.guards import ChangeGuard, FloodGuard, GarbageGuard
from appliance.capture.sources.parameter_sets import annex_b, geometry, parameter_sets
from appliance.capture.sources.sound import SoundPath
from appliance.clock import SECOND_US
from appliance.errors import CameraError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from av.container import InputContainer

    from appliance.clock import Clock
    from appliance.config import CaptureSettings

# Some cameras send a keyframe every ten seconds only.
KEYFRAME_PATIENCE_US = 20 * SECOND_US
# A read that took longer than this waited for the camera: what came before it was a backlog.
WAITED_US = 3_000
BACKLOG_PACKETS = 1_000
DAMAGED_IN_A_ROW = 20
COPIED = ("h264", "hevc")


class CopyReader:
    """One opened live container.

    Args:
        container: closed by `close`, which only the reading thread may call.
        what: the camera's address, for messages.
        audio: whether its sound is wanted.
    """

    def __init__(
        self, container: InputContainer, what: str, clock: Clock, settings: CaptureSettings, *, audio: bool
    ) -> None:
        self._container = container
        self._what = what
        self._clock = clock
        self._settings = settings
        self._lost_us = round(settings.lost_after_seconds * SECOND_US)
        self._audio = audio
        self._sound: SoundPath | None = None
        self._wanted: list[Any] = []
        self._demux: Iterator[Any] = iter(())
        self._backlog: list[tuple[Any, int]] = []

    def look(self, opened_us: int, until_us: int) -> StreamInfo:
        """Return what the camera delivers, having read to its first keyframe if that comes by ``until_us``.

        Raises:
            CameraError: ``no_video`` or ``unsupported_codec``.
            av.FFmpegError: reading failed.
        """
        if not self._container.streams.video:
            raise camera_error("no_video", self._what)
        stream: Any = self._container.streams.video[0]
        self._stream = stream
        # Without a decoder FFmpeg knows no name at all.
        self._codec: Any = stream.codec_context.name if stream.codec_context else ""
        if self._codec not in COPIED:
            raise camera_error("unsupported_codec", self._what)
        templates: dict[Any, Any] = {"video": stream}
        self._wanted = [stream]
        if self._audio and self._container.streams.audio:
            self._listen(templates)
        self._demux = self._container.demux(tuple(self._wanted))
        key = self._fill_backlog(until_us)
        self._backlog = backdated(self._backlog, opened_us)
        self._video = self._describe(key)
        return StreamInfo(self._video, self._sound.info if self._sound else None, templates=templates)

    def _listen(self, templates: dict[Any, Any]) -> None:
        heard: Any = self._container.streams.audio[0]
        with contextlib.suppress(av.FFmpegError, ValueError):  # sound nobody can decode costs no pictures
            self._sound = SoundPath(heard)
            templates["audio"] = self._sound.template
            self._wanted.append(heard)

    def _fill_backlog(self, until_us: int) -> bytes:
        """Read to the first keyframe and on until reading had to wait; return that keyframe, or nothing."""
        key = b""
        while len(self._backlog) < BACKLOG_PACKETS and (before_us := self._clock.mono_us()) < until_us:
            packet = next(self._demux, None)
            now_us = self._clock.mono_us()
            if packet is None or not packet.size:
                if key:
                    break
                raise camera_error("no_video", self._what)
            if not key:
                if packet.stream is not self._stream or not packet.is_keyframe:
                    continue
                key = bytes(packet)
            self._backlog.append((packet, now_us))
            if len(self._backlog) > 1 and now_us - before_us > WAITED_US:
                break
        return key

    def _describe(self, key: bytes) -> VideoInfo:
        stream, codec = self._stream, self._codec
        extradata = stream.codec_context.extradata or b""
        width, height = stream.width, stream.height
        inside = parameter_sets(key, codec)
        if inside and inside != parameter_sets(extradata, codec):
            # What comes with the pictures is right; the description before them may be that of yesterday.
            extradata = annex_b(inside)
            found = geometry(key, codec)
            width, height = (found.width, found.height) if found else (width, height)
        if not extradata or not width or not height:
            raise camera_error("no_video", self._what)
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(codec, width, height, extradata, float(rate) if rate else 0.0)

    def packets(self, closing: threading.Event, pace: Pace) -> Iterator[SourcePacket]:
        """Yield packets, the first a keyframe, until ``closing``; see `Source.packets`."""
        flood = FloodGuard(self._settings.max_bitrate_mbit, self._what)
        pictures = _Pictures(self._video, self._what, self._stream.profile, self._clock.mono_us())
        seen_us = self._clock.mono_us()
        try:
            for packet, arrived_us in self._gathered(closing, pace):
                flood.check(packet.size, arrived_us)
                if packet.stream is self._stream:
                    seen_us = arrived_us
                    picture = pictures.take(packet, arrived_us)
                    if picture:
                        yield picture
                    continue
                if arrived_us - seen_us > self._lost_us:
                    raise camera_error("lost", self._what)
                if pictures.begun:
                    yield from self._heard(packet, arrived_us)
        except (av.FFmpegError, OSError) as problem:
            raise camera_error(reason_of(problem, opening=False), self._what) from None

    def _gathered(self, closing: threading.Event, pace: Pace) -> Iterator[tuple[Any, int]]:
        batch: list[tuple[Any, int]] = []
        try:
            for arrival in self._arrivals(closing):
                batch.append(arrival)
                if not pace.batch_us or arrival[1] - batch[0][1] >= pace.batch_us:
                    yield from batch
                    batch = []
        except (av.FFmpegError, OSError, CameraError):
            yield from batch  # what came before the failure is kept
            raise
        yield from batch

    def _arrivals(self, closing: threading.Event) -> Iterator[tuple[Any, int]]:
        backlog, self._backlog = self._backlog, []
        yield from backlog
        damaged = 0
        while not closing.is_set():
            asked_us = self._clock.mono_us()
            try:
                packet = next(self._demux, None)
            except av.InvalidDataError:
                damaged += 1
                if damaged > DAMAGED_IN_A_ROW:
                    raise
                self._demux = self._container.demux(tuple(self._wanted))
                continue
            if closing.is_set():
                return
            if packet is None or not packet.size:
                raise camera_error("lost", self._what)
            damaged = 0
            arrived_us = self._clock.mono_us()
            if arrived_us - asked_us >= self._lost_us:
                # FFmpeg keeps the last picture until reading has timed out, gives it away, and waits as long again:
                # that picture is old, and the camera is silent.
                yield packet, asked_us
                raise camera_error("lost", self._what)
            yield packet, arrived_us

    def _heard(self, packet: Any, arrived_us: int) -> Iterator[SourcePacket]:
        if self._sound:
            with contextlib.suppress(av.FFmpegError):  # a damaged moment of sound is left out
                yield from self._sound.push(packet, arrived_us)

    def close(self) -> None:
        """Release the container."""
        self._demux = iter(())
        self._backlog = []
        self._container.close()


class _Pictures:
    """Lets pictures through from the first keyframe on, and stops what is no picture or another one."""

    def __init__(self, video: VideoInfo, what: str, profile: str | None, now_us: int) -> None:
        self._what = what
        self._since_us = now_us
        self._garbage = GarbageGuard(video.codec, what)
        self._change = ChangeGuard(video, what, profile)
        self.begun = False

    def take(self, packet: Any, arrived_us: int) -> SourcePacket | None:
        if self._garbage.damaged(bytes(memoryview(packet)[:8]), corrupt=packet.is_corrupt):
            return None
        picture = SourcePacket("video", packet, packet.is_keyframe, arrived_us)
        if picture.keyframe:
            self._change.check(picture)
            self.begun = True
        elif not self.begun and arrived_us - self._since_us > KEYFRAME_PATIENCE_US:
            raise camera_error("invalid", self._what)
        return picture if self.begun else None


def backdated(backlog: list[tuple[Any, int]], opened_us: int) -> list[tuple[Any, int]]:
    """Give packets that waited in buffers the time of the last one, less the camera's spacing."""
    newest: dict[int, tuple[float, int]] = {}
    for packet, arrived_us in backlog:
        if packet.dts is not None:
            newest[packet.stream_index] = (float(packet.dts * packet.time_base), arrived_us)
    result = []
    for packet, arrived_us in backlog:
        last = newest.get(packet.stream_index)
        when_us = arrived_us
        if last and packet.dts is not None:
            when_us = last[1] - round((last[0] - float(packet.dts * packet.time_base)) * SECOND_US)
        result.append((packet, max(opened_us, min(when_us, arrived_us))))
    return result
