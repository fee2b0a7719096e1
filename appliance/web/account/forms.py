"""The account pages' forms; each carries its CSRF token."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from appliance.web.account.accounts import MAX_EMAIL
from appliance.web.account.passwords import MAX_LENGTH
from appliance.web.language import lazy_gettext as _

_NAME = Length(max=64, message=_("At most 64 characters."))
_PASSWORD = Length(max=MAX_LENGTH, message=_("At most 256 characters."))
_CODE = Length(max=60, message=_("At most 60 characters."))
_ADDRESS = Length(max=MAX_EMAIL, message=_("At most 254 characters."))


def _present_password() -> PasswordField:
    return PasswordField(
        _("Present password"), [DataRequired(_("Enter your present password.")), _PASSWORD], id="present"
    )


def _new_password() -> PasswordField:
    return PasswordField(_("New password"), [DataRequired(_("Choose a password.")), _PASSWORD])


def _again() -> PasswordField:
    return PasswordField(
        _("New password again"),
        [DataRequired(_("Enter the password again.")), EqualTo("password", _("The two differ."))],
    )


class FirstRunForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The administrator's account."""

    one_time = StringField(_("One-time password"), [DataRequired(_("Enter the one-time password.")), _PASSWORD])
    name = StringField(_("Your name"), [DataRequired(_("Choose a name to sign in with.")), _NAME])
    password = _new_password()
    again = _again()


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Name and password."""

    name = StringField(_("Name"), [DataRequired(_("Enter your name.")), _NAME])
    password = PasswordField(_("Password"), [DataRequired(_("Enter your password.")), _PASSWORD])
    next = HiddenField()


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A code of the app, or a recovery code."""

    code = StringField(_("Code"), [DataRequired(_("Enter the code.")), _CODE])


class NewPasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A password of one's own instead of one that somebody else chose."""

    password = _new_password()
    again = _again()


class ForgottenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Who wants a link."""

    identifier = StringField(_("Name or e-mail address"), [DataRequired(_("Enter your name or address.")), _ADDRESS])


class LinkForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The two fields behind an e-mailed link."""

    token = HiddenField()
    password = _new_password()
    again = _again()


class ResetCodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A new password with an administrator's one-time code."""

    name = StringField(_("Name"), [DataRequired(_("Enter your name.")), _NAME])
    code = StringField(_("One-time code"), [DataRequired(_("Enter the one-time code.")), _CODE])
    password = _new_password()
    again = _again()


class ChangePasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """One's own password."""

    present = _present_password()
    password = _new_password()
    again = _again()


class EmailForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """One's own address; empty takes it away."""

    email = StringField(_("E-mail address"), [_ADDRESS])
    present = _present_password()


class PresentPasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The password alone, before a second factor is set up."""

    present = _present_password()


class PasswordAndCodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Password and code, before a second factor or its recovery codes are replaced."""

    present = _present_password()
    code = StringField(_("Code of the app, or a recovery code"), [DataRequired(_("Enter the code.")), _CODE])
