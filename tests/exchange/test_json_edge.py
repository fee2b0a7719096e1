"""JSON from outside is exact or refused, and the refusal says where."""

from __future__ import annotations

import json
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.json_edge import BODY, JsonError, JsonTooLargeError, Limits, depth_of, parse_json, parse_object
from tests.exchange.values import JSON_VALUES


@given(JSON_VALUES)
def test_json_comes_back_as_it_was_sent(value: object) -> None:
    """What a JSON library writes is read as the same value."""
    assert parse_json(json.dumps(value).encode(), Limits(size=10**6, depth=64)) == value


@given(st.binary(max_size=200))
def test_bytes_are_json_or_a_json_error(data: bytes) -> None:
    """No bytes raise anything but a JSON error; what is taken is what a JSON library reads."""
    try:
        value = parse_json(data)
    except JsonError:
        return
    assert value == json.loads(data)


@given(st.text(alphabet='"\\[]{},:0 \ud800', max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_structure_alone_never_breaks_the_reader(data: bytes) -> None:
    """Brackets, quotes and backslashes in any order are read or refused."""
    try:
        value = parse_json(data)
    except JsonError:
        return
    assert value == json.loads(data)


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        ('{"a":[1,{"b":NaN}]}', "a[1].b", "NaN is not a JSON number."),
        ('{"a":Infinity}', "a", "Infinity is not a JSON number."),
        ('{"a":-Infinity}', "a", "-Infinity is not a JSON number."),
        ('{"a":1e999}', "a", "is a number that is too long or too large."),
        ('{"a":' + "1" * 5000 + "}", "a", "is a whole number beyond 64 bits."),
        ('{"a":9223372036854775808}', "a", "is a whole number beyond 64 bits."),
        ('{"a":0.' + "1" * 5000 + "}", "a", "is a number that is too long or too large."),
        ('{"rules":{"x":1,"x":1}}', "rules", "the key x is given more than once."),
        ('{"name":"\\ud800"}', "name", "holds half of a surrogate pair, which is not Unicode."),
        ('{"\\udfff":1}', "body", "holds half of a surrogate pair, which is not Unicode."),
        ("{", "body", "is not JSON at line 1, column 2."),
        ('{"a":\n01}', "body", "is not JSON at line 2, column 2."),
        ("", "body", "is not JSON at line 1, column 1."),
        ("[1]", "body", "has to be a JSON object."),
        ("null", "body", "has to be a JSON object."),
    ],
)
def test_a_refusal_says_what_and_where(body: str, path: str, reason: str) -> None:
    """The place and the reason of what is wrong are named."""
    with pytest.raises(JsonError) as refused:
        parse_object(body.encode())
    assert (refused.value.path, refused.value.reason) == (path, reason)
    assert refused.value.status == 400


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    """The first byte that is not UTF-8 is named."""
    with pytest.raises(JsonError, match="not UTF-8 at byte 3"):
        parse_json(b'["\xff"]')


def test_whole_numbers_of_64_bits_and_pairs_of_surrogates_are_taken() -> None:
    """The largest and smallest numbers of a database and signs beyond the first plane come through."""
    assert parse_json(b'[9223372036854775807,-9223372036854775808,"\\ud83d\\ude00"]') == [2**63 - 1, -(2**63), "😀"]


def test_too_much_is_refused_before_it_is_read() -> None:
    """One byte more than the limit is refused although it is not even JSON."""
    with pytest.raises(JsonTooLargeError) as refused:
        parse_json(b"x" * (BODY.size + 1))
    assert refused.value.status == 413


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_too_deep_is_refused_at_any_length(opening: bytes) -> None:
    """As many brackets as fit are a refusal, not a stack that overflows."""
    with pytest.raises(JsonError, match="inside one another"):
        parse_json(opening * (BODY.size // len(opening)))


def test_depth_is_counted_outside_of_texts() -> None:
    """Brackets inside texts, also behind escaped quotes, do not count."""
    assert depth_of(rb'{"[[[\"[[[": [1, "]]]]{{{{"], "b": {}}') == 2
    assert parse_json(b"[" * BODY.depth + b"]" * BODY.depth) is not None
    with pytest.raises(JsonError, match="inside one another"):
        parse_json(b"[" * (BODY.depth + 1) + b"]" * (BODY.depth + 1))


@pytest.mark.parametrize("data", [b'["' + b'\\"' * 120_000, b'"' * 250_000, b"\\" * 250_000, b'"\\' * 120_000])
def test_depth_is_counted_in_linear_time(data: bytes) -> None:
    """No text without an end makes the count slow."""
    before = perf_counter()
    depth_of(data)
    assert perf_counter() - before < 2
