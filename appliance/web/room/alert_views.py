"""Alerts: judged where they are told, and the room's picture at that second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from flask import Response
from msgspec import Meta

from appliance.database import write
from appliance.errors import NotFoundError
from appliance.sittings.warnings import judge_warning
from appliance.vault.format import check_name
from appliance.web.access import CENTRE_MANAGER, INVIGILATOR, allow
from appliance.web.asking import read_form, speaks
from appliance.web.language import gettext as _
from appliance.web.language import ngettext
from appliance.web.room.alerts import open_rows, repeats_of
from appliance.web.room.views import BLUEPRINT, WATCHERS
from appliance.web.services import address, database, person, services

__all__ = ["BLUEPRINT", "judge_alert", "photo"]

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse


class JudgeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of an alert, and why; a dismissal needs a reason."""

    decision: Literal["confirmed", "dismissed"]
    why: Annotated[str, Meta(max_length=2000)] = ""


class Judged(msgspec.Struct, frozen=True):
    """What was done, in words."""

    said: str
    warnings: int


@BLUEPRINT.post("/api/alerts/<int:warning>")
@allow(INVIGILATOR, CENTRE_MANAGER)
@speaks(form=JudgeForm, answer=Judged, errors=(404, 409))
def judge_alert(warning: int) -> AnyResponse | dict[str, Any]:
    """Confirm or dismiss a warning together with its repeats, as one act of one person."""
    asked, box = read_form(JudgeForm), services()
    with write(database()):
        found = repeats_of(open_rows(database(), now_us=box.clock.wall_us()), warning)
        if not found:
            raise NotFoundError("This alert is closed already.", hint="Somebody judged it, or the sitting is closed.")
        for one in found:
            judge_warning(
                database(), one, asked.decision, who=person().name, why=asked.why, clock=box.clock, where=address()
            )
    confirmed = ngettext("The warning is confirmed.", "%(num)s warnings are confirmed.", len(found))
    dismissed = ngettext("The warning is dismissed.", "%(num)s warnings are dismissed.", len(found))
    answer: dict[str, Any] = msgspec.to_builtins(
        Judged(confirmed if asked.decision == "confirmed" else dismissed, len(found))
    )
    return answer


@BLUEPRINT.get("/live/alerts/<int:warning>/<camera>")
@allow(*WATCHERS)
@speaks(answer="image/jpeg", errors=(404,))
def photo(warning: int, camera: str) -> Response:
    """Send the room's picture at the second of a warning, while the box remembers it; no cache keeps it."""
    picture = services().room.photos.picture(warning, check_name(camera, "camera"))
    if picture is None:
        raise NotFoundError(
            _("There is no picture of that second any more."), hint="The sealed recording has it, for who may open it."
        )
    response = Response(picture, content_type="image/jpeg")
    response.headers["Cache-Control"] = "no-store"
    return response
