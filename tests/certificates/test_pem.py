"""PEM is read with limits."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates.pem import MAX_FILE_BYTES, certificate_names, chain_of, names_something, private_of
from appliance.errors import BadInputError
from tests.certificates.made import by_centre, centre, named, odd

CENTRE = centre()


def as_pem(key: object, passphrase: bytes | None = None) -> bytes:
    """Return a private key as a file of others might hold it."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)], ids=["EC", "RSA"]
)
def test_usual_keys_are_taken(key: object) -> None:
    """Elliptic curves and RSA of 2,048 bits."""
    assert as_pem(private_of(as_pem(key))) == as_pem(key)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (as_pem(rsa.generate_private_key(65537, 1024)), "too weak"),  # noqa: S505  that is the point
        (as_pem(ec.generate_private_key(ec.SECP192R1())), "too weak"),
        (as_pem(ed25519.Ed25519PrivateKey.generate()), "browsers do not take"),
        (as_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "without a passphrase"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (b"", "no private key"),
        (b"x" * (MAX_FILE_BYTES + 1), "larger than"),
    ],
)
def test_other_keys_are_refused(data: bytes, says: str) -> None:
    """Too weak, of a kind browsers do not take, with a passphrase, damaged, empty, far too large."""
    with pytest.raises(BadInputError, match=says) as told:
        private_of(data)
    assert told.value.hint


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\xff" * 100, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])  # fmt: skip  # noqa: E501
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    """Rubbish, an empty file, half a certificate."""
    with pytest.raises(BadInputError):
        chain_of(data)


@given(st.binary(max_size=300), st.integers(0, 500))
def test_damage_anywhere_is_a_refusal_or_a_chain(noise: bytes, at: int) -> None:
    """However a file is damaged, there is a certificate or a plain refusal."""
    whole = by_centre(CENTRE).certificate
    for read in (chain_of, private_of):
        try:
            assert read(whole[:at] + noise + whole[at + 1 :])
        except BadInputError:
            continue


def test_chains_have_limits() -> None:
    """Neither many certificates nor a huge file."""
    one = by_centre(CENTRE).certificate
    assert len(chain_of(one * 10)) == 10
    with pytest.raises(BadInputError, match="more than 10"):
        chain_of(one * 11)
    with pytest.raises(BadInputError, match="larger than"):
        chain_of(one * 1000)


def test_names_of_others_certificates_are_read_as_far_as_they_are_names() -> None:
    """Wildcards and odd names are left out, a hundred names are no mistake, and a wildcard still names something."""
    certificate = chain_of(
        odd(CENTRE, [named("*.school.example", "a_b.example", "Room-1.school.example")]).certificate
    )[0]
    assert certificate_names(certificate).words() == ["room-1.school.example"]
    many = chain_of(odd(CENTRE, [named(*(f"room-{number}.example" for number in range(100)))]).certificate)[0]
    assert len(certificate_names(many).dns) == 100
    wildcard, nothing = (chain_of(odd(CENTRE, found).certificate)[0] for found in ([named("*.school.example")], []))
    assert names_something(wildcard)
    assert not certificate_names(wildcard).words()
    assert not names_something(nothing)
