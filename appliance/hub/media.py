"""Recordings the centre asks a box for: requests, what the box has, and each sealed segment as a file.

A segment's file is whole and on the disk before its row says so; a repeated one is known by its hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jwt.utils import base64url_encode

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError
from appliance.exchange.centre.messages import MAX_SEGMENTS, MediaAnswer, SegmentAnswer, SegmentName
from appliance.hub.boxes import get_box
from appliance.hub.forms import checked_why

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.messages import MediaOffer

MAX_SEGMENT: Final = 64 * 1024 * 1024
MAX_SPAN_US: Final = 24 * 3600 * 1_000_000
MAX_OFFERED: Final = 200_000
"""Segments of one request: more than four days of one camera."""
_ID_BYTES: Final = 12
_SELECT: Final = (
    "SELECT m.id, m.box, m.sitting, m.camera, m.from_us, m.to_us, m.session, m.why, m.made_us, m.made_by, m.last_us,"
    " m.complete_us, m.withdrawn_us, (SELECT COUNT(*) FROM hub_segment s WHERE s.media = m.id),"
    " (SELECT COUNT(*) FROM hub_segment s WHERE s.media = m.id AND s.stored_us IS NOT NULL),"
    " (SELECT COALESCE(SUM(size), 0) FROM hub_segment s WHERE s.media = m.id AND s.stored_us IS NOT NULL)"
    " FROM hub_media m"
)


class SegmentError(BadInputError):
    """A segment is not what was offered; ``reason`` is ``sha256``, ``size`` or ``offered``."""

    code = "centre.segment"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, hint="Offer it anew, and send what the answer names.")
        self.reason = reason


class StorageError(ApplianceError):
    """The hub's disk does not take a segment."""

    code = "hub.storage"
    status = 503


@dataclass(frozen=True, slots=True)
class Media:
    """A request for a recording, and how far it has come; times are UTC."""

    id: str
    box: str
    sitting: str
    camera: str
    from_us: int
    to_us: int
    session: str
    why: str
    made_us: int
    made_by: str
    last_us: int | None
    complete_us: int | None
    withdrawn_us: int | None
    offered: int
    stored: int
    bytes: int


def ask_media(
    db: Database,
    box: str,
    *,
    sitting: str,
    camera: str,
    from_us: int,
    to_us: int,
    why: str,
    clock: Clock,
    who: str,
    session: str = "",
    where: str = "",
) -> Media:
    """Ask a box for what one camera recorded from when to when; the box learns of it when it next pulls.

    Raises:
        BadInputError: the range is empty or longer than a day, or a field is wrong.
        NotFoundError: there is no such box.
    """
    why = checked_why(why)
    for name, value in (("sitting", sitting), ("camera", camera)):
        if not 1 <= len(value) <= 80 or not value.isprintable():  # noqa: PLR2004  as `kinds.ObjectId`
            raise BadInputError(f"{name}: has to have 1 to 80 characters.", hint="As the box's recordings name it.")
    if not 0 <= from_us < to_us or to_us - from_us > MAX_SPAN_US:
        raise BadInputError("to: has to lie after the beginning, a day later at most.", hint="Correct the range.")
    name, now = secrets.token_hex(_ID_BYTES), clock.wall_us()
    with write(db):
        get_box(db, box)
        db.conn.execute(
            "INSERT INTO hub_media (id, box, sitting, camera, from_us, to_us, session, why, made_us, made_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (name, box, sitting, camera, from_us, to_us, session, why, now, who),
        )
        _note(db, name)
        detail = {"media": name, "box": box, "sitting": sitting, "camera": camera, "from_us": from_us, "to_us": to_us}
        append(db, "hub.media_asked", clock=clock, who=who, where=where, detail=detail, personal={"why": why})
        return get_media(db, name)


def withdraw_media(db: Database, media: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Ask for it no longer; what has arrived stays.

    Raises:
        NotFoundError: there is no such request.
    """
    with write(db):
        if get_media(db, media).withdrawn_us is None:
            db.conn.execute("UPDATE hub_media SET withdrawn_us = ? WHERE id = ?", (clock.wall_us(), media))
            _note(db, media)
            append(db, "hub.media_withdrawn", clock=clock, who=who, where=where, detail={"media": media})


def list_media(db: Database, box: str) -> list[Media]:
    """Return what a box was asked for, the newest first."""
    rows = db.conn.execute(f"{_SELECT} WHERE m.box = ? ORDER BY m.made_us DESC", (box,))
    return [Media(*row) for row in rows]


def get_media(db: Database, media: str) -> Media:
    """Return one request.

    Raises:
        NotFoundError: there is none of this id.
    """
    row = db.conn.execute(f"{_SELECT} WHERE m.id = ?", (media,)).fetchone()
    if row is None:
        raise NotFoundError("There is no such request for a recording.", hint="It may be of another central service.")
    return Media(*row)


def take_offer(db: Database, box: str, offer: MediaOffer, *, clock: Clock) -> MediaAnswer:
    """Note what a box has for a request, and say what is missing here, the first first; asked again after a cut.

    Raises:
        NotFoundError: this box was not asked for it.
        ConflictError: it is of another recording than was asked for, or too much.
    """
    now = clock.wall_us()
    with write(db):
        media = _of_box(db, box, offer.request)
        if (media.sitting, media.camera) != (offer.sitting, offer.camera):
            raise ConflictError("Another recording was asked for.", hint="Pull the request again.")
        if media.withdrawn_us is not None:
            return MediaAnswer(complete=True)
        db.conn.executemany(
            "INSERT INTO hub_segment (media, part, seq, sha256, size) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (media,"
            " part, seq) DO UPDATE SET sha256 = ?4, size = ?5, stored_us = NULL WHERE sha256 <> ?4",
            [(media.id, one.part, one.seq, one.sha256, one.size) for one in offer.segments],
        )
        # Counted afterwards: what is offered again after a cut is no more than before.
        if get_media(db, media.id).offered > MAX_OFFERED:
            raise ConflictError(
                f"More than {MAX_OFFERED} segments were offered for one request.",
                hint="Ask for a shorter time, in several requests.",
            )
        if offer.last:
            db.conn.execute("UPDATE hub_media SET last_us = ifnull(last_us, ?) WHERE id = ?", (now, media.id))
        complete = _complete(db, media.id, clock)
        rows = db.conn.execute(
            "SELECT part, seq FROM hub_segment WHERE media = ? AND stored_us IS NULL ORDER BY part, seq LIMIT ?",
            (media.id, MAX_SEGMENTS),
        ).fetchall()
    return MediaAnswer(missing=tuple(SegmentName(part=part, seq=seq) for part, seq in rows), complete=complete)


def take_segment(
    db: Database, box: str, media: str, data: bytes, *, part: int, seq: int, folder: Path, clock: Clock
) -> SegmentAnswer:
    """Keep one segment that was offered; durable when it returns.

    Args:
        db: the hub's database.
        box: who sends it.
        media: the request's id.
        data: the sealed segment.
        part: number of the recording's part.
        seq: number in it.
        folder: of all requests' segments.
        clock: dates it.

    Raises:
        NotFoundError: this box was not asked for it.
        SegmentError: it is not what was offered.
        StorageError: the disk does not take it.
    """
    wanted = _of_box(db, box, media)
    row = db.conn.execute(
        "SELECT sha256, size, stored_us FROM hub_segment WHERE media = ? AND part = ? AND seq = ?",
        (wanted.id, part, seq),
    ).fetchone()
    if row is None:
        raise SegmentError("This segment was not offered.", reason="offered")
    sha256, size, stored_us = row
    if len(data) != size:
        raise SegmentError(f"The segment has {len(data)} bytes; {size} were offered.", reason="size")
    if base64url_encode(hashlib.sha256(data).digest()).decode() != sha256:
        raise SegmentError("The segment's bytes are not those that were offered.", reason="sha256")
    if stored_us is not None:
        return SegmentAnswer(result="known")
    _write_file(segment_path(folder, wanted.id, part, seq), data)
    with write(db):
        db.conn.execute(
            "UPDATE hub_segment SET stored_us = ? WHERE media = ? AND part = ? AND seq = ? AND sha256 = ?",
            (clock.wall_us(), wanted.id, part, seq, sha256),
        )
        _complete(db, wanted.id, clock)
    return SegmentAnswer(result="stored")


def segment_path(folder: Path, media: str, part: int, seq: int) -> Path:
    """Return where a segment lies."""
    return folder / media / f"{part}-{seq}.seg"


def _of_box(db: Database, box: str, media: str) -> Media:
    found = get_media(db, media)
    if found.box != box:
        raise NotFoundError("There is no such request for a recording.", hint="It may be another box's.")
    return found


def _complete(db: Database, media: str, clock: Clock) -> bool:
    """Note that a request is complete once the box offered all it has and all of it is here."""
    done = db.conn.execute(
        "UPDATE hub_media SET complete_us = ? WHERE id = ? AND complete_us IS NULL AND last_us IS NOT NULL AND NOT"
        " EXISTS (SELECT 1 FROM hub_segment WHERE media = hub_media.id AND stored_us IS NULL)",
        (clock.wall_us(), media),
    )
    if done.rowcount:
        _note(db, media)
        append(db, "hub.media_complete", clock=clock, detail={"media": media})
    (complete,) = db.conn.execute("SELECT complete_us IS NOT NULL FROM hub_media WHERE id = ?", (media,)).fetchone()
    return bool(complete)


def _note(db: Database, media: str) -> None:
    db.conn.execute("INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('media_request', ?)", (media,))


def _write_file(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as problem:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageError(
            f"The central service cannot keep the segment: {problem.strerror}.",
            hint="Its disk may be full; the box tries again.",
        ) from problem
