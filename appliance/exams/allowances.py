"""Planned extra time of a candidate: a share of the exam's duration, minutes, or both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_US: Final = 60 * SECOND_US
_WHOLE: Final = 100 * 100
_PART = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*(%|percent|min(?:utes|uten)?\.?|m)", re.IGNORECASE)
_MAX_LENGTH = 60


class Allowance(msgspec.Struct, frozen=True):
    """Extra time agreed before the exam.

    ``percent_hundredths``: hundredths of a percent of the exam's duration (2500 is 25 %), at most 300 %.
    ``minutes``: whole minutes on top, at most ten hours.
    """

    percent_hundredths: Annotated[int, msgspec.Meta(ge=0, le=30_000)] = 0
    minutes: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0

    def extra_us(self, duration_us: int) -> int:
        """Return the extra time for an exam of this duration, rounded up to whole seconds."""
        share = -(-duration_us * self.percent_hundredths // _WHOLE)
        return ceil_second(share) + self.minutes * MINUTE_US


NONE: Final = Allowance()


def allowance_in(detail: Mapping[str, str | int | bool]) -> Allowance:
    """Return the allowance an event's detail holds; what it leaves out is none."""
    return Allowance(percent_hundredths=int(detail.get("percent_hundredths", 0)), minutes=int(detail.get("minutes", 0)))


def ceil_second(amount_us: int) -> int:
    """Return the amount rounded up to whole seconds: in favour of the candidate."""
    return -(-amount_us // SECOND_US) * SECOND_US


def parse_allowance(text: str) -> Allowance:
    """Return the allowance a cell of a roster means; an empty one means none.

    Raises:
        BadInputError: it is neither percent nor minutes, names one of them twice, or is too much.
    """
    cell = text.strip()
    if cell in {"", "0", "-"}:
        return NONE
    if len(cell) > _MAX_LENGTH:
        raise _unclear(cell[:_MAX_LENGTH])
    percent: list[int] = []
    minutes: list[int] = []
    for piece in cell.split("+"):
        found = _PART.fullmatch(piece.strip())
        if not found or (found[2] and found[3][0] != "%" and found[3][0].lower() != "p"):
            raise _unclear(cell)
        if found[3][0] in "%pP":
            percent.append(int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")))
        else:
            minutes.append(int(found[1]))
    if len(percent) > 1 or len(minutes) > 1:
        raise _unclear(cell)
    try:
        return msgspec.convert({"percent_hundredths": sum(percent), "minutes": sum(minutes)}, Allowance)
    except msgspec.ValidationError as problem:
        raise BadInputError(
            f"The extra time {cell!r} is too much.", hint="At most 300 % and 600 minutes can be planned."
        ) from problem


def _unclear(cell: str) -> BadInputError:
    return BadInputError(
        f"The extra time {cell!r} is not understood.", hint="Write it like `25 %`, `30 min` or `25 % + 10 min`."
    )
