"""The one-time code a person carries from the box to a workstation: a secret, and a print of the box's anchor (pure).

By the secret the box knows who may join; by the print the workstation knows the box. The anchor is the certificate that
certifies the box's address: its own authority, or the issuer of a certificate of the centre's own. It is fetched over a
connection nobody vouches for, held against the print, and is the only authority the agent believes from then on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from appliance.errors import BadInputError
from appliance.exchange.typed_code import grouped, signs, typed

SECRET_LENGTH: Final = 12
PRINT_LENGTH: Final = 20


class SeatCodeError(BadInputError):
    """A code is mistyped, or was not made by the box that answers."""

    code = "seat.code"


@dataclass(frozen=True, slots=True)
class SeatCode:
    """A code, taken apart.

    Attributes:
        secret: what is sent to the box: 12 characters, 60 bits. The box keeps its hash alone.
        anchor_print: the first 100 bits of SHA-256 of the anchor's DER.
    """

    secret: str
    anchor_print: str

    def __str__(self) -> str:
        """The code as people read it: eight groups of four."""
        return grouped(self.secret + self.anchor_print)


def new_code(random: bytes, anchor: bytes) -> SeatCode:
    """Return a code of at least 8 random bytes for a box's anchor (DER).

    Raises:
        ValueError: there are fewer.
    """
    return SeatCode(signs(random, SECRET_LENGTH), _print(anchor))


def parse_code(text: str) -> SeatCode:
    """Return the code a person typed: case, spaces and hyphens do not matter, nor O for 0, I and L for 1.

    Raises:
        SeatCodeError: it does not have the form of a code.
    """
    plain = typed(text, SECRET_LENGTH + PRINT_LENGTH)
    if plain is None:
        raise SeatCodeError(
            "This is no code for a workstation: it has eight groups of four letters or digits.",
            hint="Copy it as the box shows it, on the page “Seat agents”.",
        )
    return SeatCode(plain[:SECRET_LENGTH], plain[SECRET_LENGTH:])


def check_anchor(code: SeatCode, anchor: bytes) -> None:
    """Return if the anchor (DER) is the one of the box that made the code.

    Raises:
        SeatCodeError: it is another one: somebody stands between, or the box got a new certificate since.
    """
    if _print(anchor) != code.anchor_print:
        raise SeatCodeError(
            "The box that answered is not the one that made the code.",
            hint="Check its address, and whether its certificate was changed since: then make a new code."
            " If both are right, somebody stands between: do not enrol, tell who runs the network.",
        )


def _print(anchor: bytes) -> str:
    return signs(hashlib.sha256(anchor).digest(), PRINT_LENGTH)
