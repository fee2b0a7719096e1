"""Reading one part file, also while it is being written. See ``docs/vault-format.md``, sections 2 to 5.

Nothing here trusts the file: lengths are capped by SQLite itself, every value is type-checked before it is used,
and every failure is an error in plain words. Each query is a short read transaction of its own, so that a
reader never holds up the writer for longer than one record takes to copy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from appliance.errors import IntegrityError, MissingKeyError
from appliance.vault.crypto import PartBinding, PartSecrets, RecordCipher, Suite, derive
from appliance.vault.format import Header, Kind, parse_header
from appliance.vault.manifest import MAX_RECIPIENTS, Checkpoint, Manifest, parse_checkpoint, parse_manifest
from appliance.vault.part_connection import FOREIGN_HINT, NotAPartError, PartConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INDEX_PAGE = 256
_LENGTH_BYTES = 4
_INDEX = "SELECT seq, kind, start_us, end_us, key_us FROM record"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What the columns of one record say; times in microseconds of the part's monotonic clock."""

    seq: int
    kind: int
    start_us: int
    end_us: int
    key_us: int | None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record with everything that is hashed. ``index`` is None where a column is not even a number."""

    seq: int
    index: IndexRow | None
    header: bytes
    chain: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """One checkpoint row as it lies in the file."""

    n: int
    body: bytes
    signature: bytes


class PartReader:
    """A part file, opened for reading only; close it, or use it as a context manager.

    Raises:
        NotFoundError: there is no such file.
        VaultError: it cannot be read now: permissions, or a crash left it to be recovered by capture first.
        IntegrityError: it is no part file, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = PartConnection(path)
        self._rows = self._connection.rows
        try:
            self.manifest_body = self._manifest_body()
            self.manifest: Manifest = parse_manifest(self.manifest_body)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; safe to call twice."""
        self._connection.close()

    def _manifest_body(self) -> bytes:
        rows = self._rows("SELECT body FROM manifest WHERE id = 1")
        if not rows:
            raise NotAPartError(f"{self.path.name} has no manifest.", hint=FOREIGN_HINT)
        return _blob(rows[0][0], "manifest")

    # What the part is

    @property
    def part_id(self) -> bytes:
        """The part's id, 16 bytes."""
        return self.manifest.id_bytes

    @property
    def binding(self) -> PartBinding:
        """What the wrapped keys are bound to."""
        return self.manifest.binding

    def wall_of(self, mono_us: int) -> int:
        """Return the wall time of a monotonic time inside this part, microseconds."""
        return self.manifest.wall_of(mono_us)

    @property
    def state(self) -> str:
        """``closed`` if the last checkpoint is final, else ``open``. Signatures are not checked here."""
        try:
            last = self.last_checkpoint()
        except IntegrityError:
            return "open"
        return "closed" if last is not None and last.final else "open"

    def has_final(self) -> bool:
        """Return whether any checkpoint, be it the last or not, says that it is final."""
        n = 0
        while (row := self.checkpoint_from(n)) is not None:
            try:
                if parse_checkpoint(row.body).final:
                    return True
            except IntegrityError:
                pass  # says nothing; the verifier reports it
            n = row.n + 1
        return False

    def final_chain(self) -> str | None:
        """Return the chain value (hex) that the final checkpoint states, None while the part is open."""
        last = self.last_checkpoint()
        return last.chain if last is not None and last.final else None

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint, unverified; None if there is none."""
        rows = self._rows("SELECT body FROM checkpoint ORDER BY n DESC LIMIT 1")
        return parse_checkpoint(_blob(rows[0][0], "checkpoint")) if rows else None

    def last_checkpoint_n(self) -> int:
        """Return the highest checkpoint number, -1 if there is none."""
        return int(self._rows("SELECT coalesce(max(n), -1) FROM checkpoint")[0][0])

    def recipients(self) -> dict[str, bytes]:
        """Return the wrapped part key by key id."""
        rows = self._rows("SELECT key_id, wrapped FROM recipient ORDER BY key_id LIMIT ?", (MAX_RECIPIENTS + 1,))
        return {_text(key_id): _blob(wrapped, "wrapped key") for key_id, wrapped in rows}

    def wrapped(self, key_id: str) -> tuple[Suite, bytes]:
        """Return the suite and the part key wrapped to one recipient.

        Raises:
            MissingKeyError: this part is not sealed to that key, or its keys were destroyed.
        """
        rows = self._rows("SELECT wrapped FROM recipient WHERE key_id = ?", (key_id,))
        if not rows:
            raise MissingKeyError(
                f"Part {self.manifest.part} is not sealed to the key {key_id}.",
                hint=f"It is sealed to: {self._labels()}.",
            )
        return self.manifest.suite, _blob(rows[0][0], "wrapped key")

    def _labels(self) -> str:
        return ", ".join(item.shown for item in self.manifest.recipients) or "nobody any more"

    # Index: columns only, never the pictures

    def index(self, from_seq: int = 0, to_seq: int | None = None) -> Iterator[IndexRow]:
        """Yield the columns of the records ``from_seq`` to ``to_seq`` (inclusive; None: to the end), in order."""
        after = from_seq - 1
        while True:
            rows = self._rows(
                f"{_INDEX} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                (after, _to(to_seq), INDEX_PAGE),
            )
            for row in rows:
                yield _index_row(row)
            if len(rows) < INDEX_PAGE:
                return
            after = rows[-1][0]

    def row(self, seq: int) -> IndexRow | None:
        """Return one record's columns, or None where there is no such record."""
        rows = self._rows(f"{_INDEX} WHERE seq = ?", (seq,))
        return _index_row(rows[0]) if rows else None

    def last_seq(self) -> int:
        """Return the highest record number, -1 if there is none."""
        return int(self._rows("SELECT coalesce(max(seq), -1) FROM record")[0][0])

    def first_seq(self) -> int:
        """Return the lowest record number, 0 if there is none."""
        return int(self._rows("SELECT coalesce(min(seq), 0) FROM record")[0][0])

    def has_record(self, seq: int) -> bool:
        """Return whether there is a record of this number."""
        return bool(self._rows("SELECT 1 FROM record WHERE seq = ?", (seq,)))

    def chain_of(self, seq: int) -> bytes | None:
        """Return the stored chain value of one record, None where there is no such record."""
        rows = self._rows("SELECT chain FROM record WHERE seq = ?", (seq,))
        return _bytes_or_none(rows[0][0]) if rows else None

    def has_chain(self, chain: bytes) -> bool:
        """Return whether any record has this chain value; looks through all of them."""
        return bool(self._rows("SELECT 1 FROM record NOT INDEXED WHERE chain = ? LIMIT 1", (chain,)))

    def key_at_or_before(self, mono_us: int) -> tuple[int, int] | None:
        """Return ``(seq, key_us)`` of the last keyframe at or before a monotonic time; one look into the index."""
        rows = self._rows(
            "SELECT seq, key_us FROM record WHERE key_us <= ? ORDER BY key_us DESC, seq DESC LIMIT 1", (mono_us,)
        )
        return _pair(rows[0]) if rows else None

    def keyed_seqs(self) -> set[int]:
        """Return the numbers of all segments that hold a keyframe, from the index alone."""
        return {int(seq) for (seq,) in self._rows("SELECT seq FROM record WHERE key_us IS NOT NULL ORDER BY key_us")}

    def keyed_count(self) -> int:
        """Return how many segments hold a keyframe, from the index alone."""
        return int(self._rows("SELECT count(*) FROM record WHERE key_us IS NOT NULL")[0][0])

    def first_tile(self) -> IndexRow | None:
        """Return the first segment or gap, by columns; None in a part that holds nothing yet."""
        rows = self._rows(f"{_INDEX} WHERE kind IN (1, 2) ORDER BY seq LIMIT 1")
        return _index_row(rows[0]) if rows else None

    def last_tile(self) -> IndexRow | None:
        """Return the last segment or gap, by columns; None in a part that holds nothing yet."""
        rows = self._rows(f"{_INDEX} WHERE kind IN (1, 2) ORDER BY seq DESC LIMIT 1")
        return _index_row(rows[0]) if rows else None

    def last_segment(self) -> IndexRow | None:
        """Return the last segment, by columns; None in a part without pictures."""
        rows = self._rows(f"{_INDEX} WHERE kind = 1 ORDER BY seq DESC LIMIT 1")
        return _index_row(rows[0]) if rows else None

    def gap_reason(self, seq: int) -> int:
        """Return the reason code of a gap from its header, 0 if there is none."""
        rows = self._rows("SELECT header FROM record WHERE seq = ?", (seq,))
        return parse_header(_blob(rows[0][0], "header")).reason if rows else 0

    # Whole records

    def record(self, seq: int) -> StoredRecord:
        """Return one record.

        Raises:
            IntegrityError: it is not there, or its columns do not hold bytes.
        """
        found = self.record_from(seq)
        if found is None or found.seq != seq:
            raise IntegrityError(f"{self.path.name}: record {seq} is missing.")
        return found

    def record_from(self, seq: int) -> StoredRecord | None:
        """Return the first record with this number or a higher one; None at the end."""
        rows = self._rows(
            "SELECT seq, kind, start_us, end_us, key_us, header, chain, data FROM record WHERE seq >= ?"
            " ORDER BY seq LIMIT 1",
            (seq,),
        )
        if not rows:
            return None
        *columns, header, chain, data = rows[0]
        try:
            index: IndexRow | None = _index_row(tuple(columns))
        except IntegrityError:
            index = None
        return StoredRecord(columns[0], index, *(_bytes_or_none(value) for value in (header, chain, data)))

    def records(self, from_seq: int = 0, to_seq: int | None = None) -> Iterator[StoredRecord]:
        """Yield whole records in order, one short read each."""
        seq = from_seq
        while (found := self.record_from(seq)) is not None and found.seq <= _to(to_seq):
            yield found
            seq = found.seq + 1

    def checkpoint_from(self, n: int) -> StoredCheckpoint | None:
        """Return the first checkpoint with this number or a higher one; None at the end."""
        rows = self._rows("SELECT n, body, signature FROM checkpoint WHERE n >= ? ORDER BY n LIMIT 1", (n,))
        if not rows:
            return None
        return StoredCheckpoint(rows[0][0], _bytes_or_none(rows[0][1]), _bytes_or_none(rows[0][2]))

    # Opening

    def cipher(self, part_key: bytes) -> RecordCipher:
        """Return what opens this part's records.

        Raises:
            IntegrityError: the key does not fit the manifest's commitment.
        """
        secrets: PartSecrets = derive(part_key, self.part_id)
        if secrets.commitment.hex() != self.manifest.commitment:
            raise IntegrityError(f"{self.path.name}: the unwrapped key is not the one this part was sealed with.")
        return RecordCipher(secrets, self.manifest.aead)

    def open_stored(self, stored: StoredRecord, cipher: RecordCipher) -> tuple[Header, bytes]:
        """Return header and plaintext of a record that was read.

        Raises:
            IntegrityError: it belongs elsewhere, or is not what was sealed.
        """
        header = parse_header(stored.header)
        if header.seq != stored.seq or header.part_tag != self.part_id[:8]:
            raise IntegrityError(f"{self.path.name}: record {stored.seq} belongs elsewhere.")
        return header, cipher.open(stored.seq, stored.header, stored.data)

    def open_record(self, seq: int, cipher: RecordCipher) -> tuple[Header, bytes]:
        """Return a record's header and plaintext.

        Raises:
            IntegrityError: it is missing, belongs elsewhere, or is not what was sealed.
        """
        return self.open_stored(self.record(seq), cipher)

    def segment(self, seq: int, cipher: RecordCipher) -> bytes:
        """Return one segment's plaintext, whole fragments. Raises as `open_record`."""
        header, plaintext = self.open_record(seq, cipher)
        if header.kind is not Kind.SEGMENT:
            raise IntegrityError(f"{self.path.name}: record {seq} is no segment.")
        return plaintext

    def stream(self, cipher: RecordCipher) -> dict[str, Any]:
        """Return the description of the stream from record 0. Raises as `open_record`."""
        return self._initialisation(cipher)[0]

    def init(self, cipher: RecordCipher) -> bytes:
        """Return the initialisation segment (``ftyp moov``) from record 0. Raises as `open_record`."""
        return self._initialisation(cipher)[1]

    def _initialisation(self, cipher: RecordCipher) -> tuple[dict[str, Any], bytes]:
        header, plaintext = self.open_record(0, cipher)
        if header.kind is not Kind.INIT:
            raise IntegrityError(f"{self.path.name}: record 0 is no initialisation.")
        return split_initialisation(plaintext)


def split_initialisation(plaintext: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the stream's description and the initialisation segment of record 0's plaintext.

    Raises:
        IntegrityError: it has not the form section 5 of the format gives it.
    """
    end = _LENGTH_BYTES + int.from_bytes(plaintext[:_LENGTH_BYTES])
    try:
        stream = json.loads(plaintext[_LENGTH_BYTES:end])
    except (ValueError, RecursionError) as problem:
        raise IntegrityError("The initialisation's description is not valid JSON.") from problem
    if not isinstance(stream, dict) or end > len(plaintext):
        raise IntegrityError("The initialisation has no proper description.")
    return stream, plaintext[end:]


def _index_row(row: tuple[Any, ...]) -> IndexRow:
    seq, kind, start, end, key = row
    if not all(isinstance(value, int) for value in (seq, kind, start, end)) or not isinstance(key, int | None):
        raise IntegrityError(f"Record {seq} has columns that are not numbers.")
    return IndexRow(seq, kind, start, end, key)


def _pair(row: tuple[Any, ...]) -> tuple[int, int]:
    return int(row[0]), int(row[1])


def _to(seq: int | None) -> int:
    return 2**63 - 1 if seq is None else seq


def _blob(value: object, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise IntegrityError(f"The part file holds no bytes where its {what} should be.")
    return value


def _bytes_or_none(value: object) -> bytes:
    """Return bytes, none where there is a number: whoever checks it then finds its length wrong."""
    return value if isinstance(value, bytes) else b""


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        raise IntegrityError("The part file holds a key id that is no text.")
    return value.decode("utf-8", "replace")
