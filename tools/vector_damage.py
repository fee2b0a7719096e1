"""What is done to a whole part for each bad test vector, and what a verifier must find.

The part: 0 initialisation, 1 and 2 segments, 3 gap, 4 segment, 5 note, 6 segment;
checkpoints 0 (covers 0), 1 (covers 2), 2 (final, covers 6).
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vector_keys import DEVICE, OTHER_DEVICE, known_bytes

from appliance.vault.format import (
    NO_KEY,
    TAG_BYTES,
    GapReason,
    Header,
    Kind,
    chain_next,
    chain_start,
    checkpoint_message,
    encode_body,
    parse_header,
    sha256,
)

Work = Callable[[sqlite3.Connection, Path], None]
LAST = 6


@dataclass(frozen=True, slots=True)
class Damage:
    """One bad vector: ``work`` is done to a copy of the whole part."""

    name: str
    what: str
    fails: str
    code: str
    seq: int | None
    work: Work
    open: bool = False
    ended: bool = False

    @property
    def expected(self) -> dict[str, Any]:
        """The rest of the case's entry."""
        passes = {"presence": None, "chain": "presence", "full": "chain"}[self.fails]
        return {
            "passes": passes,
            "fails": self.fails,
            "code": self.code,
            "part": 1,
            "seq": self.seq,
            "open": self.open,
            "ended": self.ended,
        }

    def apply(self, path: Path, foreign: Path) -> None:
        """Damage the file; ``foreign`` is another part of the same device."""
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            self.work(connection, foreign)


@dataclass(frozen=True, slots=True)
class DamagedFile(Damage):
    """A bad vector whose bytes are damaged, not its rows."""

    edit: Callable[[bytes], bytes] = bytes

    def apply(self, path: Path, foreign: Path) -> None:  # noqa: ARG002  same call as the other kind
        """Damage the file."""
        path.write_bytes(self.edit(path.read_bytes()))


@dataclass(frozen=True, slots=True)
class Insider:
    """A bad vector that a box signed itself."""

    name: str
    what: str
    fails: str
    code: str
    seq: int | None

    def expected(self) -> dict[str, Any]:
        """The rest of the case's entry."""
        passes = "presence" if self.fails == "chain" else "chain"
        return {"passes": passes, "fails": self.fails, "code": self.code, "part": 1, "seq": self.seq}


def _flip(value: bytes, at: int, mask: int = 1) -> bytes:
    """Return the bytes with one of them changed; a negative place counts from the end."""
    changed = bytearray(value)
    changed[at] ^= mask
    return bytes(changed)


def _update(table: str, column: str, where: str, change: Callable[[Any], Any]) -> Work:
    def work(connection: sqlite3.Connection, _foreign: Path) -> None:
        # Names and conditions are this file's own.
        (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()  # noqa: S608
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (change(value),))  # noqa: S608

    return work


def _sql(*statements: str) -> Work:
    def work(connection: sqlite3.Connection, _foreign: Path) -> None:
        for statement in statements:
            connection.execute(statement)

    return work


def _header_byte(at: int, mask: int = 1) -> Work:
    return _update("record", "header", "seq = 4", lambda header: _flip(header, at, mask))


def _manifest_digit(key: str) -> Work:
    """Change the first hex digit of a manifest's value."""

    def change(body: bytes) -> bytes:
        at = body.index(f'"{key}":"'.encode()) + len(key) + 4
        return body[:at] + (b"1" if body[at : at + 1] == b"0" else b"0") + body[at + 1 :]

    return _update("manifest", "body", "id = 1", change)


def _rows(connection: sqlite3.Connection) -> list[tuple[Header, bytes]]:
    found = connection.execute("SELECT header, data FROM record ORDER BY seq").fetchall()
    return [(parse_header(header), data) for header, data in found]


def _rewrite(connection: sqlite3.Connection, rows: list[tuple[Header, bytes]]) -> dict[int, bytes]:
    """Store records anew, numbered and chained as they should be: what anybody can do without the device key."""
    (manifest,) = connection.execute("SELECT body FROM manifest").fetchone()
    connection.execute("DELETE FROM record")
    chain = chain_start(manifest)
    chains = {}
    for seq, (old, data) in enumerate(rows):
        header = replace(old, seq=seq)
        chain = chains[seq] = chain_next(chain, header.pack(), data)
        key_us = None if header.key_us == NO_KEY else header.key_us
        connection.execute(
            "INSERT INTO record VALUES (?,?,?,?,?,?,?,?)",
            (seq, int(header.kind), header.start_us, header.end_us, key_us, header.pack(), chain, data),
        )
    return chains


def _rechain(change: Callable[[list[tuple[Header, bytes]]], list[tuple[Header, bytes]]]) -> Work:
    def work(connection: sqlite3.Connection, _foreign: Path) -> None:
        _rewrite(connection, change(_rows(connection)))

    return work


def _reseal(change: Callable[[list[tuple[Header, bytes]]], list[tuple[Header, bytes]]]) -> Work:
    """Rewrite the records and sign every checkpoint anew: what only the box itself could do."""

    def work(connection: sqlite3.Connection, _foreign: Path) -> None:
        _sign_again(connection, _rewrite(connection, change(_rows(connection))))

    return work


def _sign_again(connection: sqlite3.Connection, chains: dict[int, bytes]) -> None:
    before = None
    for n, body in connection.execute("SELECT n, body FROM checkpoint ORDER BY n").fetchall():
        value = json.loads(body)
        value |= {"chain": chains[value["seq"]].hex(), "previous": before.hex() if before else None}
        before = _store_checkpoint(connection, n, value)


def _store_checkpoint(connection: sqlite3.Connection, n: int, value: dict[str, Any], signer: Any = DEVICE) -> bytes:
    body = encode_body(value)
    signature = signer.sign(checkpoint_message(body))
    connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?,?,?)", (n, body, signature))
    return sha256(body)


def _wrong_commitment(connection: sqlite3.Connection, _foreign: Path) -> None:
    _manifest_digit("commitment")(connection, _foreign)
    _sign_again(connection, _rewrite(connection, _rows(connection)))


def _foreign_checkpoint(connection: sqlite3.Connection, foreign: Path) -> None:
    with contextlib.closing(sqlite3.connect(foreign)) as other:
        row = other.execute("SELECT n, body, signature FROM checkpoint WHERE n = 1").fetchone()
    connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?,?,?)", row)


def _signed_otherwise(change: Callable[[dict[str, Any]], dict[str, Any]], signer: Any = DEVICE) -> Work:
    """Change checkpoint 1 and sign it; the final one is signed again so that it still names the one before."""

    def work(connection: sqlite3.Connection, _foreign: Path) -> None:
        one, two = [
            json.loads(row[0]) for row in connection.execute("SELECT body FROM checkpoint WHERE n > 0 ORDER BY n")
        ]
        digest = _store_checkpoint(connection, 1, change(one), signer)
        _store_checkpoint(connection, 2, two | {"previous": digest.hex()}, signer)

    return work


def _final_twice(connection: sqlite3.Connection, _foreign: Path) -> None:
    (body,) = connection.execute("SELECT body FROM checkpoint WHERE n = 2").fetchone()
    _store_checkpoint(connection, 3, json.loads(body) | {"n": 3, "previous": sha256(body).hex()})


def _swap_rows(connection: sqlite3.Connection, _foreign: Path) -> None:
    for before, after in ((1, -1), (2, 1), (-1, 2)):
        connection.execute("UPDATE record SET seq = ? WHERE seq = ?", (after, before))


def _swapped(rows: list[tuple[Header, bytes]]) -> list[tuple[Header, bytes]]:
    """Exchange the contents of segments 1 and 2 and leave the times where they are."""
    (one, data_one), (two, data_two) = rows[1], rows[2]
    rows[1] = (replace(two, start_us=one.start_us, key_us=one.key_us), data_two)
    rows[2] = (replace(one, start_us=two.start_us, key_us=two.key_us), data_one)
    return rows


def _gap_for(rows: list[tuple[Header, bytes]], seq: int) -> tuple[Header, bytes]:
    old = rows[seq][0]
    gap = Header(Kind.GAP, seq, old.start_us, old.duration_us, old.part_tag, reason=GapReason.CAMERA_LOST)
    return gap, b""


def _with_late_gap(rows: list[tuple[Header, bytes]]) -> list[tuple[Header, bytes]]:
    gap, data = _gap_for(rows, LAST)
    return [*rows, (replace(gap, start_us=rows[LAST][0].end_us), data)]


def _too_long(rows: list[tuple[Header, bytes]]) -> list[tuple[Header, bytes]]:
    header, data = rows[LAST]
    rows[LAST] = (replace(header, duration_us=2_000_001), data)
    return rows


def _other_data(rows: list[tuple[Header, bytes]]) -> list[tuple[Header, bytes]]:
    rows[4] = (rows[4][0], known_bytes("other data", rows[4][0].length + TAG_BYTES))
    return rows


_chain = functools.partial(Damage, fails="chain")
_presence = functools.partial(Damage, fails="presence", seq=None)
_file = functools.partial(DamagedFile, fails="presence", code="not_a_part", seq=None, work=_sql())
_cut_records = "DELETE FROM record WHERE seq > 4"

DAMAGES: tuple[Damage, ...] = (
    _file("not-sqlite", "the file is text", edit=lambda _: b"This is no database.\n" * 50),
    _file("truncated", "the file ends after its second page", edit=lambda raw: raw[:1024]),
    _file("zero-bytes", "the file is empty", edit=lambda _: b""),
    _file("application-id", "the application id is another's", edit=lambda raw: _flip(raw, 68)),
    _file("user-version", "the format's version is another", edit=lambda raw: _flip(raw, 63, 2)),
    _presence("table-missing", "there is no table checkpoint", code="not_a_part", work=_sql("DROP TABLE checkpoint")),
    _presence("manifest-missing", "there is no manifest", code="not_a_part", work=_sql("DELETE FROM manifest")),
    _presence(
        "record-0-missing", "there is no record 0", code="not_a_part", work=_sql("DELETE FROM record WHERE seq=0")
    ),
    _presence(
        "checkpoint-0-missing",
        "there is no checkpoint 0",
        code="not_a_part",
        work=_sql("DELETE FROM checkpoint WHERE n = 0"),
    ),
    _presence(
        "manifest-not-json",
        "the manifest's first byte is flipped",
        code="manifest_bad",
        work=_update("manifest", "body", "id = 1", lambda body: _flip(body, 0)),
    ),
    _presence(
        "manifest-part",
        "the manifest's part number is another",
        code="manifest_bad",
        work=_update("manifest", "body", "id = 1", lambda body: body.replace(b'"part":1', b'"part":9')),
    ),
    _chain(
        "manifest-software",
        "a letter of the manifest's software",
        code="chain_mismatch",
        seq=0,
        work=_update("manifest", "body", "id = 1", lambda body: body.replace(b"exambox 0", b"examboy 0")),
    ),
    _chain(
        "manifest-boot-id",
        "a digit of the anchor's boot",
        code="chain_mismatch",
        seq=0,
        work=_update("manifest", "body", "id = 1", lambda b: b.replace(b'"boot_id":"0', b'"boot_id":"1')),
    ),
    _chain(
        "manifest-commitment",
        "a digit of the commitment",
        code="chain_mismatch",
        seq=0,
        work=_manifest_digit("commitment"),
    ),
    _chain(
        "manifest-part-id", "a digit of the part's id", code="header_foreign", seq=0, work=_manifest_digit("part_id")
    ),
    _chain(
        "manifest-device-key",
        "a digit of the device key",
        code="device_unexpected",
        seq=None,
        work=_manifest_digit("device_key"),
    ),
    _chain(
        "manifest-recipient-hash",
        "a digit of a recipient's hash",
        code="recipient_mismatch",
        seq=None,
        work=_manifest_digit("sha256"),
    ),
    _chain(
        "recipient-wrapped-1",
        "a byte of the first wrapped key",
        code="recipient_mismatch",
        seq=None,
        work=_update("recipient", "wrapped", "rowid = (SELECT min(rowid) FROM recipient)", lambda blob: _flip(blob, 0)),
    ),
    _chain(
        "recipient-wrapped-2",
        "the last byte of the second wrapped key",
        code="recipient_mismatch",
        seq=None,
        work=_update(
            "recipient", "wrapped", "rowid = (SELECT max(rowid) FROM recipient)", lambda blob: _flip(blob, -1)
        ),
    ),
    _chain(
        "recipient-key-id",
        "a recipient's name is another",
        code="recipient_mismatch",
        seq=None,
        work=_sql("UPDATE recipient SET key_id = '0123456789abcdef' WHERE rowid = (SELECT min(rowid) FROM recipient)"),
    ),
    _chain(
        "recipient-removed",
        "one of two wrapped keys is gone",
        code="recipient_mismatch",
        seq=None,
        work=_sql("DELETE FROM recipient WHERE rowid = (SELECT min(rowid) FROM recipient)"),
    ),
    Damage("keys-destroyed", "all wrapped keys are gone", "full", "key_needed", None, _sql("DELETE FROM recipient")),
    _chain("header-magic", "record 4: magic", code="header_bad", seq=4, work=_header_byte(0)),
    _chain("header-kind", "record 4: kind", code="header_bad", seq=4, work=_header_byte(4)),
    _chain(
        "header-kind-gap",
        "record 4: kind, now a gap without a reason",
        code="header_bad",
        seq=4,
        work=_header_byte(4, 3),
    ),
    _chain("header-flags", "record 4: a known flag", code="chain_mismatch", seq=4, work=_header_byte(5)),
    _chain("header-flags-unknown", "record 4: an unknown flag", code="header_bad", seq=4, work=_header_byte(5, 0x80)),
    _chain("header-reason", "record 4: reason", code="header_bad", seq=4, work=_header_byte(7)),
    _chain("header-seq", "record 4: seq", code="column_mismatch", seq=4, work=_header_byte(15)),
    _chain("header-start", "record 4: start", code="column_mismatch", seq=4, work=_header_byte(23)),
    _chain("header-duration", "record 4: duration", code="column_mismatch", seq=4, work=_header_byte(31)),
    _chain("header-media", "record 4: media time", code="chain_mismatch", seq=4, work=_header_byte(39)),
    _chain("header-key", "record 4: keyframe's time", code="column_mismatch", seq=4, work=_header_byte(47)),
    _chain("header-key-offset", "record 4: keyframe's offset", code="chain_mismatch", seq=4, work=_header_byte(51)),
    _chain("header-length", "record 4: length", code="length_mismatch", seq=4, work=_header_byte(55)),
    _chain("header-part", "record 4: part", code="header_foreign", seq=4, work=_header_byte(63)),
    _chain(
        "header-short",
        "record 4: 63 bytes",
        code="header_bad",
        seq=4,
        work=_update("record", "header", "seq = 4", lambda h: h[:-1]),
    ),
    _chain(
        "column-kind",
        "record 4: column kind",
        code="column_mismatch",
        seq=4,
        work=_sql("UPDATE record SET kind = 3 WHERE seq = 4"),
    ),
    _chain(
        "column-start",
        "record 4: column start",
        code="column_mismatch",
        seq=4,
        work=_update("record", "start_us", "seq = 4", lambda v: v ^ 1),
    ),
    _chain(
        "column-end",
        "record 4: column end",
        code="column_mismatch",
        seq=4,
        work=_update("record", "end_us", "seq = 4", lambda v: v ^ 1),
    ),
    _chain(
        "column-key",
        "record 4: column keyframe",
        code="column_mismatch",
        seq=4,
        work=_update("record", "key_us", "seq = 4", lambda v: v ^ 1),
    ),
    _chain(
        "column-key-null",
        "record 4: no column keyframe",
        code="column_mismatch",
        seq=4,
        work=_sql("UPDATE record SET key_us = NULL WHERE seq = 4"),
    ),
    _chain(
        "column-seq",
        "record 6 is numbered 7",
        code="record_hole",
        seq=None,
        work=_sql("UPDATE record SET seq = 7 WHERE seq = 6"),
    ),
    _chain(
        "chain-flipped",
        "record 4: chain value",
        code="chain_mismatch",
        seq=4,
        work=_update("record", "chain", "seq = 4", lambda v: _flip(v, 0)),
    ),
    _chain(
        "data-flipped",
        "record 4: a byte of the data",
        code="chain_mismatch",
        seq=4,
        work=_update("record", "data", "seq = 4", lambda v: _flip(v, 100)),
    ),
    _chain(
        "data-tag-flipped",
        "record 4: the last byte of the data",
        code="chain_mismatch",
        seq=4,
        work=_update("record", "data", "seq = 4", lambda v: _flip(v, -1)),
    ),
    _chain(
        "data-short",
        "record 4: a byte less",
        code="length_mismatch",
        seq=4,
        work=_update("record", "data", "seq = 4", lambda v: v[:-1]),
    ),
    _chain(
        "init-data-flipped",
        "record 0: a byte of the data",
        code="chain_mismatch",
        seq=0,
        work=_update("record", "data", "seq = 0", lambda v: _flip(v, 9)),
    ),
    _chain(
        "note-data-flipped",
        "record 5: a byte of the data",
        code="chain_mismatch",
        seq=5,
        work=_update("record", "data", "seq = 5", lambda v: _flip(v, 9)),
    ),
    _chain(
        "gap-with-data",
        "record 3: a gap with data",
        code="length_mismatch",
        seq=3,
        work=_update("record", "data", "seq = 3", lambda _: b"x"),
    ),
    _chain("segments-swapped", "rows 1 and 2 exchanged", code="column_mismatch", seq=1, work=_swap_rows),
    _chain(
        "segments-swapped-rechained",
        "1 and 2 exchanged, numbered and chained anew",
        code="checkpoint_mismatch",
        seq=1,
        work=_rechain(_swapped),
    ),
    _chain(
        "segment-removed", "row 4 is gone", code="record_hole", seq=None, work=_sql("DELETE FROM record WHERE seq = 4")
    ),
    _chain(
        "segment-removed-rechained",
        "4 is gone, the rest numbered and chained anew",
        code="tiling_hole",
        seq=5,
        work=_rechain(lambda rows: rows[:4] + rows[5:]),
    ),
    _chain(
        "segment-replaced-by-gap",
        "a gap instead of 4, chained anew",
        code="checkpoint_mismatch",
        seq=2,
        work=_rechain(lambda rows: [*rows[:4], _gap_for(rows, 4), *rows[5:]]),
    ),
    _chain(
        "segment-repeated",
        "row 6 again as row 7",
        code="column_mismatch",
        seq=7,
        work=_sql(
            "INSERT INTO record SELECT 7, kind, start_us, end_us, key_us, header, chain, data FROM record WHERE seq = 6"
        ),
    ),
    _chain(
        "record-after-final",
        "a gap chained on after the final checkpoint",
        code="final_not_last",
        seq=None,
        work=_rechain(_with_late_gap),
    ),
    _chain(
        "tail-cut",
        "records 5 and 6 are gone, the final checkpoint is there",
        code="checkpoint_mismatch",
        seq=2,
        work=_sql(_cut_records),
    ),
    _chain(
        "tail-cut-unseen",
        "records 5 and 6 are gone, and the final checkpoint: a verifier must know that the recording is over",
        code="final_missing",
        seq=None,
        work=_sql(_cut_records, "DELETE FROM checkpoint WHERE n = 2"),
        open=True,
        ended=True,
    ),
    _chain(
        "checkpoint-body",
        "checkpoint 1: a digit of its time",
        code="checkpoint_signature",
        seq=1,
        work=_update("checkpoint", "body", "n = 1", lambda v: v.replace(b'"wall_us":1', b'"wall_us":2')),
    ),
    _chain(
        "checkpoint-not-json",
        "checkpoint 1: first byte",
        code="checkpoint_signature",
        seq=1,
        work=_update("checkpoint", "body", "n = 1", lambda v: _flip(v, 0)),
    ),
    _chain(
        "checkpoint-signature",
        "checkpoint 1: a byte of the signature",
        code="checkpoint_signature",
        seq=1,
        work=_update("checkpoint", "signature", "n = 1", lambda v: _flip(v, 40)),
    ),
    _chain(
        "checkpoint-0-signature",
        "checkpoint 0: a byte of the signature",
        code="checkpoint_signature",
        seq=0,
        work=_update("checkpoint", "signature", "n = 0", lambda v: _flip(v, 0)),
    ),
    _chain(
        "checkpoint-final-signature",
        "checkpoint 2: a byte of the signature",
        code="checkpoint_signature",
        seq=2,
        work=_update("checkpoint", "signature", "n = 2", lambda v: _flip(v, -1)),
    ),
    _chain(
        "checkpoint-removed",
        "checkpoint 1 is gone",
        code="checkpoint_bad",
        seq=None,
        work=_sql("DELETE FROM checkpoint WHERE n = 1"),
    ),
    _chain(
        "checkpoint-number",
        "checkpoint 2 is numbered 3",
        code="checkpoint_bad",
        seq=None,
        work=_sql("UPDATE checkpoint SET n = 3 WHERE n = 2"),
    ),
    _chain(
        "checkpoint-foreign",
        "checkpoint 1 is another part's, of the same device",
        code="checkpoint_bad",
        seq=1,
        work=_foreign_checkpoint,
    ),
    _chain(
        "checkpoint-other-device",
        "checkpoints 1 and 2 are signed by another device",
        code="checkpoint_signature",
        seq=1,
        work=_signed_otherwise(lambda value: value, OTHER_DEVICE),
    ),
    _chain(
        "checkpoint-chain",
        "checkpoint 1 is signed over another chain value",
        code="checkpoint_mismatch",
        seq=1,
        work=_signed_otherwise(lambda value: value | {"chain": "00" * 32}),
    ),
    _chain(
        "checkpoint-previous",
        "checkpoint 1 is signed and names no checkpoint before it",
        code="checkpoint_bad",
        seq=1,
        work=_signed_otherwise(lambda value: value | {"previous": None}),
    ),
    _chain("final-twice", "a checkpoint follows the final one", code="final_not_last", seq=None, work=_final_twice),
    _chain(
        "segment-too-long", "the box signed a segment of 2.000001 s", code="header_bad", seq=6, work=_reseal(_too_long)
    ),
    Damage(
        "wrong-commitment", "the box signed another commitment", "full", "commitment_mismatch", None, _wrong_commitment
    ),
    Damage(
        "other-data",
        "the box signed data that the part key did not seal",
        "full",
        "decrypt_failed",
        4,
        _reseal(_other_data),
    ),
)
