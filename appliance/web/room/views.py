"""The room: its page, live pictures, what happens in it, recording, lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from msgspec import Meta

from appliance.cameras.store import get_camera, list_cameras
from appliance.cameras.wishes import current_wish, start_recording, stop_recording
from appliance.errors import ConflictError
from appliance.vault.format import check_name
from appliance.web import problems
from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR, REVIEWER, Role, allow
from appliance.web.asking import read_form, read_query, speaks
from appliance.web.language import gettext as _
from appliance.web.room import event_stream, stream
from appliance.web.room.event_stream import EventAnswer, events_now
from appliance.web.room.events import MAX_ID
from appliance.web.room.status import room_status, sitting_of
from appliance.web.room.stream import LiveAnswer, keep_close
from appliance.web.services import database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

BLUEPRINT = Blueprint(
    "room", __name__, template_folder="templates", static_folder="static", static_url_path="/static/room"
)
WATCHERS: Final[tuple[Role, ...]] = (ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR)
"""Who sees the room: those who run an exam or the box. Reviewers and auditors see what was recorded, no more."""
BACKGROUND: Final = frozenset({"room.events", "room.pictures", "room.camera_stream", "room.snapshot"})
"""Pages ask for these by themselves, again and again: that is nobody's doing and prolongs no session."""
MAX_CAMERAS: Final = 64


class WatchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which cameras are watched, in the order in which the stream numbers them."""

    camera: Annotated[tuple[Annotated[str, Meta(max_length=60)], ...], Meta(min_length=1, max_length=MAX_CAMERAS)]


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the browser left off, and whether it only wants what there is now."""

    after: Annotated[str, Meta(max_length=MAX_ID)] = ""
    """The id of the last event heard; the header ``Last-Event-ID`` says the same."""
    once: bool = False
    """Answer with what there is and end: needs no place."""


class UnlockForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The review key's passphrase; empty where the box unlocks by itself."""

    passphrase: Annotated[str, Meta(max_length=1024)] = ""


class StopForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the recording is stopped; asked for where it is a sitting's own and the sitting is not over."""

    why: Annotated[str, Meta(max_length=2000)] = ""


class Done(msgspec.Struct, frozen=True):
    """It was done."""

    ok: bool = True


class SittingDone(msgspec.Struct, frozen=True):
    """It was done, for this sitting."""

    sitting: str
    ok: bool = True


@BLUEPRINT.get("/live")
@allow(*WATCHERS)
def live() -> str:
    """Show every camera."""
    return _page("")


@BLUEPRINT.get("/live/<camera>")
@allow(*WATCHERS)
def one_camera(camera: str) -> str:
    """Show the room with one camera large."""
    return _page(get_camera(database(), check_name(camera, "camera")).id)


def _page(large: str) -> str:
    cameras, wish = list_cameras(database()), current_wish(database())
    of_sitting = sitting_of(database(), wish)
    return render_template("room/room.html", cameras=cameras, large=large, wish=wish, of_sitting=of_sitting)


@BLUEPRINT.get("/api/live")
@allow(*WATCHERS)
@speaks(query=WatchQuery, answer=stream.CONTENT_TYPE)
def pictures() -> Response:
    """Send the live pictures of several cameras over one connection for as long as the viewer stays."""
    cameras = [check_name(camera, "camera") for camera in dict.fromkeys(read_query(WatchQuery).camera)]
    return _streamed(LiveAnswer(services(), person(), cameras), stream.CONTENT_TYPE)


@BLUEPRINT.get("/live/<camera>/stream")
@allow(*WATCHERS)
@speaks(answer=stream.CONTENT_TYPE)
def camera_stream(camera: str) -> Response:
    """Send one camera's live pictures until it is lost or the viewer leaves."""
    answer = LiveAnswer(services(), person(), [check_name(camera, "camera")], alone=True)
    return _streamed(answer, stream.CONTENT_TYPE)


@BLUEPRINT.get("/live/<camera>/snapshot")
@allow(*WATCHERS)
@speaks(answer="image/jpeg")
def snapshot(camera: str) -> Response:
    """Send one camera's present picture."""
    return Response(services().live.snapshot(check_name(camera, "camera")), content_type="image/jpeg")


@BLUEPRINT.get("/api/events")
@allow(*WATCHERS)
@speaks(query=EventsQuery, answer=event_stream.CONTENT_TYPE)
def events() -> Response:
    """Send what happens in the room as server-sent events, from where the browser left off."""
    asked = read_query(EventsQuery)
    last_id = request.headers.get("Last-Event-ID", "")[: MAX_ID + 1] or asked.after
    if asked.once:
        return Response(events_now(services(), person(), last_id), content_type=event_stream.CONTENT_TYPE)
    return _streamed(EventAnswer(services(), person(), last_id), event_stream.CONTENT_TYPE)


def _streamed(answer: LiveAnswer | EventAnswer, content_type: str) -> Response:
    keep_close(request.environ.get("gunicorn.socket"))
    services().room.wake()  # it also ends the answer when the session ends
    response = Response(iter(answer), content_type=content_type)
    response.call_on_close(answer.close)
    return response


@BLUEPRINT.get("/api/status")
@allow(*WATCHERS)
@speaks(answer=dict[str, Any])
def status() -> dict[str, Any]:
    """Tell the state of the room."""
    return room_status(services(), database(), person())


@BLUEPRINT.post("/api/recording/start")
@allow(*WATCHERS)
@speaks(answer=SittingDone, errors=(409,))
def start() -> AnyResponse | dict[str, Any]:
    """Wish that the room be recorded; capture follows."""
    wish = start_recording(database(), clock=services().clock, who=person().name)
    return _done(_("Recording has been started."), sitting=wish.sitting)


@BLUEPRINT.post("/api/recording/stop")
@allow(*WATCHERS)
@speaks(form=StopForm, answer=SittingDone, errors=(409,))
def stop() -> AnyResponse | dict[str, Any]:
    """End the standing wish; a sitting's own, while the sitting is not over, for a reason."""
    why = read_form(StopForm).why.strip()
    held = sitting_of(database(), current_wish(database()))
    if held and not why:
        raise ConflictError(
            f"This is the recording of the sitting “{held}”, which is not over.",
            hint="Say why it is to be stopped; the exam itself goes on.",
        )
    wish = stop_recording(database(), clock=services().clock, who=person().name, why=why)
    return _done(_("Recording has been stopped."), sitting=wish.sitting)


@BLUEPRINT.post("/api/keyring/lock")
@allow(*WATCHERS, REVIEWER)
@speaks(answer=Done)
def lock() -> AnyResponse | dict[str, Any]:
    """Lock the review key: nothing can be played back until somebody unlocks it. The keyring logs it."""
    services().keyring.lock(person().name)
    return _done(_("Playback is locked."))


@BLUEPRINT.post("/api/keyring/unlock")
@allow(ADMINISTRATOR, CENTRE_MANAGER, REVIEWER)
@speaks(form=UnlockForm, answer=Done, errors=(423,))
def unlock() -> dict[str, Any]:
    """Unlock the review key with its passphrase; on a trial box without one. The keyring logs it."""
    services().keyring.unlock(read_form(UnlockForm).passphrase or None, person().name)
    return {"ok": True}


def _done(words: str, **more: str) -> AnyResponse | dict[str, Any]:
    """Answer a script with JSON, and a form with the page it came from."""
    if problems.wants_page():
        tell_next(words)
        return redirect(url_for("room.live"), 303)
    return {"ok": True, **more}
