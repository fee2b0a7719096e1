"""The types of single fields, and the kinds of things that travel between box and centre (pure)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

MAX_BODY: Final = 512 * 1024
"""Characters of one thing's JSON."""
_END: Final = r"$(?!\n)"
"""The end of a text in Python and in ECMAScript alike (`$` alone lets a line end by, in Python)."""

BoxId = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}", examples=["box-1f2e3d4c"])]
HubId = Annotated[str, Meta(pattern=rf"^hub:[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}", examples=["hub:north"])]
Party = Annotated[
    str, Meta(pattern=rf"^(hub:)?[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}", examples=["box-1f2e3d4c", "hub:north"])
]
"""A box, or a hub with ``hub:`` before its name."""
Epoch = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}")]
Word = Annotated[str, Meta(pattern=rf"^[a-z][a-z0-9_]{{0,39}}{_END}")]
_NO_CONTROLS: Final = rf"^[^\u0000-\u001f\u007f]*{_END}"
ObjectId = Annotated[str, Meta(min_length=1, max_length=80, pattern=_NO_CONTROLS)]
OptionalId = Annotated[str, Meta(max_length=80, pattern=_NO_CONTROLS)]
ShortText = Annotated[str, Meta(max_length=255)]
Reason = Annotated[str, Meta(max_length=500)]
Hex32 = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{64}}{_END}", description="32 bytes, hexadecimal")]
Digest = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{43}}{_END}", description="SHA-256, base64url")]
Signature = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{86}}{_END}", description="Ed25519, base64url")]
Micros = Annotated[int, Meta(ge=0, le=9_000_000_000_000_000, description="UTC since 1970, microseconds")]
Span = Annotated[int, Meta(ge=-9_000_000_000_000_000, le=9_000_000_000_000_000, description="microseconds")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Version = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Cursor = Annotated[str, Meta(max_length=200, pattern=_NO_CONTROLS, description="opaque; empty: from the beginning")]
BoxAddress = Annotated[
    str, Meta(max_length=200, pattern=rf"^(https?://[^/\s?#]+)?{_END}", examples=["https://hall-2.example:8443"])
]
"""The beginning of addresses on a box, without a slash at the end; empty where it is not known."""
JsonText = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=MAX_BODY,
        description="a JSON object as text; every character is kept, for it is what was signed or hashed",
        extra_json_schema={"contentMediaType": "application/json"},
    ),
]


class ChangeKind(StrEnum):
    """What the centre tells a box of. A newer centre may tell of more; a box refuses those and goes on."""

    INTEGRATION = "integration"
    EXAM = "exam"
    SITTING = "sitting"
    ROSTER = "roster"
    SEATING = "seating"
    SESSION = "session"
    EXTRA_TIME = "extra_time"
    MEDIA_REQUEST = "media_request"
    RECEIPT = "receipt"
    """Which of a box's items the centre holds: on a stick, where nobody answers."""


class ItemKind(StrEnum):
    """What a box tells the centre of. A newer box may tell of more; a hub keeps those unread."""

    SESSION = "session"
    AGREEMENT = "agreement"
    WARNING = "warning"
    INCIDENT = "incident"
    REVIEW = "review"
    REGISTER = "register"
    SITTING_EVENT = "sitting_event"
    MANIFEST = "manifest"
    LOG_HEAD = "log_head"
    EXTRA_TIME = "extra_time"
    CLOCK = "clock"
    ACCEPTANCE = "acceptance"
    """What an invigilator said to a change of the centre that waited."""


class Owner(StrEnum):
    """Who alone may change a kind of thing."""

    CENTRE = "centre"
    BOX = "box"
    BOTH = "both"
    """Signed changes of either side that are added, never written over one another."""


CHANGES_OWNED: Final[dict[ChangeKind, Owner]] = {
    kind: Owner.BOTH if kind is ChangeKind.EXTRA_TIME else Owner.CENTRE for kind in ChangeKind
}
"""Who owns what the centre tells of: the session here is the booking, not what happened in it."""
ITEMS_OWNED: Final[dict[ItemKind, Owner]] = {
    kind: Owner.BOTH if kind is ItemKind.EXTRA_TIME else Owner.BOX for kind in ItemKind
}
"""Who owns what a box tells of: everything that happened is the box's."""
