"""The authority's certificate in the forms devices take (pure)."""

from __future__ import annotations

import plistlib
import uuid
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography import x509

FORMS: Final = {
    "pem": ("exambox-ca.pem", "application/x-pem-file"),
    "der": ("exambox-ca.crt", "application/x-x509-ca-cert"),
    "mobileconfig": ("exambox-ca.mobileconfig", "application/x-apple-aspen-config"),
}
"""Form -> file name and media type."""


def ca_file(certificate: x509.Certificate, form: str) -> bytes:
    """Return the certificate in a form of `FORMS`.

    Raises:
        KeyError: there is no such form.
    """
    return {"pem": _pem, "der": _der, "mobileconfig": _profile}[form](certificate)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _profile(certificate: x509.Certificate) -> bytes:
    """Return Apple's configuration profile; its ids come from the certificate, so that it replaces itself."""
    print_ = certificate.fingerprint(hashes.SHA256()).hex()
    name = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    def identifier(what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{what} {print_}")).upper()

    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"exambox.ca.{print_[:16]}",
            "PayloadUUID": identifier("profile"),
            "PayloadDisplayName": name,
            "PayloadDescription": "Lets this device recognise the exam room's box.",
            "PayloadContent": [
                {
                    "PayloadType": "com.apple.security.root",
                    "PayloadVersion": 1,
                    "PayloadIdentifier": f"exambox.ca.{print_[:16]}.root",
                    "PayloadUUID": identifier("root"),
                    "PayloadDisplayName": name,
                    "PayloadContent": _der(certificate),
                }
            ],
        }
    )
