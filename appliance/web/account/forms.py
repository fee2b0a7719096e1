"""The account pages' forms; each carries its CSRF token."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from appliance.web.account.passwords import MAX_LENGTH

_NAME = Length(max=64, message="At most 64 characters.")
_PASSWORD = Length(max=MAX_LENGTH, message=f"At most {MAX_LENGTH} characters.")


class FirstRunForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The administrator's account."""

    one_time = StringField("One-time password", [DataRequired("Enter the one-time password."), _PASSWORD])
    name = StringField("Your name", [DataRequired("Choose a name to sign in with."), _NAME])
    password = PasswordField("New password", [DataRequired("Choose a password."), _PASSWORD])
    again = PasswordField(
        "New password again", [DataRequired("Enter the password again."), EqualTo("password", "The two differ.")]
    )


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Name and password."""

    name = StringField("Name", [DataRequired("Enter your name."), _NAME])
    password = PasswordField("Password", [DataRequired("Enter your password."), _PASSWORD])
    next = HiddenField()
