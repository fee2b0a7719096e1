"""The forms of legal holds; each carries its CSRF token."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, TextAreaField
from wtforms.validators import DataRequired, Length

from appliance.vault.holds import MAX_REASON_CHARACTERS
from appliance.web.language import lazy_gettext as _

_REASON = [
    DataRequired(_("Give a reason.")),
    Length(max=MAX_REASON_CHARACTERS, message=_("At most 500 characters.")),
]
ALL_CAMERAS = ""


class PlaceForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A new hold."""

    sitting = HiddenField(validators=[DataRequired(), Length(max=60)])
    camera = RadioField(_("What it keeps"), default=ALL_CAMERAS)
    reason = TextAreaField(_("Reason"), _REASON)


class ReleaseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The end of a hold."""

    reason = TextAreaField(_("Reason"), _REASON)
    sure = BooleanField(_("I know that this is deleted"))
