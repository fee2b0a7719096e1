"""The one-time code a person carries from hub to box: a secret, and a print of the hub's key (pure).

By the secret the hub knows the box; by the print the box knows the hub. Only the secret is sent, so that who stands
between the two cannot pass for the hub.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from appliance.errors import BadInputError
from appliance.exchange.typed_code import grouped, signs, typed

_LENGTH: Final = 12


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
        return grouped(self.secret + self.hub_print)


def new_code(random: bytes, hub_public: bytes) -> EnrolCode:
    """Return a code of at least 8 random bytes for a hub's raw public key.

    Raises:
        ValueError: there are fewer.
    """
    return EnrolCode(signs(random, _LENGTH), _print(hub_public))


def parse_code(text: str) -> EnrolCode:
    """Return the code a person typed: case, spaces and hyphens do not matter, nor O for 0, I and L for 1.

    Raises:
        EnrolCodeError: it does not have the form of a code.
    """
    plain = typed(text, 2 * _LENGTH)
    if plain is None:
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
    if _print(hub_public) != code.hub_print:
        raise EnrolCodeError(
            "The central service that answered is not the one that made the code.",
            hint="Check its address. If it is right, somebody stands between: do not enrol, tell who runs the network.",
        )


def _print(hub_public: bytes) -> str:
    return signs(hashlib.sha256(hub_public).digest(), _LENGTH)
