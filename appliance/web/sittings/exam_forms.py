"""Forms of exams: one made by hand, and what the centre chooses for any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from appliance.exams.methods import Method
from appliance.sittings.values import ExamChoices
from appliance.web.language import lazy_gettext as _
from appliance.web.moments import MAX_CHARACTERS

if TYPE_CHECKING:
    from appliance.sittings.values import StoredExam

MAX_INSTRUCTIONS = 20_000
_AS_SENT = ""


class ChoicesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What the centre chooses beside what the LMS says."""

    method = SelectField(
        _("Method"),
        choices=[
            (_AS_SENT, _("As the LMS says")),
            ("full", _("Full: recorded and reviewed")),
            ("record_only", _("Record only")),
            ("practice", _("Practice: 20 minutes at most, not reviewed")),
            ("live", _("Live: watched and reviewed")),
        ],
    )
    requires_validation = SelectField(
        _("Result"),
        choices=[
            (_AS_SENT, _("As the LMS says")),
            ("yes", _("Waits until a person decides")),
            ("no", _("Does not wait")),
        ],
    )
    identification = SelectField(
        _("Identification"),
        choices=[
            (_AS_SENT, _("As the LMS says")),
            ("skip", _("Not asked")),
            ("passport", _("A document")),
            ("face", _("A photo of the face")),
            ("face_and_passport", _("A document and a photo of the face")),
        ],
    )
    instructions = TextAreaField(
        _("Instructions for candidates"), [Length(max=MAX_INSTRUCTIONS, message=_("At most 20,000 characters."))]
    )


class ExamForm(ChoicesForm):
    """An exam that is made on this box."""

    name = StringField(_("Name"), [DataRequired(_("Give it a name.")), Length(max=255)])
    course = StringField(_("Course"), [Length(max=255)])
    code = StringField(_("Code"), [Length(max=60)])
    duration = IntegerField(
        _("Duration in minutes"),
        [InputRequired(_("Give a number.")), NumberRange(1, 24 * 60, message=_("1 to 1440 minutes."))],
    )
    window_start = StringField(_("Window from"), [DataRequired(_("Say from when.")), Length(max=MAX_CHARACTERS)])
    window_end = StringField(_("Window until"), [DataRequired(_("Say until when.")), Length(max=MAX_CHARACTERS)])


def choices_of(form: ChoicesForm, *, instructions_sent: str = "") -> ExamChoices:
    """Return what a valid form chose; what is left as it was sent is no choice."""
    text = (form.instructions.data or "").replace("\r\n", "\n").strip()
    waits = form.requires_validation.data
    return ExamChoices(
        method=Method(form.method.data) if form.method.data else None,
        requires_validation=None if waits == _AS_SENT else waits == "yes",
        identification=form.identification.data or None,
        instructions=None if text == instructions_sent.strip() else text,
    )


def values_of(stored: StoredExam) -> dict[str, Any]:
    """Return the choices of an exam as the form shows them."""
    chosen = stored.choices
    waits = {None: _AS_SENT, True: "yes", False: "no"}[chosen.requires_validation]
    return {
        "method": chosen.method.value if chosen.method else _AS_SENT,
        "requires_validation": waits,
        "identification": chosen.identification or _AS_SENT,
        "instructions": stored.exam.instructions,
    }
