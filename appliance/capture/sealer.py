"""From fragments to sealed parts: one thread a camera, the only one that touches its part files.

The camera's thread gathers fragments into segments, offers them to a bounded queue and never waits for the disk. The
sealer's thread seals and commits them, and sees to it that every hole in the recording is stated as a gap.
"""

from __future__ import annotations

import collections
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.capture.recording_track import RecordingTrack, TrackSettings
from appliance.capture.segmenter import Segment, Segmenter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.capture.fragmenter import Fragment
    from appliance.clock import Clock
    from appliance.vault.format import GapReason

IDLE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The camera delivers: what its stream is."""

    init: bytes
    description: dict[str, Any]
    masked: bool
    audio: bool


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The camera delivers no longer."""

    reason: GapReason


@dataclass(frozen=True, slots=True)
class Record:
    """Order: record for this sitting from now on; ``paused``: people had the camera rest since its last part."""

    sitting: str
    vault_dir: Path
    since_wall_us: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Order: close the recording."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Order: write nothing until `Resume`, and state why."""

    reason: GapReason


@dataclass(frozen=True, slots=True)
class Resume:
    """Order: write again."""


Order = StreamStart | StreamEnd | Record | StopRecording | Pause | Resume


class SegmentQueue:
    """What waits for the disk: bounded in seconds and bytes; orders are never dropped.

    When it is full, newer segments are dropped up to one that begins with a keyframe, so that what is recorded stays
    playable; each dropped segment is counted, and the hole becomes a gap with reason *overload*.
    """

    def __init__(self, *, limit_us: int, limit_bytes: int) -> None:
        self._limit_us = limit_us
        self._limit_bytes = limit_bytes
        self._items: collections.deque[Segment | Order] = collections.deque()
        self._ready = threading.Condition()
        self._us = 0
        self._bytes = 0
        self._dropping = False
        self.dropped = 0

    def offer(self, segment: Segment) -> bool:
        """Queue a segment, or drop it and return False where too much is waiting."""
        with self._ready:
            full = self._us >= self._limit_us or self._bytes >= self._limit_bytes
            if self._dropping:
                half_empty = self._us * 2 < self._limit_us and self._bytes * 2 < self._limit_bytes
                self._dropping = not (half_empty and segment.keyframe)
            elif full:
                self._dropping = True
            if self._dropping:
                self.dropped += 1
                return False
            self._items.append(segment)
            self._us += segment.duration_us
            self._bytes += len(segment.data)
            self._ready.notify()
            return True

    def order(self, order: Order) -> None:
        """Queue an order; it takes its turn behind the segments before it."""
        with self._ready:
            self._items.append(order)
            self._ready.notify()

    def take(self, timeout: float) -> Segment | Order | None:
        """Return the next item, or None after ``timeout`` seconds without one."""
        with self._ready:
            if not self._items and not self._ready.wait_for(lambda: bool(self._items), timeout):
                return None
            item = self._items.popleft()
            if not isinstance(item, Order):
                self._us -= item.duration_us
                self._bytes -= len(item.data)
            return item


class SegmentFeed:
    """Gathers a camera's fragments into segments while it is recorded, and queues them for the sealer.

    Filled by the camera's thread; opened and closed by the sealer's; safe to use from any.
    """

    def __init__(self, queue: SegmentQueue, segment_us: int) -> None:
        self._queue = queue
        self._segment_us = segment_us
        self._lock = threading.Lock()
        self._segmenter = Segmenter(segment_us)
        self._recorded = False
        self._at_keyframe = False

    def open(self) -> None:
        """Recording begins: gather from the next keyframe on."""
        with self._lock:
            self._segmenter = Segmenter(self._segment_us)
            self._recorded, self._at_keyframe = True, False

    def close(self) -> Segment | None:
        """Recording ends: return what has gathered and gather no more."""
        with self._lock:
            self._recorded = False
            return self._segmenter.flush()

    def push(self, fragment: Fragment) -> None:
        """Take one fragment."""
        if not self._recorded:
            return
        with self._lock:
            if not self._at_keyframe:
                self._at_keyframe = fragment.keyframe and fragment.kind == "video"
                if not self._at_keyframe:
                    return
            segment = self._segmenter.push(fragment)
            if segment:
                self._queue.offer(segment)

    def begin_stream(self) -> None:
        """Another stream begins; its first segment is cut early and begins with a keyframe."""
        self.flush()
        with self._lock:
            self._segmenter = Segmenter(self._segment_us)
            self._at_keyframe = False

    def flush(self) -> None:
        """Queue what has gathered: the camera delivers no more for now."""
        with self._lock:
            segment = self._segmenter.flush()
            if segment:
                self._queue.offer(segment)

    def flush_if_due(self, now_us: int) -> None:
        """Queue what has gathered if its time is up, although nothing more came."""
        if self._segmenter.due(now_us):
            self.flush()


class Sealer:
    """The thread that turns segments and orders into sealed parts.

    Args:
        queue: where segments and orders come from.
        feed: opened while there is something to record.
        track_settings: camera, keys and limits.
        clock: time.
        report: called from this thread with facts for the parent (dicts with an ``event``).
    """

    def __init__(
        self,
        queue: SegmentQueue,
        feed: SegmentFeed,
        track_settings: TrackSettings,
        clock: Clock,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._queue = queue
        self._feed = feed
        self._settings = track_settings
        self._clock = clock
        self._report = report
        self._track: RecordingTrack | None = None
        self._stream: StreamStart | None = None
        self._paused: GapReason | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        """Begin working."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Seal what is queued, close the part and end; return whether that was done in time."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread works; after an error nobody foresaw it does not, and the process must be begun anew."""
        return self._thread.is_alive()

    @property
    def track(self) -> RecordingTrack | None:
        """The recording in progress, for its counters."""
        return self._track

    def _run(self) -> None:
        while True:
            item = self._queue.take(IDLE_SECONDS)
            if item is None and self._stopping.is_set():
                break
            if isinstance(item, Order):
                self._obey(item)
            elif self._track:
                self._track.dropped_seen(self._queue.dropped)
                if item is None:
                    self._feed.flush_if_due(self._clock.mono_us())
                    self._track.write_what_waits()
                else:
                    self._track.segment(item)
        self._end_recording()

    def _obey(self, order: Order) -> None:
        match order:
            case Record():
                self._record(order)
            case StopRecording():
                self._end_recording()
            case Pause() | Resume():
                self._paused = order.reason if isinstance(order, Pause) else None
                if self._track:
                    self._track.pause(self._paused)
            case StreamStart():
                self._stream = order
                if self._track:
                    self._track.stream_started(order)
            case StreamEnd():
                self._stream = None
                if self._track:
                    self._track.stream_ended(order.reason)

    def _record(self, order: Record) -> None:
        if self._track and self._track.sitting == order.sitting:
            return
        self._end_recording()
        self._track = RecordingTrack(self._settings, order, self._clock, self._report)
        self._track.pause(self._paused)
        if self._stream:
            self._track.stream_started(self._stream)
        self._feed.open()

    def _end_recording(self) -> None:
        track, self._track = self._track, None
        if track:
            last = self._feed.close()
            if last:
                track.segment(last)
            track.finish()
