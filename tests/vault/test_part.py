from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.clock import ManualClock
from appliance.errors import BadInputError, VaultError
from appliance.vault.format import MAX_PLAINTEXT_BYTES, GapReason, Kind, chain_next, chain_start, parse_header
from appliance.vault.part import PartWriteError, PartWriter, PreviousPart, WriterKeys
from appliance.vault.part_file import lock_folder, unlock_folder
from appliance.vault.reader import PartReader
from appliance.vault.verify import verify_recording
from tests.vault.part_writing import (
    CAMERA,
    DEVICE,
    PERSON,
    SECOND,
    SITTING,
    Person,
    add_segment,
    anchor_of,
    plaintexts,
    start_part,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def writer(tmp_path: Path, clock: ManualClock) -> Iterator[PartWriter]:
    """An open part."""
    part = start_part(tmp_path, clock)
    yield part
    part.abandon()


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the file itself, through a connection of its own."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def change_counter(path: Path) -> int:
    """Return how many transactions SQLite has committed to the file (offset 24 of its header)."""
    return int.from_bytes(path.read_bytes()[24:28])


def test_opening_transaction_holds_manifest_keys_record_and_checkpoint(writer: PartWriter, clock: ManualClock) -> None:
    """A part that was just made is complete as far as it goes, and another process sees all of it."""
    with PartReader(writer.path) as reader:
        assert reader.manifest.sitting == SITTING
        assert reader.manifest.camera == CAMERA
        assert reader.manifest.part == 1
        assert reader.manifest.device_key == DEVICE.public.hex()
        assert reader.manifest.anchor.wall_us == clock.wall_us()
        assert reader.manifest.previous is None
        assert set(reader.recipients()) == {PERSON.key_id}
        assert reader.state == "open"
    assert writer.next_seq == 1
    assert writer.last_checkpoint.seq == 0
    assert rows(writer.path, "SELECT n FROM checkpoint") == [(0,)]
    assert plaintexts(writer.path)[0].endswith(b"init")


def test_everything_written_is_read_back_and_verifies(tmp_path: Path, writer: PartWriter, clock: ManualClock) -> None:
    """Segments, gaps and notes come back as they went in, in order, and a verifier finds nothing."""
    assert add_segment(writer, b"one") == 1
    assert writer.append_gap(writer.end_us, 3 * SECOND, GapReason.CAMERA_LOST) == 2
    assert add_segment(writer, b"two", discontinuity=True, checkpoint=True) == 3
    clock.advance(5)
    assert writer.append_note({"type": "clock", "difference_us": -7, "trusted": False}) == 4
    closed = writer.close()
    assert plaintexts(writer.path) | {0: b""} == {
        0: b"",
        1: b"one",
        3: b"two",
        4: b'{"difference_us":-7,"trusted":false,"type":"clock"}',
    }
    report = verify_recording(tmp_path, SITTING, CAMERA, "chain", device_key=DEVICE.public, ended=True)
    assert report.findings == ()
    assert not report.open
    assert closed.ended_mono_us == 1_005 * SECOND
    assert closed.part_id == writer.part_id


def test_each_record_is_committed_when_the_call_returns(writer: PartWriter) -> None:
    """What was acknowledged is seen by another connection at once, without closing or flushing."""
    for expected in range(1, 6):
        assert add_segment(writer, os.urandom(5000)) == expected
        assert rows(writer.path, "SELECT max(seq) FROM record") == [(expected,)]


def test_chain_follows_the_format(writer: PartWriter) -> None:
    """Each stored chain value is the hash of the one before, the header and the data."""
    add_segment(writer)
    writer.append_gap(writer.end_us, SECOND, GapReason.OVERLOAD)
    closed = writer.close()
    chain = chain_start(rows(writer.path, "SELECT body FROM manifest")[0][0])
    for header, stored, data in rows(writer.path, "SELECT header, chain, data FROM record ORDER BY seq"):
        chain = chain_next(chain, header, data)
        assert stored == chain
    assert closed.chain == chain
    assert writer.acknowledged() == PreviousPart(writer.part_id, chain)


def test_header_holds_what_was_said(writer: PartWriter) -> None:
    """Flags, keyframe, media time and times of a segment stand in its header and columns."""
    start = writer.end_us + 50_000
    add_segment(
        writer,
        b"x" * 500,
        start_us=start,
        duration_us=1_960_000,
        media_us=-40_000,
        keyframe=True,
        key_us=start + 10,
        key_offset=400,
        discontinuity=True,
    )
    raw, kind, begins, ends, key = rows(
        writer.path, "SELECT header, kind, start_us, end_us, key_us FROM record WHERE seq = 1"
    )[0]
    header = parse_header(raw)
    assert (header.kind, header.seq, header.length, header.media_us) == (Kind.SEGMENT, 1, 500, -40_000)
    assert (int(header.flags), header.key_us, header.key_offset) == (3, start + 10, 400)
    assert (kind, begins, ends, key) == (1, start, start + 1_960_000, start + 10)
    assert writer.end_us == start + 1_960_000


def test_gap_before_the_anchor_comes_first(tmp_path: Path, writer: PartWriter) -> None:
    """A part may begin with a gap that tells of the time since the part before."""
    anchor = writer.end_us
    writer.append_gap(anchor - 7 * SECOND, 7 * SECOND, GapReason.INTERRUPTED)
    assert writer.end_us == anchor
    add_segment(writer)
    writer.close()
    assert verify_recording(tmp_path, SITTING, CAMERA, "chain").ok


def test_periodic_checkpoint_shares_the_segments_transaction(writer: PartWriter) -> None:
    """A segment with a checkpoint costs one commit, and the checkpoint covers that segment."""
    before = change_counter(writer.path)
    seq = add_segment(writer, checkpoint=True)
    assert change_counter(writer.path) == before + 1
    assert writer.last_checkpoint.seq == seq
    assert writer.last_checkpoint.n == 1
    assert writer.last_checkpoint.chain == writer.acknowledged().chain


def test_closed_part_is_one_file_and_stands_alone(writer: PartWriter) -> None:
    """After closing there is no journal beside the part, and it can be read from a read-only place."""
    add_segment(writer, os.urandom(900_000))
    assert [path.name for path in sorted(writer.path.parent.iterdir())] == ["0001.sqlite", "0001.sqlite-journal"]
    writer.close()
    assert [path.name for path in writer.path.parent.iterdir()] == ["0001.sqlite"]
    assert writer.state == "closed"


def test_closing_twice_gives_the_same(writer: PartWriter) -> None:
    """A second close changes nothing."""
    first = writer.close()
    content = writer.path.read_bytes()
    assert writer.close() == first
    assert writer.path.read_bytes() == content


def test_nothing_is_written_after_closing(writer: PartWriter) -> None:
    """A closed part refuses further records."""
    writer.close()
    content = writer.path.read_bytes()
    with pytest.raises(PartWriteError, match="closed"):
        add_segment(writer)
    assert writer.path.read_bytes() == content


def test_file_and_folder_are_not_for_everybody(writer: PartWriter) -> None:
    """Part, journal and new folders are closed to others whatever the process's umask."""
    add_segment(writer)
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o640
    assert stat.S_IMODE(writer.path.with_name("0001.sqlite-journal").stat().st_mode) == 0o640
    assert stat.S_IMODE(writer.path.parent.stat().st_mode) & 0o007 == 0


def test_plaintext_is_nowhere_on_the_disk(writer: PartWriter) -> None:
    """Neither part nor journal holds a readable byte of what was sealed, also while the part is open."""
    secret = b"a face in the exam room " * 40
    add_segment(writer, secret)
    add_segment(writer, secret, checkpoint=True)
    for path in writer.path.parent.iterdir():
        content = path.read_bytes()
        assert b"a face in the exam room" not in content
        assert b"avc1" not in content


def test_two_parts_share_no_key(tmp_path: Path, clock: ManualClock) -> None:
    """Each part has an id, a key and a commitment of its own, so equal pictures look different."""
    parts = [start_part(tmp_path, clock, part=number) for number in (1, 2)]
    for part in parts:
        add_segment(part, b"same")
        part.close()
    data = [rows(part.path, "SELECT data FROM record WHERE seq = 1") for part in parts]
    assert data[0] != data[1]
    assert parts[0].part_id != parts[1].part_id


def test_every_recipient_can_open_it_and_nobody_else(tmp_path: Path, clock: ManualClock) -> None:
    """The part key is wrapped to each recipient; another key does not open it."""
    auditor = Person.from_seed("auditor")
    writer = start_part(tmp_path, clock, WriterKeys("box-1", DEVICE, (PERSON, auditor)))
    add_segment(writer, b"pictures")
    writer.close()
    assert plaintexts(writer.path)[1] == plaintexts(writer.path, auditor)[1] == b"pictures"
    with pytest.raises(VaultError):
        plaintexts(writer.path, Person.from_seed("stranger"))


def test_previous_part_stands_in_the_manifest(tmp_path: Path, clock: ManualClock) -> None:
    """A part names the part before it and its last chain value, and the recording verifies."""
    first = start_part(tmp_path, clock)
    add_segment(first)
    closed = first.close()
    second = start_part(tmp_path, clock, part=2, previous=PreviousPart(closed.part_id, closed.chain))
    second.close()
    assert verify_recording(tmp_path, SITTING, CAMERA, "chain").ok


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_us": 2_000_001},
        {"duration_us": -1},
        {"key_us": 5},
        {"key_offset": 0},
        {"key_us": 5, "key_offset": 8},
        {"plaintext": bytes(MAX_PLAINTEXT_BYTES + 1)},
    ],
)
def test_values_that_break_the_format_are_refused_and_cost_nothing(
    writer: PartWriter, changes: dict[str, object]
) -> None:
    """A wrong value is an error before anything is written; the part goes on."""
    with pytest.raises(ValueError, match=r"segment|offset"):
        add_segment(writer, **changes)
    assert add_segment(writer) == 1


def test_negative_gap_is_refused(writer: PartWriter) -> None:
    """A gap that ends before it begins is a mistake of the caller's, not a record."""
    with pytest.raises(ValueError, match="gap"):
        writer.append_gap(0, -1, GapReason.PAUSED)
    assert writer.next_seq == 1


@pytest.mark.parametrize("name", ["..", "a/b", "", "UPPER", "x" * 61])
def test_names_that_leave_the_vault_are_refused(tmp_path: Path, clock: ManualClock, name: str) -> None:
    """A sitting that is no plain name makes no file anywhere."""
    with pytest.raises(BadInputError):
        start_part(tmp_path, clock, sitting=name)
    assert list(tmp_path.iterdir()) == []


def test_without_recipients_nothing_is_recorded(tmp_path: Path, clock: ManualClock) -> None:
    """A part that nobody could ever open is not begun."""
    with pytest.raises(VaultError, match="nobody") as caught:
        start_part(tmp_path, clock, WriterKeys("box-1", DEVICE, ()))
    assert "recipients add" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_number_is_never_used_twice(writer: PartWriter, clock: ManualClock, tmp_path: Path) -> None:
    """Where a part is, no second one is made, and the first one stays as it is."""
    add_segment(writer)
    content = writer.path.read_bytes()
    with pytest.raises(PartWriteError, match="already"):
        start_part(tmp_path, clock)
    assert writer.path.read_bytes() == content
    assert add_segment(writer) == 2


def test_empty_file_of_an_opening_that_never_was_is_taken_over(tmp_path: Path, clock: ManualClock) -> None:
    """An empty file holds no part: its number is used, so that the numbers keep no hole."""
    folder = tmp_path / SITTING / CAMERA
    folder.mkdir(parents=True)
    (folder / "0001.sqlite").touch(mode=0o666)
    writer = start_part(tmp_path, clock)
    writer.close()
    assert verify_recording(tmp_path, SITTING, CAMERA, "chain").ok
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o640


def fill_disk(writer: PartWriter) -> None:
    """Allow the file no further page, as a full disk does."""
    assert writer._connection
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count={pages}")


def test_full_disk_ends_the_writer_and_keeps_what_was_acknowledged(writer: PartWriter, tmp_path: Path) -> None:
    """A full disk is named as such; the records before it stay, and the failed one was never counted."""
    add_segment(writer, b"kept")
    before = writer.acknowledged()
    fill_disk(writer)
    with pytest.raises(PartWriteError) as caught:
        add_segment(writer, bytes(100_000), checkpoint=True)
    assert caught.value.reason == "disk_full"
    assert caught.value.hint
    assert writer.state == "abandoned"
    assert writer.next_seq == 2
    assert writer.acknowledged() == before
    assert writer.last_checkpoint.n == 0
    assert plaintexts(writer.path)[1] == b"kept"
    report = verify_recording(tmp_path, SITTING, CAMERA, "chain")
    assert report.ok
    assert report.open
    assert report.verified_to == (1, 1)


def test_abandoned_writer_never_touches_its_file_again(writer: PartWriter, tmp_path: Path, clock: ManualClock) -> None:
    """After a write error neither appending nor closing changes a byte; a new part can be begun beside it."""
    add_segment(writer)
    fill_disk(writer)
    with pytest.raises(PartWriteError):
        add_segment(writer, bytes(100_000))
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in writer.path.parent.iterdir()}
    for attempt in (
        lambda: add_segment(writer),
        lambda: writer.append_gap(writer.end_us, SECOND, GapReason.WRITE_ERROR),
        lambda: writer.append_note({"type": "clock"}),
        writer.checkpoint,
        writer.close,
    ):
        with pytest.raises(PartWriteError, match="abandoned"):
            attempt()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in writer.path.parent.iterdir()} == files
    second = start_part(tmp_path, clock, part=2, previous=writer.acknowledged(), opened="error")
    assert add_segment(second) == 1
    second.close()


def test_failing_write_call_is_an_error_of_the_disk(writer: PartWriter) -> None:
    """When the kernel refuses a write in the middle of a segment, the reason is the disk, and nothing is lost."""
    add_segment(writer, b"kept")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size + 8192, hard))
    try:
        with pytest.raises(PartWriteError) as caught:
            add_segment(writer, os.urandom(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.reason == "io"
    assert plaintexts(writer.path)[1] == b"kept"
    assert rows(writer.path, "PRAGMA integrity_check") == [("ok",)]


def test_opening_that_fails_leaves_nothing_behind(tmp_path: Path, clock: ManualClock) -> None:
    """A part that could not be opened takes no number: no file of it stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(PartWriteError) as caught:
            start_part(tmp_path, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.reason == "io"
    assert list((tmp_path / SITTING / CAMERA).iterdir()) == []
    start_part(tmp_path, clock).close()


def test_vault_below_a_file_is_a_plain_error(tmp_path: Path, clock: ManualClock) -> None:
    """A vault path that cannot be a folder gives an error that names the file and why."""
    (tmp_path / "vault").write_text("not a folder")
    with pytest.raises(PartWriteError, match=r"0001\.sqlite") as caught:
        start_part(tmp_path / "vault", clock)
    assert caught.value.reason == "other"


def test_read_only_disk_is_named(tmp_path: Path, clock: ManualClock) -> None:
    """On a disk that was remounted read-only, writing and opening both say so."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    vault = tmp_path / "vault"
    vault.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", vault], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow mounting")
    try:
        writer = start_part(vault, clock)
        add_segment(writer, b"kept")
        writer.abandon()
        subprocess.run(["mount", "-o", "remount,ro", vault], check=True)
        with pytest.raises(PartWriteError) as caught:
            start_part(vault, clock, part=2)
        assert caught.value.reason == "read_only"
        assert "doctor" in caught.value.hint
        assert plaintexts(writer.path)[1] == b"kept"
    finally:
        subprocess.run(["umount", vault], check=True)


def test_reader_that_holds_on_costs_the_part_only(writer: PartWriter) -> None:
    """A reader that keeps its lock ends this part after a bounded time instead of stopping the recording for good."""
    add_segment(writer)
    assert writer._connection
    writer._connection.execute("PRAGMA busy_timeout=50")
    reader = sqlite3.connect(writer.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM record").fetchone()
    try:
        with pytest.raises(PartWriteError, match="locked") as caught:
            add_segment(writer)
    finally:
        reader.close()
    assert caught.value.reason == "other"


def test_device_that_cannot_sign_ends_the_writer(tmp_path: Path, clock: ManualClock) -> None:
    """A failure between two statements leaves no half transaction that a later record could complete."""

    class Forgetful:
        public = DEVICE.public
        calls = 0

        def sign(self, message: bytes) -> bytes:
            self.calls += 1
            if self.calls > 1:
                raise RuntimeError("no key")
            return DEVICE.sign(message)

    writer = start_part(tmp_path, clock, WriterKeys("box-1", Forgetful(), (PERSON,)))
    with pytest.raises(RuntimeError):
        add_segment(writer, checkpoint=True)
    assert writer.state == "abandoned"
    assert rows(writer.path, "SELECT max(seq) FROM record") == [(0,)]


def test_writer_holds_the_folder_until_it_lets_go(writer: PartWriter) -> None:
    """While a part is written nobody else has its folder alone; afterwards a forked child does not hold it either."""
    folder = writer.path.parent
    assert lock_folder(folder, exclusive=True) is None
    assert writer._lock is not None
    inherited = os.dup(writer._lock)
    writer.close()
    lock = lock_folder(folder, exclusive=True)
    os.close(inherited)
    assert lock is not None
    unlock_folder(lock)


def test_checkpoints_never_go_back(writer: PartWriter, clock: ManualClock) -> None:
    """Checkpoints carry both clocks, so that a step of the wall clock shows against the monotonic one."""
    clock.advance(30)
    writer.checkpoint()
    clock.step(-500)
    clock.advance(30)
    writer.close()
    with PartReader(writer.path) as reader:
        last = reader.last_checkpoint()
    assert last is not None
    assert last.final
    assert last.reason == "closed"
    start = anchor_of(ManualClock())
    assert last.mono_us - start.mono_us == 60 * SECOND
    assert last.wall_us - start.wall_us == -440 * SECOND


def test_bytes_written_counts_what_was_stored(writer: PartWriter) -> None:
    """The counter is the sum of all stored values, not a guess."""
    add_segment(writer, os.urandom(10_000), checkpoint=True)
    writer.close()
    (stored,) = rows(
        writer.path,
        "SELECT (SELECT sum(length(body)) FROM manifest) + (SELECT sum(length(wrapped)) FROM recipient)"
        " + (SELECT sum(length(header) + length(chain) + length(data)) FROM record)"
        " + (SELECT sum(length(body) + length(signature)) FROM checkpoint)",
    )
    assert (writer.bytes_written,) == stored


def test_importing_the_writer_stays_cheap() -> None:
    """The module every camera process carries pulls in no web, table or command-line library."""
    code = (
        "import sys, appliance.vault.part;"
        "print([name for name in ('sqlite_utils', 'structlog', 'click', 'flask', 'av', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
