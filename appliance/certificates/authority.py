"""Making certificates (pure): an authority for one box, and server certificates under it.

Sources: RFC 5280; CA/Browser Forum Baseline Requirements 7.1 (a server certificate's life); Apple HT210176 (825 days,
subject alternative name, serverAuth).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.certificates.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.certificates.names import IpAddress

CA_DAYS = 3650
SERVER_DAYS = 397
# A client's clock may be a little behind; a box's own may be a lot, and is checked elsewhere.
BACKDATED = dt.timedelta(hours=1)
# A stolen authority can speak for names inside the building, and for nobody's bank.
PERMITTED_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
PERMITTED_SUFFIXES = ("local", "localhost", "internal", "lan", "home.arpa")


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_authority(box: str, names: Names, now: dt.datetime) -> Issued:
    """Make the authority of one box: P-256, ten years, only for names of the box and inside private networks.

    Args:
        box: shown in lists of authorities; at most 40 characters are taken. The beginning of the key's hash is put
            behind it, so that two boxes, or two authorities of one, are never mistaken for each other.
        names: the box's names; each that has no private suffix is permitted by itself.
        now: with a time zone.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:6].upper()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Exambox {box[:40]} ({mark})")])
    allowed: list[x509.GeneralName] = [x509.DNSName(suffix) for suffix in PERMITTED_SUFFIXES]
    allowed += [x509.DNSName(name) for name in names.dns if not _below(name, PERMITTED_SUFFIXES)]
    allowed += [x509.IPAddress(network) for network in PERMITTED_NETWORKS]
    outside = [one for one in names.addresses if not any(_in(one, network) for network in PERMITTED_NETWORKS)]
    allowed += [x509.IPAddress(ipaddress.ip_network(one)) for one in outside]
    certificate = (
        _builder(subject, subject, key.public_key(), now, dt.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(allowed, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issued(key, certificate)


def issue(authority: Issued, names: Names, now: dt.datetime) -> Issued:
    """Make a server certificate with a key of its own; it lasts 397 days, never beyond its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    common = (names.dns or tuple(map(str, names.addresses)))[0]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])
    left = authority.certificate.not_valid_after_utc - now
    builder = _builder(
        subject, authority.certificate.subject, key.public_key(), now, min(dt.timedelta(days=SERVER_DAYS), left)
    )
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    alternatives += [x509.IPAddress(address) for address in names.addresses]
    certificate = (
        builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(key, certificate)


def permitted(authority: x509.Certificate, names: Names) -> Names:
    """Return those of the names an authority may speak for: all, where it has no constraints (RFC 5280, 4.2.1.10)."""
    try:
        found = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return names
    suffixes = [one.value for one in found if isinstance(one, x509.DNSName)]
    networks = [one.value for one in found if isinstance(one, x509.IPAddress)]
    return Names(
        tuple(name for name in names.dns if _below(name, suffixes)),
        tuple(one for one in names.addresses if any(_in(one, network) for network in networks)),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: dt.datetime, life: dt.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _below(name: str, suffixes: Iterable[str]) -> bool:
    return any(name == suffix or name.endswith(f".{suffix}") for suffix in suffixes)


def _in(address: IpAddress, network: object) -> bool:
    return (
        isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
        and network.version == address.version
        and address in network
    )
