"""The verifier: against the published vectors, against damage of every kind, and while a part is written."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import BadInputError, NotFoundError
from appliance.vault.checks import fragment_starts, header_problem, tiling_problem
from appliance.vault.findings import MAX_FINDINGS, DeletedPart
from appliance.vault.format import GapReason, Header, Kind
from appliance.vault.keysource import FileKeys
from appliance.vault.reader import PartReader
from appliance.vault.recording import Recording, list_recordings
from appliance.vault.verify import verify_recording
from tests.vault.recorded import DEVICE, Recorder, clock_at, file_keys, movie

VECTORS = Path(__file__).parent.parent / "vectors" / "vault-format-1"
KEYS: dict[str, Any] = json.loads((VECTORS / "keys.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
LEVELS = ("presence", "chain", "full")


def _verify(case: dict[str, Any], level: Any) -> Any:
    return verify_recording(
        VECTORS / case["case"],
        case["sitting"],
        case["camera"],
        level,
        device_key=bytes.fromhex(KEYS[case["device_key"]]["public"]) if case["device_key"] else None,
        keys=FileKeys((KEYS[name]["kind"], bytes.fromhex(KEYS[name]["private"])) for name in case["keys"]),
        ended=case["ended"],
    )


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_vectors(case: dict[str, Any]) -> None:
    """Each published vector passes up to its level, and fails the next with the stated first finding."""
    if case["passes"]:
        report = _verify(case, case["passes"])
        assert report.findings == ()
        assert report.ok
        assert report.open is case["open"]
    if case["fails"]:
        first = _verify(case, case["fails"]).findings[0]
        assert (first.code, first.part, first.seq) == (case["code"], case["part"], case["seq"])


def test_the_vectors_cover_both_outcomes() -> None:
    """The set of vectors holds good and bad ones, so that neither test above is empty."""
    assert {bool(case["fails"]) for case in CASES} == {True, False}
    assert {case["passes"] for case in CASES} >= {None, "presence", "chain", "full"}


def _full(vault: Path, **more: Any) -> Any:
    given_settings: dict[str, Any] = {"keys": file_keys(), "device_key": DEVICE.public, **more}
    return verify_recording(vault, "exam", "front", "full", **given_settings)


def _codes(report: Any) -> list[tuple[str, int]]:
    return [(finding.code, finding.part) for finding in report.findings]


def test_a_real_recording_verifies(two_parts: Path) -> None:
    """What the box writes passes every level, and the counts say what was gone through."""
    report = _full(two_parts, ended=True)
    assert (report.ok, report.open, report.findings, report.verdict) == (True, False, (), "verified (full)")
    with PartReader(two_parts / "exam" / "front" / "0002.sqlite") as reader:
        last = reader.last_seq()
    assert last > 1
    assert (report.counts.parts, report.counts.gaps, report.verified_to) == (2, 2, (2, last))
    assert report.counts.segments == report.counts.records - report.counts.gaps - report.counts.parts


def test_progress_ends_with_everything(two_parts: Path) -> None:
    """The progress never falls and ends at all bytes."""
    for level in LEVELS:
        seen: list[tuple[int, int]] = []
        verify_recording(
            two_parts, "exam", "front", level, keys=file_keys(), progress=lambda *at, seen=seen: seen.append(at)
        )
        assert seen == sorted(seen)
        assert seen[-1][0] == seen[-1][1] > 0


def test_an_open_recording_is_never_called_verified(tmp_path: Path) -> None:
    """While a part is written the verdict is "open, verified up to"; told that it is over, that is a finding."""
    writer = Recorder(tmp_path, clock_at()).part(movie(2), close=False)
    report = _full(tmp_path)
    assert (report.ok, report.open) == (True, True)
    assert report.verdict == f"open, verified up to record {writer.next_seq - 1} of part 1 (full)"
    assert _codes(_full(tmp_path, ended=True)) == [("final_missing", 1)]
    writer.close()
    assert _full(tmp_path, ended=True).ok


def test_a_deleted_part_is_no_hole(tmp_path: Path) -> None:
    """A number that is missing is a hole, unless a certificate accounts for exactly that part."""
    recorder = Recorder(tmp_path, clock_at())
    for _ in range(3):
        recorder.part(movie(1), opened="rollover")
    second = Recording(tmp_path, "exam", "front").parts[1].manifest.part_id
    after = Recording(tmp_path, "exam", "front").parts[2].manifest.previous
    assert after is not None
    (tmp_path / "exam" / "front" / "0002.sqlite").unlink()
    assert _codes(_full(tmp_path)) == [("part_number_hole", 3)]
    report = _full(tmp_path, deleted=[DeletedPart(2, second, after.chain)])
    assert (report.findings, report.counts.deleted) == ((), 1)
    assert _full(tmp_path, deleted=[DeletedPart(2, second, None)]).ok
    for wrong in (DeletedPart(2, "ff" * 16, after.chain), DeletedPart(2, second, "ff" * 32)):
        assert _codes(_full(tmp_path, deleted=[wrong])) == [("previous_mismatch", 3)]
    assert _codes(_full(tmp_path, deleted=[DeletedPart(7, second, None)])) == [("part_number_hole", 3)]


def test_another_boxs_key_is_unexpected(two_parts: Path) -> None:
    """A recording signed by a key other than the expected one is found at once, in every part."""
    assert _codes(_full(two_parts, device_key=bytes(32))) == [("device_unexpected", 1), ("device_unexpected", 2)]


def test_level_full_without_keys_says_what_is_needed(two_parts: Path, tmp_path: Path) -> None:
    """No key, a stranger's key and destroyed keys are each named; the chain is verified all the same."""
    assert _codes(_full(two_parts, keys=None)) == [("key_needed", 1), ("key_needed", 2)]
    assert _codes(_full(two_parts, keys=FileKeys([("X25519", bytes(range(32)))])))[0] == ("key_needed", 1)
    vault = shutil.copytree(two_parts, tmp_path / "vault")
    with sqlite3.connect(vault / "exam" / "front" / "0001.sqlite") as connection:
        connection.execute("DELETE FROM recipient")
    assert _codes(_full(vault)) == [("key_needed", 1)]
    assert verify_recording(vault, "exam", "front", "chain").ok


def test_damage_without_end_is_counted_not_kept(two_parts: Path, tmp_path: Path) -> None:
    """A file that is nothing but findings gives a bounded list and the number left out."""
    vault = shutil.copytree(two_parts, tmp_path / "vault")
    with sqlite3.connect(vault / "exam" / "front" / "0002.sqlite") as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 2 FROM n WHERE i < 2000)"
            " INSERT INTO record SELECT i, 1, 0, 0, NULL, zeroblob(64), zeroblob(32), zeroblob(9) FROM n"
        )
    report = _full(vault)
    assert len(report.findings) == MAX_FINDINGS
    assert report.left_out > 1000
    assert str(MAX_FINDINGS + report.left_out) in report.verdict


def test_unknown_recordings_are_errors(two_parts: Path) -> None:
    """There is nothing to verify where there is no recording, or no name."""
    with pytest.raises(NotFoundError):
        verify_recording(two_parts, "exam", "back", "chain")
    with pytest.raises(BadInputError):
        verify_recording(two_parts, "../exam", "front", "chain")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with one short part, to be damaged."""
    vault = tmp_path_factory.mktemp("small")
    recorder = Recorder(vault, clock_at())
    writer = recorder.part(movie(1), close=False)
    writer.append_gap(writer.end_us, SECOND_US, GapReason.PAUSED)
    writer.close()
    return vault


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_the_file_is_a_crash(small: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Flipped bytes anywhere in the file, its pages and structure too, give a report and a listing, never a crash."""
    path = tmp_path / "exam" / "front" / "0001.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = bytearray((small / "exam" / "front" / "0001.sqlite").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=8)):
        raw[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    report = _full(tmp_path, ended=True)
    assert report.ok == (not report.findings)
    assert len(list_recordings(tmp_path)) == 1


@given(column=st.sampled_from(["header", "chain", "data"]), seq=st.integers(0, 4), at=st.integers(0, 2**16))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(column="header", seq=1, at=0)
def test_every_flipped_byte_is_found_without_a_key(small: Path, tmp_path: Path, column: str, seq: int, at: int) -> None:
    """One changed byte in header, chain value or data of any record fails level chain."""
    target = tmp_path / "exam" / "front" / "0001.sqlite"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(small / "exam" / "front" / "0001.sqlite", target)
    with sqlite3.connect(target) as connection:
        found = connection.execute(f"SELECT {column} FROM record WHERE seq = ?", (seq,)).fetchone()  # noqa: S608  a sampled name
        value = bytearray(found[0] if found else b"")
        if not value:
            return
        value[at % len(value)] ^= 0x40
        connection.execute(f"UPDATE record SET {column} = ? WHERE seq = ?", (bytes(value), seq))  # noqa: S608  as above
    connection.close()
    report = verify_recording(tmp_path, "exam", "front", "chain")
    assert {finding.code for finding in report.findings} & {"chain_mismatch", "header_bad"}


@given(st.binary(max_size=80))
def test_fragments_of_any_bytes(data: bytes) -> None:
    """Whatever a segment decrypts to is either whole fragments or an IntegrityError."""
    from appliance.errors import IntegrityError

    try:
        starts = fragment_starts(data)
    except IntegrityError:
        return
    assert all(
        data[start + 4 : start + 8] in {b"moof", b"styp", b"sidx", b"ssix", b"prft", b"emsg", b"free", b"skip"}
        for start in starts
    )


def test_fragments_begin_at_their_first_box() -> None:
    """A box that the standard allows before a moof belongs to the fragment; so both places are a beginning."""
    moof, mdat, prft = (b"\0\0\0\x08" + kind for kind in (b"moof", b"mdat", b"prft"))
    assert fragment_starts(moof + mdat + prft + moof + mdat) == {0, 16, 24}


@pytest.mark.parametrize(
    ("header", "seq", "wrong"),
    [
        (Header(Kind.SEGMENT, 1, 0, 2_000_000, b""), 1, False),
        (Header(Kind.SEGMENT, 1, 0, 2_000_001, b""), 1, True),
        (Header(Kind.SEGMENT, 0, 0, 1, b""), 0, True),
        (Header(Kind.INIT, 1, 0, 0, b""), 1, True),
        (Header(Kind.GAP, 1, 0, 9_000_000, b"", reason=4), 1, False),
        (Header(Kind.GAP, 1, 0, 9_000_000, b"", reason=0), 1, True),
        (Header(Kind.GAP, 1, 0, 9_000_000, b"", reason=11), 1, True),
        (Header(Kind.SEGMENT, 1, 0, 1, b"", reason=4), 1, True),
    ],
)
def test_headers_that_break_the_format(header: Header, seq: int, *, wrong: bool) -> None:
    """Kind, reason and duration are held to what section 5 allows."""
    assert bool(header_problem(header, seq)) is wrong


def test_tiling_tolerates_a_tenth_of_a_second() -> None:
    """Segments may lie 100 ms off, no more; a first gap may tell of the time before the part."""
    segment = Header(Kind.SEGMENT, 2, 1_100_000, 10, b"")
    assert tiling_problem(segment, 1_000_000, 0) == ""
    assert "101 ms after" in tiling_problem(segment, 999_000, 0)
    assert "before the one before ended" in tiling_problem(segment, 1_300_000, 0)
    assert tiling_problem(Header(Kind.GAP, 1, 0, 10, b"", reason=4), None, 5_000_000) == ""
    assert "the part was opened" in tiling_problem(Header(Kind.SEGMENT, 1, 0, 10, b""), None, 5_000_000)
