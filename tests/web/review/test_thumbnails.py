"""Small pictures are kept within bounds and forgotten when they must be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.web.review.thumbnails import Thumbnails, check_width, first_fragment


class StandInDecoder:
    """Gives a picture as long as it is asked for, and counts."""

    def __init__(self) -> None:
        self.made = 0

    def jpeg(self, init: bytes, fragment: bytes, *, widest: int) -> bytes:
        """Give bytes."""
        self.made += 1
        return init * widest

    def close(self) -> None:
        """Nothing to end."""


def thumbnails(most_bytes: int) -> tuple[Thumbnails, Any]:
    """Return a cache with its counting decoder."""
    decoder: Any = StandInDecoder()
    return Thumbnails(decoder, most_bytes=most_bytes), decoder


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([160, 320])), max_size=40))
def test_memory_is_bounded_and_pictures_are_right(asked: list[tuple[str, int]]) -> None:
    """However it is asked, each picture is its own and together they stay below the limit."""
    kept, _ = thumbnails(600)
    for path, width in asked:
        assert kept.find((path, 1, width), lambda path=path: (path.encode(), b"")) == path.encode() * width  # type: ignore[misc]
        assert kept._bytes == sum(map(len, kept._kept.values())) <= 600


def test_forgotten_pictures_are_made_again() -> None:
    """What is kept is not made twice; what was forgotten is."""
    kept, decoder = thumbnails(10_000)
    for _ in range(2):
        kept.find(("a", 1, 160), lambda: (b"a", b""))
    kept.forget()
    kept.find(("a", 1, 160), lambda: (b"a", b""))
    assert decoder.made == 2


@given(st.binary(max_size=200))
def test_the_first_fragment_is_a_beginning(data: bytes) -> None:
    """Of whatever bytes, the first fragment is a beginning of them."""
    assert data.startswith(first_fragment(data))


def test_only_one_picture_is_sent_to_the_decoder() -> None:
    """Of several fragments, the first box pair."""
    box = (16).to_bytes(4, "big") + b"moof" + bytes(8)
    assert first_fragment(box * 6) == box * 2


def test_widths_are_few() -> None:
    """Other widths are refused: each would be kept."""
    assert check_width(320) == 320
    with pytest.raises(BadInputError):
        check_width(321)
