"""A frame number and the wall clock as black and white blocks in a picture: latency and loss can be measured.

A row of 80 blocks along the top of the picture: an 8-block mark, 24 bits of frame number, 40 bits of wall-clock
milliseconds (modulo 2**40), 8 bits of CRC-8. Blocks survive H.264 and resizing, as only their middles are read.
Pure functions over luma rows; nothing is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = 0b10110010
FRAME_BITS, MILLIS_BITS, CHECK_BITS = 24, 40, 8
BLOCKS = 8 + FRAME_BITS + MILLIS_BITS + CHECK_BITS
WHITE, BLACK = 235, 16
_MIDDLE = 126
_POLYNOMIAL = 0x07  # CRC-8 of SMBus


class Stamp(NamedTuple):
    """What a picture says of itself: its number, and when it was drawn (wall clock, milliseconds since 1970)."""

    frame: int
    wall_ms: int


def encode(frame: int, wall_ms: int) -> list[int]:
    """Return the 80 bits for a picture, 1 for white; the number counts modulo 2**24."""
    payload = (frame % (1 << FRAME_BITS)) << MILLIS_BITS | wall_ms % (1 << MILLIS_BITS)
    data = payload.to_bytes((FRAME_BITS + MILLIS_BITS) // 8, "big")
    whole = bytes([MARK]) + data + bytes([_crc8(data)])
    return [byte >> bit & 1 for byte in whole for bit in range(7, -1, -1)]


def decode(bits: Sequence[int], *, near_wall_ms: int = 0) -> Stamp | None:
    """Read 80 bits; None if the mark or the checksum is wrong.

    Args:
        bits: as `encode` gave them.
        near_wall_ms: some time within 17 years of the stamp, to restore its high bits (2**40 ms are 34 years).
    """
    if len(bits) != BLOCKS:
        return None
    value = 0
    for bit in bits:
        value = value << 1 | (1 if bit else 0)
    whole = value.to_bytes(BLOCKS // 8, "big")
    data = whole[1:-1]
    if whole[0] != MARK or whole[-1] != _crc8(data):
        return None
    payload = int.from_bytes(data, "big")
    low = payload % (1 << MILLIS_BITS)
    span = 1 << MILLIS_BITS
    wall_ms = low + (near_wall_ms - low + span // 2) // span * span if near_wall_ms else low
    return Stamp(payload >> MILLIS_BITS, wall_ms)


def bits_of_row(luma: Sequence[int]) -> list[int]:
    """Return the bits in one row of luma values that runs through the middle of the blocks."""
    width = len(luma)
    bits = []
    for block in range(BLOCKS):
        left, right = block * width // BLOCKS, (block + 1) * width // BLOCKS
        edge = (right - left) // 4
        # int: numpy's 8-bit values would overflow in the sum.
        inside = [int(value) for value in luma[left + edge : right - edge]]
        bits.append(1 if sum(inside) > _MIDDLE * len(inside) else 0)
    return bits


def block_height(height: int) -> int:
    """Return the height of the row of blocks in a picture, in lines: whole macroblocks, so that they code cleanly."""
    return max(16, height // 40 // 16 * 16)


def read(rows: Sequence[Sequence[int]], height: int, *, near_wall_ms: int = 0) -> Stamp | None:
    """Return the stamp of a picture given its luma rows (or just the top ones), or None if none can be read."""
    middle = block_height(height) // 2
    for line in (middle, middle - 1, middle + 1):
        if line < len(rows):
            stamp = decode(bits_of_row(rows[line]), near_wall_ms=near_wall_ms)
            if stamp:
                return stamp
    return None


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
    return crc
