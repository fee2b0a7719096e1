"""Reading one part: closed, while it is written, damaged, foreign."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import IntegrityError, MissingKeyError, NotFoundError, VaultError
from appliance.vault.format import APPLICATION_ID, SCHEMA, USER_VERSION, Kind
from appliance.vault.keysource import FileKeys
from appliance.vault.manifest import ManifestRecipient
from appliance.vault.part_connection import DamagedFileError, NotAPartError, NotRecoveredError
from appliance.vault.reader import PartReader, split_initialisation
from tests.vault.recorded import MONO_US, PRIVATE, WALL_US, Recorder, clock_at, file_keys, movie, recipient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def part(two_parts: Path, tmp_path: Path) -> Path:
    """A part file of one's own."""
    return shutil.copytree(two_parts, tmp_path / "vault") / "exam" / "front" / "0001.sqlite"


def test_a_part_tells_what_it_is(part: Path) -> None:
    """Manifest, state, times and binding come out as they were written."""
    with PartReader(part) as reader:
        assert (reader.manifest.box, reader.manifest.sitting, reader.manifest.camera) == ("box-1", "exam", "front")
        assert reader.state == "closed"
        assert reader.wall_of(MONO_US + 7) == WALL_US + 7
        assert reader.binding.part == 1
        assert reader.part_id.hex() == reader.manifest.part_id


def test_segments_open_with_the_part_key(part: Path) -> None:
    """Initialisation and every segment decrypt to MP4 boxes."""
    with PartReader(part) as reader:
        cipher = reader.cipher(file_keys().part_key(reader, "playback"))
        assert reader.init(cipher)[4:8] == b"ftyp"
        assert reader.stream(cipher)["codecs"].startswith("avc1.")
        segments = [row.seq for row in reader.index() if row.kind == Kind.SEGMENT]
        assert len(segments) > 3
        assert all(reader.segment(seq, cipher)[4:8] == b"moof" for seq in segments)


def test_a_wrong_part_key_opens_nothing(part: Path) -> None:
    """A key that the manifest did not commit to is refused before anything is decrypted."""
    with PartReader(part) as reader, pytest.raises(IntegrityError, match="not the one this part was sealed with"):
        reader.cipher(bytes(32))


def test_a_stranger_is_told_who_could_read(part: Path) -> None:
    """A key that is no recipient gets an error that names the recipients."""
    with PartReader(part) as reader:
        with pytest.raises(MissingKeyError) as caught:
            FileKeys([("X25519", bytes(range(32)))]).part_key(reader, "verify")
        assert "Room 1" in caught.value.hint
        with pytest.raises(MissingKeyError):
            reader.wrapped("0" * 16)
        assert reader.wrapped(recipient(PRIVATE).key_id)[0] == "X25519"


def test_seeking_uses_the_index(part: Path) -> None:
    """The look-up of a keyframe searches the keyframe index and never scans the records."""
    plan = sqlite3.connect(part).execute(
        "EXPLAIN QUERY PLAN SELECT seq, key_us FROM record WHERE key_us <= ? ORDER BY key_us DESC, seq DESC LIMIT 1",
        (1,),
    )
    assert [row[3] for row in plan] == ["SEARCH record USING COVERING INDEX record_key (key_us<?)"]
    plan = sqlite3.connect(part).execute(
        "EXPLAIN QUERY PLAN SELECT seq FROM record WHERE key_us IS NOT NULL ORDER BY key_us"
    )
    assert all("COVERING INDEX record_key" in row[3] for row in plan)


def test_a_part_is_read_while_it_is_written(tmp_path: Path) -> None:
    """What is committed can be read at once, and an open reader neither blocks the writer nor misses what follows."""
    writer = Recorder(tmp_path, clock_at()).part(movie(2), close=False)
    with PartReader(writer.path) as reader:
        assert reader.state == "open"
        before = reader.last_seq()
        writer.append_note({"type": "test"})
        assert reader.last_seq() == before + 1
        cipher = reader.cipher(file_keys().part_key(reader, "playback"))
        assert reader.open_record(before + 1, cipher)[1] == b'{"type":"test"}'
        writer.close()
        assert reader.state == "closed"


def test_the_reader_cannot_write(part: Path) -> None:
    """The file is opened so that no statement can change it."""
    before = part.read_bytes()
    with PartReader(part) as reader, pytest.raises(VaultError):
        reader._rows("DELETE FROM recipient")
    assert part.read_bytes() == before


def test_an_interrupted_write_is_named_and_left_alone(tmp_path: Path) -> None:
    """A part with a hot journal is not rolled back by a reader; the error says that capture will recover it."""
    writer = Recorder(tmp_path, clock_at()).part(movie(1), close=False)
    child = os.fork()
    if child == 0:  # dies in the middle of a transaction that has spilled into the file
        connection = sqlite3.connect(writer.path, isolation_level=None)
        connection.execute("PRAGMA cache_size=5")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE record SET data = randomblob(400000)")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    files = {path.name: path.read_bytes() for path in writer.path.parent.iterdir()}
    with pytest.raises(NotRecoveredError) as caught:
        PartReader(writer.path)
    assert "Start capture" in caught.value.hint
    assert {path.name: path.read_bytes() for path in writer.path.parent.iterdir()} == files


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to look like one " * 50)


def _other_database(path: Path) -> None:
    path.unlink()
    sqlite3.connect(path).executescript("CREATE TABLE holiday (photo BLOB);").close()


def _view_for_table(path: Path) -> None:
    path.unlink()
    script = [f"PRAGMA application_id={APPLICATION_ID}", f"PRAGMA user_version={USER_VERSION}", *SCHEMA]
    script += ["DROP TABLE manifest", "CREATE VIEW manifest(id, body) AS SELECT 1, zeroblob(2000000000)"]
    sqlite3.connect(path).executescript(";".join(script)).close()


def _no_manifest(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM manifest")


@pytest.mark.parametrize("spoil", [_empty, _text, _other_database, _view_for_table, _no_manifest])
def test_a_foreign_file_is_refused(part: Path, spoil: Callable[[Path], None]) -> None:
    """Whatever is no part of this format is refused with words that say so."""
    spoil(part)
    with pytest.raises(NotAPartError) as caught:
        PartReader(part)
    assert caught.value.hint


def test_a_huge_value_is_refused_before_it_is_read(part: Path) -> None:
    """A manifest of 200 MB does not get into memory."""
    with sqlite3.connect(part) as connection:
        connection.execute("UPDATE manifest SET body = zeroblob(200000000)")
    with pytest.raises(DamagedFileError):
        PartReader(part)


def test_a_label_cannot_steer_a_terminal() -> None:
    """What a file calls a recipient is shown without control characters."""
    hostile = ManifestRecipient(key_id="ab" * 8, label="Room\x1b[2J 1\n", sha256="00" * 32)
    assert hostile.shown == f"Room?[2J 1? ({'ab' * 8})"


def test_a_damaged_schema_is_refused(part: Path) -> None:
    """A schema that SQLite cannot even quote in its error message is a damaged file like any other."""
    raw = part.read_bytes()
    part.write_bytes(raw.replace(b"CREATE TABLE manifest", b"CRE\xf3\xff\xfeABLE manifest"))
    assert part.read_bytes() != raw
    with pytest.raises(DamagedFileError):
        PartReader(part)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """Asking for a part that is not there is an error and creates nothing."""
    with pytest.raises(NotFoundError):
        PartReader(tmp_path / "0001.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_columns_that_are_no_numbers_are_an_error(part: Path) -> None:
    """A record with text where a time belongs is reported, never computed with."""
    with sqlite3.connect(part) as connection:
        connection.execute("UPDATE record SET start_us = 'soon' WHERE seq = 2")
    with PartReader(part) as reader:
        with pytest.raises(IntegrityError):
            list(reader.index())
        assert reader.record(2).index is None


@given(st.binary(max_size=200))
def test_an_initialisation_of_any_bytes_is_an_error_or_a_description(data: bytes) -> None:
    """Whatever record 0 decrypts to, the answer is a description with the rest, or an IntegrityError."""
    try:
        stream, init = split_initialisation(data)
    except IntegrityError:
        return
    assert isinstance(stream, dict)
    assert data.endswith(init)
