"""The archive of one session: the player, and the pictures it asks for, within the session's range and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, make_response, render_template, request

from appliance.cameras.events import latest_events
from appliance.vault.part_files import part_path
from appliance.web.access import brought, own_forms, public
from appliance.web.asking import read_query, speaks
from appliance.web.candidate.known import integration_of
from appliance.web.review import archive_limits, opening, overview
from appliance.web.review.archive_access import OpenArchive, let_lms_frame_it, open_archive, opened_with
from appliance.web.review.archive_pass import PLACE, give_pass, pass_of_code, renewed, sent_pass, take_pass
from appliance.web.review.blueprint import BLUEPRINT, camera_names, is_locked, sitting_now
from appliance.web.review.deletions import deletions
from appliance.web.review.parts import Span, spans
from appliance.web.review.playback_views import (
    JPEG,
    MEDIA_TYPE,
    Moment,
    SeekAnswer,
    Segments,
    ThumbnailQuery,
    Window,
    send_thumbnail,
)
from appliance.web.review.thumbnails import check_width
from appliance.web.services import database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

_API = f"{PLACE}/<session>/api/<sitting>"


@BLUEPRINT.get(f"{PLACE}/<session>/")
@public
@brought
def archive_page(session: str) -> AnyResponse:
    """Show the player of one session's recordings; in a frame without cookies, the way out of it."""
    now_us = services().clock.wall_us()
    code = request.args.get("code", "")[:4096]
    waiting = pass_of_code(code, session, now_us)
    held = sent_pass(session, now_us)
    if held is None and waiting is not None:
        found = opened_with(waiting, now_us)
        _let_it_be_framed(found)
        return make_response(render_template("review/archive_window.html", session=session, code=code))
    found = open_archive(session)
    _let_it_be_framed(found)
    response = make_response(_player(found))
    _renew(response, found)
    return response


def _player(found: OpenArchive) -> str:
    places = list(dict.fromkeys(one.sitting for one in found.ranges))
    chosen = request.args.get("sitting", "")
    sitting = chosen if chosen in places else next(iter(places), "")
    names = camera_names()
    return render_template(
        "review/archive.html",
        session=found.session,
        held=found.held,
        places=places,
        sitting=sitting,
        stretch=found.stretch(sitting) if sitting else None,
        cameras=[names.get(camera, camera) for camera in found.cameras(sitting)],
        locked=is_locked(),
        playable=True,
        marks=False,
    )


@BLUEPRINT.post(f"{PLACE}/<session>/close")
@public
@own_forms
def archive_close(session: str) -> AnyResponse:
    """End the pass in this browser."""
    found = open_archive(session)
    _let_it_be_framed(found)
    response = make_response(render_template("review/archive_closed.html", return_url=found.held.return_url))
    take_pass(response, found.held)
    return response


def _let_it_be_framed(found: OpenArchive) -> None:
    let_lms_frame_it(integration_of(database(), found.session), found.session)


def _renew(response: AnyResponse, found: OpenArchive) -> None:
    """Let the pass of somebody who watches live on."""
    longer = renewed(found.held, services().clock.wall_us())
    if longer is not None:
        give_pass(response, longer)


@BLUEPRINT.get(_API)
@public
@speaks(answer=overview.Overview, errors=(403,))
def archive_overview(session: str, sitting: str) -> AnyResponse:
    """Tell a session's cameras, times and gaps."""
    found = open_archive(session)
    stretch = found.stretch(sitting)
    lines = overview.lines_of(services().settings.vault_dir, sitting, camera_names(), sitting_now())
    lost = {camera for camera, event in latest_events(database()).items() if event.state == "lost"}
    whole = overview.overview(sitting, lines, (), None, held=False, deleted=deletions(database(), sitting), lost=lost)
    told = archive_limits.clipped_overview(whole, stretch, found.cameras(sitting))
    if found.session.finished_us is not None:
        told = msgspec.structs.replace(told, open=False)
    response = make_response(msgspec.to_builtins(told))
    _renew(response, found)
    return response


@BLUEPRINT.get(f"{_API}/<camera>/segments")
@public
@speaks(query=Window, answer=Segments, errors=(403,))
def archive_segments(session: str, sitting: str, camera: str) -> dict[str, Any]:
    """Tell where the segments of a stretch lie."""
    found = open_archive(session)
    stretch = found.stretch(sitting, camera)
    asked = read_query(Window)
    rows, more = archive_limits.segments(_spans(sitting, camera), stretch, asked.from_us, asked.to_us)
    return {"segments": rows, "more": more}


@BLUEPRINT.get(f"{_API}/<camera>/seek")
@public
@speaks(query=Moment, answer=SeekAnswer, errors=(403,))
def archive_seek(session: str, sitting: str, camera: str) -> dict[str, Any]:
    """Tell where the last keyframe at or before a time lies."""
    found = open_archive(session)
    stretch = found.stretch(sitting, camera)
    span, seq, key_us = archive_limits.key_at(_spans(sitting, camera), stretch, read_query(Moment).at_us)
    return {"part": span.file.number, "seq": seq, "key_us": key_us}


@BLUEPRINT.get(f"{_API}/<camera>/<int:part>/init")
@public
@speaks(answer=MEDIA_TYPE, errors=(403, 409))
def archive_init(session: str, sitting: str, camera: str, part: int) -> Response:
    """Send a part's initialisation segment."""
    found = open_archive(session)
    archive_limits.check_part(_spans(sitting, camera), found.stretch(sitting, camera), part)
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    codecs, data = opening.open_init(path, _keys(found))
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Codecs": codecs})


@BLUEPRINT.get(f"{_API}/<camera>/<int:part>/<int:seq>")
@public
@speaks(answer=MEDIA_TYPE, errors=(403, 409))
def archive_segment(session: str, sitting: str, camera: str, part: int, seq: int) -> Response:
    """Send one segment."""
    found = open_archive(session)
    record = min(seq, 2**62)
    archive_limits.check_record(_spans(sitting, camera), found.stretch(sitting, camera), part, record)
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    media_us, data = opening.open_segment(path, record, _keys(found))
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Media-Us": str(media_us)})


@BLUEPRINT.get(f"{_API}/<camera>/thumbnail")
@public
@speaks(query=ThumbnailQuery, answer=JPEG, errors=(403, 409))
def archive_thumbnail(session: str, sitting: str, camera: str) -> Response:
    """Send a small picture of a time."""
    found = open_archive(session)
    stretch = found.stretch(sitting, camera)
    asked = read_query(ThumbnailQuery)
    width = check_width(asked.width)
    keys = _keys(found)
    span, seq, key_us = archive_limits.key_at(_spans(sitting, camera), stretch, asked.at_us)
    return send_thumbnail((sitting, camera), (span, seq, key_us), width, keys)


def _keys(found: OpenArchive) -> Any:
    return opening.keys_for(services().keyring, found.held.person)


def _spans(sitting: str, camera: str) -> list[Span]:
    return spans(database(), services().settings.vault_dir, sitting, camera)
