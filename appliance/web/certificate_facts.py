"""The certificate in use, as pages and figures tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.certificates.store import CertificateStore
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from appliance.certificates.store import CertificateFacts
    from appliance.web.services import Services


def certificate_or_none(box: Services) -> CertificateFacts | None:
    """Return the facts of the certificate in use; None where there is none that can be read."""
    try:
        return CertificateStore(box.settings.tls_dir).facts()
    except (ApplianceError, OSError):
        return None
