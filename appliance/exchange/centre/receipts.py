"""What tells a box by stick which of its items have arrived: nobody answers a file, so the next one says it (pure).

A receipt covers a fixed stretch of numbers, so that it stays short however long a box has been there. Each is a change
of its own thing: a later one of the same stretch takes the earlier one's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exchange.centre.bodies import ReceiptBody

if TYPE_CHECKING:
    from collections.abc import Iterable

STRETCH: Final = 20_000
"""Numbers one receipt is about."""


def receipts_of(box: str, epoch: str, held: Iterable[int]) -> dict[str, ReceiptBody]:
    """Return the receipts for the numbers of one epoch that are durable here, by the id each change gets."""
    stretches: dict[int, list[int]] = {}
    for seq in sorted(set(held)):
        stretches.setdefault((seq - 1) // STRETCH, []).append(seq)
    return {
        receipt_id(epoch, stretch): ReceiptBody(box=box, epoch=epoch, ranges=tuple(_runs(numbers)))
        for stretch, numbers in stretches.items()
    }


def receipt_id(epoch: str, stretch: int) -> str:
    """Return the id of the change: epoch and stretch. Whose epoch it is stands in the body."""
    return f"{epoch}:{stretch}"


def _runs(numbers: list[int]) -> Iterable[tuple[int, int]]:
    first = last = numbers[0]
    for seq in numbers[1:]:
        if seq != last + 1:
            yield first, last
            first = seq
        last = seq
    yield first, last
