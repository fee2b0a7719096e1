"""The one-time code a person carries from hub to box: a secret, and a print of the hub's key (pure).

By the secret the hub knows the box; by the print the box knows the hub. Only the secret is sent, so that who stands
between the two cannot pass for the hub.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from appliance.errors import BadInputError

_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: none that is read for another."""
_LENGTH: Final = 12
_BITS: Final = 5 * _LENGTH
_GROUP: Final = 4
_FORM: Final = re.compile(rf"[{_SIGNS}]{{{2 * _LENGTH}}}")
_TYPED: Final = str.maketrans("OIL", "011", " -\t\u2010\u2011\u2013")
_MOST_TYPED: Final = 100


class EnrolCodeError(BadInputError):
    """A code is mistyped, or is not of this hub."""

    code = "centre.enrol_code"


@dataclass(frozen=True, slots=True)
class EnrolCode:
    """A code, taken apart.

    Attributes:
        secret: what is sent to the hub: 12 characters, 60 bits. The hub keeps its hash alone.
        hub_print: the first 60 bits of SHA-256 of the hub's public key.
    """

    secret: str
    hub_print: str

    def __str__(self) -> str:
        """The code as people read it: ``ABCD-EFGH-JKMN-PQRS-TVWX-YZ23``."""
        text = self.secret + self.hub_print
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def new_code(random: bytes, hub_public: bytes) -> EnrolCode:
    """Return a code of at least 8 random bytes for a hub's raw public key.

    Raises:
        ValueError: there are fewer.
    """
    if len(random) * 8 < _BITS:
        raise ValueError(f"a code needs {_BITS} random bits")
    return EnrolCode(_signs(random), _signs(hashlib.sha256(hub_public).digest()))


def parse_code(text: str) -> EnrolCode:
    """Return the code a person typed: case, spaces and hyphens do not matter, nor O for 0, I and L for 1.

    Raises:
        EnrolCodeError: it does not have the form of a code.
    """
    plain = text[:_MOST_TYPED].strip().upper().translate(_TYPED)
    if len(text) > _MOST_TYPED or not _FORM.fullmatch(plain):
        raise EnrolCodeError(
            "This is no code of a central service: it has six groups of four letters or digits.",
            hint="Copy it as the central service shows it, for example ABCD-EFGH-JKMN-PQRS-TVWX-YZ23.",
        )
    return EnrolCode(plain[:_LENGTH], plain[_LENGTH:])


def check_hub(code: EnrolCode, hub_public: bytes) -> None:
    """Return if the hub that answered is the one the code was made by.

    Raises:
        EnrolCodeError: it is another one: somebody stands between.
    """
    if _signs(hashlib.sha256(hub_public).digest()) != code.hub_print:
        raise EnrolCodeError(
            "The central service that answered is not the one that made the code.",
            hint="Check its address. If it is right, somebody stands between: do not enrol, tell who runs the network.",
        )


def _signs(data: bytes) -> str:
    """Return the first 60 bits as 12 signs."""
    number = int.from_bytes(data) >> (len(data) * 8 - _BITS)
    return "".join(_SIGNS[number >> shift & 31] for shift in range(_BITS - 5, -1, -5))
