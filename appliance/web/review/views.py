"""The pages: the list of sittings, and a sitting with all of its cameras."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec
from flask import redirect, render_template, request, url_for
from msgspec import Meta

from appliance.clock import SECOND_US
from appliance.errors import BadInputError
from appliance.web.access import allow
from appliance.web.asking import read_query
from appliance.web.moments import MAX_CHARACTERS
from appliance.web.review import sittings
from appliance.web.review.blueprint import (
    BLUEPRINT,
    PLAYERS,
    READERS,
    camera_names,
    held_sittings,
    is_locked,
    sitting_now,
)
from appliance.web.review.bookmarks import count_bookmarks
from appliance.web.review.overview import lines_of
from appliance.web.services import database, note, person, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

STATES = ("recording", "sealed", "recovered", "interrupted", "damaged")


class ListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_day": "from", "to_day": "to"}):
    """What the list is narrowed to; days are ISO 8601 dates of the room's zone, both inclusive."""

    q: Annotated[str, Meta(max_length=100)] = ""
    camera: Annotated[str, Meta(max_length=60)] = ""
    state: Annotated[str, Meta(max_length=20)] = ""
    from_day: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    to_day: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


@BLUEPRINT.get("/recordings")
@allow(*READERS)
def recordings() -> tuple[str, int]:
    """List the sittings in the vault; needs no key. A day that is none is told at its field, and narrows nothing."""
    asked = read_query(ListQuery)
    if asked.state and asked.state not in STATES:
        raise BadInputError(f"state: {asked.state} is not one of {', '.join(STATES)}.")
    names = camera_names()
    known = sittings.Known(names, sitting_now(), count_bookmarks(database()), held_sittings())
    bad_days: set[str] = set()
    days = _day(asked.from_day, "from", bad_days), _day(asked.to_day, "to", bad_days, after=1)
    filters = sittings.Filters(asked.q, asked.camera, asked.state, *days)
    vault = services().settings.vault_dir
    fitting = sittings.fitting(sittings.places(database(), vault), filters, names)
    page = render_template(
        "review/sittings.html",
        bad_days=bad_days,
        found=sittings.page_of(vault, fitting, filters, asked.page, known),
        filters={
            "q": asked.q,
            "camera": asked.camera,
            "state": asked.state,
            "from": asked.from_day,
            "to": asked.to_day,
        },
        cameras=sorted(names.items(), key=lambda item: item[1].casefold()),
        locked=is_locked(),
        playable=person().role in PLAYERS,
    )
    return page, 422 if bad_days else 200


@BLUEPRINT.get("/recordings/<sitting>")
@allow(*READERS)
def sitting_page(sitting: str) -> str:
    """Show a sitting: its cameras side by side, or to those who may not play it, what was recorded."""
    names = camera_names()
    now = sitting_now()
    lines = lines_of(services().settings.vault_dir, sitting, names, now)
    row = sittings.joined(sitting, lines, sittings.Known(names, now, {}, held_sittings()))
    playable = person().role in PLAYERS
    if playable:
        note("recording.viewed", sitting=sitting)
    return render_template(
        "review/sitting.html",
        sitting=sitting,
        start_us=row.start_us,
        end_us=row.end_us,
        running=sitting == now,
        held=row.held,
        locked=is_locked(),
        playable=playable,
        cameras=row.cameras,
    )


@BLUEPRINT.get("/recordings/<sitting>/<camera>")
@allow(*READERS)
def camera_page(sitting: str, camera: str) -> Response:
    """Lead to the sitting, with this camera large."""
    at = request.args.get("at", "")
    return redirect(url_for("review.sitting_page", sitting=sitting, camera=camera, at=at if at.isdecimal() else None))


def _day(text: str, field: str, bad: set[str], *, after: int = 0) -> int | None:
    """Return the beginning, in wall microseconds, of a day of the room's zone (``after`` days later).

    What is no day is None as well, and its field is added to ``bad``.
    """
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text) + dt.timedelta(days=after)
        begin = dt.datetime.combine(day, dt.time(), services().zone)
        return int(begin.timestamp()) * SECOND_US
    except (ValueError, OverflowError):
        bad.add(field)
        return None
