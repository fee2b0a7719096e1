"""Whether a certificate of the centre's own would work (pure)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates.pem import names_something
from appliance.errors import BadInputError

if TYPE_CHECKING:
    import datetime as dt

    from appliance.certificates.pem import PrivateKey


def check_own(chain: list[x509.Certificate], key: PrivateKey, now: dt.datetime) -> None:
    """Refuse a certificate that browsers would refuse.

    Raises:
        BadInputError: the key is another one's, it is not valid now, names nothing, is not for servers, or the chain
            is not in order.
    """
    first = chain[0]
    if first.public_key() != key.public_key():
        raise BadInputError(
            "The key does not belong to the certificate.", hint="Give the server's certificate first in its file."
        )
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        raise BadInputError(
            f"The certificate is valid from {first.not_valid_before_utc:%Y-%m-%d} to"
            f" {first.not_valid_after_utc:%Y-%m-%d}.",
            hint="Check the certificate, and the clock of this box.",
        )
    if not names_something(first):
        raise BadInputError(
            "The certificate names no host.", hint="Browsers want names under Subject Alternative Name."
        )
    if not _for_servers(first):
        raise BadInputError("The certificate is not for servers.", hint="Ask for one with the usage serverAuth.")
    for signed, signer in pairwise(chain):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature) as problem:
            raise BadInputError(
                "The chain is not in order: a certificate was not signed by the one after it.",
                hint="Put the server's certificate first, then the one that signed it, and so on.",
            ) from problem


def _for_servers(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage
