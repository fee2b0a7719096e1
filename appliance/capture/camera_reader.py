"""The thread that reads one camera: opens it, fragments its packets, hands them on, reconnects by the ladder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from appliance.capture.fragmenter import Fragmenter
from appliance.capture.ladder import Ladder
from appliance.capture.sealer import SegmentFeed, SegmentQueue, StreamEnd, StreamStart
from appliance.capture.sources.base import Pace
from appliance.capture.sources.live import LiveSource
from appliance.errors import CameraError
from appliance.vault.format import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.capture.live_hub import LiveHub
    from appliance.capture.sources.base import Source, SourcePacket, StreamInfo
    from appliance.clock import Clock

GAP_REASONS = {
    "stream_changed": GapReason.STREAM_CHANGED,
    "invalid": GapReason.INVALID_STREAM,
    "flood": GapReason.FLOOD,
}
STEADY_US = 5_000_000
# A camera that delivers hands over its last pictures within this; one that hangs must not hold up closing the part.
STOP_SECONDS = 0.3
# With a segment of 1.6 s this keeps what a power cut may cost below 2 s.
BATCH_US = 280_000
# While somebody watches two pictures at 25 a second may go together: nobody sees the difference, and it costs half.
WATCHED_BATCH_US = 40_000


class RateMeter:
    """Pictures and bits a second over the last whole second; written by one thread, read by another."""

    def __init__(self) -> None:
        self.fps_milli = 0
        self.kbit = 0
        self._since_us = 0
        self._pictures = 0
        self._bytes = 0

    def count(self, now_us: int, size: int, *, picture: bool) -> None:
        """Add one packet of ``size`` bytes."""
        self._pictures += picture
        self._bytes += size
        elapsed = now_us - self._since_us
        if elapsed >= 1_000_000:  # noqa: PLR2004  one second
            self.fps_milli = self._pictures * 1_000_000_000 // elapsed
            self.kbit = self._bytes * 8_000 // elapsed
            self._since_us, self._pictures, self._bytes = now_us, 0, 0

    def clear(self) -> None:
        """Forget everything: the camera is gone."""
        self.fps_milli = self.kbit = 0
        self._pictures = self._bytes = 0


class CameraReader:
    """Reads one camera for ever.

    Args:
        make: opens nothing yet, returns a fresh source.
        queue: where news of the stream goes.
        feed: where fragments go to be sealed.
        hub: where fragments go to be watched.
        clock: time.
        changed: called with ``state`` (``starting``, ``live``, ``lost``), a reason, and a dict about the stream.
    """

    def __init__(
        self,
        make: Callable[[], Source],
        *,
        queue: SegmentQueue,
        feed: SegmentFeed,
        hub: LiveHub,
        clock: Clock,
        changed: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._make = make
        self._queue = queue
        self._feed = feed
        self._hub = hub
        self._clock = clock
        self._changed = changed
        self._stop = threading.Event()
        self._source: Source | None = None
        self._lost_said = threading.Lock()
        self._live = False
        self.rate = RateMeter()
        self.last_picture_us = self.progress_us = clock.mono_us()
        self.waiting = False
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; does not wait for a camera that hangs."""
        self._stop.set()
        source = self._source
        if source:
            source.close()
        self._thread.join(STOP_SECONDS)

    @property
    def live(self) -> bool:
        """Whether pictures are arriving."""
        return self._live

    def say_lost(self, reason: str, message: str) -> None:
        """Tell everybody once that the camera delivers no longer; also called by the watchdog."""
        with self._lost_said:
            if not self._live:
                return
            self._live = False
        self.rate.clear()
        self._hub.stream_ended(message)
        self._feed.flush()
        self._queue.order(StreamEnd(GAP_REASONS.get(reason, GapReason.CAMERA_LOST)))
        self._changed("lost", reason, {"message": message})

    @property
    def alive(self) -> bool:
        """Whether the thread works; after an error nobody foresaw it does not, and the process must be begun anew."""
        return self._thread.is_alive()

    def _run(self) -> None:
        ladder = Ladder()
        while not self._stop.is_set():
            started = self._clock.mono_us()
            problem = self._session()
            if self._stop.is_set():
                break
            self._changed("lost", problem.reason, {"message": problem.message, "hint": problem.hint})
            if self._clock.mono_us() - started > STEADY_US and self.last_picture_us > started:
                ladder.reset()
            if problem.reason == "stream_changed":
                continue  # nothing is wrong with the camera: open it again at once
            self.waiting = True
            self._stop.wait(ladder.next())
            self.waiting = False

    def _session(self) -> CameraError:
        """Read the camera until it fails; return why."""
        self.progress_us = self._clock.mono_us()
        source = self._make()
        self._source = source
        problem = CameraError("The camera ended its stream.", reason="lost")
        try:
            info = source.open()
            self._read(source, info)
        except CameraError as why:
            problem = why
        finally:
            # Said before closing: taking leave of a camera that has fallen silent takes as long as its silence did.
            if not self._stop.is_set():
                self.say_lost(problem.reason, problem.message)
            source.close()
            self._source = None
        return problem

    def _read(self, source: Source, info: StreamInfo) -> None:
        fragmenter = Fragmenter(info)
        pace = source.pace if isinstance(source, LiveSource) else Pace()
        try:
            for packet in source.packets():
                pace.batch_us = self._pace_us()
                self._pass_on(fragmenter, info, packet)
        finally:
            for fragment in fragmenter.flush():
                self._feed.push(fragment)

    def _pace_us(self) -> int:
        if not self._live:
            return 0
        return WATCHED_BATCH_US if self._hub.viewers else BATCH_US

    def _pass_on(self, fragmenter: Fragmenter, info: StreamInfo, packet: SourcePacket) -> None:
        self.last_picture_us = self.progress_us = packet.arrived_us
        self.rate.count(packet.arrived_us, packet.packet.size, picture=packet.kind == "video")
        fragments = fragmenter.push(packet)
        if fragments and not self._live:
            self._say_live(fragmenter, info)
        for fragment in fragments:
            self._hub.publish(fragment)
            self._feed.push(fragment)

    def _say_live(self, fragmenter: Fragmenter, info: StreamInfo) -> None:
        audio = info.audio
        description = {
            "codecs": fragmenter.codecs,
            "video": {"codec": info.video.codec, "width": info.video.width, "height": info.video.height},
            "audio": {"codec": audio.codec, "rate": audio.rate, "channels": audio.channels} if audio else None,
        }
        hello = {
            "codecs": fragmenter.codecs,
            "width": info.video.width,
            "height": info.video.height,
            "audio": audio is not None,
        }
        self._feed.begin_stream()
        self._queue.order(StreamStart(fragmenter.init, description, masked=info.masked, audio=audio is not None))
        self._hub.stream_started(fragmenter.init, hello)
        with self._lost_said:
            self._live = True
        self._changed("live", "", {**hello, "masked": info.masked})
