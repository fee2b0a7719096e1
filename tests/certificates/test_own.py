"""A certificate of the centre's own is tried before it is used."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates.own import check_own
from appliance.certificates.pem import chain_of, pem_of, private_of
from appliance.errors import BadInputError
from tests.certificates.made import NOW, Files, by_centre, centre, named, odd

CENTRE = centre()
GOOD, OTHER = by_centre(CENTRE), by_centre(CENTRE)
AUTHORITY = pem_of(CENTRE.certificate)
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
ANY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])


def tried(certificate: bytes, key: bytes, now: dt.datetime = NOW) -> None:
    """Check it."""
    check_own(chain_of(certificate), private_of(key), now)


@pytest.mark.parametrize(
    "files",
    [
        GOOD,
        Files(GOOD.certificate + AUTHORITY, GOOD.key),
        odd(CENTRE, [named("room-1")]),
        odd(CENTRE, [named("*.school.example"), ANY]),
        odd(CENTRE, [named("room-1")], rsa.generate_private_key(65537, 2048)),
    ],
    ids=["alone", "with its chain", "without usages", "wildcard, any usage", "RSA"],
)
def test_good_ones_pass(files: Files) -> None:
    """With or without its chain, with RSA, for a wildcard."""
    tried(files.certificate, files.key)


@pytest.mark.parametrize(
    ("certificate", "key", "days", "says"),
    [
        (GOOD.certificate, OTHER.key, 0, "does not belong"),
        (AUTHORITY + GOOD.certificate, GOOD.key, 0, "does not belong"),
        (GOOD.certificate, GOOD.key, 400, "valid from 2026-11-23 to 2027-12-25"),
        (GOOD.certificate, GOOD.key, -2, "valid from"),
        (GOOD.certificate + OTHER.certificate, GOOD.key, 0, "not in order"),
        (GOOD.certificate + AUTHORITY + GOOD.certificate, GOOD.key, 0, "not in order"),
    ],
    ids=["foreign key", "authority first", "ended", "not yet", "wrong signer", "too long a chain"],
)
def test_what_browsers_would_refuse_is_refused(certificate: bytes, key: bytes, days: int, says: str) -> None:
    """A foreign key, a wrong order, a wrong time: each is named, with what to do."""
    with pytest.raises(BadInputError, match=says) as told:
        tried(certificate, key, NOW + dt.timedelta(days=days))
    assert told.value.hint


def test_it_has_to_be_for_servers_with_names() -> None:
    """A person's certificate and one without names are refused."""
    client, nameless = odd(CENTRE, [CLIENT, named("room-1")]), odd(CENTRE, [])
    with pytest.raises(BadInputError, match="not for servers"):
        tried(client.certificate, client.key)
    with pytest.raises(BadInputError, match="names no host"):
        tried(nameless.certificate, nameless.key)
