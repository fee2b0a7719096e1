"""Messages are read as they were written; what is wrong is named; nothing is taken beyond its size."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.exchange.centre.kinds import MAX_BODY
from appliance.exchange.centre.messages import (
    LARGE,
    MAX_ITEMS,
    SMALL,
    ClockWord,
    EnrolAnswer,
    EnrolRequest,
    MediaOffer,
    MessageError,
    PullRequest,
    PushRequest,
    Report,
    ReportAnswer,
    Segment,
    fitting,
    read_message,
    write_message,
)
from appliance.exchange.json_edge import JsonTooLargeError
from tests.exchange.centre.values import BOX, BOX_PUBLIC, EPOCH, HUB, HUB_PUBLIC, NOW_US, item
from tests.exchange.values import JSON_VALUES

DIGEST = "A" * 43
ENROL = EnrolRequest(
    code="ABCDEFGHJKMN",
    box=BOX,
    name="Room 7",
    public=BOX_PUBLIC.hex(),
    seal_public=BOX_PUBLIC.hex(),
    epoch=EPOCH,
    machine=DIGEST,
    version="0.1.0",
)
REPORT = Report(
    box=BOX,
    epoch=EPOCH,
    seq=17,
    machine=DIGEST,
    version="0.1.0",
    at_us=NOW_US,
    clock=ClockWord(trusted=True, offset_us=-5, bound_us=10),
)
MESSAGES: list[msgspec.Struct] = [
    ENROL,
    EnrolAnswer(
        hub=HUB, public=HUB_PUBLIC.hex(), seal_public=HUB_PUBLIC.hex(), centre="North", integrations=("moodle",)
    ),
    REPORT,
    ReportAnswer(at_us=NOW_US, epoch="restored", highest=20, wants_media=2),
    PullRequest(),
    PushRequest(items=(item(1), item(2))),
    MediaOffer(request="m1", sitting="s1", camera="c1", segments=(Segment(part=1, seq=0, sha256=DIGEST, size=900),)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_a_message_is_read_as_it_was_written(message: msgspec.Struct) -> None:
    """Writing and reading gives the same message, and keys that are not known are skipped."""
    written = write_message(message)
    assert read_message(type(message), written, LARGE) == message
    more = json.dumps({**json.loads(written), "of_a_newer_peer": [1, {"a": 2}]}).encode()
    assert read_message(type(message), more, LARGE) == message


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"box": "a:b"}, "box"),
        ({"box": "box\n"}, "box"),
        ({"box": ""}, "box"),
        ({"public": "00"}, "public"),
        ({"public": BOX_PUBLIC.hex().upper()}, "public"),
        ({"name": "x" * 256}, "name"),
        ({"code": "short"}, "code"),
        ({"epoch": 5}, "epoch"),
        ({"key_expires_us": -1}, "key_expires_us"),
        ({"key_expires_us": 2.5}, "key_expires_us"),
        ({"machine": DIGEST + "A"}, "machine"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    """The error says which field is wrong."""
    with pytest.raises(MessageError) as refused:
        read_message(EnrolRequest, json.dumps({**msgspec.to_builtins(ENROL), **change}).encode())
    assert refused.value.field == field
    assert refused.value.status == 400


def test_a_missing_field_is_named() -> None:
    """The error says which field is missing, in a batch too."""
    with pytest.raises(MessageError) as refused:
        read_message(EnrolRequest, b"{}")
    assert refused.value.field == "code"
    with pytest.raises(MessageError) as refused:
        read_message(PushRequest, b'{"items":[{}]}')
    assert (refused.value.field, refused.value.reason) == ("items[0].key", "is missing.")


def test_a_place_in_a_list_is_named() -> None:
    """The error says which item of a batch is wrong."""
    batch = msgspec.to_builtins(PushRequest(items=(item(1), item(2))))
    batch["items"][1]["sha256"] = "short"
    with pytest.raises(MessageError) as refused:
        read_message(PushRequest, json.dumps(batch).encode(), LARGE)
    assert refused.value.field == "items[1].sha256"


def test_what_is_too_much_is_refused() -> None:
    """A batch of too many items, an empty one, and a message of too many bytes are refused."""
    for count in (0, MAX_ITEMS + 1):
        batch = {"items": [msgspec.to_builtins(item(1))] * count}
        with pytest.raises(MessageError) as refused:
            read_message(PushRequest, json.dumps(batch).encode(), LARGE)
        assert refused.value.field == "items"
    with pytest.raises(JsonTooLargeError):
        read_message(PullRequest, b" " * (SMALL.size + 1))


@given(st.sampled_from(MESSAGES), st.data())
def test_no_json_is_more_than_refused(message: msgspec.Struct, data: st.DataObject) -> None:
    """Whatever stands in a field, the message is read or refused, and what is read can be written and read again."""
    raw = msgspec.to_builtins(message)
    raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(JSON_VALUES)
    with contextlib.suppress(BadInputError):
        found = read_message(type(message), json.dumps(raw).encode(), LARGE)
        assert read_message(type(message), write_message(found), LARGE) == found


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(data: bytes) -> None:
    """Any bytes are refused as input, never with another error."""
    with pytest.raises(BadInputError):
        read_message(EnrolRequest, data)


@given(st.lists(st.integers(0, 30_000), max_size=12), st.integers(1, 8), st.integers(10_000, 100_000))
def test_what_fits_one_message_is_as_much_as_it_takes(lengths: list[int], most: int, size: int) -> None:
    """A batch is within count and size, and one more would not be; one that is too large alone goes alone."""
    items = [item(seq + 1, '{"a":"' + "ü" * length + '"}') for seq, length in enumerate(lengths)]
    count = fitting(items, most=most, size=size)
    assert count <= min(most, len(items))
    assert count >= min(1, len(items))
    if count > 1:
        assert len(write_message(PushRequest(items=tuple(items[:count])))) <= size
    if count < min(most, len(items)):
        assert len(write_message(PushRequest(items=tuple(items[: count + 1])))) > size - 5000


def test_the_largest_item_and_change_fit_one_message() -> None:
    """Nothing that may be made is too large to be sent."""
    worst = '{"a":"' + '\\"' * ((MAX_BODY - 8) // 2) + '"}'
    assert len(write_message(PushRequest(items=(item(1, worst),)))) < LARGE.size - 4096
    read_message(PushRequest, write_message(PushRequest(items=(item(1, worst),))), LARGE)
