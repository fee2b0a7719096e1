"""An LMS's secret on its way from the hub to one box: sealed to that box's key, bound to box and integration (pure).

HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM, as sticks are sealed.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from jwt.utils import base64url_decode, base64url_encode

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_INFO: Final = b"exambox/1 secret\n"
_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class SealedSecretError(BadInputError):
    """A sealed secret is not for this box and integration, or was sealed to another key."""

    code = "centre.sealed_secret"


def seal_secret(secret: str, *, integration: str, box: str, public: bytes) -> str:
    """Return the secret sealed to a box's raw X25519 key, base64url.

    Raises:
        ValueError: the key is no X25519 key.
    """
    sealed = _SUITE.encrypt(
        secret.encode(), X25519PublicKey.from_public_bytes(public), info=_bound_to(integration, box)
    )
    return base64url_encode(sealed).decode()


def open_secret(sealed: str, *, integration: str, box: str, private: X25519PrivateKey) -> str:
    """Return the secret.

    Raises:
        SealedSecretError: it cannot be opened with this key, or is for another box or integration.
    """
    try:
        return _SUITE.decrypt(base64url_decode(sealed), private, info=_bound_to(integration, box)).decode()
    except (InvalidTag, ValueError, binascii.Error) as problem:
        raise SealedSecretError(
            f"The secret of the integration {integration} is not sealed to this box's present key.",
            hint="Have the central service send it again: enrol the box anew.",
        ) from problem


def _bound_to(integration: str, box: str) -> bytes:
    return _INFO + f"{box}\n{integration}".encode()
