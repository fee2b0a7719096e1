"""Privacy masks as people write them, and how much of the picture they cover. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.cameras.model import Polygon

MAX_MASKS = 32
MAX_CORNERS = 64
MIN_CORNERS = 3
# A hundredth of a percent of a 4K picture's width is less than half a pixel.
DECIMALS = 4
_ROWS = 400


def masks_from(texts: Sequence[str]) -> list[list[list[float]]]:
    """Return polygons of ``"0.1,0.2 0.4,0.2 0.4,0.9"``.

    Raises:
        BadInputError: fewer than three corners, one that is not in 0..1, or more than 32 areas.
    """
    if len(texts) > MAX_MASKS:
        raise BadInputError(f"mask: {len(texts)} areas are more than the {MAX_MASKS} possible.")
    return [_polygon(text) for text in texts]


def _polygon(text: str) -> list[list[float]]:
    problem = BadInputError(
        f"mask: {text[:80]!r} is no area.",
        hint='Give three or more corners as "x,y x,y x,y": 0,0 is the top left of the picture, 1,1 the bottom right.',
    )
    try:
        corners = [[float(number) for number in corner.split(",")] for corner in text.split()]
    except ValueError:
        raise problem from None
    fits = all(len(corner) == 2 and all(0 <= n <= 1 for n in corner) for corner in corners)  # noqa: PLR2004  x and y
    finite = all(math.isfinite(n) for corner in corners for n in corner)
    if not fits or not MIN_CORNERS <= len(corners) <= MAX_CORNERS or not finite:
        raise problem
    return corners


def mask_text(polygon: Polygon) -> str:
    """Return one polygon as `masks_from` reads it."""
    return " ".join(f"{round(x, DECIMALS):g},{round(y, DECIMALS):g}" for x, y in polygon)


def masked_permille(masks: Sequence[Polygon]) -> int:
    """Return how many thousandths of the picture lie under at least one polygon (to about two thousandths)."""
    covered = sum(_covered_of_row(masks, (row + 0.5) / _ROWS) for row in range(_ROWS)) if masks else 0.0
    return round(covered / _ROWS * 1000)


def _covered_of_row(masks: Sequence[Polygon], y: float) -> float:
    """Return which share of one row is covered: the union of what each polygon covers (even-odd, as it is drawn)."""
    spans = sorted(span for polygon in masks for span in _spans(polygon, y))
    covered, reached = 0.0, 0.0
    for left, right in spans:
        covered += max(0.0, right - max(left, reached))
        reached = max(reached, right)
    return covered


def _spans(polygon: Polygon, y: float) -> list[tuple[float, float]]:
    cuts = sorted(
        x1 + (y - y1) * (x2 - x1) / (y2 - y1)
        for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True)
        if (y1 <= y) != (y2 <= y)
    )
    return list(zip(cuts[::2], cuts[1::2], strict=True))
