"""Deliveries: how each LMS stands, what waits or was refused, every attempt, and what a person may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from flask import redirect, render_template, url_for
from flask_wtf import FlaskForm
from msgspec import Meta
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from appliance import outbox
from appliance.clock import SECOND_US
from appliance.diagnosis.deliveries import target_name
from appliance.errors import ApplianceError
from appliance.ipc.beat import read_beat
from appliance.outbox.acts import MAX_REASON_CHARACTERS
from appliance.outbox.epochs import known_box
from appliance.outbox.rows import get_delivery, list_deliveries
from appliance.outbox.status import delivered_since
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import delivery_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.asking import read_form, read_query
from appliance.web.language import gettext as _
from appliance.web.language import lazy_gettext
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.outbox import Delivery, TargetStatus
    from appliance.outbox.rows import DeliveryState
    from appliance.web.account.pages import Answer

ACTORS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
"""Who answers for results reaching the LMS."""
READERS: Final = (*ACTORS, AUDITOR)
PAGE: Final = 50
PACE_US: Final = 60 * SECOND_US
"""A target's pace is what it took within this."""
Shown = Literal["open", "parked", "delivered", "given-up", "all"]
_STATES: Final[dict[str, tuple[DeliveryState, ...]]] = {
    "open": ("waiting", "parked"),
    "parked": ("parked",),
    "delivered": ("delivered",),
    "given-up": ("discarded", "superseded"),
    "all": ("waiting", "parked", "delivered", "discarded", "superseded"),
}


class DeliveriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deliveries; ``before`` is the id that the last page ended with."""

    show: Shown = "open"
    target: Annotated[str, Meta(max_length=110)] = ""
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class TargetForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which target to try at once."""

    target: Annotated[str, Meta(max_length=110)]


class DiscardForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Why a delivery is given up."""

    reason = StringField(
        lazy_gettext("Reason"),
        [
            DataRequired(lazy_gettext("Give a reason.")),
            Length(max=MAX_REASON_CHARACTERS, message=lazy_gettext("At most 500 characters.")),
        ],
    )


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target as the page shows it.

    Attributes:
        pace: how many it took within the last minute.
        left_us: how long the backlog takes at that pace; None where it takes none.
    """

    name: str
    stands: TargetStatus
    verdict: str
    words: str
    pace: int
    left_us: int | None


@BLUEPRINT.get("/admin/deliveries")
@allow(*READERS)
def deliveries() -> str:
    """Show how each target stands, and the deliveries of a kind."""
    asked = read_query(DeliveriesQuery)
    found = list_deliveries(
        database(), _STATES[asked.show], target=asked.target or None, before=asked.before, limit=PAGE + 1
    )
    return render_template(
        "admin/deliveries.html",
        **_common(),
        asked=asked,
        targets=_targets(),
        running=_is_running(),
        found=found[:PAGE],
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        filters=_filters(),
    )


@BLUEPRINT.get("/admin/deliveries/<int:delivery>")
@allow(*READERS)
def delivery(delivery: int) -> str:
    """Show one delivery with each attempt."""
    return _page(get_delivery(database(), delivery), DiscardForm(formdata=None))


@BLUEPRINT.post("/admin/deliveries/try")
@allow(*ACTORS)
def deliveries_try() -> Answer:
    """Try what waits for a target at once."""
    count = outbox.retry_now(database(), read_form(TargetForm).target)
    tell_next(_n("%(num)s delivery is tried now.", "%(num)s deliveries are tried now.", count))
    return redirect(url_for("admin.deliveries"))


@BLUEPRINT.post("/admin/deliveries/<int:delivery>/try")
@allow(*ACTORS)
def delivery_try(delivery: int) -> Answer:
    """Try one at once."""
    outbox.retry_now(database(), delivery)
    tell_next(_("It is tried now, as soon as those before it in its session have arrived."))
    return redirect(url_for("admin.delivery", delivery=delivery))


@BLUEPRINT.post("/admin/deliveries/<int:delivery>/go-on")
@allow(*ACTORS)
def delivery_go_on(delivery: int) -> Answer:
    """Let a parked one be tried again."""
    outbox.unpark(database(), delivery, who=person().name, clock=services().clock, where=address())
    tell_next(_("It is tried again, and those behind it follow."))
    return redirect(url_for("admin.delivery", delivery=delivery))


@BLUEPRINT.post("/admin/deliveries/<int:delivery>/discard")
@allow(*ACTORS)
def delivery_discard(delivery: int) -> Answer:
    """Give one up, for a reason."""
    found, form = get_delivery(database(), delivery), DiscardForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    try:
        outbox.discard(
            database(), delivery, who=person().name, why=form.reason.data, clock=services().clock, where=address()
        )
    except ApplianceError as problem:
        return _page(get_delivery(database(), delivery), form, problem), problem.status
    tell_next(_("It is given up: it is not sent any more, and those behind it go on."))
    return redirect(url_for("admin.delivery", delivery=delivery))


def _page(found: Delivery, form: DiscardForm, problem: ApplianceError | None = None) -> str:
    body = msgspec.json.format(found.text.encode(), indent=2).decode()
    return render_template(
        "admin/delivery.html",
        **_common(),
        one=found,
        body=body,
        tried=list(reversed(outbox.attempts(database(), found.id))),
        behind=_behind(found),
        form=form,
        problem=problem,
        key=f"{known_box(database())}:{found.epoch}:{found.seq}",
    )


def _behind(found: Delivery) -> int:
    """Return how many wait for this one."""
    row = database().conn.execute(
        "SELECT COUNT(*) FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked')"
        " AND target = ? AND stream = ? AND id > ?",
        (found.target, found.stream, found.id),
    )
    return int(row.fetchone()[0])


def _common() -> dict[str, Any]:
    db = database()
    names: dict[str, str] = {}

    def name_of(target: str) -> str:
        if target not in names:
            names[target] = _name(db, target)
        return names[target]

    return {
        "name_of": name_of,
        "words": delivery_words,
        "now_us": services().clock.wall_us(),
        "section_endpoint": "admin.deliveries",
    }


def _name(db: Database, target: str) -> str:
    return _("Central service") if target == outbox.CENTRE else target_name(db, target)


def _targets() -> list[TargetRow]:
    db, now_us = database(), services().clock.wall_us()
    pace = delivered_since(db, now_us - PACE_US)
    rows = []
    for stands in outbox.status(db).targets:
        took = pace.get(stands.target, 0)
        left_us = stands.backlog * PACE_US // took if took and stands.backlog else None
        verdict, words = delivery_words.verdict_of(stands), delivery_words.verdict_words(stands)
        rows.append(TargetRow(_name(db, stands.target), stands, verdict, words, took, left_us))
    return sorted(rows, key=lambda row: row.name)


def _filters() -> list[tuple[str, str]]:
    return [
        ("open", _("Not accepted yet")),
        ("parked", _("Parked")),
        ("delivered", _("Delivered")),
        ("given-up", _("Given up or replaced")),
        ("all", _("All")),
    ]


def _is_running() -> bool:
    box = services()
    try:
        read_beat(box.settings.sync_beat, box.clock, name="sync")
    except (ApplianceError, OSError):
        return False
    return True
