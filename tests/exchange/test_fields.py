"""Single values are taken or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from appliance.exchange import fields
from appliance.exchange.enums import Proctoring
from appliance.exchange.fields import Identifier, WrongValueError
from tests.exchange.values import JSON_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: list[Callable[[Any], object]] = [
    fields.flag,
    fields.whole(1, 10),
    fields.number(0, 10),
    fields.text(5),
    fields.optional_text(5),
    fields.texts(5),
    fields.identifier(5),
    fields.identifier(5, empty=True),
    fields.url,
    fields.required_url,
    fields.language,
    fields.moment,
    fields.one_of(Proctoring),
]


@given(JSON_VALUES)
def test_any_json_is_a_value_or_a_wrong_value(value: Any) -> None:
    """No reader raises anything but a wrong value, and that has a reason."""
    for read in READERS:
        try:
            read(value)
        except WrongValueError as problem:
            reason = problem.reason
        else:
            continue
        assert reason.endswith(".")


@pytest.mark.parametrize(
    "address",
    ["http://lms/quiz", "https://lms.example:8443/a?b=c&d[]=é#f", "HTTPS://LMS.EXAMPLE", "http://[::1]/x",
     "https://пример.рф/", "http://10.0.0.1/pluginfile.php/5/user/icon/boost/f1?rev=17"],
)  # fmt: skip
def test_addresses_of_http_are_taken(address: str) -> None:
    """Ports, queries, international names and IP addresses are no reason to refuse."""
    assert fields.url(address) == address


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "ftp://x/", "file:///etc/passwd", "//host/x", "/path", "lms.example",
     "https://", "http:///x", "https://a b/", "https://a/\n", "https://a\\@b/", "http://[::1/x", "http://x:99999/",
     "http://x:y/", "https://a/\"><script>", "\x00https://a/", " https://a/", "https://" + "a" * 2048],
)  # fmt: skip
def test_other_addresses_are_refused(address: str) -> None:
    """Other schemes, missing hosts, blanks, backslashes, quotes and endless ones are refused."""
    with pytest.raises(WrongValueError):
        fields.url(address)


def test_an_empty_address_is_none() -> None:
    """A client's empty form field is no address, and not good enough where one is needed."""
    assert fields.url("") is None
    with pytest.raises(WrongValueError, match="empty"):
        fields.required_url("")


@pytest.mark.parametrize("tag", ["en", "de-ch", "zh-cn", "zh_CN", "kk", "zh-Hant-TW"])
def test_languages_are_kept_as_sent(tag: str) -> None:
    """Tags of one and more parts are taken."""
    assert fields.language(tag) == tag


@pytest.mark.parametrize("tag", ["e", "english language", "../de", "de-", "1", "en;q=1"])
def test_what_is_no_language_is_refused(tag: str) -> None:
    """Anything that is not of the form of a tag is refused."""
    with pytest.raises(WrongValueError, match="ISO 639-1"):
        fields.language(tag)


def test_an_identifier_is_compared_as_text_and_answered_as_sent() -> None:
    """Seven and "7" are one thing under two spellings; true, fractions and huge numbers are none."""
    read = fields.identifier(255)
    assert read(7) == Identifier("7", 7)
    assert read("7") == Identifier("7", "7")
    for wrong in (True, 1.5, None, [], {}, 2**63, "x" * 256, "a\0b", ""):
        with pytest.raises(WrongValueError):
            read(wrong)


@pytest.mark.parametrize("value", [0, 11, 1.5, "5", True, None, float("nan"), float("inf")])
def test_numbers_outside_or_of_another_type_are_refused(value: Any) -> None:
    """A number is neither a text, nor true, nor infinite, nor outside its range."""
    with pytest.raises(WrongValueError):
        fields.whole(1, 10)(value)
    assert fields.whole(1, 10)(5.0) == 5


def test_a_list_names_the_entry_that_is_wrong() -> None:
    """The place inside a list is part of the problem."""
    with pytest.raises(WrongValueError) as refused:
        fields.texts(10)(["a", 5])
    assert refused.value.where == "[1]"
    with pytest.raises(WrongValueError, match="more than 1000"):
        fields.texts(10)([""] * 1001)
