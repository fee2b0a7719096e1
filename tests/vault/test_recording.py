"""Recordings over several parts: times, gaps, seeking, playback; damage that is listed and never fatal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import BadInputError, IntegrityError, NotFoundError, VaultError
from appliance.vault.format import GapReason
from appliance.vault.playback import iter_playback
from appliance.vault.recording import Recording, list_recordings
from tests.vault.recorded import WALL_US, Recorder, clock_at, file_keys, movie

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.vault.facts import Gap


def _seconds(gaps: list[Gap] | tuple[Gap, ...]) -> list[tuple[float, float, str]]:
    return [((g.start_us - WALL_US) / SECOND_US, (g.end_us - WALL_US) / SECOND_US, g.reason) for g in gaps]


def _copy(vault: Path, tmp_path: Path) -> Path:
    return shutil.copytree(vault, tmp_path / "vault")


def test_the_list_states_times_gaps_and_state(two_parts: Path) -> None:
    """A recording of two parts is one line, with its gaps inside and between them."""
    (item,) = list_recordings(two_parts)
    assert (item.sitting, item.camera, item.parts, item.state, item.damaged) == ("exam", "front", 2, "closed", ())
    assert (item.start_us, item.end_us) == (WALL_US, WALL_US + 15_500_000)
    assert _seconds(item.gaps) == [(3.0, 5.5, "camera_lost"), (8.5, 9.5, "camera_lost")]
    assert item.gaps[0].words == "camera lost"


def test_an_empty_or_missing_vault_lists_nothing(tmp_path: Path) -> None:
    """No vault yet is no error."""
    assert list_recordings(tmp_path / "none") == []


def test_damaged_parts_are_listed_and_the_rest_is_read(two_parts: Path, tmp_path: Path) -> None:
    """A part of garbage is named with its reason; the others still tell their times."""
    vault = _copy(two_parts, tmp_path)
    (vault / "exam" / "front" / "0001.sqlite").write_bytes(b"x" * 5000)
    (item,) = list_recordings(vault)
    assert [part.number for part in item.damaged] == [1]
    assert (item.parts, item.end_us) == (2, WALL_US + 15_500_000)
    only = _copy(two_parts, tmp_path / "other")
    for path in (only / "exam" / "front").iterdir():
        path.write_bytes(b"x" * 5000)
    (item,) = list_recordings(only)
    assert (item.state, item.start_us, item.end_us) == ("damaged", None, None)
    with pytest.raises(VaultError):
        _ = Recording(only, "exam", "front").start_us


def test_a_part_in_a_wrong_place_is_damage(two_parts: Path, tmp_path: Path) -> None:
    """A part that was renamed is not taken for another one."""
    vault = _copy(two_parts, tmp_path)
    folder = vault / "exam" / "front"
    (folder / "0002.sqlite").rename(folder / "0003.sqlite")
    recording = Recording(vault, "exam", "front")
    assert [part.number for part in recording.parts] == [1]
    assert "renamed" in recording.damaged[0].reason


def test_a_part_about_to_begin_is_no_damage(two_parts: Path, tmp_path: Path) -> None:
    """The empty file that a crash before the opening transaction leaves is passed over."""
    vault = _copy(two_parts, tmp_path)
    (vault / "exam" / "front" / "0003.sqlite").touch()
    (item,) = list_recordings(vault)
    assert (item.parts, item.damaged) == (2, ())


def test_a_removed_part_is_a_gap(tmp_path: Path) -> None:
    """Where a part's file is gone, the time between its neighbours is a gap that says so."""
    recorder = Recorder(tmp_path, clock_at())
    data = movie(1)
    for _ in range(3):
        recorder.part(data, opened="rollover")
    (tmp_path / "exam" / "front" / "0002.sqlite").unlink()
    assert _seconds(Recording(tmp_path, "exam", "front").gaps()) == [(1.0, 2.0, "missing_part")]
    (tmp_path / "exam" / "front" / "0002.sqlite").write_bytes(b"garbage" * 100)
    assert _seconds(Recording(tmp_path, "exam", "front").gaps()) == [(1.0, 2.0, "damaged_part")]


def test_an_unstated_hole_between_parts_is_a_gap(tmp_path: Path) -> None:
    """Time between two parts that nobody explains is called not recorded."""
    recorder = Recorder(tmp_path, clock_at())
    recorder.part(movie(1))
    recorder.clock.advance(4)
    recorder.part(movie(1), opened="restart")
    assert _seconds(Recording(tmp_path, "exam", "front").gaps()) == [(1.0, 5.0, "not_recorded")]


def test_a_step_of_the_wall_clock_is_no_hole(tmp_path: Path) -> None:
    """Between two parts of one boot the monotonic clock says whether time is missing."""
    recorder = Recorder(tmp_path, clock_at())
    recorder.part(movie(1))
    recorder.clock.step(3600)
    recorder.part(movie(1), opened="clock_step")
    assert Recording(tmp_path, "exam", "front").gaps() == []


def test_a_recording_grows_while_it_is_written(tmp_path: Path) -> None:
    """The list follows an open part; nothing is remembered from before."""
    writer = Recorder(tmp_path, clock_at()).part(movie(1), close=False)
    (before,) = list_recordings(tmp_path)
    assert before.state == "open"
    writer.append_gap(writer.end_us, 5 * SECOND_US, GapReason.PAUSED)
    (after,) = list_recordings(tmp_path)
    assert _seconds(after.gaps) == [(1.0, 6.0, "paused")]
    writer.close()
    assert list_recordings(tmp_path)[0].state == "closed"


def test_names_from_outside_are_checked(two_parts: Path) -> None:
    """A name that would leave the vault is refused, an unknown one not found."""
    with pytest.raises(BadInputError):
        Recording(two_parts, "..", "front")
    with pytest.raises(NotFoundError):
        Recording(two_parts, "exam", "back")


@given(at=st.integers(-3_000_000, 18_000_000))
@settings(max_examples=60, deadline=None)
def test_seeking_finds_the_last_indexed_keyframe(two_parts: Path, at: int) -> None:
    """For any time the point found is the latest keyframe of the index at or before it."""
    recording = Recording(two_parts, "exam", "front")
    keys = [tile.key_us for tile in recording.segments(0, 2**60) if tile.key_us is not None]
    earlier = [key for key in keys if key <= WALL_US + at]
    found = recording.seek(WALL_US + at)
    assert (found.key_us if found else None) == max(earlier, default=None)


@given(begin=st.integers(-2_000_000, 17_000_000), length=st.integers(1, 9_000_000))
@settings(max_examples=60, deadline=None)
def test_a_range_yields_exactly_what_touches_it(two_parts: Path, begin: int, length: int) -> None:
    """Segments and gaps of any range are those that a walk through everything finds, in order."""
    recording = Recording(two_parts, "exam", "front")
    from_us, to_us = WALL_US + begin, WALL_US + begin + length
    everything = list(recording.tiles(0, 2**60))
    touching = [tile for tile in everything if tile.start_us < to_us and tile.end_us > from_us]
    assert list(recording.tiles(from_us, to_us)) == touching


def test_playback_begins_with_the_keyframe_before(two_parts: Path) -> None:
    """From the middle of a group of pictures, the segment with its keyframe comes first, after the initialisation."""
    pieces = list(
        iter_playback(Recording(two_parts, "exam", "front"), WALL_US + 1_900_000, WALL_US + 2_500_000, file_keys())
    )
    assert [piece.kind for piece in pieces] == ["init", "segment", "segment"]
    assert pieces[0].data[4:8] == b"ftyp"
    assert pieces[0].stream is not None
    assert pieces[1].start_us <= WALL_US + 1_000_000


def test_playback_does_not_reach_back_over_a_gap(two_parts: Path) -> None:
    """From inside a gap, the gap comes first and then what follows it, not the pictures before."""
    recording = Recording(two_parts, "exam", "front")
    pieces = list(iter_playback(recording, WALL_US + 4_000_000, WALL_US + 6_000_000, file_keys()))
    assert [piece.kind for piece in pieces] == ["gap", "init", "segment"]
    assert pieces[0].gap is not None
    assert pieces[2].start_us == WALL_US + 5_500_000
    assert pieces[2].discontinuity


def test_playback_crosses_parts_with_a_new_initialisation(two_parts: Path) -> None:
    """Each part brings its own initialisation segment; the gap between them is stated."""
    recording = Recording(two_parts, "exam", "front")
    kinds = [piece.kind for piece in iter_playback(recording, WALL_US + 7_600_000, WALL_US + 10_000_000, file_keys())]
    assert kinds == ["init", "segment", "gap", "init", "segment", "segment"]


def test_playback_where_nothing_was_recorded_is_empty(two_parts: Path) -> None:
    """Asking outside of the recording yields nothing and needs no key."""
    recording = Recording(two_parts, "exam", "front")
    assert list(iter_playback(recording, 0, WALL_US, file_keys())) == []


def test_playback_refuses_what_was_altered(two_parts: Path, tmp_path: Path) -> None:
    """A segment with a flipped byte is an error, never a picture."""
    import sqlite3

    vault = _copy(two_parts, tmp_path)
    with sqlite3.connect(vault / "exam" / "front" / "0001.sqlite") as connection:
        (data,) = connection.execute("SELECT data FROM record WHERE seq = 2").fetchone()
        connection.execute("UPDATE record SET data = ? WHERE seq = 2", (bytes([data[0] ^ 1]) + data[1:],))
    with pytest.raises(IntegrityError, match="Record 2"):
        list(iter_playback(Recording(vault, "exam", "front"), WALL_US, WALL_US + 2 * SECOND_US, file_keys()))
