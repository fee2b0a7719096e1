"""The one status page: every room's box, those with problems first."""

from __future__ import annotations

from flask import render_template

from appliance.hub.codes import list_codes
from appliance.hub.overview import overview
from appliance.web.access import EVERYONE, allow
from appliance.web.hub.blueprint import BLUEPRINT
from appliance.web.hub.state import hub
from appliance.web.hub.words import BAD
from appliance.web.services import database, services

_MONTH_US = 30 * 24 * 3600 * 1_000_000


@BLUEPRINT.get("/rooms")
@allow(*EVERYONE)
def rooms() -> str:
    """Show how every box of the centre stands; the page keeps itself fresh."""
    db, now = database(), services().clock.wall_us()
    hub().tend(db)
    found = overview(db, hub().reports.heard(), now_us=now)
    there = [one for one in found if one.level != "off"]
    reports = [one.report for one in there if one.report is not None]
    return render_template(
        "hub/rooms.html",
        boxes=there,
        revoked=[one for one in found if one.level == "off"],
        codes=[one for one in list_codes(db, since_us=now - _MONTH_US) if one.is_open(now)],
        now_us=now,
        bad=BAD,
        troubled=sum(one.level == "bad" for one in there),
        sittings=sum(len(one.sittings) for one in reports),
        writing=sum(sitting.writing for one in reports for sitting in one.sittings),
        backlog=sum(one.backlog.count for one in reports),
    )
