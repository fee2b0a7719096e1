"""Refusals told beside the field they are about, rather than above the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wtforms.validators import ValidationError

from appliance.errors import BadInputError
from appliance.web.language.problems import problem_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from wtforms import Field, Form

    from appliance.errors import ApplianceError


def beside_its_field(form: Form, problem: ApplianceError, otherwise: str = "") -> ApplianceError | None:
    """Put what was entered wrongly beside its field and return None; return a problem that has none.

    Args:
        form: the form that was sent; afterwards ``form.errors`` tells of it.
        problem: why it was refused; its message may begin with the field's name (``address: this is …``).
        otherwise: the field it is about where it names none; empty: it stays above the form.
    """
    name, colon, _rest = problem.message.partition(": ")
    named = bool(colon) and name in form
    about = name if named else otherwise
    if about not in form or not isinstance(problem, BadInputError):
        return problem
    form[about].errors = [_words(problem, named=named)]
    return None


def allowed_by(check: Callable[[str], object]) -> Callable[[Form, Field], None]:
    """Return a field's validator from a function that raises `BadInputError`."""

    def validate(_form: Form, field: Field) -> None:
        try:
            check(field.data or "")
        except BadInputError as problem:
            raise ValidationError(_words(problem, named=False)) from problem

    return validate


def _words(problem: BadInputError, *, named: bool) -> str:
    said = problem_words(problem.message)
    said = said.partition(": ")[2] if named else said
    return f"{said[:1].upper()}{said[1:]} {problem_words(problem.hint)}".strip()
