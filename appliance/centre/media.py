"""Recordings the centre asked for: which segments there are, and each as it lies in the vault. Nothing is opened.

A segment is sent as ``u32 length, header | chain (32 bytes) | ciphertext``: enough to check and, with a recipient's
key and the part's manifest, to open it elsewhere. The initialisation record of each part comes first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jwt.utils import base64url_encode

from appliance.database import write
from appliance.errors import NotFoundError
from appliance.exchange.centre.messages import Segment
from appliance.vault.format import Kind
from appliance.vault.reader import PartReader
from appliance.vault.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.vault.facts import PartFacts

GRACE_US: Final = 90 * 1_000_000
"""A recording is whole so long after its time: the writer has sealed what belongs to it."""
_LENGTH_BYTES: Final = 4
_COLUMNS: Final = (
    "id, hub, sitting, camera, session, from_us, to_us, why, asked_us, state, segments, bytes, changed_us, reason"
)


@dataclass(frozen=True, slots=True)
class MediaAsked:
    """A recording that the centre asked for; times are UTC.

    Attributes:
        state: ``asked``; ``complete``: it has all there is; ``withdrawn``; ``nothing``: the box has none of it.
        segments, bytes: sent by this box so far.
        reason: why it does not go on.
    """

    id: str
    hub: str
    sitting: str
    camera: str
    session: str
    from_us: int
    to_us: int
    why: str
    asked_us: int
    state: str
    segments: int
    bytes: int
    changed_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment lies."""

    path: Path
    part: int
    seq: int


def media_asked(db: Database, hub: str, *, only_open: bool = False, limit: int = 100) -> list[MediaAsked]:
    """Return what was asked for, the newest first; ``only_open``: what is not settled, the oldest first."""
    order = "AND state = 'asked' ORDER BY asked_us, id" if only_open else "ORDER BY asked_us DESC, id"
    rows = db.conn.execute(f"SELECT {_COLUMNS} FROM centre_media WHERE hub = ? {order} LIMIT ?", (hub, limit))  # noqa: S608  own words
    return [MediaAsked(*row) for row in rows]


def note_media(
    db: Database, media: str, *, now_us: int, state: str = "asked", reason: str = "", segments: int = 0, size: int = 0
) -> None:
    """Note how far a request has come; one that was withdrawn meanwhile stays so."""
    with write(db):
        db.conn.execute(
            "UPDATE centre_media SET state = ?, reason = ?, segments = segments + ?, bytes = bytes + ?, changed_us = ?"
            " WHERE id = ? AND state = 'asked'",
            (state, reason[:500], segments, size, now_us, media),
        )


def is_over(asked: MediaAsked, *, now_us: int) -> bool:
    """Return whether nothing more can come to the recording in the range that is asked for."""
    return now_us > asked.to_us + GRACE_US


def places(vault_dir: Path, asked: MediaAsked) -> list[Place]:
    """Return the segments the box has of a request, in order; none where there is no such recording.

    Raises:
        VaultError: a part cannot be read now.
    """
    try:
        recording = Recording(vault_dir, asked.sitting, asked.camera)
    except NotFoundError:
        return []
    return [
        place
        for part in recording.parts
        if part.start_us < asked.to_us and part.end_us > asked.from_us
        for place in _of_part(part, asked)
    ]


def _of_part(part: PartFacts, asked: MediaAsked) -> Iterator[Place]:
    manifest = part.manifest
    from_mono, to_mono = manifest.mono_of(asked.from_us), manifest.mono_of(asked.to_us)
    with PartReader(part.path) as reader:
        near = reader.key_at_or_before(from_mono)
        wanted = [
            row.seq
            for row in reader.index(near[0] if near else 0)
            if row.kind == Kind.SEGMENT and row.start_us < to_mono and (near or row.end_us > from_mono)
        ]
        first = reader.row(reader.first_seq())
    if wanted and first is not None and first.kind == Kind.INIT:
        yield Place(part.path, part.number, first.seq)
    for seq in wanted:
        yield Place(part.path, part.number, seq)


def sealed(place: Place) -> bytes:
    """Return a segment as it is sent.

    Raises:
        IntegrityError: it is not there any more, or damaged.
        VaultError: the part cannot be read now.
    """
    with PartReader(place.path) as reader:
        stored = reader.record(place.seq)
    return len(stored.header).to_bytes(_LENGTH_BYTES) + stored.header + stored.chain + stored.data


def offered(place: Place) -> Segment:
    """Return a segment as it is offered: number, hash and size. It is read whole for that."""
    data = sealed(place)
    digest = base64url_encode(hashlib.sha256(data).digest()).decode()
    return Segment(part=place.part, seq=place.seq, sha256=digest, size=len(data))
