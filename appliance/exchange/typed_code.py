"""What the one-time codes have in common that people carry by hand from one machine to another (pure).

Their signs are Crockford's base 32, none of which is read for another; what is typed may have them lower case, spaced,
and mistaken for one another.
"""

from __future__ import annotations

import re
from typing import Final

SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BITS_A_SIGN: Final = 5
GROUP: Final = 4
_TYPED: Final = str.maketrans("OIL", "011", " -\t\u2010\u2011\u2013")
_MOST_TYPED: Final = 100


def signs(data: bytes, length: int) -> str:
    """Return the first bits of ``data`` as ``length`` signs of five bits each; the first bit leads.

    Raises:
        ValueError: there are fewer bits.
    """
    shift_all = len(data) * 8 - BITS_A_SIGN * length
    if shift_all < 0:
        raise ValueError(f"a code needs {BITS_A_SIGN * length} random bits")
    number = int.from_bytes(data) >> shift_all
    return "".join(SIGNS[number >> BITS_A_SIGN * at & 31] for at in range(length - 1, -1, -1))


def grouped(text: str) -> str:
    """Return a code as people read it: ``ABCD-EFGH-…``."""
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def typed(text: str, length: int) -> str | None:
    """Return the signs a person typed, None where they are no code of that length.

    Case, spaces and hyphens do not matter, nor O for 0, I and L for 1.
    """
    if len(text) > _MOST_TYPED:
        return None
    plain = text.strip().upper().translate(_TYPED)
    return plain if re.fullmatch(rf"[{SIGNS}]{{{length}}}", plain) else None
