"""One camera's recording: every moment of it is a sealed segment or a stated gap, whatever happens."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from appliance.capture.fragmenter import Fragment
from appliance.capture.recording_track import RecordingTrack, TrackSettings
from appliance.capture.sealer import Record, StreamStart
from appliance.capture.segmenter import Segmenter
from appliance.capture.writer_keys import writer_keys
from appliance.clock import SECOND_US, ManualClock
from appliance.config import BoxSettings, PathSettings, Settings, VaultSettings
from appliance.errors import MissingKeyError
from appliance.vault.format import TILING_TOLERANCE_US, GapReason, Kind
from appliance.vault.keys import init_keys
from appliance.vault.part_files import recording_files
from appliance.vault.reader import PartReader
from appliance.vault.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.vault.part_model import WriterKeys
    from appliance.vault.reader import IndexRow

FRAME_US = 40_000
STREAM = StreamStart(b"init one", {"codecs": "avc1.42C01E", "video": {}, "audio": None}, masked=False, audio=False)
OTHER = StreamStart(b"init two", {"codecs": "avc1.42C01F", "video": {}, "audio": None}, masked=False, audio=False)


class Box:
    """A recording with its clock, and a camera that delivers 25 pictures a second when told."""

    def __init__(self, folder: Path, keys: Settings) -> None:
        self.clock = ManualClock()
        self.reports: list[dict[str, Any]] = []
        self.refusing = False
        self.vault = folder
        self._keys_dir = keys.keys_dir
        self._number = 0
        self._segmenter = Segmenter(1_800_000)
        self._order = Record("sitting", self.vault, self.clock.wall_us())
        self.started_us = self.clock.mono_us()
        self.track = self.begin()

    def begin(self, *, paused: bool = False) -> RecordingTrack:
        """Begin recording, as a fresh process does."""
        settings = TrackSettings(
            camera="front",
            keys=self._keys,
            aead="AES-256-GCM",
            part_us=60 * SECOND_US,
            checkpoint_us=10 * SECOND_US,
        )
        order = dataclasses.replace(self._order, paused=paused)
        return RecordingTrack(settings, order, self.clock, self.reports.append)

    def _keys(self) -> WriterKeys:
        if self.refusing:
            raise MissingKeyError("The recipients list is being replaced.")
        return writer_keys(self._keys_dir)

    def pictures(self, count: int) -> None:
        """Deliver pictures, one second between keyframes."""
        for _ in range(count):
            start = self.clock.mono_us()
            self.clock.advance(FRAME_US / SECOND_US)
            keyframe = self._number % 25 == 0
            segment = self._segmenter.push(Fragment("video", b"f" * 50, start, FRAME_US, start, keyframe))
            if segment:
                self.track.segment(segment)
            self._number += 1

    def stream(self, stream: StreamStart) -> None:
        """Begin a stream, as the camera's thread and the sealer do."""
        self.flush()
        self._segmenter = Segmenter(1_800_000)
        self.track.stream_started(stream)

    def lose(self, reason: GapReason) -> None:
        """Lose the camera."""
        self.flush()
        self.track.stream_ended(reason)

    def flush(self) -> None:
        """Hand over what has gathered."""
        segment = self._segmenter.flush()
        if segment:
            self.track.segment(segment)

    def finish(self) -> None:
        """Stop recording."""
        self.flush()
        self.track.finish()

    def silence(self, seconds: float) -> None:
        """Let time pass without a picture."""
        for _ in range(round(seconds * 5)):
            self.clock.advance(0.2)
            if self._segmenter.due(self.clock.mono_us()):
                self.flush()
            self.track.write_what_waits()

    def break_part(self) -> None:
        """Let the open part refuse every further write."""
        if self.track._writer:
            self.track._writer.abandon()

    def rows(self) -> list[tuple[int, IndexRow, str]]:
        """Return (part, row, gap reason) of everything recorded."""
        found = []
        for file in recording_files(self.vault, "sitting", "front"):
            with PartReader(file.path) as reader:
                for row in reader.index():
                    reason = GapReason(reader.gap_reason(row.seq)).name if row.kind == Kind.GAP else ""
                    found.append((file.number, row, reason))
        return found

    def reasons(self) -> list[str]:
        """Return the reasons of all gaps, in order."""
        return [reason for _, _, reason in self.rows() if reason]


@pytest.fixture(scope="module")
def keys() -> Iterator[Settings]:
    """A box's keys, made once; X25519 because it is quick."""
    folder = tempfile.mkdtemp(prefix="exambox-keys-")
    made = Settings(box=BoxSettings(trial=True), paths=PathSettings(state=folder), vault=VaultSettings(suite="X25519"))
    init_keys(made, passphrase=None, clock=ManualClock())
    yield made
    shutil.rmtree(folder)


@pytest.fixture
def box(tmp_path: Path, keys: Settings) -> Box:
    """A box that records."""
    return Box(tmp_path / "vault", keys)


def assert_tiled(box: Box, until_us: int) -> None:
    """Segments and gaps follow one another from the wish to the end, within the format's tolerance."""
    covered = box.started_us
    for number, row, _ in box.rows():
        if row.kind not in {Kind.SEGMENT, Kind.GAP}:
            continue
        assert abs(row.start_us - covered) <= TILING_TOLERANCE_US, f"part {number}, record {row.seq}"
        covered = row.end_us
    assert until_us - covered <= TILING_TOLERANCE_US


def test_pictures_become_segments_that_follow_one_another(box: Box) -> None:
    """An undisturbed camera is recorded without any gap."""
    box.stream(STREAM)
    box.pictures(250)
    box.finish()
    assert box.reasons() == []
    assert_tiled(box, box.clock.mono_us())
    assert box.track.counters.segments >= 6


def test_a_camera_that_comes_late_leaves_a_stated_gap(box: Box) -> None:
    """The time between the wish and the first picture is stated."""
    box.silence(4)
    box.stream(STREAM)
    box.pictures(50)
    box.finish()
    assert box.reasons() == ["STARTING"]
    assert_tiled(box, box.clock.mono_us())


def test_a_lost_camera_leaves_a_gap_with_its_reason_and_the_part_goes_on(box: Box) -> None:
    """A reconnect with the same stream needs no new part."""
    box.stream(STREAM)
    box.pictures(60)
    box.lose(GapReason.CAMERA_LOST)
    box.silence(7)
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    assert box.reasons() == ["CAMERA_LOST"]
    assert {number for number, _, _ in box.rows()} == {1}
    assert_tiled(box, box.clock.mono_us())


def test_a_recording_ends_with_its_last_picture(box: Box) -> None:
    """The fraction of a second between the last picture and the order to stop is no loss and is not called one."""
    box.stream(STREAM)
    box.pictures(60)
    box.clock.advance(0.4)
    box.finish()
    assert box.reasons() == []


def test_a_camera_lost_until_the_end_is_stated_until_the_end(box: Box) -> None:
    """Stopping while a camera is away still says how long it was away."""
    box.stream(STREAM)
    box.pictures(60)
    box.lose(GapReason.FLOOD)
    box.silence(30)
    box.finish()
    assert box.reasons() == ["FLOOD"]
    assert_tiled(box, box.clock.mono_us())


def test_a_changed_stream_gets_a_part_of_its_own(box: Box) -> None:
    """A part has one initialisation segment, so another resolution opens another part."""
    box.stream(STREAM)
    box.pictures(60)
    box.lose(GapReason.STREAM_CHANGED)
    box.stream(OTHER)
    box.pictures(60)
    box.finish()
    assert {number for number, _, _ in box.rows()} == {1, 2}
    assert [report["opened"] for report in box.reports if report["event"] == "part_opened"] == [
        "start",
        "stream_changed",
    ]
    assert_tiled(box, box.clock.mono_us())


def test_a_full_part_is_followed_by_the_next_without_a_gap(box: Box) -> None:
    """Parts are at most as long as the settings say."""
    box.stream(STREAM)
    box.pictures(25 * 130)
    box.finish()
    assert [report["opened"] for report in box.reports if report["event"] == "part_opened"] == [
        "start",
        "rollover",
        "rollover",
    ]
    assert box.reasons() == []
    assert_tiled(box, box.clock.mono_us())


@pytest.mark.parametrize("step", [3600.0, -3600.0, 1.5, -1.5])
def test_a_step_of_the_wall_clock_opens_a_part_with_a_new_anchor(box: Box, step: float) -> None:
    """Monotonic time goes on, the old part notes the step, and the new part's wall time is the new one."""
    box.stream(STREAM)
    box.pictures(100)
    box.clock.step(step)
    box.pictures(100)
    box.finish()
    assert box.reasons() == []
    assert_tiled(box, box.clock.mono_us())
    anchors = []
    for file in recording_files(box.vault, "sitting", "front"):
        with PartReader(file.path) as reader:
            anchors.append(reader.manifest.anchor)
    assert len(anchors) == 2
    told = (anchors[1].wall_us - anchors[0].wall_us) - (anchors[1].mono_us - anchors[0].mono_us)
    assert told == pytest.approx(step * SECOND_US, abs=1000)
    assert any(row.kind == Kind.NOTE for number, row, _ in box.rows() if number == 1)


def test_a_part_that_refuses_to_be_written_is_abandoned_and_nothing_received_is_lost(box: Box) -> None:
    """The segment that could not be written goes into a fresh part."""
    box.stream(STREAM)
    box.pictures(100)
    box.break_part()
    box.pictures(100)
    box.finish()
    states = [report["state"] for report in box.reports if report["event"] == "part_closed"]
    assert states == ["abandoned", "closed"]
    assert box.reasons() == []
    assert_tiled(box, box.clock.mono_us())


def test_keys_that_are_missing_for_a_while_cost_at_most_a_stated_gap(box: Box) -> None:
    """Recording begins by itself when the keys are back, and says what is missing."""
    box.refusing = True
    box.stream(STREAM)
    box.pictures(25 * 40)
    assert box.rows() == []
    assert any(report["event"] == "write_error" for report in box.reports)
    box.refusing = False
    box.pictures(25 * 12)
    box.finish()
    assert box.reasons() == ["WRITE_ERROR"]
    assert_tiled(box, box.clock.mono_us())


def test_a_pause_is_stated_and_nothing_is_written_in_it(box: Box) -> None:
    """While the disk is full nothing is written; afterwards the stretch has its reason."""
    box.stream(STREAM)
    box.pictures(60)
    box.track.pause(GapReason.DISK_FULL)
    sealed = box.track.counters.segments
    box.pictures(25 * 20)
    assert box.track.counters.segments == sealed
    box.track.pause(None)
    box.pictures(60)
    box.finish()
    assert box.reasons() == ["DISK_FULL"]
    assert_tiled(box, box.clock.mono_us())


def test_a_restarted_process_states_the_time_it_was_away(box: Box) -> None:
    """The next process continues the same recording with a gap and names the part before."""
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    box.clock.advance(2.5)
    box.track = box.begin()
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    assert box.reasons() == ["INTERRUPTED"]
    assert_tiled(box, box.clock.mono_us())
    second = recording_files(box.vault, "sitting", "front")[1]
    with PartReader(second.path) as reader:
        assert reader.manifest.previous is not None


def test_a_process_killed_at_an_opening_hides_no_reason(box: Box) -> None:
    """Killed between a part's opening and its first record: the next process states the whole stretch and why."""
    box.stream(STREAM)
    box.pictures(100)
    box.finish()
    ended = box.clock.wall_us()
    box.clock.advance(600)
    box.track = box.begin(paused=True)
    box.stream(STREAM)
    box.track._open_part(box.clock.mono_us())
    box.break_part()  # killed here
    box.clock.advance(5)
    box.track = box.begin(paused=True)
    box.stream(STREAM)
    box.pictures(100)
    box.finish()
    (gap,) = Recording(box.vault, "sitting", "front").gaps()
    assert (gap.reason, round((gap.start_us - ended) / SECOND_US)) == ("paused", 0)
    assert 604 < (gap.end_us - gap.start_us) / SECOND_US < 606


def test_a_camera_that_was_switched_off_was_paused(box: Box) -> None:
    """What people did on purpose is no interruption by process or power."""
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    box.clock.advance(30)
    box.track = box.begin(paused=True)
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    assert box.reasons() == ["PAUSED"]
    assert_tiled(box, box.clock.mono_us())


events = st.lists(
    st.one_of(
        st.tuples(st.just("pictures"), st.integers(1, 120)),
        st.tuples(st.just("silence"), st.floats(0.2, 12)),
        st.tuples(st.just("lost"), st.sampled_from(list(GapReason))),
        st.tuples(st.just("back"), st.sampled_from([STREAM, OTHER])),
        st.tuples(st.just("pause"), st.sampled_from([GapReason.DISK_FULL, GapReason.PAUSED])),
        st.tuples(st.just("resume"), st.none()),
        st.tuples(st.just("break"), st.none()),
        st.tuples(st.just("step"), st.floats(-9000, 9000)),
        st.tuples(st.just("drop"), st.integers(1, 9)),
    ),
    max_size=14,
)


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=events)
def test_whatever_happens_every_moment_is_a_segment_or_a_stated_gap(
    tmp_path: Path, keys: Settings, history: list[tuple[str, Any]]
) -> None:
    """Random lives of a camera, a disk and a clock leave no unexplained hole."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    box = Box(folder, keys)
    box.stream(STREAM)
    live, dropped = True, 0
    for what, value in history:
        match what:
            case "pictures":
                live or box.stream(STREAM)
                live = True
                box.pictures(value)
            case "silence":
                box.silence(value)
            case "lost":
                box.lose(value)
                live = False
            case "back":
                box.stream(value)
                live = True
            case "pause" | "resume":
                box.track.pause(value)
            case "break":
                box.break_part()
            case "step":
                box.clock.step(value)
            case "drop":
                dropped += value
                box.track.dropped_seen(dropped)
                box.clock.advance(value * FRAME_US / SECOND_US)
    box.track.pause(None)
    box.clock.advance(30)
    box.stream(STREAM)
    box.pictures(60)
    box.finish()
    assert_tiled(box, box.clock.mono_us())
