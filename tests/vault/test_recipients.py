from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError, ConflictError, IntegrityError, MissingKeyError, NotFoundError
from appliance.vault import crypto, device_key, keys, recipients
from appliance.vault.format import encode_body, recipients_message, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock
    from appliance.config import Settings

BOX = "box-1"


@cache
def device() -> device_key.DeviceKey:
    """Return one signing key for the pure tests."""
    return device_key.DeviceKey.generate()


@cache
def public_key(_number: int) -> bytes:
    """Return the same public key for the same number."""
    return crypto.public_of("X25519", crypto.generate_private("X25519"))


def row(number: int = 0, role: str = "review", **other: Any) -> dict[str, Any]:
    """Return one well-formed row of a list."""
    public = public_key(number)
    values = {"key_id": crypto.key_id("X25519", public), "label": f"key {number}", "role": role, "suite": "X25519"}
    return {**values, "public": public.hex(), **other}


def signed(body: dict[str, Any] | bytes, key: device_key.DeviceKey | None = None) -> bytes:
    """Return a body as a file, signed."""
    raw = body if isinstance(body, bytes) else encode_body(body)
    signature = (key or device()).sign(recipients_message(raw)).hex()
    return json.dumps({"body": raw.decode("utf-8", "replace"), "signature": signature}).encode()


def body(**fields: Any) -> dict[str, Any]:
    """Return a good body, some fields replaced."""
    good = {"format": recipients.FORMAT, "box": BOX, "version": 1, "wall_us": 1, "previous": None}
    return {**good, "recipients": [row()], **fields}


def parse(raw: bytes) -> recipients.RecipientsList:
    """Parse as the box of these tests."""
    return recipients.parse_recipients(raw, device().public, BOX)


def test_a_signed_list_is_read() -> None:
    """What the box signed comes back, with the exact text for the next list's hash."""
    listed = parse(signed(body(recipients=[row(0), row(1, "auditor"), row(2, "escrow")])))
    assert [one.role for one in listed.recipients] == ["review", "auditor", "escrow"]
    assert listed.review.public == public_key(0)
    assert json.loads(listed.body)["version"] == 1


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_parsing_fail_otherwise(raw: bytes) -> None:
    """Anything that is no signed list is an integrity error and nothing else."""
    with pytest.raises(IntegrityError):
        parse(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(field=st.sampled_from([*body(), "more"]), value=json_values)
def test_a_signed_body_of_another_form_is_refused(field: str, value: Any) -> None:
    """Even the box's own signature makes no nonsense acceptable; a list that is accepted is a usable one."""
    try:
        listed = parse(signed(body(**{field: value})))
    except IntegrityError:
        return
    assert listed.box == BOX
    assert listed.version >= 1
    assert listed.review.public == public_key(0)


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(at: int, bit: int) -> None:
    """No bit of body or signature can differ unseen."""
    good = signed(body())
    raw = bytearray(good)
    raw[at % len(raw)] ^= 1 << bit
    try:
        listed = parse(bytes(raw))
    except IntegrityError:
        return
    assert listed == parse(good)  # the bit was white space or the case of an escape


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(0, "auditor")],
        [row(0), row(1)],
        [row(0), row(0, "auditor")],
        [row(0, key_id="0" * 16)],
        [row(0, public="00")],
        [row(0, role="owner")],
        [row(0, label="")],
        [row(0), *[row(number, "auditor") for number in range(1, 20)]],
    ],
)
def test_lists_that_make_no_sense_are_refused(rows: list[dict[str, Any]]) -> None:
    """Exactly one review key, nobody twice, nobody under a false name, not too many."""
    with pytest.raises(IntegrityError):
        parse(signed(body(recipients=rows)))


def test_another_boxs_list_is_refused() -> None:
    """Signed by another key, or for another box: not this box's list."""
    with pytest.raises(IntegrityError, match="not signed by this box"):
        parse(signed(body(), device_key.DeviceKey.generate()))
    with pytest.raises(IntegrityError, match="another box"):
        parse(signed(body(box="box-2")))


@pytest.fixture
def keys_dir(settings: Settings, clock: ManualClock) -> Path:
    """A trial box's keys."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    return settings.keys_dir


def auditor(label: str = "Auditor", role: recipients.Role = "auditor") -> recipients.Recipient:
    """Return a recipient with a fresh key of the box's suite."""
    suite: crypto.Suite = "MLKEM768-X25519"
    public = crypto.public_of(suite, crypto.generate_private(suite))
    return recipients.make_recipient(suite=suite, public=public, label=label, role=role)


def test_adding_and_removing_make_a_chain_of_lists(keys_dir: Path, clock: ManualClock) -> None:
    """Each list counts one up and names the hash of the one before."""
    first = keys.load_recipients(keys_dir)
    one = auditor()
    second = keys.add_recipient(keys_dir, one, clock=clock)
    third = keys.remove_recipient(keys_dir, one.key_id, clock=clock)
    assert [first.version, second.version, third.version] == [1, 2, 3]
    assert second.recipients == (*first.recipients, one)
    assert third.recipients == first.recipients
    for before, after in ((first, second), (second, third)):
        assert json.loads(after.body)["previous"] == sha256(before.body).hex()


def test_what_cannot_be_is_refused_and_changes_nothing(keys_dir: Path, clock: ManualClock) -> None:
    """Twice the same, a second review key, another suite, an unknown or the review key to remove."""
    one = auditor()
    keys.add_recipient(keys_dir, one, clock=clock)
    before = (keys_dir / "recipients.json").read_bytes()
    other = recipients.make_recipient(suite="X25519", public=public_key(0), label="x", role="auditor")
    with pytest.raises(ConflictError):
        keys.add_recipient(keys_dir, one, clock=clock)
    for wrong in (auditor(role="review"), other):
        with pytest.raises(BadInputError):
            keys.add_recipient(keys_dir, wrong, clock=clock)
    with pytest.raises(NotFoundError):
        keys.remove_recipient(keys_dir, "0" * 16, clock=clock)
    with pytest.raises(ConflictError):
        keys.remove_recipient(keys_dir, keys.load_recipients(keys_dir).review.key_id, clock=clock)
    assert (keys_dir / "recipients.json").read_bytes() == before


def test_a_list_has_room_for_sixteen(keys_dir: Path, clock: ManualClock) -> None:
    """The seventeenth is refused."""
    for number in range(15):
        keys.add_recipient(keys_dir, auditor(f"auditor {number}"), clock=clock)
    with pytest.raises(ConflictError, match="full"):
        keys.add_recipient(keys_dir, auditor(), clock=clock)


def test_a_list_put_there_by_somebody_else_is_not_used(keys_dir: Path, clock: ManualClock) -> None:
    """Who can write the file but not sign cannot make the box seal to him, nor have the box sign it for him."""
    (keys_dir / "recipients.json").write_bytes(signed(body(box=keys.load_box_id(keys_dir))))
    with pytest.raises(IntegrityError):
        keys.load_recipients(keys_dir)
    with pytest.raises(IntegrityError):
        keys.add_recipient(keys_dir, auditor(), clock=clock)


@pytest.mark.parametrize("suite", ["X25519", "MLKEM768-X25519"])
@pytest.mark.parametrize("public", [b"", b"\0", bytes(32), b"\1" + bytes(31), bytes(1216), b"\xff" * 1216])
def test_weak_and_odd_public_keys_are_refused(suite: crypto.Suite, public: bytes) -> None:
    """A key of low order, to which everybody could open, is refused as one of a wrong length is."""
    with pytest.raises(BadInputError):
        recipients.make_recipient(suite=suite, public=public, label="x", role="auditor")


def test_a_missing_list_says_what_to_do(settings: Settings) -> None:
    """A box without keys is told how to get them."""
    with pytest.raises(MissingKeyError) as caught:
        keys.load_recipients(settings.keys_dir)
    assert "keys init" in caught.value.hint
