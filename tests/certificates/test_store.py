"""The box's authority and certificate: made, renewed, replaced, refused."""

from __future__ import annotations

import datetime as dt
import ssl
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates.authority import Issued, issue, make_authority, permits
from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.errors import BadInputError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NAMES = names_of(["room-1", "room-1.local", "192.168.1.7", "fd00::7", "localhost"])


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    """A box with an authority and a certificate."""
    made = CertificateStore(tmp_path / "tls")
    made.create("Room 1", NAMES, NOW)
    return made


def pem(issued: Issued) -> tuple[bytes, bytes]:
    """Return certificate and key as files hold them."""
    key = issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return issued.certificate.public_bytes(serialization.Encoding.PEM), key


def test_openssl_accepts_the_chain_for_every_name(store: CertificateStore, tmp_path: Path) -> None:
    """A program that is not ours verifies the certificate for each name and address, and for no other."""
    (tmp_path / "one.pem").write_bytes(
        store.certificate_file.read_bytes().split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    )

    def verifies(option: str, name: str) -> bool:
        command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW.timestamp())), "-purpose", "sslserver"]
        done = subprocess.run(
            [*command, "-CAfile", str(store.ca_file), option, name, str(tmp_path / "one.pem")],
            capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    assert all(verifies("-verify_hostname", name) for name in NAMES.dns)
    assert all(verifies("-verify_ip", str(address)) for address in NAMES.addresses)
    assert not verifies("-verify_hostname", "room-2.local")
    assert not verifies("-verify_ip", "192.168.1.8")


def test_private_keys_are_for_their_owner_alone(store: CertificateStore) -> None:
    """Nobody else reads a key; certificates are for all."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.key": 0o600, "server.pem": 0o644}


def test_a_stolen_authority_speaks_for_nobody_outside(store: CertificateStore) -> None:
    """Its constraints permit the box's names and private networks, critically."""
    authority = store.authority_certificate()
    assert authority.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert permits(authority, names_of(["other.local", "10.1.2.3", "sub.room-1"]))
    assert not permits(authority, names_of(["bank.example"]))
    assert not permits(authority, names_of(["203.0.113.1"]))
    assert not permits(authority, names_of(["evilroom-1"]))


def test_renewal_keeps_the_authority(store: CertificateStore) -> None:
    """Devices notice nothing: the authority stays, the certificate and its key are new, names may be more."""
    before, key = store.facts(), store.key_file.read_bytes()
    after = store.renew(names_of([*NAMES.words(), "second.local"]), NOW + dt.timedelta(days=370))
    assert after.ca_sha256 == before.ca_sha256
    assert after.sha256 != before.sha256
    assert store.key_file.read_bytes() != key
    assert "second.local" in after.names.dns


@pytest.mark.parametrize(
    ("days", "names", "due"),
    [(0, NAMES, False), (366, NAMES, False), (368, NAMES, True), (500, NAMES, True), (0, names_of(["new.local"]), True),
     (0, names_of(["room-1"]), False)],
)  # fmt: skip
def test_it_is_renewed_in_time_and_for_new_names(store: CertificateStore, days: int, names: object, due: bool) -> None:
    """Thirty days before its end, or when the machine is called something it does not cover."""
    assert store.is_due(names, NOW + dt.timedelta(days=days)) is due  # type: ignore[arg-type]


def test_what_cannot_be_renewed_says_why(store: CertificateStore) -> None:
    """A name outside of the authority's, an authority that ends, an authority kept elsewhere, a second authority."""
    with pytest.raises(ConflictError, match="may not speak"):
        store.renew(names_of(["bank.example"]), NOW)
    with pytest.raises(ConflictError, match="ends itself"):
        store.renew(NAMES, NOW + dt.timedelta(days=3650))
    with pytest.raises(ConflictError, match="already"):
        store.create("Room 1", NAMES, NOW)
    (store.folder / "ca.key").unlink()
    with pytest.raises(NotFoundError, match="not on this box"):
        store.renew(NAMES, NOW)


def test_the_centres_own_certificate_is_used_and_left_again(store: CertificateStore) -> None:
    """One's own is served with its chain and never renewed by the box; renewing goes back to the box's."""
    theirs = make_authority("Centre", NAMES, NOW)
    own = issue(theirs, names_of(["room-1.local"]), NOW)
    certificate, key = pem(own)
    facts = store.use_own(certificate + pem(theirs)[0], key, NOW)
    assert (facts.source, facts.ca_sha256, facts.names.dns) == ("own", None, ("room-1.local",))
    assert not store.is_due(NAMES, NOW + dt.timedelta(days=390))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store.certificate_file, store.key_file)
    assert store.renew(NAMES, NOW).source == "box"


def test_an_own_certificate_that_would_not_work_is_refused(store: CertificateStore) -> None:
    """A foreign key, a wrong time, no names, a client's certificate, a chain out of order, rubbish: the old one stays."""
    theirs = make_authority("Centre", NAMES, NOW)
    certificate, key = pem(issue(theirs, NAMES, NOW))
    other_certificate, other_key = pem(issue(theirs, NAMES, NOW))
    before = store.facts()
    later = NOW + dt.timedelta(days=400)
    client = _bare(theirs, [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
                            x509.SubjectAlternativeName([x509.DNSName("room-1")])])  # fmt: skip
    nameless = _bare(theirs, [])
    for chain, private, when in (
        (certificate, other_key, NOW),
        (certificate, key, later),
        (certificate + other_certificate, key, NOW),
        (*pem(client), NOW),
        (*pem(nameless), NOW),
        (b"rubbish", key, NOW),
        (certificate, b"rubbish", NOW),
        (b"", b"", NOW),
    ):
        with pytest.raises(BadInputError):
            store.use_own(chain, private, when)
    assert store.facts() == before


def test_without_a_certificate_one_is_told_how_to_get_one(tmp_path: Path) -> None:
    """An empty box says which command makes one; a damaged file is called damaged."""
    store = CertificateStore(tmp_path)
    assert not store.exists()
    with pytest.raises(NotFoundError) as told:
        store.facts()
    assert "exambox certs create" in told.value.hint
    store.certificate_file.write_text("rubbish")
    with pytest.raises(BadInputError):
        store.facts()


def _bare(authority: Issued, extensions: list[x509.ExtensionType]) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(authority.certificate.subject)
        .public_key(key.public_key()).serial_number(1).not_valid_before(NOW - dt.timedelta(1))
        .not_valid_after(NOW + dt.timedelta(9))
    )  # fmt: skip
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Issued(key, builder.sign(authority.key, hashes.SHA256()))
