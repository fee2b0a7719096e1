"""Masks as text, and how much they cover."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cameras.masks import mask_text, masked_permille, masks_from
from appliance.errors import BadInputError

number = st.integers(0, 10_000).map(lambda n: n / 10_000)
polygons = st.lists(st.lists(st.tuples(number, number), min_size=3, max_size=8), max_size=5)


@given(polygons)
def test_what_is_written_is_read(masks: list[list[tuple[float, float]]]) -> None:
    """Text and polygons are the same thing."""
    assert masks_from([mask_text(polygon) for polygon in masks]) == [[list(corner) for corner in p] for p in masks]


@given(polygons)
def test_more_masks_never_cover_less(masks: list[list[tuple[float, float]]]) -> None:
    """What is covered lies between nothing and all, and grows with each mask."""
    covered = [masked_permille(masks[:count]) for count in range(len(masks) + 1)]
    assert covered == sorted(covered)
    assert 0 <= covered[-1] <= 1000


@pytest.mark.parametrize(
    ("texts", "permille"),
    [
        ([], 0),
        (["0,0 1,0 1,1 0,1"], 1000),
        (["0,0 0.5,0 0.5,1 0,1"], 500),
        (["0,0 0.5,0 0.5,1 0,1", "0.25,0 0.75,0 0.75,1 0.25,1"], 750),
        (["0,0 1,0 0,1"], 500),
        (["0.5,0.5 0.5,0.5 0.5,0.5"], 0),
    ],
)
def test_shares_of_the_picture(texts: list[str], permille: int) -> None:
    """Areas that overlap count once."""
    assert masked_permille(masks_from(texts)) == pytest.approx(permille, abs=3)


def test_too_many_areas_are_refused() -> None:
    """The limit is the model's."""
    with pytest.raises(BadInputError, match="33 areas"):
        masks_from(["0,0 1,0 1,1"] * 33)
