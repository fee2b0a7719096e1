"""Certificates and keys as PEM text, read with limits (pure)."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from appliance.certificates.names import Names, names_of
from appliance.errors import BadInputError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
MAX_FILE_BYTES: Final = 256 * 1024
"""A chain has a few certificates; larger than this is something else."""
MAX_CHAIN: Final = 10
MIN_RSA_BITS: Final = 2048
_MAX_NAMES: Final = 500
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def chain_of(data: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, in its order.

    Raises:
        BadInputError: it is none, or too large.
    """
    _capped(data)
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as problem:
        raise BadInputError(
            "This is no certificate in PEM form.", hint="It begins with -----BEGIN CERTIFICATE-----."
        ) from problem
    if len(found) > MAX_CHAIN:
        raise BadInputError(f"These are more than {MAX_CHAIN} certificates.", hint="Give one server's chain.")
    return found


def private_of(data: bytes) -> PrivateKey:
    """Return the private key of a PEM text.

    Raises:
        BadInputError: it is none, has a passphrase, is too weak, or of a kind that browsers do not take.
    """
    _capped(data)
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError) as problem:
        raise BadInputError(
            "This is no private key in PEM form without a passphrase.",
            hint="`openssl pkey -in KEY -out NEW` takes a passphrase off.",
        ) from problem
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES):
        return key
    raise BadInputError(
        f"The key is too weak, or of a kind that browsers do not take; RSA needs {MIN_RSA_BITS} bits.",
        hint="`openssl ecparam -name prime256v1 -genkey -noout -out NEW` makes one that every browser takes.",
    )


def certificate_names(certificate: x509.Certificate) -> Names:
    """Return the names and addresses a certificate is for; wildcards and what is no host name are left out."""
    found = _alternatives(certificate)
    texts = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return names_of(filter(_is_name, texts[:_MAX_NAMES]), most=_MAX_NAMES)


def names_something(certificate: x509.Certificate) -> bool:
    """Whether a certificate is for any host at all; a wildcard is something."""
    found = _alternatives(certificate)
    return bool(found.get_values_for_type(x509.DNSName) or found.get_values_for_type(x509.IPAddress))


def pem_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: PrivateKey) -> bytes:
    """Return a private key as PEM, without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])
    except ValueError as problem:
        raise BadInputError("The certificate's extensions are damaged.", hint="Have it made anew.") from problem


def _is_name(text: str) -> bool:
    try:
        names_of([text])
    except BadInputError:
        return False
    return True


def _capped(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise BadInputError(
            f"This is larger than the {MAX_FILE_BYTES // 1024} KiB a certificate or key may have.",
            hint="Check that it is the right file.",
        )
