"""Opening a stretch of a recording, lazily and in order: what the player and the export read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from appliance.errors import IntegrityError
from appliance.vault.facts import Gap, gap_of
from appliance.vault.format import Flag, Kind, parse_header
from appliance.vault.reader import PartReader, split_initialisation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.vault.crypto import RecordCipher
    from appliance.vault.facts import PartFacts
    from appliance.vault.format import Header
    from appliance.vault.keysource import KeySource, Purpose
    from appliance.vault.reader import IndexRow
    from appliance.vault.recording import Recording


@dataclass(frozen=True, slots=True)
class Piece:
    """One opened record, or a stated gap.

    Attributes:
        kind: ``init`` comes first in every part and again with each new part; then ``segment`` and ``gap``.
        part: where it lies.
        seq: its number there.
        start_us: wall time, microseconds.
        end_us: wall time, microseconds.
        data: initialisation segment (``ftyp moov``) or whole fragments; empty for a gap.
        header: the record's header, in the part's monotonic time.
        chain: the record's chain value.
        stream: for ``init`` the stream's description, else None.
        gap: for ``gap`` what it states, else None.
    """

    kind: Literal["init", "segment", "gap"]
    part: PartFacts
    seq: int
    start_us: int
    end_us: int
    data: bytes
    header: Header
    chain: bytes
    stream: dict[str, Any] | None = None
    gap: Gap | None = None

    @property
    def media_us(self) -> int:
        """The segment's first decode time inside its own fragments; with `start_us` it gives a player its offset."""
        return self.header.media_us

    @property
    def discontinuity(self) -> bool:
        """Whether it does not continue the pictures before it."""
        return self.kind != "segment" or bool(self.header.flags & Flag.DISCONTINUITY)


def iter_playback(
    recording: Recording, from_us: int, to_us: int, keys: KeySource, *, purpose: Purpose = "playback"
) -> Iterator[Piece]:
    """Yield what is needed to show ``[from_us, to_us)`` of wall time, one record in memory at a time.

    Segments begin with the one that holds the last keyframe at or before ``from_us``, unless a gap lies between;
    then with the first after the gap. Nothing is yielded where nothing was recorded.

    Raises:
        MissingKeyError, LockedError, UnavailableError: as the key source does.
        IntegrityError: a record is not what was sealed.
        VaultError: a part cannot be read.
    """
    for part in recording.parts:
        if part.start_us < to_us and part.end_us > from_us:
            with PartReader(part.path) as reader:
                yield from _part(part, reader, (from_us, to_us), keys, purpose)


def _part(
    part: PartFacts, reader: PartReader, asked: tuple[int, int], keys: KeySource, purpose: Purpose
) -> Iterator[Piece]:
    cipher: RecordCipher | None = None
    for row in wanted_rows(reader, *map(part.manifest.mono_of, asked)):
        if row.kind == Kind.GAP:
            yield _gap(part, reader, row)
            continue
        if cipher is None:
            cipher = reader.cipher(keys.part_key(reader, purpose))
            yield _opened(part, reader, 0, cipher)
        yield _opened(part, reader, row.seq, cipher)


def wanted_rows(reader: PartReader, from_mono: int, to_mono: int) -> Iterator[IndexRow]:
    """Yield the segments and gaps of a part that `iter_playback` opens for a range of its monotonic time."""
    near = reader.key_at_or_before(from_mono)
    before: list[IndexRow] = []
    for row in reader.index(near[0] if near else 0):
        if row.kind not in (Kind.SEGMENT, Kind.GAP):
            continue
        if row.start_us >= to_mono:
            return
        if row.kind == Kind.GAP:
            before = []
        if row.end_us > from_mono:
            yield from before
            yield row
            before = []
        elif row.kind == Kind.SEGMENT and near:
            before.append(row)


def _gap(part: PartFacts, reader: PartReader, row: IndexRow) -> Piece:
    stored = reader.record(row.seq)
    gap = gap_of(reader, row)
    return Piece(
        "gap", part, row.seq, gap.start_us, gap.end_us, b"", parse_header(stored.header), stored.chain, gap=gap
    )


def _opened(part: PartFacts, reader: PartReader, seq: int, cipher: RecordCipher) -> Piece:
    stored = reader.record(seq)
    header, data = reader.open_stored(stored, cipher)
    if header.kind is not (Kind.SEGMENT if seq else Kind.INIT):
        raise IntegrityError(f"{reader.path.name}: record {seq} is not what its columns say.")
    stream, data = (None, data) if seq else split_initialisation(data)
    start, end = reader.wall_of(header.start_us), reader.wall_of(header.end_us)
    return Piece("segment" if seq else "init", part, seq, start, end, data, header, stored.chain, stream)
