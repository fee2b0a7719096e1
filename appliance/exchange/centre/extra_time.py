"""Extra time in a running exam as both sides may give it: signed, added, never overwritten (pure).

A grant's id is the hash of its content, so that no grant can stand in another's place. A grant can be withdrawn, for
good, while it waits for acceptance; once it is in a sitting's history it stays there (decision 0008). The sum is the
same whatever the order, and however often each is told.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct, to_builtins

from appliance.exchange.centre.canonical import canonical
from appliance.exchange.centre.kinds import Micros, ObjectId, OptionalId, Reason, ShortText
from appliance.exchange.centre.messages import message_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from appliance.exchange.json_edge import JsonObject


class ExtraTime(Struct, frozen=True, kw_only=True):
    """One grant: the body of a change, or of an item, of kind ``extra_time``.

    Attributes:
        candidate: whom; empty: everybody in the sitting.
        amount_us: whole seconds, 1 s to 10 h.
        origin: box or hub where a person gave it.
        nonce: random, so that the same grant given twice is two.
    """

    sitting: ObjectId
    candidate: OptionalId = ""
    amount_us: Annotated[int, Meta(ge=1_000_000, le=36_000_000_000, multiple_of=1_000_000)]
    who: ShortText
    why: Reason
    at_us: Micros
    origin: ShortText
    nonce: Annotated[str, Meta(min_length=16, max_length=64)]

    def body(self) -> JsonObject:
        """Return it as the body of a change or an item."""
        found: dict[str, Any] = to_builtins(self)
        return found


def extra_time_id(grant: ExtraTime) -> str:
    """Return the id of a grant: 32 hexadecimal digits of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical(grant.body())).hexdigest()[:32]


def read_extra_time(body: JsonObject) -> ExtraTime:
    """Return the grant that a body says.

    Raises:
        MessageError: a field is missing or wrong.
    """
    return message_of(ExtraTime, body)


def total_us(grants: Mapping[str, ExtraTime], withdrawn: Collection[str], *, sitting: str, candidate: str) -> int:
    """Return what is granted to one candidate in one sitting: their own grants and everybody's, without withdrawn ones.

    When somebody ends is not computed of it, but of the sitting's history (`exams/timing.py`).

    Args:
        grants: by id.
        withdrawn: ids; those of unknown grants count as soon as the grant arrives.
        sitting: its id.
        candidate: whose time it is.
    """
    return sum(
        grant.amount_us
        for number, grant in grants.items()
        if number not in withdrawn and grant.sitting == sitting and grant.candidate in {"", candidate}
    )
