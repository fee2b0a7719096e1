"""The one-time code a person carries from the box to a workstation: a secret, and a print of the box's anchor (pure).

By the secret the box knows who may join; by the print the workstation knows the box. The anchor is the certificate that
certifies the box's address: its own authority, or the issuer of a certificate of the centre's own. It is fetched over a
connection nobody vouches for, held against the print, and is the only authority the agent believes from then on.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from appliance.errors import BadInputError

_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: none that is read for another."""
SECRET_LENGTH: Final = 12
PRINT_LENGTH: Final = 20
_GROUP: Final = 4
_FORM: Final = re.compile(rf"[{_SIGNS}]{{{SECRET_LENGTH + PRINT_LENGTH}}}")
_TYPED: Final = str.maketrans("OIL", "011", " -\t\u2010\u2011\u2013")
_MOST_TYPED: Final = 100


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
        text = self.secret + self.anchor_print
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def new_code(random: bytes, anchor: bytes) -> SeatCode:
    """Return a code of at least 8 random bytes for a box's anchor (DER).

    Raises:
        ValueError: there are fewer.
    """
    if len(random) * 8 < 5 * SECRET_LENGTH:
        raise ValueError("a code needs 60 random bits")
    return SeatCode(_signs(random, SECRET_LENGTH), _print(anchor))


def parse_code(text: str) -> SeatCode:
    """Return the code a person typed: case, spaces and hyphens do not matter, nor O for 0, I and L for 1.

    Raises:
        SeatCodeError: it does not have the form of a code.
    """
    plain = text[:_MOST_TYPED].strip().upper().translate(_TYPED)
    if len(text) > _MOST_TYPED or not _FORM.fullmatch(plain):
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
    return _signs(hashlib.sha256(anchor).digest(), PRINT_LENGTH)


def _signs(data: bytes, length: int) -> str:
    """Return the first bits as so many signs of five bits."""
    bits = 5 * length
    number = int.from_bytes(data) >> (len(data) * 8 - bits)
    return "".join(_SIGNS[number >> shift & 31] for shift in range(bits - 5, -1, -5))
