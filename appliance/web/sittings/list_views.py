"""The list of sittings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, url_for

from appliance.errors import BadInputError
from appliance.sittings.exams import list_exams
from appliance.sittings.planning import remove_sitting, restore_sitting
from appliance.sittings.runs import list_sittings, stored_sitting
from appliance.web.access import allow
from appliance.web.account.pages import Answer
from appliance.web.asking import read_query
from appliance.web.language import gettext as _
from appliance.web.moments import shown_zone
from appliance.web.services import address, database, person, services
from appliance.web.sittings.asked import IndexQuery
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS, READERS
from appliance.web.sittings.listing import grouped
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

PAGE: Final = 60


@BLUEPRINT.get("/sittings")
@allow(*READERS)
def index() -> str:
    """Show today's sittings, those ahead and past ones."""
    asked, now = read_query(IndexQuery), services().clock.wall_us()
    db = database()
    found = list_sittings(db, now_us=now, limit=PAGE + 1, before=_before(asked.before), text=asked.q)
    more = found[PAGE - 1] if len(found) > PAGE else None
    return render_template(
        "sittings/index.html",
        asked=asked,
        groups=grouped(found[:PAGE], now, shown_zone()),
        more=f"{more.start_us}.{more.id}" if more else "",
        now_us=now,
        any_exam=bool(list_exams(db, now_us=now, limit=1)),
        removed=list_sittings(db, now_us=now, limit=5, removed=True) if not asked.before else [],
    )


def _before(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    start, _point, name = text.partition(".")
    if not start.isascii() or not start.isdigit() or len(start) > len("9007199254740992") or not name:
        raise BadInputError("before: it names no sitting.", hint="Go back to the beginning of the list.")
    return int(start), name


@BLUEPRINT.post("/sittings/<sitting>/remove")
@allow(*PLANNERS)
def remove(sitting: str) -> Answer:
    """Remove a sitting in which nothing has happened; the list offers to bring it back."""
    stored = stored_sitting(database(), sitting)
    remove_sitting(database(), sitting, clock=services().clock, who=person().name, where=address())
    tell_next(_("“%(name)s” is removed. It can be brought back below.", name=stored.sitting.name))
    return redirect(url_for("sittings.index"), 303)


@BLUEPRINT.post("/sittings/<sitting>/restore")
@allow(*PLANNERS)
def restore(sitting: str) -> Answer:
    """Bring a removed sitting back."""
    stored = restore_sitting(database(), sitting, clock=services().clock, who=person().name, where=address())
    tell_next(_("“%(name)s” is there again.", name=stored.sitting.name))
    return redirect(url_for("sittings.day", sitting=sitting), 303)
