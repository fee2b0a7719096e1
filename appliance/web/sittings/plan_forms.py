"""Planning a sitting: the form, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from appliance.errors import BadInputError
from appliance.exams.timing import SittingTiming
from appliance.sittings.offers import HOUR_US, MOST_PLACES, Offer
from appliance.sittings.values import SittingPlan, StoredSitting
from appliance.web.language import lazy_gettext as _
from appliance.web.moments import MAX_CHARACTERS, typed_moment
from appliance.web.words import moment

if TYPE_CHECKING:
    from datetime import tzinfo

_MINUTE_US = 60_000_000
MAX_LEAD_MINUTES = 240
USUAL_LEAD_MINUTES = 15
MOST_CANCEL_HOURS = 720
USUAL_CANCEL_HOURS = 24


class PlanForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A sitting's plan. Times are of the zone the page shows."""

    name = StringField(_("Name"), [DataRequired(_("Give it a name.")), Length(max=255)])
    room = StringField(_("Room"), [DataRequired(_("Name the room.")), Length(max=255)])
    exams = SelectMultipleField(
        _("Exams"), [InputRequired(_("Choose at least one exam."))],
        option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False),
    )  # fmt: skip
    start = StringField(_("Planned start"), [DataRequired(_("Say when it starts.")), Length(max=MAX_CHARACTERS)])
    late_rule = RadioField(
        _("Who begins late"),
        choices=[
            ("full_time", _("Everybody has the full time from their own beginning")),
            ("common_end", _("Everybody ends together; who begins late loses the time")),
        ],
        default="full_time",
    )
    first_start = StringField(_("First start"), [Length(max=MAX_CHARACTERS)])
    last_start = StringField(_("Last start"), [Length(max=MAX_CHARACTERS)])
    lead_minutes = IntegerField(
        _("Cameras record before the start, in minutes"),
        [
            InputRequired(_("Give a number, 0 for none.")),
            NumberRange(0, MAX_LEAD_MINUTES, message=_("0 to 240 minutes.")),
        ],
        default=USUAL_LEAD_MINUTES,
    )
    places = IntegerField(
        _("Places that candidates may book themselves"),
        [InputRequired(_("Give a number, 0 for none.")), NumberRange(0, MOST_PLACES, message=_("0 to 2000."))],
        default=0,
    )
    cancel_hours = IntegerField(
        _("They may give it up until so many hours before"),
        [
            InputRequired(_("Give a number, 0 for none.")),
            NumberRange(0, MOST_CANCEL_HOURS, message=_("0 to 720 hours.")),
        ],
        default=USUAL_CANCEL_HOURS,
    )
    opening = RadioField(
        _("Who leads the sitting"),
        choices=[("people", _("People in the room")), ("automatic", _("The box itself, by the plan"))],
        default="people",
    )


def field_of(wall_us: int | None, zone: tzinfo) -> str:
    """Return a moment as a field for date and time takes it."""
    return "" if wall_us is None else moment(wall_us, zone).strftime("%Y-%m-%dT%H:%M")


def values_of(stored: StoredSitting, zone: tzinfo, offer: Offer | None = None) -> dict[str, Any]:
    """Return a plan as the form shows it, with what candidates may book of it."""
    sitting, timing = stored.sitting, stored.sitting.timing
    return {
        "name": sitting.name,
        "room": sitting.room,
        "exams": list(sitting.exams),
        "start": field_of(timing.start_us, zone),
        "late_rule": timing.late_rule,
        "first_start": field_of(timing.first_start_us, zone),
        "last_start": field_of(timing.last_start_us, zone),
        "lead_minutes": stored.lead_us // _MINUTE_US,
        "opening": sitting.opening,
        "places": 0 if offer is None else offer.places,
        "cancel_hours": USUAL_CANCEL_HOURS if offer is None else offer.cancel_lead_us // HOUR_US,
    }


def offer_in(form: PlanForm) -> Offer | None:
    """Return what a valid form lets candidates book; None: nothing."""
    places: int = form.places.data
    return Offer(places, form.cancel_hours.data * HOUR_US) if places else None


def plan_of(form: PlanForm, zone: tzinfo) -> SittingPlan:
    """Return the plan a valid form means.

    Raises:
        BadInputError: a time is none; the message begins with the field's name.
    """
    start = typed_moment(form.start.data, "start", zone)
    if start is None:
        raise BadInputError("start: it is missing.", hint="Say when it starts.")
    return SittingPlan(
        name=form.name.data.strip(),
        room=form.room.data.strip(),
        exams=tuple(form.exams.data),
        timing=SittingTiming(
            start_us=start,
            first_start_us=typed_moment(form.first_start.data or "", "first_start", zone),
            last_start_us=typed_moment(form.last_start.data or "", "last_start", zone),
            late_rule=form.late_rule.data,
        ),
        lead_us=form.lead_minutes.data * _MINUTE_US,
        opening=form.opening.data,
    )
