"""Authorities and certificates as others might make them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.certificates.authority import issue, make_authority
from appliance.certificates.names import names_of
from appliance.certificates.pem import pem_of, private_pem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.certificates.authority import Issued
    from appliance.certificates.pem import PrivateKey

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NAMES = names_of(["room-1", "room-1.local", "192.168.1.7", "fd00::7", "localhost"])


@dataclass(frozen=True)
class Files:
    """What somebody would hand to `exambox certs use`."""

    certificate: bytes
    key: bytes


def files_of(issued: Issued) -> Files:
    """Return certificate and key as files hold them."""
    return Files(pem_of(issued.certificate), private_pem(issued.key))


def centre() -> Issued:
    """Return an authority that is not the box's."""
    return make_authority("Centre", NAMES, NOW)


def by_centre(authority: Issued) -> Files:
    """Return a usual certificate of it."""
    return files_of(issue(authority, NAMES, NOW))


def odd(authority: Issued, extensions: Sequence[x509.ExtensionType], key: PrivateKey | None = None) -> Files:
    """Return a certificate with just these extensions, valid for ten days around `NOW`."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(authority.certificate.subject)
        .public_key(own.public_key()).serial_number(1).not_valid_before(NOW - dt.timedelta(1))
        .not_valid_after(NOW + dt.timedelta(9))
    )  # fmt: skip
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Files(pem_of(builder.sign(authority.key, hashes.SHA256())), private_pem(own))


def named(*names: str) -> x509.SubjectAlternativeName:
    """Return the extension that names hosts."""
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
