"""Writing one part: sealed records, their chain and checkpoints, each committed before it counts.

See ``docs/vault-format.md``, sections 2 to 7. Carried by every camera process, so it imports little.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Any, Self

from appliance import __version__
from appliance.clock import clock_is_trusted
from appliance.vault.crypto import PART_ID_BYTES, PART_KEY_BYTES, PartBinding, RecordCipher, derive, wrap
from appliance.vault.format import (
    MAX_BODY_BYTES,
    MAX_PLAINTEXT_BYTES,
    MAX_SEGMENT_US,
    NO_KEY,
    NO_OFFSET,
    Flag,
    GapReason,
    Header,
    Kind,
    chain_next,
    chain_start,
    encode_body,
)
from appliance.vault.headroom import Headroom
from appliance.vault.part_file import (
    SealedRecord,
    connect,
    create_tables,
    insert_checkpoint,
    insert_record,
    lock_folder,
    make_empty,
    make_folder,
    remove_unopened,
    transaction,
    unlock_folder,
    write_errors,
)
from appliance.vault.part_model import (
    Anchor,
    CheckpointFact,
    ClosedPart,
    PartOpening,
    PartWriteError,
    PreviousPart,
    SignedCheckpoint,
    WriterKeys,
    build_manifest,
    sign_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.clock import Clock

__all__ = [
    "Anchor",
    "CheckpointFact",
    "ClosedPart",
    "PartOpening",
    "PartWriteError",
    "PartWriter",
    "PreviousPart",
    "WriterKeys",
]


class PartWriter:
    """One open part file. Made by `create`; used by one thread at a time.

    Whatever an ``append_...`` method returns for is committed with FULL. After a `PartWriteError` the writer is
    *abandoned*: it has let go of the file and never touches it again; recovery closes the part at the next start.
    A reader that holds the file locked for longer than 2 s is such an error too.

    Attributes:
        part_id: 16 random bytes that name the part.
        next_seq: number of the next record.
        end_us: mono time at which the last segment or gap ends; the anchor's before there is one.
        bytes_written: bytes handed to SQLite so far: sealed data, headers, chain values, manifest, wrapped keys,
            checkpoints and signatures. The file system's share (pages, journal; about 4 % at 4 Mbit/s) is not in it.
        last_checkpoint: the newest committed checkpoint.
    """

    def __init__(
        self,
        path: Path,
        keys: WriterKeys,
        clock: Clock,
        *,
        part_id: bytes,
        cipher: RecordCipher,
        anchor: Anchor,
        trusted: Callable[[], bool],
    ) -> None:
        self.path = path
        self.part_id = part_id
        self.next_seq = 0
        self.end_us = anchor.mono_us
        self.bytes_written = 0
        self._keys = keys
        self._clock = clock
        self._cipher = cipher
        self._anchor = anchor
        self._trusted = trusted
        self._chain = b""
        self._connection: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._headroom: Headroom | None = None
        self._checkpoint: CheckpointFact | None = None
        self._closed: ClosedPart | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        opening: PartOpening,
        keys: WriterKeys,
        *,
        stream: dict[str, Any],
        init: bytes,
        clock: Clock,
        trusted: Callable[[], bool] = clock_is_trusted,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Make the file and commit manifest, wrapped keys, record 0 and checkpoint 0 in one transaction.

        Args:
            path: the file; its folders are made. An empty file there is taken over.
            opening: what goes into the manifest.
            keys: box, device key and recipients.
            stream: what describes the stream (section 5, kind 0).
            init: the ISO BMFF initialisation segment.
            clock: time for checkpoints and notes.
            trusted: whether the wall clock is synchronised now.
            random_bytes: source of part id and part key; other than the kernel's only for test vectors.

        Raises:
            PartWriteError: the file could not be made; nothing of it is left if the disk allows that.
            VaultError: no recipients, or keys that do not fit one another.
            BadInputError: a name that may not be used in paths.
        """
        part_id, part_key = random_bytes(PART_ID_BYTES), random_bytes(PART_KEY_BYTES)
        secrets = derive(part_key, part_id)
        binding = PartBinding(keys.box, opening.sitting, opening.camera, opening.part, part_id)
        wrapped = {
            recipient.key_id: wrap(recipient.suite, recipient.public, binding.info(), part_key)
            for recipient in keys.recipients
        }
        manifest = build_manifest(
            opening,
            keys,
            part_id=part_id,
            commitment=secrets.commitment,
            wrapped=wrapped,
            software=f"exambox {__version__}",
        )
        cipher = RecordCipher(secrets, opening.aead)
        writer = cls(path, keys, clock, part_id=part_id, cipher=cipher, anchor=opening.anchor, trusted=trusted)
        description = encode_body(stream)
        writer._open(manifest, wrapped, len(description).to_bytes(4) + description + init)
        return writer

    @property
    def last_checkpoint(self) -> CheckpointFact:
        """The newest checkpoint that is committed."""
        if self._checkpoint is None:
            raise PartWriteError(f"{self.path.name} was never opened.", reason="other")
        return self._checkpoint

    @property
    def state(self) -> str:
        """``open``, ``closed`` or ``abandoned``."""
        if self._closed:
            return "closed"
        return "open" if self._connection else "abandoned"

    def acknowledged(self) -> PreviousPart:
        """Return how the next part names this one: by the last record that was acknowledged."""
        return PreviousPart(self.part_id, self._chain)

    def append_segment(
        self,
        *,
        start_us: int,
        duration_us: int,
        media_us: int,
        keyframe: bool,
        key_us: int,
        key_offset: int,
        discontinuity: bool,
        plaintext: bytes,
        checkpoint: bool = False,
    ) -> int:
        """Seal and commit one segment; return its number.

        Args:
            start_us: mono time of its first picture.
            duration_us: at most 2 s.
            media_us: its first decode time in its own fragments.
            keyframe: it begins with one.
            key_us: mono time of the first keyframe in it, or `NO_KEY`.
            key_offset: where that keyframe's fragment begins in ``plaintext``, or `NO_OFFSET`.
            discontinuity: it does not continue the pictures before it.
            plaintext: whole ``moof mdat`` fragments.
            checkpoint: also write a periodic checkpoint, in the same transaction.

        Raises:
            PartWriteError: it is not committed and the writer is dead.
            ValueError: the values break the format; nothing was written, the writer lives.
        """
        _check_segment(duration_us, key_us, key_offset, plaintext)
        header = Header(
            kind=Kind.SEGMENT,
            seq=self.next_seq,
            start_us=start_us,
            duration_us=duration_us,
            part_tag=self.part_id[:8],
            length=len(plaintext),
            flags=(Flag.KEYFRAME if keyframe else Flag.NONE) | (Flag.DISCONTINUITY if discontinuity else Flag.NONE),
            media_us=media_us,
            key_us=key_us,
            key_offset=key_offset,
        )
        return self._append(header, plaintext, "periodic" if checkpoint else None)

    def append_gap(self, start_us: int, duration_us: int, reason: GapReason) -> int:
        """State that nothing was recorded from ``start_us`` (mono) for ``duration_us``; return the record's number.

        Raises:
            PartWriteError: it is not committed and the writer is dead.
            ValueError: the duration is negative.
        """
        if duration_us < 0:
            raise ValueError("a gap cannot last less than nothing")
        return self._append(gap_header(self.next_seq, start_us, duration_us, reason, self.part_id), b"", None)

    def append_note(self, value: dict[str, Any]) -> int:
        """Seal a note (section 5, kind 3) at the present moment; return the record's number.

        Raises:
            PartWriteError: it is not committed and the writer is dead.
            ValueError: it is larger than 1 MiB.
        """
        plaintext = encode_body(value)
        if len(plaintext) > MAX_BODY_BYTES:
            raise ValueError("a note is at most 1 MiB")
        header = Header(
            kind=Kind.NOTE,
            seq=self.next_seq,
            start_us=self._clock.mono_us(),
            duration_us=0,
            part_tag=self.part_id[:8],
            length=len(plaintext),
        )
        return self._append(header, plaintext, None)

    def checkpoint(self, reason: str = "periodic") -> CheckpointFact:
        """Sign and commit how far the part has come.

        Raises:
            PartWriteError: it is not committed and the writer is dead.
        """
        with self._writing() as connection:
            signed = self._sign(reason, self.next_seq - 1, self._chain)
            with transaction(connection):
                insert_checkpoint(connection, signed)
        self._committed(None, signed)
        return signed.fact

    def close(self, reason: str = "closed") -> ClosedPart:
        """Write the final checkpoint and let the file stand alone. Closing twice returns the same.

        Raises:
            PartWriteError: the writer is abandoned, now or since an earlier error.
        """
        if self._closed:
            return self._closed
        fact = self.checkpoint(reason)
        self._closed = ClosedPart(self.part_id, self._chain, fact.sha256, self.end_us)
        # The part is complete already: a journal that cannot be removed now holds nothing.
        with contextlib.suppress(PartWriteError), self._writing() as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        self.abandon()
        return self._closed

    def abandon(self) -> None:
        """Let go of the file without writing to it; an open part is then closed by recovery."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        headroom, self._headroom = self._headroom, None
        if headroom:
            headroom.release(give_back=self._closed is not None)
        lock, self._lock = self._lock, None
        if lock is not None:
            unlock_folder(lock)

    def _open(self, manifest: bytes, wrapped: dict[str, bytes], description: bytes) -> None:
        try:
            with write_errors(self.path):
                make_folder(self.path.parent)
                self._lock = _share_folder(self.path.parent)
                make_empty(self.path)
        except BaseException:
            self.abandon()
            raise
        try:
            with write_errors(self.path):
                self._connection = connect(self.path)
                self._write_opening(self._connection, manifest, wrapped, description)
                self._headroom = Headroom(self.path)
        except BaseException:
            self.abandon()
            with contextlib.suppress(OSError):
                remove_unopened(self.path)
            raise

    def _write_opening(
        self, connection: sqlite3.Connection, manifest: bytes, wrapped: dict[str, bytes], description: bytes
    ) -> None:
        record = self._seal(
            Header(
                kind=Kind.INIT,
                seq=0,
                start_us=self._anchor.mono_us,
                duration_us=0,
                part_tag=self.part_id[:8],
                length=len(description),
            ),
            description,
            before=chain_start(manifest),
        )
        signed = self._sign("opened", 0, record.chain)
        with transaction(connection):
            create_tables(connection)
            connection.execute("INSERT INTO manifest (id, body) VALUES (1, ?)", (manifest,))
            connection.executemany("INSERT INTO recipient (key_id, wrapped) VALUES (?, ?)", sorted(wrapped.items()))
            insert_record(connection, record)
            insert_checkpoint(connection, signed)
        self._committed(record, signed)
        self.bytes_written += len(manifest) + sum(len(blob) for blob in wrapped.values())

    def _append(self, header: Header, plaintext: bytes, reason: str | None) -> int:
        with self._writing() as connection:
            record = self._seal(header, plaintext, before=self._chain)
            signed = self._sign(reason, header.seq, record.chain) if reason else None
            if self._headroom:
                self._headroom.keep()
            with transaction(connection):
                insert_record(connection, record)
                if signed:
                    insert_checkpoint(connection, signed)
        self._committed(record, signed)
        return header.seq

    def _seal(self, header: Header, plaintext: bytes, *, before: bytes) -> SealedRecord:
        packed = header.pack()
        data = b"" if header.kind is Kind.GAP else self._cipher.seal(header.seq, packed, plaintext)
        return SealedRecord(header, packed, chain_next(before, packed, data), data)

    def _committed(self, record: SealedRecord | None, signed: SignedCheckpoint | None) -> None:
        """Move on, only now: what failed was never counted, and no number (no nonce) serves two records."""
        if record:
            self.next_seq = record.header.seq + 1
            self._chain = record.chain
            self.bytes_written += len(record.packed) + len(record.chain) + len(record.data)
            if record.header.kind in {Kind.SEGMENT, Kind.GAP}:
                self.end_us = record.header.end_us
        if signed:
            self._checkpoint = signed.fact
            self.bytes_written += len(signed.body) + len(signed.signature)

    def _sign(self, reason: str, seq: int, chain: bytes) -> SignedCheckpoint:
        now = Anchor(self._clock.wall_us(), self._clock.mono_us(), self._anchor.boot_id, self._trusted())
        return sign_checkpoint(
            self._keys.device,
            part_id=self.part_id,
            seq=seq,
            chain=chain,
            now=now,
            reason=reason,
            after=self._checkpoint,
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one transaction; whatever goes wrong inside ends the writer."""
        if self._connection is None:
            raise PartWriteError(f"{self.path.name} is {self.state}: nothing more is written to it.", reason="other")
        try:
            with write_errors(self.path):
                yield self._connection
        except BaseException:
            self.abandon()
            raise


def gap_header(seq: int, start_us: int, duration_us: int, reason: GapReason, part_id: bytes) -> Header:
    """Return the header that states a gap; it needs no key."""
    return Header(
        kind=Kind.GAP, seq=seq, start_us=start_us, duration_us=duration_us, part_tag=part_id[:8], reason=reason
    )


def _share_folder(folder: Path) -> int:
    lock = lock_folder(folder, exclusive=False)
    if lock is None:
        raise BlockingIOError("recovery is at work on this camera's folder")
    return lock


def _check_segment(duration_us: int, key_us: int, key_offset: int, plaintext: bytes) -> None:
    if not 0 <= duration_us <= MAX_SEGMENT_US:
        raise ValueError(f"a segment lasts at most {MAX_SEGMENT_US} us, not {duration_us}")
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise ValueError(f"a segment has at most {MAX_PLAINTEXT_BYTES} bytes, not {len(plaintext)}")
    if (key_us == NO_KEY) != (key_offset == NO_OFFSET):
        raise ValueError("a segment has both time and offset of its keyframe, or neither")
    if key_offset != NO_OFFSET and key_offset >= len(plaintext):
        raise ValueError("the keyframe's offset lies outside the segment")
