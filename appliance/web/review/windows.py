"""Segments by windows of wall time, and the keyframe to begin with: what a player needs, never the whole index."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError
from appliance.vault.facts import check_place
from appliance.vault.format import Kind
from appliance.vault.reader import PartReader
from appliance.web.review.parts import LEEWAY_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appliance.vault.reader import IndexRow
    from appliance.web.review.parts import Span

MAX_SEGMENTS = 2_000
Row = tuple[int, int, int, int, int | None]
"""A segment: part, seq, start and end (wall microseconds), the wall time of its keyframe or None."""


def segments(spans: Sequence[Span], from_us: int, to_us: int, *, most: int = MAX_SEGMENTS) -> tuple[list[Row], bool]:
    """Return the segments that touch ``[from_us, to_us)`` in recorded order, and whether there are more.

    They begin with the segment that holds the last keyframe at or before ``from_us``, so that the picture at
    ``from_us`` can be decoded.
    """
    found: list[Row] = []
    for row in _rows(spans, from_us, to_us):
        if len(found) == most:
            return found, True
        found.append(row)
    return found, False


def _rows(spans: Sequence[Span], from_us: int, to_us: int) -> Iterator[Row]:
    begin = seek(spans, from_us)
    for span in spans:
        key = begin[1] if begin and begin[0] is span else None
        if key is not None or span.touches(from_us, to_us):
            # What cannot be read (or is just being opened) plays not; the overview names it, the others play.
            with suppress(ApplianceError), PartReader(span.file.path) as reader:
                check_place(reader.manifest, span.file)
                yield from _rows_of(reader, span.file.number, from_us, to_us, key)


def _rows_of(reader: PartReader, part: int, from_us: int, to_us: int, key: int | None) -> Iterator[Row]:
    from_mono, to_mono = reader.manifest.mono_of(from_us), reader.manifest.mono_of(to_us)
    first = key if key is not None else (reader.key_at_or_before(from_mono) or (0, 0))[0]
    for row in reader.index(first):
        if row.start_us >= to_mono and row.kind in (Kind.SEGMENT, Kind.GAP):
            return
        if row.kind == Kind.SEGMENT and (row.end_us > from_mono or key is not None):
            yield _row(reader, part, row)


def _row(reader: PartReader, part: int, row: IndexRow) -> Row:
    key = None if row.key_us is None else reader.wall_of(row.key_us)
    return part, row.seq, reader.wall_of(row.start_us), reader.wall_of(row.end_us), key


def seek(spans: Sequence[Span], at_us: int) -> tuple[Span, int, int] | None:
    """Return the part, the record and the wall time of the last keyframe at or before a wall time.

    One look into the keyframe index of each part tried, the nearest first; None if no keyframe is that old.
    """
    for span in reversed(spans):
        if span.start_us - LEEWAY_US > at_us:
            continue
        # Unreadable: an earlier part may do.
        with suppress(ApplianceError), PartReader(span.file.path) as reader:
            check_place(reader.manifest, span.file)
            found = reader.key_at_or_before(reader.manifest.mono_of(at_us))
            if found is not None:
                return span, found[0], reader.wall_of(found[1])
    return None
