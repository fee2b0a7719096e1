"""What the decoding child is asked and answers, over its standard input and output (pure)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

REQUEST: Final = struct.Struct(">III")
"""Bytes of the initialisation segment, bytes of the fragment, widest columns."""
ANSWER: Final = struct.Struct(">BI")
"""`Answer`, bytes that follow."""
MAX_INIT: Final = 1 << 20
MAX_FRAGMENT: Final = 32 << 20
MAX_PICTURE: Final = 8 << 20
WIDEST: Final = 1920


class Answer(IntEnum):
    """What came of a request."""

    PICTURE = 0
    UNDECODABLE = 1
    READY = 2
    """Sent once at the start: everything needed is loaded, and the limits stand."""


def request(init: bytes, fragment: bytes, widest: int) -> bytes:
    """Return a request as bytes.

    Raises:
        ValueError: a piece is larger than the child takes.
    """
    if len(init) > MAX_INIT or len(fragment) > MAX_FRAGMENT or not 0 < widest <= WIDEST:
        raise ValueError("larger than the decoding child takes")
    return REQUEST.pack(len(init), len(fragment), widest) + init + fragment
