from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock, SystemClock
from appliance.errors import ConflictError, IntegrityError
from appliance.vault.format import GapReason, parse_header
from appliance.vault.manifest import ManifestAnchor
from appliance.vault.part import Anchor, PartWriteError, PartWriter, PreviousPart, WriterKeys
from appliance.vault.part_files import latest_part, part_path, recording_files, recordings
from appliance.vault.reader import PartReader
from appliance.vault.recording import Recording
from appliance.vault.recover import lost_us, recover_part, recover_vault
from appliance.vault.verify import verify_recording
from tests.vault.part_writing import (
    BOOT,
    CAMERA,
    DEVICE,
    KEYS,
    OTHER_DEVICE,
    PERSON,
    SECOND,
    SITTING,
    add_segment,
    anchor_of,
    plaintexts,
    start_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent


def crashed(vault: Path, clock: ManualClock, *, part: int = 1, previous: PreviousPart | None = None) -> PartWriter:
    """Leave an open part with two segments, the second after the last checkpoint."""
    writer = start_part(vault, clock, part=part, previous=previous)
    for plaintext, checkpoint in ((b"one", True), (b"two", False)):
        clock.advance(1)
        add_segment(writer, plaintext, checkpoint=checkpoint)
    writer.abandon()
    return writer


def last_gap(path: Path) -> tuple[int, int, int]:
    """Return start, duration and reason of the last record, which must be a gap."""
    with PartReader(path) as reader:
        header = parse_header(reader.record(reader.last_seq()).header)
    assert header.kind == 2
    return header.start_us, header.duration_us, header.reason


def assert_sound(vault: Path, *, is_open: bool = False) -> None:
    """A verifier finds nothing in the recording."""
    report = verify_recording(vault, SITTING, CAMERA, "chain", device_key=DEVICE.public)
    assert report.findings == ()
    assert report.open is is_open


def test_open_part_is_closed_with_its_loss_stated(tmp_path: Path, clock: ManualClock) -> None:
    """Recovery in the same boot writes a gap up to now and a final checkpoint; what was there stays as it was."""
    writer = crashed(tmp_path, clock)
    with PartReader(writer.path) as reader:
        before = list(reader.records())
    clock.advance(42)
    done = recover_part(writer.path, KEYS, now=anchor_of(clock))
    assert done is not None
    assert done.gap_us == 42 * SECOND
    assert done.ended_wall_us == clock.wall_us()
    assert last_gap(writer.path) == (writer.end_us, 42 * SECOND, GapReason.INTERRUPTED)
    with PartReader(writer.path) as reader:
        assert list(reader.records())[: len(before)] == before
        checkpoint = reader.last_checkpoint()
    assert checkpoint is not None
    assert (checkpoint.reason, checkpoint.final, checkpoint.seq) == ("recovered", True, 3)
    assert done.chain.hex() == checkpoint.chain
    assert plaintexts(writer.path)[2] == b"two"
    assert_sound(tmp_path)


def test_recovery_needs_no_recipients_and_no_part_key(tmp_path: Path, clock: ManualClock) -> None:
    """The device key alone closes a part: its part key went with the process that died."""
    writer = crashed(tmp_path, clock)
    assert recover_part(writer.path, WriterKeys("box-1", DEVICE, ()), now=anchor_of(clock))
    assert_sound(tmp_path)


def test_recovering_twice_changes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    """A part that is closed is left alone to the byte."""
    writer = crashed(tmp_path, clock)
    assert recover_part(writer.path, KEYS, now=anchor_of(clock))
    content = writer.path.read_bytes()
    clock.advance(100)
    assert recover_part(writer.path, KEYS, now=anchor_of(clock)) is None
    assert writer.path.read_bytes() == content
    assert [path.name for path in writer.path.parent.iterdir()] == ["0001.sqlite"]


def test_no_gap_where_nothing_is_missing(tmp_path: Path, clock: ManualClock) -> None:
    """A part that ended at this very moment gets a final checkpoint and no empty gap."""
    writer = crashed(tmp_path, clock)
    done = recover_part(writer.path, KEYS, now=anchor_of(clock))
    assert done is not None
    assert done.gap_us == 0
    assert done.checkpoint.seq == 2
    assert_sound(tmp_path)


def test_after_a_reboot_the_wall_clocks_tell(tmp_path: Path, clock: ManualClock) -> None:
    """In another boot the monotonic clock means nothing: the gap is as long as the wall clocks say."""
    writer = crashed(tmp_path, clock)
    now = Anchor(clock.wall_us() + 600 * SECOND, 5 * SECOND, "boot-2", trusted=False)
    done = recover_part(writer.path, KEYS, now=now)
    assert done is not None
    assert done.gap_us == 600 * SECOND
    with PartReader(writer.path) as reader:
        checkpoint = reader.last_checkpoint()
    assert checkpoint is not None
    assert not checkpoint.trusted
    assert_sound(tmp_path)


def test_gap_ends_where_the_recording_was_to_end(tmp_path: Path, clock: ManualClock) -> None:
    """A box that comes back on Monday does not state a gap of a weekend for an exam of one hour."""
    writer = crashed(tmp_path, clock)
    until = clock.wall_us() + 30 * SECOND
    clock.advance(3 * 86400)
    done = recover_part(writer.path, KEYS, now=anchor_of(clock), until_wall_us=until)
    assert done is not None
    assert done.gap_us == 30 * SECOND
    assert done.ended_wall_us == until


times = st.integers(min_value=0, max_value=2**52)


@given(wall=times, mono=times, end=times, now_wall=times, now_mono=times, until=st.none() | times, same=st.booleans())
def test_loss_is_never_negative_and_never_beyond_its_bound(
    *, wall: int, mono: int, end: int, now_wall: int, now_mono: int, until: int | None, same: bool
) -> None:
    """Whatever the clocks did, a gap has a length of at least nothing and ends at the bound at the latest."""
    anchor = ManifestAnchor(wall_us=wall, mono_us=mono, boot_id="a", trusted=True)
    lost = lost_us(anchor, end, Anchor(now_wall, now_mono, "a" if same else "b", trusted=True), until)
    assert lost >= 0
    end_wall = wall + (end + lost - mono)
    if lost and until is not None:
        assert end_wall <= until
    if lost and same:
        assert end + lost <= now_mono
    if lost and not same:
        assert end_wall <= now_wall


def test_part_being_written_is_left_alone(tmp_path: Path, clock: ManualClock) -> None:
    """Recovery beside a live writer does nothing to its part, and the writer goes on."""
    writer = start_part(tmp_path, clock)
    add_segment(writer)
    with pytest.raises(ConflictError):
        recover_part(writer.path, KEYS, now=anchor_of(clock))
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert report.in_use == [(SITTING, CAMERA)]
    assert report.recovered == []
    assert add_segment(writer) == 2
    writer.close()
    assert_sound(tmp_path)


def damage(path: Path, sql: str) -> None:
    """Change a file behind everybody's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


DAMAGED: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("This is no database."),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "foreign": lambda path: damage(path, "PRAGMA application_id = 42"),
    "newer": lambda path: damage(path, "PRAGMA user_version = 2"),
    "no table": lambda path: damage(path, "DROP TABLE checkpoint"),
    "no manifest": lambda path: damage(path, "DELETE FROM manifest"),
    "no checkpoint": lambda path: damage(path, "DELETE FROM checkpoint"),
    "manifest": lambda path: damage(path, "UPDATE manifest SET body = x'7b'"),
    "manifest text": lambda path: damage(path, "UPDATE manifest SET body = 'text'"),
    "signature": lambda path: damage(path, "UPDATE checkpoint SET signature = zeroblob(64)"),
    "last record": lambda path: damage(path, "UPDATE record SET data = zeroblob(length(data)) WHERE seq = 2"),
    "last chain": lambda path: damage(path, "UPDATE record SET chain = zeroblob(32) WHERE seq = 2"),
    "last header": lambda path: damage(path, "UPDATE record SET header = zeroblob(64) WHERE seq = 2"),
    "header type": lambda path: damage(path, "UPDATE record SET header = 5 WHERE seq = 2"),
    "hole": lambda path: damage(path, "UPDATE record SET seq = 3 WHERE seq = 2"),
    "covered record": lambda path: damage(path, "DELETE FROM record WHERE seq = 1"),
}


@pytest.mark.parametrize("kind", sorted(DAMAGED))
def test_damaged_part_is_reported_and_left_alone(tmp_path: Path, clock: ManualClock, kind: str) -> None:
    """A foreign or damaged file is named with a reason, not one byte of it is changed, and the others are closed."""
    first = crashed(tmp_path, clock)
    second = crashed(tmp_path, clock, part=2, previous=first.acknowledged())
    DAMAGED[kind](second.path)
    content = second.path.read_bytes()
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert [path for path, _ in report.damaged] == [second.path]
    assert report.damaged[0][1].endswith(".")
    assert second.path.read_bytes() == content
    assert [part.number for part in report.recovered] == [1]
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert latest.number == 2
    with pytest.raises(IntegrityError):
        recover_part(second.path, KEYS, now=anchor_of(clock))


def test_other_programs_database_is_not_even_converted(tmp_path: Path, clock: ManualClock) -> None:
    """A write-ahead-log database that somebody put into the vault stays one."""
    path = part_path(tmp_path, SITTING, CAMERA, 1)
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    content = path.read_bytes()
    assert [name for name, _ in recover_vault(tmp_path, KEYS, now=anchor_of(clock)).damaged] == [path]
    assert path.read_bytes() == content


def test_part_of_another_device_is_not_signed(tmp_path: Path, clock: ManualClock) -> None:
    """A box closes only what it wrote itself."""
    writer = crashed(tmp_path, clock)
    content = writer.path.read_bytes()
    with pytest.raises(IntegrityError, match="another device"):
        recover_part(writer.path, WriterKeys("box-2", OTHER_DEVICE, (PERSON,)), now=anchor_of(clock))
    assert writer.path.read_bytes() == content


def test_part_in_the_wrong_place_is_not_signed(tmp_path: Path, clock: ManualClock) -> None:
    """A part that was moved to another number does not become part of that recording."""
    writer = crashed(tmp_path, clock)
    moved = writer.path.rename(writer.path.with_name("0002.sqlite"))
    with pytest.raises(IntegrityError, match="belongs elsewhere"):
        recover_part(moved, KEYS, now=anchor_of(clock))


def test_symbolic_link_is_not_followed(tmp_path: Path, clock: ManualClock) -> None:
    """A link in the vault is no part, wherever it points."""
    writer = crashed(tmp_path, clock)
    elsewhere = writer.path.rename(tmp_path / "elsewhere.sqlite")
    writer.path.symlink_to(elsewhere)
    with pytest.raises(IntegrityError, match="regular file"):
        recover_part(writer.path, KEYS, now=anchor_of(clock))


def empty_database(path: Path) -> None:
    """Make a file with the tables and nothing in them."""
    damage(path, "CREATE TABLE manifest (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")


@pytest.mark.parametrize("make", [Path.touch, empty_database])
def test_empty_file_of_a_crashed_opening_is_removed(
    tmp_path: Path, clock: ManualClock, make: Callable[[Path], None]
) -> None:
    """A file in which nothing was ever recorded goes, and its number is free again."""
    writer = crashed(tmp_path, clock)
    empty = writer.path.with_name("0002.sqlite")
    make(empty)
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert report.removed == [empty]
    assert not empty.exists()
    assert [part.number for part in report.recovered] == [1]
    assert_sound(tmp_path)


def test_empty_file_before_a_part_stays(tmp_path: Path, clock: ManualClock) -> None:
    """Between parts an empty file is evidence of something: it is reported, not removed."""
    path = part_path(tmp_path, SITTING, CAMERA, 1)
    path.parent.mkdir(parents=True)
    path.touch()
    crashed(tmp_path, clock, part=2)
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert report.removed == []
    assert [name for name, _ in report.damaged] == [path]
    assert path.exists()


def test_power_cut_during_the_opening_transaction_is_undone(tmp_path: Path, clock: ManualClock) -> None:
    """A file half written by its opening transaction is rolled back by its journal and then holds nothing."""
    target = part_path(tmp_path, SITTING, CAMERA, 1)
    writer = start_part(tmp_path / "other", clock)
    add_segment(writer)
    assert writer._connection
    # The journal of an opening transaction says that the file had no page; a valid one is taken from SQLite itself.
    source = tmp_path / "hot.sqlite"
    connection = sqlite3.connect(source, isolation_level=None)
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE manifest (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    connection.execute("INSERT INTO manifest VALUES (1, zeroblob(200000))")
    target.parent.mkdir(parents=True)
    shutil.copy(source, target)
    shutil.copy(source.with_name("hot.sqlite-journal"), target.with_name("0001.sqlite-journal"))
    connection.close()
    assert target.stat().st_size > 0
    writer.abandon()
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock), camera=CAMERA)
    assert report.removed == [target]
    assert list(target.parent.iterdir()) == []


def test_interrupted_commit_is_rolled_back_before_closing(tmp_path: Path, clock: ManualClock) -> None:
    """A record whose transaction was cut in the middle of writing the file is not there after recovery."""
    writer = crashed(tmp_path, clock)
    connection = sqlite3.connect(writer.path, isolation_level=None)
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO record SELECT 3, kind, start_us, end_us, NULL, header, chain, zeroblob(300000) FROM record"
        " WHERE seq = 2"
    )
    copy = tmp_path / "copy" / SITTING / CAMERA
    shutil.copytree(writer.path.parent, copy)
    connection.close()
    assert (copy / "0001.sqlite-journal").stat().st_size > 0
    assert (copy / "0001.sqlite").stat().st_size > 300_000
    report = recover_vault(tmp_path / "copy", KEYS, now=anchor_of(clock))
    assert [part.checkpoint.seq for part in report.recovered] == [2]
    assert_sound(tmp_path / "copy")


def test_gap_ends_where_the_next_part_begins(tmp_path: Path, clock: ManualClock) -> None:
    """An abandoned part's gap does not reach into the time that the part after it has recorded."""
    first = crashed(tmp_path, clock)
    clock.advance(4)
    second = start_part(tmp_path, clock, part=2, previous=first.acknowledged(), opened="error")
    second.append_gap(second.end_us - 3 * SECOND, 3 * SECOND, GapReason.WRITE_ERROR)
    add_segment(second)
    second.close()
    clock.advance(1000)
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert [(part.number, part.gap_us) for part in report.recovered] == [(1, SECOND)]
    assert report.already_closed == 1
    assert_sound(tmp_path)


def test_recovery_of_one_camera_leaves_the_others(tmp_path: Path, clock: ManualClock) -> None:
    """A camera's process recovers its own recordings, of every sitting, and nobody else's."""
    for sitting, camera in (("a", "one"), ("b", "one"), ("b", "two")):
        start_part(tmp_path, clock, sitting=sitting, camera=camera).abandon()
    asked = []

    def until(sitting: str, camera: str) -> None:
        asked.append((sitting, camera))

    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock), camera="one", until=until)
    assert [(part.sitting, part.camera) for part in report.recovered] == [("a", "one"), ("b", "one")]
    assert asked == [("a", "one"), ("b", "one")]
    with PartReader(part_path(tmp_path, "b", "two", 1)) as reader:
        assert reader.state == "open"


def test_vault_that_is_not_there_needs_no_recovery(tmp_path: Path, clock: ManualClock) -> None:
    """Before the first recording there is nothing to do, and strange files are nobody's business."""
    assert recover_vault(tmp_path / "none", KEYS, now=anchor_of(clock)).already_closed == 0
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / SITTING / CAMERA).mkdir(parents=True)
    (tmp_path / SITTING / CAMERA / "1.sqlite").write_text("")
    assert list(recordings(tmp_path)) == [(SITTING, CAMERA)]
    assert recording_files(tmp_path, SITTING, CAMERA) == []
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert report.damaged == report.removed == []


def test_disk_that_refuses_to_be_written_is_told(tmp_path: Path, clock: ManualClock) -> None:
    """On a read-only disk open parts are reported as not closed, and nothing is called damaged."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow mounting")
    try:
        writer = crashed(tmp_path, clock)
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
        assert [path for path, _ in report.failed] == [writer.path]
        assert report.damaged == []
        with pytest.raises(PartWriteError) as caught:
            recover_part(writer.path, KEYS, now=anchor_of(clock))
        assert caught.value.reason == "read_only"
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_latest_part_names_number_chain_and_end(tmp_path: Path, clock: ManualClock) -> None:
    """The next part can be numbered, linked and told where the last one ended."""
    assert latest_part(tmp_path, SITTING, CAMERA) is None
    first = crashed(tmp_path, clock)
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert (latest.number, latest.previous) == (1, first.acknowledged())
    assert latest.ended_wall_us == clock.wall_us()
    done = recover_part(first.path, KEYS, now=anchor_of(clock))
    assert done is not None
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert latest.previous == PreviousPart(done.part_id, done.chain)


def test_a_part_that_tells_nothing_moves_no_end(tmp_path: Path, clock: ManualClock) -> None:
    """After a writer that died before its first record, the time is owed from where pictures and gaps really end."""
    first = crashed(tmp_path, clock)
    ended = clock.wall_us()
    clock.advance(600)
    empty = start_part(tmp_path, clock, part=2, previous=first.acknowledged())
    empty.abandon()
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert (latest.number, latest.previous, latest.ended_wall_us) == (2, empty.acknowledged(), ended)


def test_where_no_part_tells_of_any_time_no_end_is_known(tmp_path: Path, clock: ManualClock) -> None:
    """A recording of nothing but an opening is owed from its very beginning."""
    empty = start_part(tmp_path, clock)
    empty.abandon()
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert (latest.number, latest.previous, latest.ended_wall_us) == (1, empty.acknowledged(), 0)


@pytest.mark.parametrize("boot", [BOOT, "boot-2"])
def test_an_empty_part_states_the_time_since_the_one_before(tmp_path: Path, clock: ManualClock, boot: str) -> None:
    """A writer that died before its first record had not yet stated what came before: recovery states all of it."""
    first = crashed(tmp_path, clock)
    clock.advance(600)
    opened_at = anchor_of(clock, boot)
    empty = start_part(tmp_path, clock, part=2, previous=first.acknowledged(), anchor=opened_at)
    empty.abandon()
    clock.advance(42)
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock, boot))
    assert [(part.number, part.gap_us) for part in report.recovered] == [(2, 642 * SECOND), (1, 0)]
    assert last_gap(empty.path) == (opened_at.mono_us - 600 * SECOND, 642 * SECOND, GapReason.INTERRUPTED)
    (gap,) = Recording(tmp_path, SITTING, CAMERA).gaps()
    assert (gap.end_us - gap.start_us, gap.end_us, gap.reason) == (642 * SECOND, clock.wall_us(), "interrupted")
    assert_sound(tmp_path)


def test_an_empty_part_between_two_others_hides_no_reason(tmp_path: Path, clock: ManualClock) -> None:
    """Where the next part began before the empty one was closed, its reason is the only one for that time."""
    first = crashed(tmp_path, clock)
    ended = clock.mono_us()
    clock.advance(600)
    empty = start_part(tmp_path, clock, part=2, previous=first.acknowledged())
    empty.abandon()
    clock.advance(5)
    last = start_part(tmp_path, clock, part=3, previous=empty.acknowledged())
    last.append_gap(ended, clock.mono_us() - ended, GapReason.PAUSED)
    clock.advance(1)
    add_segment(last)
    last.abandon()
    report = recover_vault(tmp_path, KEYS, now=anchor_of(clock))
    assert [(part.number, part.gap_us) for part in report.recovered] == [(3, 0), (2, 0), (1, 0)]
    (gap,) = Recording(tmp_path, SITTING, CAMERA).gaps()
    assert (gap.end_us - gap.start_us, gap.reason) == (605 * SECOND, "paused")
    assert_sound(tmp_path)


def test_an_empty_part_after_a_missing_one_does_not_speak_for_it(tmp_path: Path, clock: ManualClock) -> None:
    """What a part that is not here held is nothing recovery can state: it states the time from the opening on."""
    first = crashed(tmp_path, clock)
    clock.advance(600)
    empty = start_part(tmp_path, clock, part=3, previous=first.acknowledged())
    opened = clock.wall_us()
    empty.abandon()
    clock.advance(42)
    done = recover_part(empty.path, KEYS, now=anchor_of(clock))
    assert done is not None
    assert (done.gap_us, done.ended_wall_us, done.started_wall_us) == (42 * SECOND, clock.wall_us(), opened)


def test_unreadable_files_keep_their_numbers(tmp_path: Path, clock: ManualClock) -> None:
    """A damaged file is never written over: the next part is numbered after it."""
    path = part_path(tmp_path, SITTING, CAMERA, 12345)
    path.parent.mkdir(parents=True)
    path.write_text("rubbish")
    latest = latest_part(tmp_path, SITTING, CAMERA)
    assert latest is not None
    assert (latest.number, latest.previous, latest.ended_wall_us) == (12345, None, 0)


def kill_while_writing(vault: Path, part: int, seed: int) -> dict[tuple[int, int], str]:
    """Run a writing process, kill it -9 after some records at some moment; return what it acknowledged."""
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    command = [sys.executable, "-m", "tests.vault.part_writing_process", str(vault), str(part), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(chance.randrange(1, 40))]
        clock = SystemClock()
        moment = clock.mono_us() + chance.randrange(0, 5000)
        while clock.mono_us() < moment:
            pass
        process.kill()
        lines += process.stdout.readlines()
    acknowledged = {}
    for line in lines:
        assert line.endswith(b"\n")
        number, seq, digest = line.decode().split()
        acknowledged[int(number), int(seq)] = digest
    return acknowledged


def check_acknowledged(vault: Path, acknowledged: dict[tuple[int, int], str]) -> None:
    """Every acknowledged record is there and opens to what was sealed."""
    for number in {number for number, _ in acknowledged}:
        path = part_path(vault, SITTING, CAMERA, number)
        found = plaintexts(path)
        with PartReader(path) as reader:
            gaps = {row.seq for row in reader.index() if row.kind == 2}
        for (part, seq), digest in acknowledged.items():
            if part == number:
                plaintext = b"" if seq in gaps else found[seq]
                assert hashlib.sha256(plaintext).hexdigest() == digest


def kill_and_recover(vault: Path, seed: int) -> None:
    """Kill a writer, recover, and check that nothing acknowledged is lost and nothing is unsound."""
    acknowledged = kill_while_writing(vault, 1, seed)
    assert acknowledged
    clock = SystemClock()
    report = recover_vault(vault, KEYS, now=Anchor(clock.wall_us(), clock.mono_us(), BOOT, trusted=True))
    assert report.damaged == report.failed == report.in_use == []
    assert len(report.recovered) <= 1
    check_acknowledged(vault, acknowledged)
    result = verify_recording(vault, SITTING, CAMERA, "chain", device_key=DEVICE.public, ended=True)
    assert result.findings == ()
    again = recover_vault(vault, KEYS, now=Anchor(clock.wall_us(), clock.mono_us(), BOOT, trusted=True))
    assert again.recovered == []


@pytest.mark.parametrize("seed", range(8))
def test_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path, seed: int) -> None:
    """After kill -9 at a random moment every acknowledged record is there, opens, verifies, and the loss is stated."""
    kill_and_recover(tmp_path, seed)


@pytest.mark.faults
def test_two_hundred_killed_writers_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for 200 kills, counted on standard output."""
    for seed in range(1000, 1200):
        kill_and_recover(tmp_path / str(seed), seed)
        shutil.rmtree(tmp_path / str(seed))
    with capsys.disabled():
        print("\nvault writer: 200 kill -9, 200 recoveries, nothing acknowledged lost")  # noqa: T201  the count is the point
