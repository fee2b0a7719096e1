"""The certificate that others are told to know the box's address by: it certifies what the box serves with.

That is the box's own authority, or, where the centre gave a certificate of its own, the last one of its chain: the
issuer, or the certificate itself where it came alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates.pem import MAX_FILE_BYTES, chain_of
from appliance.errors import NotFoundError

if TYPE_CHECKING:
    from cryptography import x509

    from appliance.certificates.store import CertificateStore


def anchor_of(store: CertificateStore) -> x509.Certificate:
    """Return the box's anchor.

    Raises:
        NotFoundError: the box has no certificate for the network yet.
        BadInputError: it is damaged, or may not be read.
    """
    if store.facts().source == "box":
        return store.authority_certificate()
    try:
        with store.certificate_file.open("rb") as file:
            return chain_of(file.read(MAX_FILE_BYTES + 1))[-1]
    except OSError as problem:
        raise NotFoundError(
            "This box has no certificate.", hint="`exambox certs create` makes one, or bring the centre's own."
        ) from problem


def der_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate as its bytes are hashed."""
    return certificate.public_bytes(Encoding.DER)
