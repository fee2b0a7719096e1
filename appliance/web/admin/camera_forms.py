"""The forms of the cameras' pages; each carries its CSRF token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from appliance.cameras.model import SHORT_RETENTION_HOURS
from appliance.web.admin.camera_input import PATTERNS
from appliance.web.field_problems import beside_its_field
from appliance.web.language import lazy_gettext as _

if TYPE_CHECKING:
    from appliance.cameras.model import Camera
    from appliance.errors import ApplianceError

FIELD_OF: Final = {"rtsp": "address", "v4l2": "device", "picamera": "number", "file": "film", "pattern": "size"}
"""The field of the connection's form that says where a camera of a kind is."""
MAX_HOURS = 24 * 366 * 5
MAX_NAME = 200
MAX_USER = 200
MAX_PASSWORD = 500
MAX_ADDRESS = 1000
MAX_MASK_TEXT = 24_000
_NAME = [DataRequired(_("Enter a name.")), Length(max=MAX_NAME, message=_("At most 200 characters."))]
_LONG = Length(max=MAX_ADDRESS, message=_("At most 1000 characters."))
_USER = Length(max=MAX_USER, message=_("At most 200 characters."))
_PASSWORD = Length(max=MAX_PASSWORD, message=_("At most 500 characters."))


class ConnectionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Where a camera is: one field a kind, and who signs in."""

    kind = RadioField(
        _("What kind of camera is it?"),
        choices=[
            SelectChoice("rtsp", _("Network camera")),
            SelectChoice("v4l2", _("USB camera")),
            SelectChoice("picamera", _("Raspberry Pi camera")),
            SelectChoice("file", _("Video file")),
            SelectChoice("pattern", _("Test picture")),
        ],
        default="rtsp",
    )
    address = StringField(_("Address"), [_LONG])
    user = StringField(_("User at the camera"), [_USER])
    password = PasswordField(_("Password at the camera"), [_PASSWORD])
    device = SelectField(_("USB camera"), validate_choice=False)
    number = StringField(_("Number of the camera"), [Length(max=2)], default="0")
    film = StringField(_("Path of the file on the box"), [_LONG])
    size = SelectField(_("Size and pictures a second"), choices=list(PATTERNS), default=PATTERNS[0])
    trial = HiddenField(validators=[Length(max=64)])
    version = HiddenField(validators=[Length(max=24)])

    def offer(self, devices: list[tuple[str, str]]) -> None:
        """Offer the USB cameras that are plugged in, and what was chosen before."""
        names = [name for name, _words in devices]
        chosen = self.device.data
        if chosen and chosen not in names:
            devices = [*devices, (chosen, chosen)]
        self.device.choices = [SelectChoice(name, words) for name, words in devices]

    def entered(self) -> tuple[str, str]:
        """Return the kind and what stands in its field."""
        kind = str(self.kind.data or "")
        return kind, str(self[FIELD_OF[kind]].data or "") if kind in FIELD_OF else ""

    def refused(self, problem: ApplianceError) -> ApplianceError | None:
        """Show what is wrong with the connection beside its field; return what is to stand above the form."""
        kind, chosen = self.entered()
        # Where no USB camera is plugged in there is no field to choose one.
        shown = kind in FIELD_OF and (bool(chosen) or kind != "v4l2")
        return beside_its_field(self, problem, FIELD_OF[kind] if shown else "")

    def hide_secrets(self) -> None:
        """Show no password again, nor an address that holds one or may hold one."""
        self.password.data = None
        if "@" in (self.address.data or ""):
            self.address.data = ""

    def show(self, kind: str, address: str, user: str) -> None:
        """Fill in where a camera is; never a password."""
        self.kind.data, self.user.data = kind, user
        self[FIELD_OF[kind]].data = address
        if kind == "pattern" and address not in PATTERNS:
            self.size.choices = [*PATTERNS, address]


class NewCameraForm(ConnectionForm):
    """A new camera: its name first, which makes its id."""

    name = StringField(_("Name"), _NAME)


class SettingsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What a camera is for and how long its recordings are kept."""

    name = StringField(_("Name"), _NAME)
    role = SelectField(
        _("What it sees"),
        choices=[
            SelectChoice("room", _("Room camera: the whole room")),
            SelectChoice("auxiliary", _("Auxiliary camera: a part, such as a desk or the door")),
        ],
    )
    purpose = StringField(
        _("Purpose"), [DataRequired(_("Enter a purpose.")), Length(max=200, message=_("At most 200 characters."))]
    )
    lawful_basis = StringField(
        _("Lawful basis"),
        [DataRequired(_("Enter the lawful basis.")), Length(max=200, message=_("At most 200 characters."))],
    )
    retention_hours = IntegerField(
        _("Keep recordings for (hours)"),
        [InputRequired(_("Enter a number of hours.")), NumberRange(1, MAX_HOURS, _("Between 1 hour and 5 years."))],
    )
    retention_reason = TextAreaField(
        _("Why longer than 72 hours"), [Length(max=500, message=_("At most 500 characters."))]
    )
    audio = BooleanField(_("Record sound"))
    version = HiddenField(validators=[Length(max=24)])

    def validate_retention_reason(self, field: Any) -> None:
        """More than the short time needs a reason in writing."""
        hours = self.retention_hours.data
        if isinstance(hours, int) and hours > SHORT_RETENTION_HOURS and not (field.data or "").strip():
            from wtforms.validators import ValidationError  # noqa: PLC0415  only where it is raised

            raise ValidationError(str(_("Keeping recordings for longer than 72 hours needs a written reason.")))

    def values(self) -> dict[str, Any]:
        """Return the camera's fields as entered."""
        return {
            "name": self.name.data.strip(),
            "role": self.role.data,
            "purpose": self.purpose.data.strip(),
            "lawful_basis": self.lawful_basis.data.strip(),
            "retention_hours": self.retention_hours.data,
            "retention_reason": (self.retention_reason.data or "").strip(),
            "audio": bool(self.audio.data),
        }

    @classmethod
    def of(cls, camera: Camera, version: int | None = None) -> SettingsForm:
        """Return the form as it stands with a camera's settings, unless one was sent."""
        return cls(obj=camera, version=str(version or ""))


class MaskForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Masked areas, one a line: ``x,y x,y x,y`` in 0..1 of the picture."""

    masks = TextAreaField(
        _("Corners of the masked areas"), [Length(max=MAX_MASK_TEXT, message=_("This is more than any areas need."))]
    )
    version = HiddenField(validators=[Length(max=24)])

    def lines(self) -> list[str]:
        """Return the areas that were written."""
        return [line.strip() for line in (self.masks.data or "").splitlines() if line.strip()]


def version_of(text: str | None) -> int | None:
    """Return the version a form began with; nothing where it says none that can be one."""
    return int(text) if text and text.isascii() and text.isdecimal() else None


class FindForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The button that looks for cameras."""


class DeviceForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """An ONVIF device that was found, and who signs in there."""

    host = HiddenField(validators=[Length(max=45)])
    port = HiddenField(validators=[Length(max=5)])
    tls = HiddenField(validators=[Length(max=1)])
    name = StringField(_("Name"), _NAME)
    user = StringField(_("User at the camera"), [_USER])
    password = PasswordField(_("Password at the camera"), [_PASSWORD])


class StreamForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Which of a device's streams is recorded."""

    stream = RadioField(_("Stream"), validate_choice=False)
