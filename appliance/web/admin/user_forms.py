"""The forms of the users' pages; each carries its CSRF token."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from appliance.web.access import INVIGILATOR
from appliance.web.account.accounts import MAX_EMAIL, clean_email, clean_name
from appliance.web.account.passwords import MAX_LENGTH
from appliance.web.field_problems import allowed_by
from appliance.web.language import lazy_gettext as _

_ADDRESS = (Length(max=MAX_EMAIL, message=_("At most 254 characters.")), allowed_by(clean_email))


class AddUserForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A new person."""

    name = StringField(
        _("Name"),
        [
            DataRequired(_("Enter a name.")),
            Length(max=64, message=_("At most 64 characters.")),
            allowed_by(clean_name),
        ],
    )
    role = SelectField(_("Role"), default=INVIGILATOR)
    email = StringField(_("E-mail address"), _ADDRESS)
    how = RadioField(
        _("First password"),
        choices=[SelectChoice("code", _("One-time code")), SelectChoice("password", _("A password I type"))],
        default="code",
    )
    password = PasswordField(_("Password"), [Length(max=MAX_LENGTH, message=_("At most 256 characters."))])


class RoleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Another role."""

    role = SelectField(_("Role"))


class AddressForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Another e-mail address; empty takes it away."""

    email = StringField(_("E-mail address"), _ADDRESS)


class TestMailForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Where a test mail goes."""

    to = StringField(_("E-mail address"), [DataRequired(_("Enter an address.")), *_ADDRESS], id="mail-to")
