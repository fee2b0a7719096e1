"""One camera's recording of one sitting: a row of parts in which every moment is a segment or a stated gap."""

from __future__ import annotations

import collections
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.capture.ladder import Ladder
from appliance.clock import SECOND_US, boot_id, clock_is_trusted
from appliance.errors import ApplianceError
from appliance.vault.format import NO_KEY, NO_OFFSET, TILING_TOLERANCE_US, GapReason
from appliance.vault.part import Anchor, PartOpening, PartWriteError, PartWriter, PreviousPart, WriterKeys
from appliance.vault.part_files import latest_part, part_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.capture.sealer import Record, StreamStart
    from appliance.capture.segmenter import Segment
    from appliance.clock import Clock
    from appliance.vault.crypto import Aead

CLOCK_STEP_US = 1_000_000
CLOCK_NOTE_US = 50_000
# A full part may end this much early, so that the next one begins with a keyframe.
KEYFRAME_PATIENCE_US = 12 * SECOND_US
# What may wait for a disk that refuses: about 20 s of one camera.
MAX_WAITING_SEGMENTS = 12
# The last step is well below the 10 s without a segment or an error after which the parent takes a process for hung.
RETRY_STEPS = ((1, 0.0), (1, 0.2), (3, 1.0))
RETRY_LAST = 5.0


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """What a recording needs to know besides the sitting.

    ``keys`` is asked at each opening of a part, so that a changed recipients list holds from the next part on.
    """

    camera: str
    keys: Callable[[], WriterKeys]
    aead: Aead
    part_us: int
    checkpoint_us: int
    masks_sha256: str | None = None


@dataclass(slots=True)
class TrackCounters:
    """What has been recorded since this process began; ``last_segment_us`` is wall time."""

    segments: int = 0
    gaps: int = 0
    payload_bytes: int = 0
    last_segment_us: int | None = None


class RecordingTrack:
    """Writes one recording. Used by the sealer's thread only.

    After a write error the part is abandoned and never touched again; what could not be written waits, bounded, and
    goes into a fresh part. What had to be let go of is stated as a gap.
    """

    def __init__(
        self, settings: TrackSettings, order: Record, clock: Clock, report: Callable[[dict[str, Any]], None]
    ) -> None:
        self.sitting = order.sitting
        self.counters = TrackCounters()
        self._settings = settings
        self._vault_dir: Path = order.vault_dir
        self._clock = clock
        self._report = report
        self._stream: StreamStart | None = None
        self._writer: PartWriter | None = None
        self._part_stream: StreamStart | None = None
        self._part_anchor: Anchor | None = None
        self._noted_step_us = 0
        self._last_checkpoint_us = 0
        self._unwritten: collections.deque[Segment] = collections.deque()
        self._paused: GapReason | None = None
        self._retry = Ladder(RETRY_STEPS, RETRY_LAST)
        self._retry_at_us = 0
        self._delivers = False
        self._drops_seen: int | None = None
        latest = latest_part(self._vault_dir, self.sitting, settings.camera)
        self._number = latest.number if latest else 0
        self._previous = latest.previous if latest else None
        self._opened = "restart" if latest else "start"
        away = GapReason.PAUSED if order.paused else GapReason.INTERRUPTED
        self._hole = away if latest else GapReason.STARTING
        owed_since = max(order.since_wall_us, latest.ended_wall_us if latest else 0)
        now_wall, now_mono = clock.wall_us(), clock.mono_us()
        self._covered_us = now_mono - max(0, now_wall - owed_since)

    def stream_started(self, stream: StreamStart) -> None:
        """Take note of a stream; one that differs from the open part's gets a part of its own."""
        if self._stream and self._stream.init != stream.init:
            self._unwritten.clear()  # could not be written in time; it does not fit the new stream's parts
        self._stream = stream
        if self._writer and self._part_stream and self._part_stream.init != stream.init:
            self._hole = GapReason.STREAM_CHANGED
            self._rotate("stream_changed")

    def segment(self, segment: Segment) -> None:
        """Seal and commit one segment, now or, where the disk refuses, a little later."""
        self._delivers = True
        self._unwritten.append(segment)
        self.write_what_waits()

    def stream_ended(self, reason: GapReason) -> None:
        """The stretch until the next segment is stated with this reason."""
        self.write_what_waits()
        self._delivers = False
        self._hole = reason

    def pause(self, reason: GapReason | None) -> None:
        """Write nothing while there is a reason; the stretch without segments is stated with it."""
        if reason is not None and self._paused is None:
            self.write_what_waits()
            self._hole = reason
        self._paused = reason

    def dropped_seen(self, dropped: int) -> None:
        """Hear how many fragments the queue has dropped so far."""
        if self._drops_seen is not None and dropped > self._drops_seen:
            self._hole = GapReason.OVERLOAD
        self._drops_seen = dropped

    def finish(self) -> None:
        """Write what waits, state what is missing up to now, and close the part."""
        self.write_what_waits()
        if self._writer:
            now = self._clock.mono_us()
            # A camera that delivers to the end has lost nothing: its recording ends with its last picture.
            if not self._delivers or now - self._covered_us > SECOND_US:
                with self._abandoning():
                    self._gap_until(now)
            self._rotate("start")

    def write_what_waits(self) -> None:
        """Write the segments in hand, oldest first, unless it is too soon after a failure; the number is bounded."""
        if self._paused is not None:
            self._unwritten.clear()
        if self._clock.mono_us() >= self._retry_at_us:
            with self._abandoning():
                while self._unwritten:
                    self._write(self._unwritten[0])
                    self._unwritten.popleft()
                    self._retry.reset()
        while len(self._unwritten) > MAX_WAITING_SEGMENTS:
            self._unwritten.popleft()

    @contextlib.contextmanager
    def _abandoning(self) -> Iterator[None]:
        """Turn a failure to write into an abandoned part and a later try."""
        try:
            yield
        except PartWriteError as problem:
            self._write_failed(problem.reason, problem.message)
        except (ApplianceError, OSError) as problem:  # keys missing or unreadable, the vault's folder gone
            self._write_failed("other", problem.message if isinstance(problem, ApplianceError) else str(problem))

    def _write_failed(self, reason: str, message: str) -> None:
        writer, self._writer = self._writer, None
        self._hole = GapReason.DISK_FULL if reason == "disk_full" else GapReason.WRITE_ERROR
        self._opened = "error"
        if writer:
            self._previous = writer.acknowledged()
            self._report_closed(writer, "abandoned")
        wait = self._retry.next()
        self._retry_at_us = self._clock.mono_us() + round(wait * SECOND_US)
        self._report({"event": "write_error", "reason": reason, "message": message, "retry_seconds": str(wait)})

    def _write(self, segment: Segment) -> None:
        self._rotate_if_due(segment)
        writer = self._writer or self._open_part(segment.start_us)
        gap = self._gap_until(segment.start_us)
        now = self._clock.mono_us()
        due = now - self._last_checkpoint_us >= self._settings.checkpoint_us
        writer.append_segment(
            start_us=segment.start_us,
            duration_us=segment.duration_us,
            media_us=segment.media_us,
            keyframe=segment.keyframe,
            key_us=NO_KEY if segment.key_us is None else segment.key_us,
            key_offset=NO_OFFSET if segment.key_offset is None else segment.key_offset,
            discontinuity=segment.discontinuity or gap,
            plaintext=segment.data,
            checkpoint=due,
        )
        self._covered_us = segment.start_us + segment.duration_us
        self._hole = GapReason.CAMERA_LOST
        self.counters.segments += 1
        self.counters.payload_bytes += len(segment.data)
        self.counters.last_segment_us = self._wall_of(self._covered_us)
        if due:
            self._checkpoint_written(now)

    def _gap_until(self, until_us: int) -> bool:
        """State the hole before ``until_us``, if there is one worth stating."""
        missing = until_us - self._covered_us
        if missing <= TILING_TOLERANCE_US or self._writer is None:
            return False
        self._writer.append_gap(self._covered_us, missing, self._hole)
        self._covered_us = until_us
        self.counters.gaps += 1
        self._report({"event": "gap", "reason": self._hole.words, "seconds": str(round(missing / 1e6, 1))})
        return True

    def _rotate_if_due(self, segment: Segment) -> None:
        if not self._writer or not self._part_anchor:
            return
        anchor = self._part_anchor
        step = (self._clock.wall_us() - anchor.wall_us) - (self._clock.mono_us() - anchor.mono_us)
        if abs(step) > CLOCK_STEP_US:
            self._note_clock(step)
            self._rotate("clock_step")
        elif self._part_is_full(segment, anchor):
            self._rotate("rollover")
        elif abs(step - self._noted_step_us) > CLOCK_NOTE_US:
            self._note_clock(step)

    def _part_is_full(self, segment: Segment, anchor: Anchor) -> bool:
        """Whether the next part begins with this segment: with a keyframe if one comes soon, so it stands alone."""
        left = self._settings.part_us - (segment.start_us + segment.duration_us - anchor.mono_us)
        return left < 0 or (left < KEYFRAME_PATIENCE_US and segment.keyframe)

    def _note_clock(self, step_us: int) -> None:
        self._noted_step_us = step_us
        if self._writer:
            self._writer.append_note({"type": "clock", "difference_us": step_us, "trusted": clock_is_trusted()})

    def _open_part(self, begins_us: int) -> PartWriter:
        """Open the next part for pictures from ``begins_us`` (mono), which were taken before this moment.

        The anchor states both clocks for that moment: records of a part do not begin before its anchor.
        """
        stream = self._stream
        if stream is None:
            raise PartWriteError("A part cannot be opened before the camera's stream is known.", reason="other")
        wall_us, now_us = self._clock.wall_us(), self._clock.mono_us()
        begins_us = min(begins_us, now_us)
        anchor = Anchor(wall_us - (now_us - begins_us), begins_us, boot_id(), clock_is_trusted())
        opening = PartOpening(
            sitting=self.sitting,
            camera=self._settings.camera,
            part=self._number + 1,
            opened=self._opened,
            previous=self._previous,
            masked=stream.masked,
            audio=stream.audio,
            masks_sha256=self._settings.masks_sha256,
            anchor=anchor,
            aead=self._settings.aead,
        )
        path = part_path(self._vault_dir, self.sitting, self._settings.camera, opening.part)
        keys = self._settings.keys()
        writer = PartWriter.create(path, opening, keys, stream=stream.description, init=stream.init, clock=self._clock)
        self._writer, self._part_stream, self._part_anchor = writer, stream, anchor
        self._number = opening.part
        self._noted_step_us = 0
        self._report(
            {
                "event": "part_opened",
                "part_id": writer.part_id.hex(),
                "sitting": self.sitting,
                "number": opening.part,
                "opened": opening.opened,
                "started_us": anchor.wall_us,
            }
        )
        self._checkpoint_written(anchor.mono_us)
        return writer

    def _checkpoint_written(self, now_us: int) -> None:
        self._last_checkpoint_us = now_us
        if self._writer and self._writer.last_checkpoint:
            fact = self._writer.last_checkpoint
            self._report(
                {
                    "event": "checkpoint",
                    "part_id": fact.part_id.hex(),
                    "n": fact.n,
                    "seq": fact.seq,
                    "chain": fact.chain.hex(),
                    "sha256": fact.sha256.hex(),
                }
            )

    def _rotate(self, opened: str) -> None:
        """Close the open part; the next one says why it was ``opened``."""
        writer = self._writer
        if writer is None:
            return
        with self._abandoning():
            closed = writer.close()
            self._writer = None
            self._previous = PreviousPart(closed.part_id, closed.chain)
            self._opened = opened
            self._report_closed(writer, "closed")

    def _report_closed(self, writer: PartWriter, state: str) -> None:
        fact = writer.last_checkpoint
        self._report(
            {
                "event": "part_closed",
                "part_id": writer.part_id.hex(),
                "sitting": self.sitting,
                "state": state,
                "ended_us": self._wall_of(writer.end_us),
                "bytes": writer.bytes_written,
                "chain": fact.chain.hex() if fact else "",
                "sha256": fact.sha256.hex() if fact else "",
                "n": fact.n if fact else -1,
                "seq": fact.seq if fact else -1,
            }
        )

    def _wall_of(self, mono_us: int) -> int:
        anchor = self._part_anchor
        return anchor.wall_us + (mono_us - anchor.mono_us) if anchor else self._clock.wall_us()
