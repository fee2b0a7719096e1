"""The test picture tells machines its number and time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.sources import pattern_code

NOW_MS = 1_795_290_000_000


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**45))
def test_what_is_encoded_is_decoded(frame: int, wall_ms: int) -> None:
    """Number and time come back exactly, given any time within years of it."""
    stamp = pattern_code.decode(pattern_code.encode(frame, wall_ms), near_wall_ms=wall_ms + 3_600_000 * 24 * 365)
    assert stamp == (frame, wall_ms)


@given(st.integers(0, 2**24 - 1), st.integers(0, 79))
def test_one_wrong_block_is_noticed(frame: int, block: int) -> None:
    """A single flipped block is never taken for another stamp."""
    bits = pattern_code.encode(frame, NOW_MS)
    bits[block] ^= 1
    assert pattern_code.decode(bits) is None


@given(st.integers(0, 2**24 - 1), st.sampled_from([160, 320, 640, 1280, 1366, 1920]), st.integers(0, 60), st.randoms())
def test_blocks_are_read_through_noise(frame: int, width: int, noise: int, chance: object) -> None:
    """A row drawn at any width is read in spite of coding noise, and after resizing."""
    bits = pattern_code.encode(frame, NOW_MS)
    row = [
        (pattern_code.WHITE if bits[x * 80 // width] else pattern_code.BLACK) + chance.randint(-noise, noise)  # type: ignore[attr-defined]
        for x in range(width)
    ]
    assert pattern_code.read([row] * 40, 96, near_wall_ms=NOW_MS) == (frame, NOW_MS)


def test_a_picture_without_blocks_says_nothing() -> None:
    """Grey, black and too few rows give no stamp."""
    assert pattern_code.read([[120] * 640] * 40, 480) is None
    assert pattern_code.read([[16] * 640] * 2, 480) is None
    assert pattern_code.decode([1, 0, 1]) is None
