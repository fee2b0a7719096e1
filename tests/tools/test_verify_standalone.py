"""The stand-alone verifier, against parts written from the format document alone."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools import document_writer as dw
from tools import verify_standalone as vs

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "verify_standalone.py"
VECTORS = ROOT / "tests" / "vectors" / "vault-format-1"
NOBODY = vs.Deleted([])


def private_key(folder: Path, recipient: dw.Recipient = dw.HYBRID) -> vs.PrivateKey:
    """A recipient's private key as the verifier reads it from a file."""
    file = folder / f"{recipient.key_id}.json"
    file.write_text(json.dumps({"suite": recipient.suite, "private": recipient.private.hex()}))
    return vs.PrivateKey.load(file)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> vs.PrivateKey:
    """The usual auditor's key."""
    return private_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def closed_part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good closed part. Never changed by a test."""
    return dw.filled(recipients=(dw.HYBRID,)).save(tmp_path_factory.mktemp("good") / "0001.sqlite")


def codes(report: vs.Report) -> list[str]:
    """The codes found, in their order."""
    return [found.code for found in report.findings]


def change(path: Path, statement: str, *values: Any) -> None:
    """Tamper with a part."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


def first_code(part: dw.Part, folder: Path, key: vs.PrivateKey) -> str:
    """The first finding at level full of a part that was built wrong."""
    return codes(vs.verify_part(part.save(folder / f"{part.number:04d}.sqlite"), vs.Options("full", (key,))))[0]


# --- good parts -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", vs.LEVELS)
@pytest.mark.parametrize("aead", ["AES-256-GCM", "ChaCha20-Poly1305"])
@pytest.mark.parametrize("recipient", [dw.HYBRID, dw.CLASSIC], ids=lambda r: r.suite)
def test_good_part_passes(tmp_path: Path, recipient: dw.Recipient, aead: str, level: str) -> None:
    """A closed part of every suite and cipher verifies at every level with nothing found."""
    path = dw.filled(recipients=(recipient,), aead=aead).save(tmp_path / "0001.sqlite")
    report = vs.verify_part(path, vs.Options(level, (private_key(tmp_path, recipient),), dw.public_hex()))
    assert (report.status, report.findings) == ("verified", [])
    if level != "presence":
        assert (report.counts["records"], report.counts["segments"], report.counts["gap_us"]) == (6, 3, 1_000_000)
        assert report.signed_to == 5
    if level == "full":
        assert report.counts["decrypted"] == 5


def test_raw_hex_key_is_accepted(tmp_path: Path, key: vs.PrivateKey) -> None:
    """A key file with nothing but hex means the same key."""
    file = tmp_path / "key"
    file.write_text(dw.HYBRID.private.hex() + "\n")
    assert vs.PrivateKey.load(file).key_id == key.key_id == dw.HYBRID.key_id


@pytest.mark.parametrize(
    "text", ["", "zz", "00", "{}", '{"suite": "X25519", "private": "00"}', "\N{SNOWMAN}", "[" * 9999]
)
def test_wrong_key_files_are_refused(tmp_path: Path, text: str) -> None:
    """A key file that holds no private key is told as a usage error, not a finding."""
    (tmp_path / "key").write_text(text)
    path = dw.filled().save(tmp_path / "0001.sqlite")
    assert vs.main([str(path), "--key", str(tmp_path / "key")]) == 2


def test_open_part_is_never_called_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A part without a final checkpoint is open, up to the last signed record, with exit code 3."""
    part = dw.filled(close=False)
    path = part.save(tmp_path / "0001.sqlite")
    assert vs.main([str(path)]) == 3
    out = capsys.readouterr().out
    assert "OPEN, verified up to record 2" in out
    assert "VERIFIED" not in out


def test_an_ended_recording_must_be_closed(tmp_path: Path) -> None:
    """Told that the recording is over, a missing final checkpoint is a finding."""
    path = dw.filled(close=False).save(tmp_path / "0001.sqlite")
    for place in (path, tmp_path):
        (report,) = vs.verify_path(place, vs.Options("chain", ended=True), NOBODY)
        assert codes(report) == ["final_missing"]


def test_destroyed_keys_leave_a_part_verifiable(tmp_path: Path, key: vs.PrivateKey) -> None:
    """A part whose wrapped keys were destroyed verifies to level chain and is never readable."""
    path = dw.filled().save(tmp_path / "0001.sqlite")
    change(path, "DELETE FROM recipient")
    assert vs.verify_part(path, vs.Options("chain")).status == "verified"
    assert codes(vs.verify_part(path, vs.Options("full", (key,)))) == ["key_needed"]


# --- tampering: by someone without keys -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("PRAGMA user_version = 2", "not_a_part"),
        ("PRAGMA application_id = 1", "not_a_part"),
        ("DELETE FROM manifest", "not_a_part"),
        ("DELETE FROM record WHERE seq = 0", "not_a_part"),
        ("DELETE FROM checkpoint WHERE n = 0", "not_a_part"),
        ("ALTER TABLE record ADD COLUMN more", "not_a_part"),
        ("UPDATE manifest SET body = x'7b7d'", "manifest_bad"),
        ("UPDATE recipient SET wrapped = x'00'", "recipient_mismatch"),
        ("INSERT INTO recipient VALUES ('0000000000000000', x'00')", "recipient_mismatch"),
        ("DELETE FROM record WHERE seq = 2", "record_hole"),
        ("UPDATE record SET header = x'00' WHERE seq = 2", "header_bad"),
        ("UPDATE record SET header = 'EXR1' WHERE seq = 2", "header_bad"),
        ("UPDATE record SET start_us = start_us + 1 WHERE seq = 2", "column_mismatch"),
        ("UPDATE record SET end_us = end_us + 1 WHERE seq = 2", "column_mismatch"),
        ("UPDATE record SET key_us = NULL WHERE seq = 2", "column_mismatch"),
        ("UPDATE record SET kind = 3 WHERE seq = 2", "column_mismatch"),
        ("UPDATE record SET data = x'00' WHERE seq = 2", "length_mismatch"),
        ("UPDATE record SET data = zeroblob(length(data)) WHERE seq = 2", "chain_mismatch"),
        ("UPDATE record SET chain = zeroblob(32) WHERE seq = 2", "chain_mismatch"),
        ("UPDATE record SET chain = 7 WHERE seq = 2", "chain_mismatch"),
        ("DELETE FROM record WHERE seq = 5", "checkpoint_mismatch"),
        ("DELETE FROM checkpoint WHERE n = 1", "checkpoint_bad"),
        ("UPDATE checkpoint SET signature = zeroblob(64) WHERE n = 1", "checkpoint_signature"),
        ("UPDATE checkpoint SET body = 'text' WHERE n = 1", "checkpoint_signature"),
        ("UPDATE checkpoint SET n = 7 WHERE n = 2", "checkpoint_bad"),
    ],
)
def test_tampering_is_found(tmp_path: Path, closed_part: Path, statement: str, code: str) -> None:
    """What someone without keys can change in a file is found under its own code at level chain."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    change(path, statement)
    assert codes(vs.verify_part(path, vs.Options("chain")))[0] == code


def test_swapped_segments_are_found(tmp_path: Path, closed_part: Path) -> None:
    """Two records that changed places are found."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    for old, new in ((1, 99), (2, 1), (99, 2)):
        change(path, "UPDATE record SET seq = ? WHERE seq = ?", new, old)
    assert codes(vs.verify_part(path, vs.Options("chain")))[0] == "column_mismatch"


def test_a_cut_tail_never_verifies(tmp_path: Path) -> None:
    """A closed part cut back to an earlier checkpoint counts as open, and as a finding once the recording is over."""
    part = dw.filled()
    path = part.save(tmp_path / "0001.sqlite")
    change(path, "DELETE FROM record WHERE seq > 2")
    change(path, "DELETE FROM checkpoint WHERE n > 1")
    assert vs.verify_part(path, vs.Options("chain")).status == "open"
    (report,) = vs.verify_path(tmp_path, vs.Options("chain", ended=True), NOBODY)
    assert codes(report) == ["final_missing"]


def test_another_devices_part_is_found_only_by_its_key(tmp_path: Path) -> None:
    """A part forged with another signing key is right in itself; the expected device key unmasks it."""
    forger = dw.Ed25519PrivateKey.generate()
    path = dw.filled(device=forger).save(tmp_path / "0001.sqlite")
    assert vs.verify_part(path, vs.Options("chain")).status == "verified"
    assert codes(vs.verify_part(path, vs.Options("chain", (), dw.public_hex()))) == ["device_unexpected"]


def test_the_wrong_private_key_is_asked_for_again(tmp_path: Path, closed_part: Path) -> None:
    """Level full without a key of a recipient says whose key is needed."""
    for other in ((), (private_key(tmp_path, dw.CLASSIC),)):
        report = vs.verify_part(closed_part, vs.Options("full", other))
        assert codes(report) == ["key_needed"]
        assert dw.HYBRID.key_id in report.findings[0].message


# --- wrong parts by someone with the keys: a broken recorder ----------------------------------------------------------
def build(*steps: Callable[[dw.Part], None], **options: Any) -> dw.Part:
    """A part of some segments with wrong steps in between, closed."""
    part = dw.Part(**options)
    part.segment()
    for step in steps:
        step(part)
    part.segment()
    part.checkpoint("closed")
    return part


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (lambda p: p.record(4, 0, b"x"), "header_bad"),
        (lambda p: p.record(0, 0, b"x"), "header_bad"),
        (lambda p: p.segment(2_000_001), "header_bad"),
        (lambda p: p.gap(reason=11), "header_bad"),
        (lambda p: p.segment(flags=4), "header_bad"),
        (lambda p: p.segment(length=5), "length_mismatch"),
        (lambda p: p.gap(length=5), "length_mismatch"),
        (lambda p: p.segment(start=p.mono_us + 100_001), "tiling_hole"),
        (lambda p: p.segment(start=p.mono_us - 100_001), "tiling_hole"),
        (lambda p: p.checkpoint(seq=0), "checkpoint_mismatch"),
        (lambda p: p.checkpoint(seq=50), "checkpoint_mismatch"),
        (lambda p: p.checkpoint(chain="00" * 32), "checkpoint_mismatch"),
        (lambda p: p.checkpoint(n=3), "checkpoint_bad"),
        (lambda p: p.checkpoint(part_id="00" * 16), "checkpoint_bad"),
        (lambda p: p.checkpoint(previous=None), "checkpoint_bad"),
        (lambda p: p.checkpoint(format="exambox-checkpoint-2"), "checkpoint_bad"),
        (lambda p: p.checkpoint(mono_us=1), "checkpoint_bad"),
        (lambda p: p.checkpoint(wall_us=1.5), "checkpoint_bad"),
        (
            lambda p: p.checkpoint(seq=1, chain=p.rows[1][6].hex()) or p.checkpoint(seq=0, chain=p.rows[0][6].hex()),
            "checkpoint_bad",
        ),
        (lambda p: p.checkpoint("opened"), "checkpoint_bad"),
        (lambda p: p.checkpoint("closed", final=False), "checkpoint_bad"),
        (lambda p: p.checkpoint("closed"), "final_not_last"),
        (lambda p: p.segment(plain=dw.FRAGMENT[:-1]), "fragment_bad"),
        (lambda p: p.segment(plain=b""), "fragment_bad"),
        (lambda p: p.segment(plain=bytes(4) + b"moof" + dw.FRAGMENT), "fragment_bad"),
        (lambda p: p.segment(plain=dw.FRAGMENT + b"moo"), "fragment_bad"),
        (lambda p: p.segment(plain=dw.box(b"mdat") + dw.box(b"moof")), "fragment_bad"),
        (lambda p: p.segment(plain=dw.FRAGMENT + dw.box(b"free")), "fragment_bad"),
        (lambda p: p.record(3, 0, b"[]"), "fragment_bad"),
        (lambda p: p.segment(offset=1), "key_offset_bad"),
        (lambda p: p.segment(offset=0xFFFFFFFF), "key_offset_bad"),
        (lambda p: p.segment(key=-1), "key_offset_bad"),
    ],
)
def test_a_broken_recorder_is_found(
    tmp_path: Path, key: vs.PrivateKey, step: Callable[[dw.Part], None], code: str
) -> None:
    """A record or checkpoint that is sealed and signed but breaks the format is found under its own code."""
    assert first_code(build(step), tmp_path, key) == code


def test_nothing_may_follow_the_final_checkpoint(tmp_path: Path) -> None:
    """A record without a checkpoint, or a checkpoint without a record, after the final checkpoint is found."""
    for number, step in enumerate((lambda p: p.segment(), lambda p: p.checkpoint("closed")), 1):
        part = dw.filled()
        step(part)
        path = part.save(tmp_path / f"{number}.sqlite")
        assert codes(vs.verify_part(path, vs.Options("chain"))) == ["final_not_last"]


@pytest.mark.parametrize(
    ("offset", "code"),
    [(0, "header_bad"), (4, "header_bad"), (5, "header_bad"), (6, "header_bad"), (15, "column_mismatch"),
     (23, "column_mismatch"), (31, "column_mismatch"), (39, "chain_mismatch"), (47, "column_mismatch"),
     (51, "chain_mismatch"), (55, "length_mismatch"), (56, "header_foreign"), (63, "header_foreign")],
)  # fmt: skip
def test_each_header_field_has_its_code(tmp_path: Path, closed_part: Path, offset: int, code: str) -> None:
    """A changed byte in a field of a header is found first by the check of that field."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    with closing(sqlite3.connect(path)) as db:
        header = bytearray(db.execute("SELECT header FROM record WHERE seq = 2").fetchone()[0])
    header[offset] ^= 0x08
    change(path, "UPDATE record SET header = ? WHERE seq = 2", bytes(header))
    assert codes(vs.verify_part(path, vs.Options("chain")))[0] == code


@pytest.mark.parametrize(
    "step",
    [
        lambda p: p.segment(start=p.mono_us + 100_000),
        lambda p: p.segment(plain=dw.box(b"styp") + dw.FRAGMENT, offset=0),
        lambda p: p.segment(plain=dw.box(b"prft") + dw.FRAGMENT, offset=8),
        lambda p: p.segment(
            plain=dw.FRAGMENT + (1).to_bytes(4, "big") + b"moof" + (16).to_bytes(8, "big") + dw.box(b"mdat")
        ),
        lambda p: p.gap(3_600_000_000),
    ],
)
def test_what_the_format_allows_is_not_found(
    tmp_path: Path, key: vs.PrivateKey, step: Callable[[dw.Part], None]
) -> None:
    """Limits themselves, other boxes before a fragment and long gaps are right."""
    path = build(step).save(tmp_path / "0001.sqlite")
    assert vs.verify_part(path, vs.Options("full", (key,))).findings == []


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"part": 0}, "manifest_bad"),
        ({"part": True}, "manifest_bad"),
        ({"camera": "Front"}, "manifest_bad"),
        ({"camera": "front\n"}, "manifest_bad"),
        ({"aead": "none"}, "manifest_bad"),
        ({"anchor": {}}, "manifest_bad"),
        ({"recipients": [1]}, "manifest_bad"),
        ({"later": 1.5}, "manifest_bad"),
        ({"opened": ["start"]}, "manifest_bad"),
        ({"part": 2}, "manifest_bad"),
        ({"previous": {"part_id": "00" * 16, "chain": "00" * 32}}, "previous_mismatch"),
        ({"anchor": {"wall_us": 0, "mono_us": 0, "boot_id": "", "trusted": False}}, "tiling_hole"),
        ({"camera": "back"}, "unwrap_failed"),
    ],
)
def test_wrong_manifests_are_found(tmp_path: Path, key: vs.PrivateKey, extra: dict[str, Any], code: str) -> None:
    """A signed manifest that breaks the format is found under its own code."""
    assert first_code(dw.filled(extra=extra), tmp_path, key) == code


def test_unknown_manifest_keys_are_allowed(tmp_path: Path, key: vs.PrivateKey) -> None:
    """A manifest may say more than the format knows."""
    path = dw.filled(extra={"later": [1]}).save(tmp_path / "0001.sqlite")
    assert vs.verify_part(path, vs.Options("full", (key,))).findings == []


def test_wrong_commitment_is_found_before_decryption(tmp_path: Path, key: vs.PrivateKey) -> None:
    """A part that commits to another key is not decrypted."""
    path = dw.filled(commitment="ab" * 32).save(tmp_path / "0001.sqlite")
    report = vs.verify_part(path, vs.Options("full", (key,)))
    assert codes(report) == ["commitment_mismatch"]
    assert report.counts["decrypted"] == 0


def test_wrongly_sealed_data_is_found(tmp_path: Path, key: vs.PrivateKey) -> None:
    """Data that fits chain and checkpoints but was sealed under another key is found at level full only."""
    part = dw.Part()
    part.cipher = dw.AESGCM(bytes(32))
    part.segment()
    part.checkpoint("closed")
    path = part.save(tmp_path / "0001.sqlite")
    assert vs.verify_part(path, vs.Options("chain")).status == "verified"
    assert codes(vs.verify_part(path, vs.Options("full", (key,)))) == ["decrypt_failed"]


# --- every byte -------------------------------------------------------------------------------------------------------
VALUES = [
    ("manifest", "body", "manifest_bad previous_mismatch recipient_mismatch header_foreign chain_mismatch"),
    ("recipient", "wrapped", "recipient_mismatch"),
    ("record", "header", "header_bad header_foreign column_mismatch length_mismatch chain_mismatch"),
    ("record", "chain", "chain_mismatch"),
    ("record", "data", "chain_mismatch"),
    ("checkpoint", "body", "checkpoint_signature"),
    ("checkpoint", "signature", "checkpoint_signature"),
]  # fmt: skip


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_is_found(data: st.DataObject, tmp_path: Path, closed_part: Path, key: vs.PrivateKey) -> None:
    """Any single changed byte of any value of a closed part is found at level full, and already at level chain."""
    table, column, expected = data.draw(st.sampled_from(VALUES))
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(f"SELECT rowid, {column} FROM {table} WHERE length({column}) > 0").fetchall()  # noqa: S608
    rowid, value = data.draw(st.sampled_from(rows))
    at, mask = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(1, 255))
    changed = value[:at] + bytes([value[at] ^ mask]) + value[at + 1 :]
    change(path, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", changed, rowid)  # noqa: S608
    for level in ("chain", "full"):
        report = vs.verify_part(path, vs.Options(level, (key,)))
        assert codes(report)[0] in expected.split()
        assert report.status == "findings"


@given(
    column=st.sampled_from(["kind", "start_us", "end_us", "key_us"]), seq=st.integers(0, 5), value=st.integers(-9, 9)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_column_is_found(column: str, seq: int, value: int, tmp_path: Path, closed_part: Path) -> None:
    """A seeking column that does not repeat its header is found."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    with closing(sqlite3.connect(path)) as db:
        before = db.execute(f"SELECT {column} FROM record WHERE seq = ?", (seq,)).fetchone()[0]  # noqa: S608
    change(path, f"UPDATE record SET {column} = ? WHERE seq = ?", value, seq)  # noqa: S608
    assert codes(vs.verify_part(path, vs.Options("chain"))) == ([] if before == value else ["column_mismatch"])


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_never_crash_it(
    data: st.DataObject, tmp_path: Path, closed_part: Path, key: vs.PrivateKey
) -> None:
    """Whatever bytes a file holds, the outcome is a report."""
    raw = bytearray(closed_part.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "0001.sqlite"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    assert vs.main([str(path), "--level", "full", "--json"]) in (0, 1, 3)
    assert vs.verify_part(path, vs.Options("full", (key,))).status in ("verified", "open", "findings")


HOSTILE = {
    "view": """
        DROP TABLE record; CREATE VIEW record AS WITH RECURSIVE x(seq) AS (SELECT 0 UNION ALL SELECT seq FROM x)
        SELECT seq, 0 AS kind, 0 AS start_us, 0 AS end_us, 0 AS key_us, 0 AS header, 0 AS chain, 0 AS data FROM x""",
    "generated": """
        DROP TABLE checkpoint; CREATE TABLE checkpoint (n INTEGER PRIMARY KEY, body BLOB, signature BLOB AS (body))""",
    "numbers": """
        CREATE TABLE r (seq INTEGER PRIMARY KEY, kind INTEGER, start_us INTEGER, end_us INTEGER, key_us INTEGER,
        header BLOB, chain BLOB, data BLOB) WITHOUT ROWID; INSERT INTO r SELECT * FROM record; DROP TABLE record;
        ALTER TABLE r RENAME TO record; INSERT INTO record VALUES (2.5, 1, 1, 1, 1, x'', x'', x'')""",
}


@pytest.mark.parametrize("trick", HOSTILE)
def test_hostile_schemas_are_no_parts(tmp_path: Path, closed_part: Path, trick: str) -> None:
    """A view, a computed column or records without whole numbers are not followed."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    with closing(sqlite3.connect(path)) as db:
        db.executescript(HOSTILE[trick])
    assert "not_a_part" in codes(vs.verify_part(path, vs.Options("chain")))


def test_huge_values_are_refused(tmp_path: Path, closed_part: Path) -> None:
    """A value larger than the cap is told as damage instead of filling the memory."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    change(path, "UPDATE record SET data = zeroblob(?) WHERE seq = 1", vs.MAX_BLOB + 1)
    assert codes(vs.verify_part(path, vs.Options("chain")))[0] == "not_a_part"


def test_what_files_say_does_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters from a manifest are not printed."""
    recipient = dw.Recipient("X25519", bytes(32), "\x1b[2J\ud800")
    path = dw.filled(recipients=(recipient,)).save(tmp_path / "0001.sqlite")
    assert vs.main([str(path), "--level", "full"]) == 1
    assert "\x1b" not in capsys.readouterr().out


# --- recordings and vaults --------------------------------------------------------------------------------------------
def outcome(place: Path, deleted: vs.Deleted = NOBODY, level: str = "presence") -> dict[str, list[str]]:
    """The findings of every file with any."""
    reports = vs.verify_path(place, vs.Options(level), deleted)
    return {report.path.name: codes(report) for report in reports if report.findings}


@pytest.mark.parametrize("level", ["presence", "chain"])
def test_good_vault_passes(tmp_path: Path, level: str) -> None:
    """A vault of several recordings verifies as a whole and by camera."""
    dw.recording(tmp_path)
    dw.recording(tmp_path, 2, camera="back")
    assert outcome(tmp_path, level=level) == {}
    assert outcome(tmp_path / "exam-1" / "front", level=level) == {}
    assert vs.main([str(tmp_path), "--level", level]) == 0


def test_missing_part_is_found_unless_certified(tmp_path: Path) -> None:
    """A hole in the numbers is a finding unless a deletion certificate names the part in one of its ways."""
    parts = dw.recording(tmp_path)
    (tmp_path / "exam-1" / "front" / "0002.sqlite").unlink()
    assert outcome(tmp_path) == {"0003.sqlite": ["part_number_hole"]}
    name = {"sitting": "exam-1", "camera": "front", "part": 2}
    for entry in (2, parts[1].part_id.hex(), name, name | {"part_id": parts[1].part_id.hex()}):
        assert outcome(tmp_path, vs.Deleted([entry])) == {}
    for entry in (1, parts[0].part_id.hex(), name | {"camera": "back"}, {"part": 2}):
        assert outcome(tmp_path, vs.Deleted([entry])) == {"0003.sqlite": ["part_number_hole"]}


def test_missing_first_part_is_found(tmp_path: Path) -> None:
    """A recording begins with part 1."""
    dw.recording(tmp_path)
    (tmp_path / "exam-1" / "front" / "0001.sqlite").unlink()
    assert outcome(tmp_path) == {"0002.sqlite": ["part_number_hole"]}


def test_exchanged_part_is_found(tmp_path: Path) -> None:
    """A part that was replaced by another good one of the same number does not fit its neighbours."""
    dw.recording(tmp_path)
    other = dw.recording(tmp_path / "other", sitting="exam-2")
    folder = tmp_path / "exam-1" / "front"
    shutil.rmtree(tmp_path / "other")
    other[1].save(folder / "new")
    (folder / "new").replace(folder / "0002.sqlite")
    assert outcome(tmp_path)["0002.sqlite"][0] == "manifest_bad"
    assert outcome(folder)["0002.sqlite"] == ["manifest_bad"]


def test_previous_must_name_the_last_chain_value(tmp_path: Path) -> None:
    """A link to another chain value is right only for a part that recovery closed later."""
    folder = tmp_path / "exam-1" / "front"
    for reason, expected in (("closed", {"0002.sqlite": ["previous_mismatch"]}), ("recovered", {})):
        shutil.rmtree(tmp_path / "exam-1", ignore_errors=True)
        first = dw.filled(close=False)
        link = first.link()
        first.gap(reason=4)
        first.checkpoint(reason)
        first.save(folder / "0001.sqlite")
        second = dw.filled(number=2, previous=link, opened="error", mono_us=first.mono_us, anchor_us=first.mono_us)
        second.save(folder / "0002.sqlite")
        assert outcome(tmp_path) == outcome(tmp_path, level="chain") == expected


def test_previous_must_name_the_part_before(tmp_path: Path) -> None:
    """A link with the right chain value but another part's id, or none at all, is found."""
    first = dw.filled()
    first.save(tmp_path / "0001.sqlite")
    for previous in (first.link() | {"part_id": "00" * 16}, None):
        (tmp_path / "0002.sqlite").unlink(missing_ok=True)
        dw.filled(number=2, previous=previous).save(tmp_path / "0002.sqlite")
        assert outcome(tmp_path) == {"0002.sqlite": ["previous_mismatch"]}


def test_open_part_with_a_successor_is_found(tmp_path: Path) -> None:
    """Only the last part of a recording may be open."""
    first = dw.filled(close=False)
    first.save(tmp_path / "0001.sqlite")
    dw.filled(number=2, previous=first.link(), anchor_us=first.mono_us, mono_us=first.mono_us).save(
        tmp_path / "0002.sqlite"
    )
    assert outcome(tmp_path) == {"0001.sqlite": ["not_closed"]}


def test_untold_time_between_parts_is_noted(tmp_path: Path) -> None:
    """Time between two parts that no gap tells of is said, though the format does not forbid it."""
    first = dw.filled()
    first.save(tmp_path / "0001.sqlite")
    later = first.mono_us + 60_000_000
    dw.filled(number=2, previous=first.link(), mono_us=later, anchor_us=later).save(tmp_path / "0002.sqlite")
    reports = vs.verify_path(tmp_path, vs.Options("chain"), NOBODY)
    assert reports[1].notes == ["60.000 s between the part before and this one are told by no gap"]


def test_absurd_numbers_do_not_stop_it(tmp_path: Path, closed_part: Path) -> None:
    """A file name with a huge number is a finding, not a long loop."""
    shutil.copy(closed_part, tmp_path / ("9" * 200 + ".sqlite"))
    assert list(outcome(tmp_path).values()) == [["manifest_bad", "part_number_hole"]]


@pytest.mark.parametrize("arguments", [["missing"], ["."], ["--level", "most", "."], [".", "--deleted", "bad.json"]])
def test_wrong_usage_exits_with_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Nothing to verify, or arguments that make no sense, are neither verified nor a finding."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"not": "a list"}')
    try:
        assert vs.main(arguments) == 2
    except SystemExit as stop:
        assert stop.code == 2  # noqa: PT017 - argparse ends the program by itself


# --- files found as a crash or a recorder leaves them -----------------------------------------------------------------
def test_a_hot_journal_is_undone_in_a_copy(tmp_path: Path) -> None:
    """A part with an interrupted write is verified as it was before, and nothing on disk changes."""
    source, path = tmp_path / "source.sqlite", tmp_path / "0001.sqlite"
    dw.filled(close=False).save(source)
    with closing(sqlite3.connect(source, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE record SET data = zeroblob(length(data) + 100000)")  # spills into the file
        shutil.copy(source, path)
        shutil.copy(f"{source}-journal", f"{path}-journal")
        db.execute("ROLLBACK")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    report = vs.verify_part(path, vs.Options("chain"))
    assert (report.status, report.signed_to, len(report.notes)) == ("open", 2, 1)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_recorder_is_not_kept_waiting(tmp_path: Path) -> None:
    """Between two batches of records a writer can commit: the verifier holds no lock on the file."""
    path = dw.filled(close=False).save(tmp_path / "0001.sqlite")
    with closing(vs.connect(path.as_uri() + "?mode=ro")) as db, closing(sqlite3.connect(path, timeout=0)) as writer:
        rows = vs.records(db)
        assert next(rows)[0] == 0
        with writer:
            writer.execute("DELETE FROM recipient")
        assert [row[0] for row in rows] == [1, 2, 3, 4, 5]


def test_reading_leaves_nothing_behind(tmp_path: Path, closed_part: Path) -> None:
    """Verification creates and changes no file."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    vs.verify_part(path, vs.Options("chain"))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_read_only_media_are_read_without_locks(
    tmp_path: Path, closed_part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a medium nobody can write to the file is opened as immutable, and the report says so."""
    path = Path(shutil.copy(closed_part, tmp_path / "0001.sqlite"))
    real = os.statvfs(path)
    fake = os.statvfs_result((*real[:8], os.ST_RDONLY, real[9]))
    monkeypatch.setattr(vs.os, "statvfs", lambda _: fake)
    report = vs.verify_part(path, vs.Options("chain"))
    assert report.status == "verified"
    assert "read-only media" in report.notes[0]


# --- exports ----------------------------------------------------------------------------------------------------------
def export(vault: Path, folder: Path) -> Path:
    """An exported clip of a recording with its signed manifest, from section 11."""
    parts = dw.recording(vault, 2)
    clip = folder / "clip.mp4"
    clip.write_bytes(b"pictures")
    manifest = {
        "format": "exambox-export-1", "file": {"name": clip.name, "bytes": 8, "sha256": dw.sha(b"pictures").hex()},
        "box": "box-1", "sitting": "exam-1", "camera": "front", "device_key": dw.public_hex(),
        "range": {"from_us": 1, "to_us": 2, "start_us": 1, "end_us": 2},
        "parts": [{
            "part_id": part.part_id.hex(), "part": part.number, "manifest_sha256": dw.sha(part.manifest).hex(),
            "anchor": {}, "final_chain": part.chain.hex(),
            "records": [[row[0], row[6].hex()] for row in part.rows if row[1] == 1],
        } for part in parts],
        "gaps": [], "clock": {"trusted": True}, "masked": False, "how": "sha256sum and openssl",
        "made": {"wall_us": 1, "by": "someone", "software": "document writer"},
    }  # fmt: skip
    return sign(clip, manifest)


def sign(clip: Path, manifest: dict[str, Any]) -> Path:
    """Write a clip's sidecars."""
    raw = json.dumps(manifest, sort_keys=True, indent=1).encode() + b"\n"
    clip.with_suffix(".manifest.json").write_bytes(raw)
    clip.with_suffix(".manifest.sig").write_bytes(dw.DEVICE.sign(b"exambox/1 export\n" + raw))
    return clip


def export_codes(clip: Path, vault: Path | None = None, device_key: str | None = None) -> list[str]:
    """The codes found for an export."""
    return codes(vs.verify_export(clip, vs.Options("chain", (), device_key), vault)[0])


def test_good_export_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An export verifies by itself and against its vault."""
    clip = export(tmp_path / "vault", tmp_path)
    assert vs.main(["export", str(clip), "--device-key", dw.public_hex().upper()]) == 0
    assert vs.main(["export", str(clip), "--against", str(tmp_path / "vault")]) == 0
    assert "6 of its records found in the vault" in capsys.readouterr().out


def test_changed_exports_are_found(tmp_path: Path) -> None:
    """A changed clip, manifest or signature, another device and a missing sidecar are told."""
    clip = export(tmp_path / "vault", tmp_path)
    assert export_codes(clip, device_key="00" * 32) == ["device_unexpected"]
    clip.write_bytes(b"pictureS")
    assert export_codes(clip) == ["file_mismatch"]
    sidecar = clip.with_suffix(".manifest.json")
    sidecar.write_bytes(sidecar.read_bytes() + b"\n")
    assert export_codes(clip) == ["signature_bad", "file_mismatch"]
    clip.with_suffix(".manifest.sig").unlink()
    assert export_codes(clip) == ["signature_bad", "file_mismatch"]
    sidecar.write_bytes(b"[]")
    assert export_codes(clip) == ["manifest_bad"]
    sidecar.unlink()
    assert vs.main(["export", str(clip)]) == 2


def test_export_of_other_records_is_found(tmp_path: Path) -> None:
    """An export that lists records, a manifest or a part the vault does not have is told."""
    vault = tmp_path / "vault"
    clip = export(vault, tmp_path)
    manifest = json.loads(clip.with_suffix(".manifest.json").read_text())
    for changes, code in (
        ({"records": [[1, "00" * 32]]}, "chain_mismatch"),
        ({"records": [[99, "00" * 32]]}, "chain_mismatch"),
        ({"final_chain": "00" * 32}, "chain_mismatch"),
        ({"manifest_sha256": "00" * 32}, "manifest_bad"),
        ({"part_id": "00" * 16}, "not_a_part"),
    ):
        sign(clip, manifest | {"parts": [manifest["parts"][0] | changes]})
        assert export_codes(clip, vault) == [code]


# --- alone ------------------------------------------------------------------------------------------------------------
def test_it_imports_nothing_of_the_appliance(closed_part: Path) -> None:
    """The verifier runs isolated, with the library `cryptography` and nothing of the recorder's code."""
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['verify', {str(closed_part)!r}, '--json']\n"
        "try:\n"
        f"    runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "assert 'appliance' not in tops\n"
        "tops -= {'sitecustomize'}\n"  # Debian's own Python loads one
        "foreign = {name for name in tops - set(sys.stdlib_module_names) if not name.startswith('_')}\n"
        "import json; print('FOREIGN', json.dumps(sorted(foreign)))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.rpartition("FOREIGN ")[2])) <= {"cryptography", "cffi"}


# --- the committed vectors --------------------------------------------------------------------------------------------
CASES: list[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text())


def vector_keys(folder: Path, names: list[str]) -> tuple[vs.PrivateKey, ...]:
    """The named private keys of the vectors."""
    known = json.loads((VECTORS / "keys.json").read_text())
    return tuple(
        private_key(folder, dw.Recipient(k["kind"], bytes.fromhex(k["private"]))) for k in map(known.get, names)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_vectors_agree(tmp_path: Path, case: dict[str, Any]) -> None:
    """Every committed vector passes the levels it must pass, and fails the next with the first finding it names."""
    folder = Path(shutil.copytree(VECTORS / case["case"], tmp_path / "vault"))
    device_key = json.loads((VECTORS / "keys.json").read_text())[case["device_key"]]["public"]
    options = vs.Options("full", vector_keys(tmp_path, case["keys"]), device_key, case["ended"])
    reports = vs.verify_path(folder, options, NOBODY)
    found = {level: [(r, f) for r in reports for f in r.findings if f.level == level] for level in vs.LEVELS}
    passed = vs.LEVELS[: vs.LEVELS.index(case["passes"]) + 1] if case["passes"] else ()
    assert [f for level in passed for f in found[level]] == []
    if case["fails"]:
        report, finding = found[case["fails"]][0]
        number = int(finding.where.split()[-1]) if finding.where.startswith(("record ", "checkpoint ")) else None
        assert (finding.code, int(report.path.stem)) == (case["code"], case["part"])
        assert case["seq"] in (None, number)
    assert (reports[-1].manifest is not None and reports[-1].closing is None) == case["open"]


def test_vectors_are_complete() -> None:
    """Every folder of vectors is used by a case, and every case has its folder."""
    folders = {f"{kind}/{path.name}" for kind in ("good", "bad") for path in (VECTORS / kind).iterdir()}
    assert folders == {case["case"] for case in CASES}
    assert {case["fails"] for case in CASES} == {None, *vs.LEVELS}


@pytest.fixture(scope="module")
def primitives() -> dict[str, Any]:
    """Inputs and outputs of sections 4 to 7."""
    value: dict[str, Any] = json.loads((VECTORS / "primitives.json").read_text())
    return value


def test_primitive_header_and_chain(primitives: dict[str, Any]) -> None:
    """A header unpacks to its fields, and a chain value follows from it."""
    known, chain = primitives["header"], primitives["chain"]
    header = vs.Header(*vs.HEADER.unpack(bytes.fromhex(known["packed"])))
    assert header._asdict() | {"magic": b"EXR1", "part": header.part.hex()} == {
        "magic": b"EXR1",
        "part": known["part_tag"],
        **{name: value for name, value in known.items() if name not in ("packed", "part_tag")},
    }
    raw, data, manifest = (bytes.fromhex(chain[name]) for name in ("header", "data", "manifest"))
    start = vs.digest(b"exambox/1 chain\n" + vs.digest(manifest))
    assert (start.hex(), vs.digest(start + raw + vs.digest(data)).hex()) == (chain["start"], chain["next"])


def test_primitive_sealing(primitives: dict[str, Any]) -> None:
    """The key schedule gives the commitment, and the part key opens the sealed data with each cipher."""
    schedule = primitives["key_schedule"]
    for sealed in primitives["sealing"]:
        manifest = {"part_id": schedule["part_id"], "aead": sealed["aead"]}
        opener = vs.Opener(manifest, bytes.fromhex(schedule["part_key"]))
        assert opener.commitment == schedule["commitment"]
        header, data = bytes.fromhex(sealed["header"]), bytes.fromhex(sealed["data"])
        assert opener.open(sealed["seq"], header, data).hex() == sealed["plaintext"]


def test_primitive_wrapping(tmp_path: Path, primitives: dict[str, Any]) -> None:
    """A wrapped key opens to the committed part key with its recipient's key, of either suite."""
    schedule = primitives["key_schedule"]
    for wrapping in primitives["wrapping"]:
        key = private_key(tmp_path, dw.Recipient(wrapping["suite"], bytes.fromhex(wrapping["private"])))
        assert key.key_id == wrapping["key_id"]
        assert wrapping["part_key"] == schedule["part_key"]
        manifest = wrapping | {"aead": "AES-256-GCM", "commitment": schedule["commitment"], "recipients": []}
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute("CREATE TABLE recipient (key_id, wrapped)")
            db.execute("INSERT INTO recipient VALUES (?, ?)", (key.key_id, bytes.fromhex(wrapping["wrapped"])))
            report = vs.Report(tmp_path)
            assert vs.unwrap(db, report, manifest, (key,)) is not None
            assert vs.unwrap(db, report, manifest | {"part": 13}, (key,)) is None
        assert codes(report) == ["unwrap_failed"]


def test_primitive_checkpoint(primitives: dict[str, Any]) -> None:
    """A checkpoint's body is the format's and its signature is right, for this text only."""
    known = primitives["checkpoint"]
    body, signature = bytes.fromhex(known["body"]), bytes.fromhex(known["signature"])
    vs.parse_object(body, vs.CHECKPOINT)
    assert vs.digest(body).hex() == known["sha256"]
    assert vs.signature_is_right(known["device_key"], b"exambox/1 checkpoint\n", body, signature)
    assert not vs.signature_is_right(known["device_key"], b"exambox/1 export\n", body, signature)
