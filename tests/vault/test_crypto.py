from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import IntegrityError, MissingKeyError
from appliance.vault.crypto import (
    Aead,
    PartBinding,
    RecordCipher,
    Suite,
    choose_aead,
    derive,
    generate_private,
    key_id,
    new_part_id,
    new_part_key,
    public_of,
    unwrap,
    wrap,
)

if TYPE_CHECKING:
    from pathlib import Path

SUITES: tuple[Suite, ...] = get_args(Suite)
AEADS: tuple[Aead, ...] = get_args(Aead)
BINDING = PartBinding("box-1", "sitting-1", "room", 7, bytes(range(16)))


@pytest.mark.parametrize("suite", SUITES)
def test_wrapped_key_opens_with_its_private_key(suite: Suite) -> None:
    """What is wrapped to a public key comes out with the private key and the same binding."""
    private = generate_private(suite)
    secret = new_part_key()
    wrapped = wrap(suite, public_of(suite, private), BINDING.info(), secret)
    assert secret not in wrapped
    assert unwrap(suite, private, BINDING.info(), wrapped) == secret


@pytest.mark.parametrize("suite", SUITES)
def test_wrapped_key_opens_for_nobody_else(suite: Suite) -> None:
    """Another person's key gives an error, not another secret."""
    wrapped = wrap(suite, public_of(suite, generate_private(suite)), BINDING.info(), new_part_key())
    with pytest.raises(MissingKeyError):
        unwrap(suite, generate_private(suite), BINDING.info(), wrapped)


@pytest.mark.parametrize(
    "other",
    [
        PartBinding("box-2", "sitting-1", "room", 7, bytes(range(16))),
        PartBinding("box-1", "sitting-2", "room", 7, bytes(range(16))),
        PartBinding("box-1", "sitting-1", "desk", 7, bytes(range(16))),
        PartBinding("box-1", "sitting-1", "room", 8, bytes(range(16))),
        PartBinding("box-1", "sitting-1", "room", 7, bytes(16)),
    ],
)
def test_wrapped_key_is_bound_to_its_part(other: PartBinding) -> None:
    """A wrapped key moved to another box, sitting, camera or part does not open there."""
    private = generate_private("X25519")
    wrapped = wrap("X25519", public_of("X25519", private), BINDING.info(), new_part_key())
    with pytest.raises(MissingKeyError):
        unwrap("X25519", private, other.info(), wrapped)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("at", [0, 40, -1])
def test_changed_wrapped_key_does_not_open(suite: Suite, at: int) -> None:
    """One flipped bit in the encapsulated key or the ciphertext is enough."""
    private = generate_private(suite)
    wrapped = bytearray(wrap(suite, public_of(suite, private), BINDING.info(), new_part_key()))
    wrapped[at] ^= 1
    with pytest.raises(MissingKeyError):
        unwrap(suite, private, BINDING.info(), bytes(wrapped))


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("length", [0, 1, 31, 33, 1215, 1217])
def test_bytes_that_are_no_key_are_refused(suite: Suite, length: int) -> None:
    """Keys and wrapped keys of a wrong length are an error a person can read, never a crash."""
    with pytest.raises(MissingKeyError):
        wrap(suite, bytes(length), BINDING.info(), new_part_key())
    with pytest.raises(MissingKeyError):
        public_of(suite, bytes(length))
    with pytest.raises(MissingKeyError):
        unwrap(suite, bytes(length), BINDING.info(), bytes(100))
    with pytest.raises(MissingKeyError):
        unwrap(suite, generate_private(suite), BINDING.info(), bytes(length))


def test_key_id_depends_on_suite_and_key() -> None:
    """The same bytes under another suite have another name."""
    assert len(key_id("X25519", b"key")) == 16
    assert len({key_id("X25519", b"key"), key_id("MLKEM768-X25519", b"key"), key_id("X25519", b"kez")}) == 3


@given(part_key=st.binary(min_size=32, max_size=32), part_id=st.binary(min_size=16, max_size=16))
def test_derived_secrets_differ_from_one_another(part_key: bytes, part_id: bytes) -> None:
    """Content key, nonce base and commitment have their lengths, and none tells of another or of the part key."""
    secrets = derive(part_key, part_id)
    assert (len(secrets.content_key), len(secrets.nonce_base), len(secrets.commitment)) == (32, 12, 32)
    assert len({secrets.content_key, secrets.commitment, part_key}) == 3
    assert secrets == derive(part_key, part_id)
    assert derive(part_key, bytes(byte ^ 1 for byte in part_id)).commitment != secrets.commitment


@pytest.mark.parametrize("aead", AEADS)
@given(
    seq=st.integers(min_value=0, max_value=2**64 - 1), header=st.binary(max_size=64), plaintext=st.binary(max_size=99)
)
def test_sealed_record_opens_only_as_it_was_sealed(aead: Aead, seq: int, header: bytes, plaintext: bytes) -> None:
    """A record opens with its number and header; another number, header or a changed byte is an error."""
    cipher = RecordCipher(derive(bytes(32), bytes(16)), aead)
    data = cipher.seal(seq, header, plaintext)
    assert len(data) == len(plaintext) + 16
    assert cipher.open(seq, header, data) == plaintext
    for wrong in (
        (seq ^ 1, header, data),
        (seq, header + b"x", data),
        (seq, header, data[:-1] + bytes([data[-1] ^ 1])),
    ):
        with pytest.raises(IntegrityError):
            cipher.open(*wrong)


@pytest.mark.parametrize("length", [0, 1, 15])
def test_data_shorter_than_its_tag_does_not_open(length: int) -> None:
    """Data that cannot even hold a tag is an integrity error."""
    with pytest.raises(IntegrityError):
        RecordCipher(derive(bytes(32), bytes(16)), "AES-256-GCM").open(0, b"", bytes(length))


def test_no_two_numbers_share_a_nonce() -> None:
    """Equal plaintexts under different numbers give different data."""
    cipher = RecordCipher(derive(bytes(32), bytes(16)), "AES-256-GCM")
    assert len({cipher.seal(seq, b"", b"same") for seq in range(300)}) == 300


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("flags\t\t: fpu aes avx2\n", "AES-256-GCM"),
        ("Features\t: fp asimd aes pmull\n", "AES-256-GCM"),
        ("Features\t: fp asimd evtstrm crc32\n", "ChaCha20-Poly1305"),
        ("model name : aes\nflags : fpu aesx\n", "ChaCha20-Poly1305"),
    ],
)
def test_cipher_follows_the_cpu(tmp_path: Path, cpuinfo: str, expected: str) -> None:
    """AES is chosen where the CPU has instructions for it, on x86 and on ARM, else ChaCha20."""
    path = tmp_path / "cpuinfo"
    path.write_text(cpuinfo)
    assert choose_aead("auto", path) == expected


def test_wished_cipher_is_taken(tmp_path: Path) -> None:
    """A cipher that was asked for is used whatever the CPU can do; without knowledge of the CPU it is AES."""
    assert choose_aead("ChaCha20-Poly1305") == "ChaCha20-Poly1305"
    assert choose_aead("auto", tmp_path / "missing") == "AES-256-GCM"


def test_keys_and_ids_are_fresh() -> None:
    """No two parts get the same key or id."""
    assert len({new_part_key() for _ in range(50)}) == 50
    assert len({new_part_id() for _ in range(50)}) == 50
    assert (len(new_part_key()), len(new_part_id())) == (32, 16)
