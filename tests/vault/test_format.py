from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError, IntegrityError
from appliance.vault.format import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    NO_KEY,
    NO_OFFSET,
    Flag,
    GapReason,
    Header,
    Kind,
    chain_next,
    chain_start,
    check_name,
    decode_body,
    encode_body,
    parse_header,
)

SIGNED = st.integers(min_value=-(2**63), max_value=2**63 - 1)
UNSIGNED = st.integers(min_value=0, max_value=2**64 - 1)
SHORT = st.integers(min_value=0, max_value=2**32 - 1)
HEADERS = st.builds(
    Header,
    kind=st.sampled_from(Kind),
    seq=UNSIGNED,
    start_us=SIGNED,
    duration_us=UNSIGNED,
    part_tag=st.binary(min_size=8, max_size=8),
    length=SHORT,
    flags=st.sampled_from([Flag.NONE, Flag.KEYFRAME, Flag.DISCONTINUITY, Flag.KEYFRAME | Flag.DISCONTINUITY]),
    reason=st.integers(min_value=0, max_value=2**16 - 1),
    media_us=SIGNED,
    key_us=SIGNED,
    key_offset=SHORT,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(HEADERS)
def test_header_round_trip(header: Header) -> None:
    """Every header packs to 64 bytes that read back as the same header."""
    raw = header.pack()
    assert len(raw) == HEADER_BYTES
    assert parse_header(raw) == header


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES) | HEADERS.map(Header.pack), st.data())
def test_header_from_outside_is_exact_or_refused(raw: bytes, data: st.DataObject) -> None:
    """Whatever 64 bytes say, they are refused, or packing what was read gives the same bytes again."""
    at = data.draw(st.integers(min_value=0, max_value=HEADER_BYTES - 1))
    changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(min_value=0, max_value=255))]) + raw[at + 1 :]
    try:
        header = parse_header(changed)
    except IntegrityError:
        assert changed[:4] != b"EXR1" or changed[4] > 3 or changed[5] > 3
    else:
        assert header.pack() == changed


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_header_of_another_length_is_refused(length: int) -> None:
    """A header has 64 bytes."""
    with pytest.raises(IntegrityError, match="64"):
        parse_header(bytes(length))


def test_header_lies_where_the_document_says() -> None:
    """The offsets of the format's table are those of the bytes."""
    raw = Header(
        kind=Kind.GAP,
        seq=0x0102030405060708,
        start_us=-2,
        duration_us=0x1112131415161718,
        part_tag=b"part tag",
        length=0x21222324,
        flags=Flag.DISCONTINUITY,
        reason=GapReason.FLOOD,
        media_us=-3,
        key_us=NO_KEY,
        key_offset=NO_OFFSET,
    ).pack()
    assert raw.hex(" ") == (
        "45 58 52 31 02 02 00 0a 01 02 03 04 05 06 07 08 ff ff ff ff ff ff ff fe 11 12 13 14 15 16 17 18 "
        "ff ff ff ff ff ff ff fd ff ff ff ff ff ff ff ff ff ff ff ff 21 22 23 24 70 61 72 74 20 74 61 67"
    )


@given(header=st.binary(max_size=64), data=st.binary(max_size=64), at=st.integers(min_value=0, max_value=127))
def test_chain_depends_on_every_byte(header: bytes, data: bytes, at: int) -> None:
    """A changed byte in header or data gives another chain value; so does what stood before."""
    start = chain_start(b"manifest")
    value = chain_next(start, header, data)
    assert chain_next(chain_start(b"manifesT"), header, data) != value
    joined = bytearray(header + data)
    if joined:
        joined[at % len(joined)] ^= 1
        assert chain_next(start, bytes(joined[: len(header)]), bytes(joined[len(header) :])) != value


@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=5))
def test_body_round_trip(value: dict[str, object]) -> None:
    """A body is canonical: reading and writing it again gives the same bytes."""
    try:
        raw = encode_body(value)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    again = decode_body(raw, "body")
    assert again == value
    assert encode_body(again) == raw
    assert json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == raw


@pytest.mark.parametrize("value", [{"a": 1.5}, {"a": [1, {"b": 2.0}]}, {"a": float("nan")}])
def test_floating_point_is_a_mistake(value: dict[str, object]) -> None:
    """Bodies hold no floating-point numbers, however deep."""
    with pytest.raises(TypeError):
        encode_body(value)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' + b" " * MAX_BODY_BYTES + b"1}"]
)
def test_body_that_is_no_object_is_refused(raw: bytes) -> None:
    """What is too long, too deep, no JSON or no object gives an error that names what it was to be."""
    with pytest.raises(IntegrityError, match="manifest"):
        decode_body(raw, "manifest")


@given(st.text(max_size=80))
def test_names_are_safe_in_paths(name: str) -> None:
    """A name that passes is its own last path component, in small letters, digits and hyphens."""
    try:
        check_name(name, "Sitting")
    except BadInputError:
        assert not re.fullmatch("[a-z0-9][a-z0-9-]{0,59}", name)
    else:
        assert 0 < len(name) <= 60
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not name.startswith("-")


def test_every_gap_reason_has_words() -> None:
    """Whatever reason a gap has, a person is told in words, each in its own."""
    words = [reason.words for reason in GapReason]
    assert len(set(words)) == len(words) == 10
