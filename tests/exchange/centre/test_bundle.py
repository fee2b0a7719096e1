"""A file of a stick is what its sender sealed for us, or refused with what is wrong with it."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hpke
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.exchange.centre import bundle
from appliance.exchange.centre.bundle import Bundle, BundleError, open_bundle, read_header, seal_bundle
from tests.exchange.centre.values import (
    BOX,
    BOX_KEY,
    BOX_PUBLIC,
    HUB,
    HUB_KEY,
    HUB_PUBLIC,
    NOW_US,
    STRANGER,
    change,
    grant,
    granted,
    item,
    sealing,
)

BOX_SEAL, HUB_SEAL = sealing("box"), sealing("hub")
CHANGES = (change(), change("roster", "s1", 4, sitting="s1", body=None), granted(grant()))
ITEMS = tuple(item(seq) for seq in range(1, 40))
NUMBER = bytes(range(16))
SIGNERS = {HUB: HUB_PUBLIC, BOX: BOX_PUBLIC}


def to_box(content: Any = CHANGES, **words: Any) -> bytes:
    """Return a file of the hub for the box."""
    values = {
        "kind": "changes",
        "private": HUB_KEY,
        "sender": HUB,
        "recipient": BOX,
        "recipient_public": BOX_SEAL.public_key().public_bytes_raw(),
        "created_us": NOW_US,
        "random": NUMBER,
    }
    return seal_bundle(content, **{**values, **words})


def to_hub() -> bytes:
    """Return a file of the box for the hub."""
    public = HUB_SEAL.public_key().public_bytes_raw()
    return to_box(ITEMS, kind="items", private=BOX_KEY, sender=BOX, recipient=HUB, recipient_public=public)


def opened(data: bytes, **words: Any) -> Bundle:
    """Open a file on the box."""
    return open_bundle(data, **{"me": BOX, "private": BOX_SEAL, "signers": SIGNERS, **words})


def reason(data: bytes, **words: Any) -> str:
    """Return why the box refuses a file."""
    with pytest.raises(BundleError) as refused:
        opened(data, **words)
    return refused.value.reason


FILE = to_box()


def test_both_ways_bring_what_was_sealed() -> None:
    """Changes reach the box and items the hub as they were."""
    found = opened(FILE)
    assert (found.changes, found.items) == (CHANGES, ())
    assert (found.header.kind, found.header.sender, found.header.count) == ("changes", HUB, 3)
    back = open_bundle(to_hub(), me=HUB, private=HUB_SEAL, signers=SIGNERS)
    assert (back.changes, back.items) == ((), ITEMS)


def test_the_header_is_read_without_a_key() -> None:
    """Who wrote a file, for whom, when and how much is in it can be shown to anybody who has it."""
    header = read_header(FILE)
    assert (header.number, header.recipient, header.created_us) == (NUMBER.hex(), BOX, NOW_US)
    assert header.recipient_public == BOX_SEAL.public_key().public_bytes_raw().hex()


def test_what_is_inside_is_not_readable() -> None:
    """Names of people and of exams are nowhere in the file in clear."""
    assert b"weight" in change().body.encode()
    assert b"weight" not in FILE
    assert b"roster" not in FILE


def resigned(data: bytes, private: Any = HUB_KEY) -> bytes:
    """Return a file with its signature made anew, as whoever has the key can."""
    signature: bytes = private.sign(b"exambox/1 bundle\n" + data[:-64])
    return data[:-64] + signature


def with_header(change_header: Any) -> bytes:
    """Return a rightly signed file whose header was changed after it was sealed."""
    start = len(b"EXAMBOX-STICK/1\n")
    length = int.from_bytes(FILE[start : start + 4])
    header = change_header(FILE[start + 4 : start + 4 + length])
    return resigned(FILE[:start] + len(header).to_bytes(4) + header + FILE[start + 4 + length :])


@pytest.mark.parametrize(
    ("data", "words", "why"),
    [
        (b"PK\x03\x04 something else", {}, "not_a_bundle"),
        (b"EXAMBOX-STICK/2\n" + FILE[16:], {}, "version"),
        (b"", {}, "cut"),
        (FILE[:10], {}, "cut"),
        (FILE[:18], {}, "cut"),
        (FILE[:-1], {}, "cut"),
        (FILE + b"\0", {}, "trailing"),
        (with_header(lambda header: b"{}"), {}, "header"),
        (with_header(lambda header: b"nonsense"), {}, "header"),
        (FILE, {"me": "box-2"}, "recipient"),
        (to_box(sender="hub:south"), {}, "sender"),
        (to_box(private=STRANGER), {}, "signature"),
        (FILE, {"signers": {HUB: BOX_PUBLIC}}, "signature"),
        (FILE, {"private": HUB_SEAL}, "sealed"),
        (with_header(lambda header: header.replace(b'"count":3', b'"count":4')), {}, "sealed"),
        (to_box(kind="items", content=CHANGES), {}, "content"),
        (to_box(content=[{"kind": "exam"}]), {}, "content"),
    ],
)
def test_each_way_to_be_wrong_has_its_word(data: bytes, words: dict[str, Any], why: str) -> None:
    """A file that is cut, foreign, for another, of a stranger, changed or nonsense says which of these it is."""
    assert reason(data, **words) == why


def by_hand(plain: bytes, *, kind: str = "changes", count: int = 1) -> bytes:
    """Return a file made by its description alone, as another central service makes it."""
    public = BOX_SEAL.public_key()
    header = json.dumps(
        {
            "kind": kind,
            "number": NUMBER.hex(),
            "sender": HUB,
            "recipient": BOX,
            "recipient_public": public.public_bytes_raw().hex(),
            "created_us": NOW_US,
            "count": count,
        }
    ).encode()
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    sealed = suite.encrypt(plain, public, info=b"exambox/1 bundle\n" + header)
    start = b"EXAMBOX-STICK/1\n" + struct.pack(">I", len(header)) + header + struct.pack(">I", len(sealed)) + sealed
    return resigned(start + bytes(64))


def test_a_file_made_by_the_description_is_taken() -> None:
    """Another implementation's file is read as ours."""
    found = opened(by_hand(json.dumps({"changes": [msgspec.to_builtins(change())], "more": 1}).encode()))
    assert found.changes == (change(),)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"nonsense",
        b"[1]",
        b"{}",
        b'{"changes":[{}]}',
        b'{"changes":[1]}',
        b'{"items":[{}]}',
        b'{"changes":"\xff"}',
        b'{"more":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        json.dumps({"changes": [msgspec.to_builtins(change())] * 2}).encode(),
        json.dumps({"items": [msgspec.to_builtins(item())]}).encode(),
        json.dumps({"changes": [msgspec.to_builtins(change())], "items": [msgspec.to_builtins(item())]}).encode(),
    ],
    ids=lambda plain: plain[:20].decode(errors="replace"),
)
def test_signed_nonsense_is_refused_too(plain: bytes) -> None:
    """What a right sender sealed is not taken where it cannot be read, or is not what its header says."""
    assert reason(by_hand(plain)) == "content"


@given(st.data())
@settings(max_examples=200)
def test_no_changed_byte_goes_unseen(data: st.DataObject) -> None:
    """A byte that is flipped anywhere is found."""
    at = data.draw(st.integers(0, len(FILE) - 1))
    flipped = FILE[:at] + bytes([FILE[at] ^ data.draw(st.integers(1, 255))]) + FILE[at + 1 :]
    assert reason(flipped) in {
        "not_a_bundle", "version", "cut", "trailing", "header", "recipient", "sender", "signature",
    }  # fmt: skip


@given(st.integers(0, len(FILE) - 1))
def test_no_cut_goes_unseen(length: int) -> None:
    """A file that ends anywhere before its end is called cut."""
    assert reason(FILE[:length]) == "cut"


@given(st.integers(0, len(FILE)), st.integers(0, len(FILE)))
def test_no_swapped_pieces_go_unseen(first: int, second: int) -> None:
    """The beginning of one file with the end of another is no file, unless it is one of the two as it was."""
    other = to_box(random=bytes(16), created_us=NOW_US + 1)
    mixed = FILE[:first] + other[second:]
    if mixed in {FILE, other}:
        return
    assert reason(mixed)


@given(st.binary(max_size=300).map(lambda tail: b"EXAMBOX-STICK/1\n" + tail))
def test_no_bytes_are_more_than_refused(data: bytes) -> None:
    """Any bytes are refused, before a key is used."""
    assert reason(data) in {"cut", "trailing", "header"}


def test_what_is_too_large_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the cap is refused on both sides, with what to do."""
    monkeypatch.setattr(bundle, "MAX_FILE", len(FILE) - 1)
    assert reason(FILE) == "too_large"
    with pytest.raises(BundleError) as refused:
        to_box()
    assert refused.value.hint
    monkeypatch.undo()
    monkeypatch.setattr(bundle, "MAX_MESSAGES", 2)
    with pytest.raises(BundleError):
        to_box()


def test_keys_and_chance_are_checked() -> None:
    """A key of another length, and too few random bytes, are errors of the program."""
    with pytest.raises(ValueError, match="32"):
        to_box(recipient_public=b"short")
    with pytest.raises(ValueError, match="random"):
        to_box(random=b"few")
