"""Windows and seeks over parts with keyframes, gaps and a clock that was set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.database import write
from appliance.errors import BadInputError, NotFoundError
from appliance.vault.recording import Recording
from appliance.web.review import windows
from appliance.web.review.parts import spans
from tests.vault.recorded import WALL_US, Recorder, clock_at, movie

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.web.review.parts import Span

SECOND = 1_000_000


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parts of six seconds with a keyframe every three."""
    folder = tmp_path_factory.mktemp("vault")
    recorder = Recorder(folder, clock_at())
    for _ in range(3):
        recorder.part(movie(6, gop=30))
    return folder


@pytest.fixture(scope="module")
def parts(vault: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Span]:
    """Their spans, from the files alone."""
    from appliance.database import open_box_database

    return spans(open_box_database(tmp_path_factory.mktemp("db") / "exambox.db"), vault, "exam", "front")


@settings(max_examples=150, deadline=None)
@given(start=st.integers(-3 * SECOND, 25 * SECOND), length=st.integers(0, 25 * SECOND))
@example(start=400_001, length=0)
@example(start=3 * SECOND, length=0)
@example(start=0, length=0)
@example(start=-1, length=0)
def test_a_window_holds_every_segment_and_its_keyframe(vault: Path, parts: list[Span], start: int, length: int) -> None:
    """Nothing is missing or doubled, order is kept, and what decodes the window's beginning is there."""
    first, last = WALL_US + start, WALL_US + start + length
    rows, more = windows.segments(parts, first, last)
    assert not more
    wanted = [(tile.part.number, tile.seq) for tile in Recording(vault, "exam", "front").segments(first, last)]
    got = [(row[0], row[1]) for row in rows]
    assert [one for one in got if one in set(wanted)] == wanted
    assert len(set(got)) == len(got)
    assert got == sorted(got)
    found = windows.seek(parts, first)
    if found is not None and wanted:
        assert (found[0].file.number, found[1]) in got


@settings(max_examples=100, deadline=None)
@given(at=st.integers(-3 * SECOND, 25 * SECOND))
def test_a_seek_finds_the_last_keyframe(vault: Path, parts: list[Span], at: int) -> None:
    """It is the one a look through everything would find."""
    keys = [
        (tile.key_us, tile.part.number, tile.seq)
        for tile in Recording(vault, "exam", "front").segments(WALL_US - SECOND, WALL_US + 60 * SECOND)
        if tile.key_us is not None and tile.key_us <= WALL_US + at
    ]
    found = windows.seek(parts, WALL_US + at)
    assert (found and (found[2], found[0].file.number, found[1])) == (max(keys) if keys else None)


def test_long_windows_come_in_pieces(parts: list[Span]) -> None:
    """At most so many segments at a time; going on from the last one's end gives them all."""
    whole, _ = windows.segments(parts, WALL_US, WALL_US + 60 * SECOND)
    got: list[windows.Row] = []
    start = WALL_US
    while True:
        rows, more = windows.segments(parts, start, WALL_US + 60 * SECOND, most=4)
        assert len(rows) <= 4
        got += [row for row in rows if row not in got]
        if not more:
            break
        start = rows[-1][3]
    assert got == whole


def test_rows_of_the_database_save_looking_into_files(vault: Path, db: Database) -> None:
    """A part with a row is taken by its row; one that is being deleted is not given; an unknown file is looked into."""
    with write(db):
        for number, state in ((1, "closed"), (2, "deleting")):
            db.conn.execute(
                "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
                " VALUES (?, 'exam', 'front', ?, 5, 9, ?)",
                (str(number), number, state),
            )
    found = spans(db, vault, "exam", "front")
    assert (found[0].file.number, found[0].start_us, found[0].end_us) == (1, 5, 9)
    assert [one.file.number for one in found] == [1, 3]


def test_what_is_not_there_is_said(vault: Path, db: Database) -> None:
    """No such recording, and names that cannot be one."""
    with pytest.raises(NotFoundError):
        spans(db, vault, "exam", "back")
    for name in ("..", "a/b", "", "A"):
        with pytest.raises(BadInputError):
            spans(db, vault, "exam", name)


def test_an_unreadable_part_does_not_stop_the_others(tmp_path: Path, db: Database) -> None:
    """A part that is damaged is left out; the segments of the others come."""
    recorder = Recorder(tmp_path, clock_at())
    for _ in range(2):
        recorder.part(movie(3))
    found = spans(db, tmp_path, "exam", "front")
    found[0].file.path.write_bytes(b"not a database")
    rows, _ = windows.segments(found, WALL_US, WALL_US + 60 * SECOND)
    assert {row[0] for row in rows} == {2}
    seek = windows.seek(found, WALL_US + 60 * SECOND)
    assert seek is not None
    assert seek[0].file.number == 2
