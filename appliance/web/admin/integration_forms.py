"""The forms of integrations; each carries its CSRF token."""

from __future__ import annotations

from typing import Final

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from appliance.clock import SECOND_US
from appliance.integrations.addresses import ADDRESS_NAMES, MAX_ADDRESS, Addresses
from appliance.web.language import lazy_gettext as _

_ADDRESS: Final = [Length(max=MAX_ADDRESS, message=_("At most 2,000 characters."))]
_HOUR_US: Final = 3600 * SECOND_US
OVERLAPS: Final = {
    "0": (0, _("end it now: somebody else may know it")),
    "1": (_HOUR_US, _("for one hour")),
    "24": (24 * _HOUR_US, _("for one day")),
    "168": (7 * 24 * _HOUR_US, _("for one week")),
}
"""How long the former secret stays good: value, microseconds, words."""


class AddressesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Where an LMS wants to be told."""

    review_url = StringField(_("Reviews"), _ADDRESS)
    schedule_url = StringField(_("Booked times"), _ADDRESS)
    warning_url = StringField(_("Warnings"), _ADDRESS)
    agreement_acceptance_url = StringField(_("Agreements"), _ADDRESS)
    version = HiddenField()

    def addresses(self) -> Addresses:
        """Return what was entered, not checked yet."""
        return Addresses(**{name: self[name].data or None for name in ADDRESS_NAMES})


class AddForm(AddressesForm):
    """A new integration."""

    name = StringField(
        _("Name"),
        [DataRequired(_("Enter a name.")), Length(max=80, message=_("At most 80 characters."))],
    )


class RotateForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A new secret."""

    overlap = SelectField(
        _("The former secret stays good"),
        choices=[SelectChoice(value, words) for value, (_us, words) in OVERLAPS.items()],
        default="24",
    )
