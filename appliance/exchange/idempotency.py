"""Keys by which a receiver knows a delivery again: ``box:epoch:seq`` (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.errors import BadInputError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SEQ: Final = re.compile(r"[1-9][0-9]{0,18}")
MAX_SEQ: Final = 2**63 - 1


class DeliveryKeyError(BadInputError):
    """A delivery's key does not have its form."""

    code = "delivery.key"
    status = 400


@dataclass(frozen=True, slots=True, order=True)
class DeliveryKey:
    """Which delivery: the box, its epoch (a new one after a restore or a copy), and the number in it, from 1 on.

    Keys of one box and epoch sort in the order in which their causes happened.

    Raises:
        DeliveryKeyError: a part has another form than text would be read back from.
    """

    box: str
    epoch: str
    seq: int

    def __post_init__(self) -> None:
        if not (_NAME.fullmatch(self.box) and _NAME.fullmatch(self.epoch) and 1 <= self.seq <= MAX_SEQ):
            raise DeliveryKeyError(
                "A delivery's key is not of the form box:epoch:seq.",
                hint="Box and epoch are letters, digits, dots, hyphens and underscores; seq counts from 1.",
            )

    def __str__(self) -> str:
        return f"{self.box}:{self.epoch}:{self.seq}"


def parse_delivery_key(text: str) -> DeliveryKey:
    """Return the key of a text; there is one text for each key.

    Raises:
        DeliveryKeyError: it has another form.
    """
    box, _, rest = text.partition(":")
    epoch, _, seq = rest.partition(":")
    return DeliveryKey(box, epoch, int(seq) if _SEQ.fullmatch(seq) else 0)
