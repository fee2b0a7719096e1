"""A change is taken as its hub signed it, whichever way it came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.errors import BadInputError
from appliance.exchange.centre.changes import Change, ChangeError, check_change, sign_change, signed_bytes
from appliance.exchange.centre.kinds import MAX_BODY
from appliance.exchange.centre.messages import LARGE, PullAnswer, read_message, write_message
from appliance.exchange.json_edge import JsonError
from tests.exchange.centre.values import BOX_PUBLIC, HUB, HUB_KEY, HUB_PUBLIC, NOW_US, change
from tests.exchange.values import JSON_VALUES, TEXTS


@given(st.dictionaries(TEXTS, JSON_VALUES, max_size=4))
def test_any_content_comes_through_as_it_was(body: dict[str, Any]) -> None:
    """Whatever a body holds, floats too, it is what was signed after a way over the wire."""
    sent = change(body=body)
    (found,) = read_message(PullAnswer, write_message(PullAnswer(changes=(sent,))), LARGE).changes
    assert check_change(found, HUB_PUBLIC) == sent
    assert found.content() == body


@pytest.mark.parametrize(
    "words",
    [
        {"hub": "hub:south"},
        {"kind": "roster"},
        {"id": "e2"},
        {"version": 2},
        {"deleted": True},
        {"at_us": NOW_US + 1},
        {"sitting": "s1"},
        {"body": '{"name":"Ñandú","weight":1.50}'},
        {"signature": "A" * 86},
    ],
)
def test_no_field_can_be_changed(words: dict[str, Any]) -> None:
    """Each field is signed."""
    assert set(Change.__struct_fields__) == {
        "hub", "kind", "id", "version", "deleted", "at_us", "sitting", "body", "signature",
    }  # fmt: skip
    with pytest.raises(ChangeError):
        check_change(replace(change(), **words), HUB_PUBLIC)


def test_another_key_is_not_the_hubs() -> None:
    """A change is refused with another hub's key."""
    with pytest.raises(ChangeError, match="exam e1"):
        check_change(change(), BOX_PUBLIC)


def test_a_thing_that_is_gone_has_no_body() -> None:
    """Without a body a change says that the thing is gone."""
    gone = check_change(change(body=None), HUB_PUBLIC)
    assert gone.deleted
    assert gone.content() == {}


def test_a_digest_names_what_was_signed() -> None:
    """Two changes have one digest if they say the same, and another if they differ."""
    assert change().digest == change().digest
    assert len({change().digest, change(version=2).digest, change(body={}).digest, change(body=None).digest}) == 4


def test_the_signed_bytes_are_as_documented() -> None:
    """What is signed is a line that says what it is, and canonical JSON, so that others can make it."""
    assert (
        signed_bytes(change(body={"b": 1.5, "a": "ü"}))
        == (
            'exambox/1 change\n{"at_us":1800000000123456,"body":"{\\"b\\":1.5,\\"a\\":\\"ü\\"}","deleted":false,'
            '"hub":"hub:north","id":"e1","kind":"exam","sitting":"","version":1}'
        ).encode()
    )


def test_a_body_that_cannot_be_read_is_refused_even_if_signed() -> None:
    """A hub's signature does not make a key given twice, or no object, into content."""
    for body in ('{"a":1,"a":2}', "[1]", "{nonsense}"):
        unsigned = replace(change(), body=body)
        forged = replace(unsigned, signature=_signature(unsigned))
        with pytest.raises(JsonError):
            check_change(forged, HUB_PUBLIC)


def test_a_body_that_is_too_long_is_not_signed() -> None:
    """Too much for one change is refused where it is made, with what to do."""
    with pytest.raises(BadInputError) as refused:
        sign_change(HUB_KEY, hub=HUB, kind="roster", id="s1", version=1, at_us=NOW_US, body={"a": "x" * MAX_BODY})
    assert "roster" in refused.value.message
    assert refused.value.hint


def test_a_newer_hub_may_say_more() -> None:
    """Keys that are not known are skipped, and the signature is right all the same."""
    raw = {**msgspec.to_builtins(change()), "colour": "blue"}
    assert check_change(msgspec.convert(raw, Change), HUB_PUBLIC) == change()


def _signature(unsigned: Change) -> str:
    from jwt.utils import base64url_encode

    return base64url_encode(HUB_KEY.sign(signed_bytes(unsigned))).decode()
