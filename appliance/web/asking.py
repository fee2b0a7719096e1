"""What JSON endpoints are asked and answer: parsed into typed values at the edge, and stated for the documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from flask import request

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

MAX_VALUES = 100
_MARK = "__exambox_speaks__"
_NOT_FIELDS = frozenset({"csrf_token"})
Asked = TypeVar("Asked", bound=msgspec.Struct)
View = TypeVar("View", bound=Callable[..., Any])


class FieldError(BadInputError):
    """One field of a form or query is missing or wrong; ``field`` names it."""

    code = "input.field"

    def __init__(self, field: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{field}: {reason}", hint=hint)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Speech:
    """What an endpoint is asked and answers, for the OpenAPI document.

    Attributes:
        query: what its address carries after the question mark.
        form: what a POST carries.
        answer: a type msgspec can describe (JSON), or a content type as text for everything else.
        status: the status of a good answer.
        errors: statuses of refusals beyond those every endpoint may give.
        also: status and type of answers that are neither the good one nor a problem.
    """

    query: type[msgspec.Struct] | None = None
    form: type[msgspec.Struct] | None = None
    answer: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()
    also: tuple[tuple[int, Any], ...] = ()


def speaks(
    *,
    answer: Any,
    query: type[msgspec.Struct] | None = None,
    form: type[msgspec.Struct] | None = None,
    status: int = 200,
    errors: tuple[int, ...] = (),
    also: tuple[tuple[int, Any], ...] = (),
) -> Callable[[View], View]:
    """State at an endpoint what it is asked and answers (`Speech`); `web/openapi.py` collects it."""

    def mark(view: View) -> View:
        setattr(view, _MARK, Speech(query, form, answer, status, errors, also))
        return view

    return mark


def speech_of(view: Callable[..., Any]) -> Speech | None:
    """Return what an endpoint states, or None where it states nothing."""
    found: Speech | None = getattr(view, _MARK, None)
    return found


def read_query(kind: type[Asked]) -> Asked:
    """Return the request's query as a typed value.

    Raises:
        FieldError: names the field that is missing, unknown, given twice or wrong.
    """
    return read_fields(kind, request.args)


def read_form(kind: type[Asked]) -> Asked:
    """Return the request's form as a typed value.

    Raises:
        FieldError: names the field that is missing, unknown, given twice or wrong.
    """
    return read_fields(kind, request.form)


def read_fields(kind: type[Asked], fields: MultiDict[str, str]) -> Asked:
    """Return fields of text as a typed value (pure).

    Numbers and truth values are read from their text; a field that is a list may be given several times;
    an empty text counts as not given where the field has a default.

    Raises:
        FieldError: names the field that is missing, unknown, given twice or wrong.
    """
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    raw: dict[str, Any] = {}
    for name, values in fields.lists():
        if name in _NOT_FIELDS:
            continue
        if name not in known:
            raise FieldError(name[:60], "is not known here.")
        field = known[name]
        if _is_list(field.type):
            if len(values) > MAX_VALUES:
                raise FieldError(name, f"is given more than {MAX_VALUES} times.")
            raw[name] = values
        elif len(values) > 1:
            raise FieldError(name, "is given more than once.")
        elif values[0] or field.required:
            raw[name] = values[0]
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise _field_error(str(problem)) from problem


def _is_list(kind: Any) -> bool:
    while hasattr(kind, "__metadata__"):  # Annotated says more about a type than which it is
        kind = kind.__origin__
    return getattr(kind, "__origin__", kind) in {list, tuple}


def _field_error(problem: str) -> FieldError:
    """Turn msgspec's words into ours: ``Expected `int` … - at `$.from_us``` names ``from_us``."""
    missing = re.search(r"missing required field `([^`]*)`", problem)
    if missing:
        return FieldError(missing[1], "is missing.")
    found = re.fullmatch(r"(?P<what>.*?) - at `\$\.?(?P<where>[^`]*)`", problem, re.DOTALL)
    what, where = (found["what"], found["where"]) if found else (problem, "")
    what = re.sub(r"`int`, got `str`", "a whole number", what).replace("`", "")
    return FieldError(re.sub(r"\[.*", "", where) or "input", f"{what[:1].lower()}{what[1:200]}.")
