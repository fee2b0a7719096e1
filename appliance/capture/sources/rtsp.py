"""Network cameras: RTSP over TCP, digest or basic credentials, H.264 and H.265 copied as they come."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import av

from appliance.capture.sources.base import SourcePacket, StreamInfo, VideoInfo
from appliance.capture.sources.failures import camera_error, reason_of
from appliance.capture.sources.guards import ChangeGuard, FloodGuard, GarbageGuard
from appliance.capture.sources.parameter_sets import annex_b, geometry, parameter_sets
from appliance.capture.sources.sound import SoundPath
from appliance.clock import SECOND_US
from appliance.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from appliance.cameras.credentials import Credential
    from appliance.cameras.model import Camera
    from appliance.clock import Clock
    from appliance.config import Settings

# All of opening, the first keyframe included, as far as the camera can be hurried.
OPEN_US = 4_700_000
CONNECT_SECONDS = 1.2
DEFAULT_PORT = 554
# FFmpeg cuts user:password beyond this.
MAX_CREDENTIAL = 127
# Some cameras send a keyframe every ten seconds only.
KEYFRAME_PATIENCE_US = 20 * SECOND_US
# A read that took longer than this waited for the network: what came before it was a backlog.
WAITED_US = 3_000
BACKLOG_PACKETS = 1_000
DAMAGED_IN_A_ROW = 20


class RtspSource:
    """One network camera. See `appliance.capture.sources.base.Source`."""

    def __init__(self, camera: Camera, credential: Credential | None, clock: Clock, settings: Settings) -> None:
        self._camera = camera
        self._credential = credential
        self._clock = clock
        self._capture = settings.capture
        self._lost_us = round(settings.capture.lost_after_seconds * SECOND_US)
        self._what = camera.address
        self._container: InputContainer | None = None
        self._demux: Iterator[Any] = iter(())
        self._backlog: list[tuple[Any, int]] = []
        self._sound: SoundPath | None = None
        self._closing = threading.Event()
        self._reading = threading.Lock()

    def open(self) -> StreamInfo:
        """Connect, sign in, and wait for the first keyframe; see `Source.open`."""
        opened_us = self._clock.mono_us()
        with self._reading:
            try:
                self._reach()
                self._connect(opened_us)
                return self._look(opened_us)
            except (av.FFmpegError, OSError) as problem:
                self._close_container()
                # FFmpeg's own text holds the address with the password: it must not be chained.
                raise camera_error(reason_of(problem, opening=True), self._what) from None
            except BaseException:
                self._close_container()
                raise

    def _reach(self) -> None:
        """Connect once by hand: the operating system says plainly what FFmpeg only calls an I/O error."""
        parts = urlsplit(self._camera.address)
        try:
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError:
            host, port = None, DEFAULT_PORT
        if parts.scheme != "rtsp" or not host:
            raise CameraError(
                f"{self._what} is no RTSP address.", reason="invalid", hint="It looks like rtsp://192.168.1.20/stream1."
            )
        try:
            socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
        except TimeoutError:
            raise camera_error("unreachable", self._what) from None

    def _url(self) -> str:
        parts = urlsplit(self._camera.address)
        place = parts.netloc.rpartition("@")[2]
        if self._credential:
            signed = f"{quote(self._credential.user, safe='')}:{quote(self._credential.password, safe='')}"
            if len(signed) > MAX_CREDENTIAL:
                raise CameraError(
                    "User name and password are too long for RTSP.",
                    reason="unauthorised",
                    hint=f"Together at most {MAX_CREDENTIAL - 1} characters; signs other than letters count three.",
                )
            place = f"{signed}@{place}"
        return parts._replace(netloc=place).geturl()

    def _connect(self, opened_us: int) -> None:
        left = max(0.5, (OPEN_US - (self._clock.mono_us() - opened_us)) / SECOND_US)
        self._container = av.open(
            self._url(),
            "r",
            options={
                "rtsp_transport": "tcp",
                # Sound that is not recorded is not even asked for.
                "allowed_media_types": "video+audio" if self._camera.audio else "video",
                "fflags": "nobuffer",
                "probesize": "1000000",
                "analyzeduration": "700000",
                "fpsprobesize": "2",
                "timeout": str(self._lost_us),
            },
            # Opening and reading the description are two steps with this limit each.
            timeout=(left / 2, self._lost_us / SECOND_US),
        )

    def _look(self, opened_us: int) -> StreamInfo:
        container = self._container
        if container is None or not container.streams.video:
            raise camera_error("no_video", self._what)
        stream = container.streams.video[0]
        # Without a decoder FFmpeg knows no name at all.
        codec = stream.codec_context.name if stream.codec_context else ""
        if codec not in ("h264", "hevc"):
            raise camera_error("unsupported_codec", self._what)
        templates: dict[Any, Any] = {"video": stream}
        wanted: list[Any] = [stream]
        if self._camera.audio and container.streams.audio:
            with contextlib.suppress(av.FFmpegError, ValueError):  # sound nobody can decode costs no pictures
                self._sound = SoundPath(container.streams.audio[0])
                templates["audio"] = self._sound.template
                wanted.append(container.streams.audio[0])
        self._demux = container.demux(tuple(wanted))
        key = self._fill_backlog(opened_us)
        video = self._describe(stream, codec, key)
        return StreamInfo(video, self._sound.info if self._sound else None, templates=templates)

    def _fill_backlog(self, opened_us: int) -> bytes:
        """Read to the first keyframe and on until reading had to wait; return that keyframe, or nothing."""
        key = b""
        while len(self._backlog) < BACKLOG_PACKETS:
            before_us = self._clock.mono_us()
            if before_us - opened_us > OPEN_US:
                break
            packet = next(self._demux, None)
            now_us = self._clock.mono_us()
            if packet is None or not packet.size:
                raise camera_error("no_video", self._what)
            if not key:
                if packet.stream.type != "video" or not packet.is_keyframe:
                    continue
                key = bytes(packet)
            self._backlog.append((packet, now_us))
            if len(self._backlog) > 1 and now_us - before_us > WAITED_US:
                break
        self._backlog = _backdated(self._backlog, opened_us)
        return key

    def _describe(self, stream: Any, codec: Any, key: bytes) -> VideoInfo:
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

    def packets(self) -> Iterator[SourcePacket]:
        """Yield packets, the first a keyframe; see `Source.packets`."""
        with self._reading:
            try:
                yield from self._guarded()
            except (av.FFmpegError, OSError) as problem:
                raise camera_error(reason_of(problem, opening=False), self._what) from None
            finally:
                self._close_container()

    def _guarded(self) -> Iterator[SourcePacket]:
        stream: Any = self._container.streams.video[0] if self._container else None
        if stream is None:
            raise camera_error("lost", self._what)
        codec = stream.codec_context.name
        flood = FloodGuard(self._capture.max_bitrate_mbit, self._what)
        garbage = GarbageGuard(codec, self._what)
        change: ChangeGuard | None = None
        last_picture_us = self._clock.mono_us()
        begun_us = last_picture_us
        for packet, arrived_us in self._arrivals():
            if self._closing.is_set():
                return
            flood.check(packet.size, self._clock.mono_us())
            if packet.stream is not stream:
                if arrived_us - last_picture_us > self._lost_us:
                    raise camera_error("lost", self._what)
                if change:
                    yield from self._heard(packet, arrived_us)
                continue
            last_picture_us = arrived_us
            if garbage.damaged(bytes(memoryview(packet)[:8]), corrupt=packet.is_corrupt):
                continue
            picture = SourcePacket("video", packet, packet.is_keyframe, arrived_us)
            if change is None:
                if not picture.keyframe:
                    if arrived_us - begun_us > KEYFRAME_PATIENCE_US:
                        raise camera_error("invalid", self._what)
                    continue
                change = ChangeGuard(self._describe(stream, codec, b""), self._what)
            if picture.keyframe:
                change.check(picture)
            yield picture

    def _arrivals(self) -> Iterator[tuple[Any, int]]:
        yield from self._backlog
        self._backlog = []
        damaged = 0
        while not self._closing.is_set():
            try:
                packet = next(self._demux, None)
            except av.InvalidDataError:
                damaged += 1
                if damaged > DAMAGED_IN_A_ROW or self._container is None:
                    raise
                self._demux = self._container.demux()
                continue
            if packet is None or not packet.size:
                raise camera_error("lost", self._what)
            damaged = 0
            yield packet, self._clock.mono_us()

    def _heard(self, packet: Any, arrived_us: int) -> Iterator[SourcePacket]:
        if self._sound:
            with contextlib.suppress(av.FFmpegError):  # a damaged moment of sound is left out
                yield from self._sound.push(packet, arrived_us)

    def close(self) -> None:
        """Release the camera; a thread that is reading does it itself, at the latest when its read ends."""
        self._closing.set()
        if self._reading.acquire(blocking=False):
            try:
                self._close_container()
            finally:
                self._reading.release()

    def _close_container(self) -> None:
        self._demux = iter(())
        self._backlog = []
        container, self._container = self._container, None
        if container is not None:
            container.close()


def _backdated(backlog: list[tuple[Any, int]], opened_us: int) -> list[tuple[Any, int]]:
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
