"""Forms and queries are parsed into typed values, and every mistake names its field."""

from __future__ import annotations

import contextlib
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from appliance.web.asking import MAX_VALUES, FieldError, read_fields, speaks, speech_of


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form with a field of each sort."""

    at_us: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    note: Annotated[str, msgspec.Meta(max_length=20)] = ""
    cameras: Annotated[list[str], msgspec.Meta(max_length=200)] = []
    held: bool = False


def test_fields_become_typed_values() -> None:
    """Numbers, truth values and lists are read from their text; the form's token is not a field."""
    fields = MultiDict([("at_us", "12"), ("held", "true"), ("cameras", "a"), ("cameras", "b"), ("csrf_token", "x")])
    assert read_fields(Asked, fields) == Asked(at_us=12, cameras=["a", "b"], held=True)


def test_an_empty_text_is_not_given() -> None:
    """A form sends every field it has: an empty one takes its default."""
    assert read_fields(Asked, MultiDict([("at_us", "1"), ("held", "")])).held is False


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ([], "at_us"),
        ([("at_us", "soon")], "at_us"),
        ([("at_us", "")], "at_us"),
        ([("at_us", "-1")], "at_us"),
        ([("at_us", str(2**80))], "at_us"),
        ([("at_us", "1"), ("at_us", "2")], "at_us"),
        ([("at_us", "1"), ("note", "x" * 21)], "note"),
        ([("at_us", "1"), ("role", "administrator")], "role"),
        ([("at_us", "1"), *[("cameras", "a")] * (MAX_VALUES + 1)], "cameras"),
    ],
)
def test_a_mistake_names_its_field(fields: list[tuple[str, str]], field: str) -> None:
    """Missing, wrong, doubled, unknown and too many values are refused with the field's name."""
    with pytest.raises(FieldError) as caught:
        read_fields(Asked, MultiDict(fields))
    assert caught.value.field == field
    assert caught.value.status == 422


@given(st.lists(st.tuples(st.text(max_size=10) | st.sampled_from(["at_us", "note", "held"]), st.text(max_size=30))))
def test_whatever_is_sent_is_read_or_refused(fields: list[tuple[str, str]]) -> None:
    """No form makes the reader fail in another way than by naming a field."""
    with contextlib.suppress(FieldError):
        assert read_fields(Asked, MultiDict(fields)).at_us >= 0


def test_an_endpoint_states_what_it_speaks() -> None:
    """What is stated can be read again; a view without it states nothing."""

    @speaks(answer=int, query=Asked, errors=(409,))
    def view() -> None:
        """Do nothing."""

    stated = speech_of(view)
    assert stated is not None
    assert (stated.answer, stated.query, stated.errors) == (int, Asked, (409,))
    assert speech_of(lambda: None) is None
