"""What the player asks for: the overview, segments by windows, keyframes, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from flask import Response, request
from msgspec import Meta

from appliance.cameras.events import latest_events
from appliance.errors import LockedError, NotFoundError
from appliance.vault.part_files import part_path
from appliance.web.access import allow
from appliance.web.asking import read_query, speaks
from appliance.web.review import opening, overview, windows
from appliance.web.review.blueprint import (
    BLUEPRINT,
    PLAYERS,
    READERS,
    Microseconds,
    camera_names,
    held_sittings,
    sitting_now,
)
from appliance.web.review.bookmarks import list_bookmarks
from appliance.web.review.deletions import deletions
from appliance.web.review.parts import Span, spans
from appliance.web.review.thumbnails import check_width, keyframe
from appliance.web.services import database, person, services

if TYPE_CHECKING:
    from appliance.vault.keysource import KeyringKeys

MEDIA_TYPE = "video/mp4"
JPEG = "image/jpeg"
_MAX_SEQ = 2**62
_HOUR = 3600


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of wall time, microseconds."""

    from_us: Microseconds
    to_us: Microseconds


class Segments(msgspec.Struct):
    """Segments as part, record, start and end (wall microseconds) and the time of the keyframe, if it has one."""

    segments: list[tuple[int, int, int, int, int | None]]
    more: bool


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time, microseconds."""

    at_us: Microseconds


class SeekAnswer(msgspec.Struct):
    """Where to begin reading: the last keyframe at or before the time asked."""

    part: int
    seq: int
    key_us: int


class ThumbnailQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time in microseconds, and how wide the picture may be: 160, 320 or 640."""

    at_us: Microseconds
    width: Annotated[int, Meta(ge=1, le=4096)] = 160


@BLUEPRINT.get("/api/recordings/<sitting>")
@allow(*READERS)
@speaks(answer=overview.Overview)
def sitting_overview(sitting: str) -> dict[str, Any]:
    """Tell a sitting's cameras, times, gaps and bookmarks; no pictures, so no key."""
    lines = overview.lines_of(services().settings.vault_dir, sitting, camera_names(), sitting_now())
    marks = list_bookmarks(database(), sitting) if person().role in PLAYERS else []
    lost = {camera for camera, event in latest_events(database()).items() if event.state == "lost"}
    found = overview.overview(
        sitting, lines, marks, person(),
        held=sitting in held_sittings(), deleted=deletions(database(), sitting), lost=lost,
    )  # fmt: skip
    return msgspec.to_builtins(found)  # type: ignore[no-any-return]  # a Struct becomes a dict


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/segments")
@allow(*READERS)
@speaks(query=Window, answer=Segments)
def segments(sitting: str, camera: str) -> dict[str, Any]:
    """Tell where the segments of a stretch lie, at most 2,000 at a time; no pictures, so no key."""
    asked = read_query(Window)
    rows, more = windows.segments(_spans(sitting, camera), asked.from_us, asked.to_us)
    return {"segments": rows, "more": more}


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/seek")
@allow(*READERS)
@speaks(query=Moment, answer=SeekAnswer)
def seek(sitting: str, camera: str) -> dict[str, Any]:
    """Tell where the last keyframe at or before a time lies; 404 where no picture is that old."""
    span, seq, key_us = _seek(sitting, camera, read_query(Moment).at_us)
    return {"part": span.file.number, "seq": seq, "key_us": key_us}


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/<int:part>/init")
@allow(*PLAYERS)
@speaks(answer=MEDIA_TYPE, errors=(409,))
def part_init(sitting: str, camera: str, part: int) -> Response:
    """Send a part's initialisation segment, opened for the signed-in person."""
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    codecs, data = opening.open_init(path, opening.keys_for(services().keyring, person().name))
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Codecs": codecs})


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/<int:part>/<int:seq>")
@allow(*PLAYERS)
@speaks(answer=MEDIA_TYPE, errors=(409,))
def segment(sitting: str, camera: str, part: int, seq: int) -> Response:
    """Send one segment, opened for the signed-in person."""
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    keys = opening.keys_for(services().keyring, person().name)
    media_us, data = opening.open_segment(path, min(seq, _MAX_SEQ), keys)
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Media-Us": str(media_us)})


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/thumbnail")
@allow(*PLAYERS)
@speaks(query=ThumbnailQuery, answer=JPEG, errors=(409,))
def thumbnail(sitting: str, camera: str) -> Response:
    """Send a small picture of the last keyframe at or before a time; 404 where no picture is that old."""
    asked = read_query(ThumbnailQuery)
    width = check_width(asked.width)
    keys = _keys()
    return send_thumbnail((sitting, camera), _seek(sitting, camera, asked.at_us), width, keys)


def send_thumbnail(of: tuple[str, str], key: tuple[Span, int, int], width: int, keys: KeyringKeys) -> Response:
    """Return a small picture of a keyframe (as `windows.seek` names it) of a recording (sitting and camera)."""
    span, seq, key_us = key
    path = span.file.path
    response = Response(content_type=JPEG, headers={"X-Exambox-Key-Us": str(key_us)})
    # The part's number is not given twice, and a record never changes; another box's cache is another browser.
    response.set_etag(f"{of[0]}-{of[1]}-{span.file.number}-{seq}-{width}")
    response.headers["Cache-Control"] = f"private, max-age={_HOUR}"
    response.make_conditional(request)
    if response.status_code == 304:  # noqa: PLR2004  not modified (RFC 9110)
        return response
    response.set_data(services().thumbnails.find((str(path), seq, width), lambda: keyframe(path, seq, keys)))
    return response


def _keys() -> Any:
    try:
        return opening.keys_for(services().keyring, person().name)
    except LockedError:
        services().thumbnails.forget()
        raise


def _spans(sitting: str, camera: str) -> list[Span]:
    return spans(database(), services().settings.vault_dir, sitting, camera)


def _seek(sitting: str, camera: str, at_us: int) -> tuple[Span, int, int]:
    found = windows.seek(_spans(sitting, camera), at_us)
    if found is None:
        raise NotFoundError("There is no picture that old.", hint="Choose a later moment.")
    return found
