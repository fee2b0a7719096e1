"""The messages of the protocol, and how they are read (pure).

Keys that are not known are skipped, so that a newer peer may say more; every text and list has its longest length.
Instants are microseconds of UTC.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from appliance.errors import BadInputError
from appliance.exchange.centre.changes import Change
from appliance.exchange.centre.items import Item
from appliance.exchange.centre.kinds import (
    BoxAddress,
    BoxId,
    Count,
    Cursor,
    Digest,
    Epoch,
    Hex32,
    HubId,
    Micros,
    ObjectId,
    OptionalId,
    Reason,
    ShortText,
    Span,
)
from appliance.exchange.json_edge import Limits, parse_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.exchange.json_edge import JsonObject

Message = TypeVar("Message", bound=Struct)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
MAX_CHANGES: Final = 500
MAX_ITEMS: Final = 500
MAX_SEGMENTS: Final = 2000
SMALL: Final = Limits(size=64 * 1024, depth=8)
"""Of an enrolment, a report and what is answered to them."""
LARGE: Final = Limits(size=8 * 1024 * 1024, depth=8)
"""Of a batch of changes or items."""

_AROUND: Final = 4096
"""Bytes of a message, or of a file, around what is in it."""


class MessageError(BadInputError):
    """A message does not have its form; ``field`` says where, ``reason`` why. Nothing was taken."""

    code = "centre.message"
    status = 400

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", hint="Both sides have to speak the same version of the protocol.")
        self.field = field
        self.reason = reason


class EnrolRequest(Struct, frozen=True, kw_only=True):
    """A box asks to belong to a centre; the token beside it is signed with the key it names.

    Attributes:
        code: the secret of the one-time code, without the hub's print.
        public: Ed25519, what the box signs its requests and sticks with.
        seal_public: X25519, what sticks for the box are sealed to.
        machine: a hash that differs between two computers, so that a copied box is told apart.
        key_expires_us: when the box will stop using the key; null: not stated.
        address: where the browsers of candidates and reviewers reach the box; empty: the hub has to be told by people.
    """

    code: Annotated[str, Meta(min_length=8, max_length=64)]
    box: BoxId
    name: ShortText
    public: Hex32
    seal_public: Hex32
    epoch: Epoch
    machine: Digest
    version: ShortText
    key_expires_us: Micros | None = None
    address: BoxAddress = ""


class EnrolAnswer(Struct, frozen=True, kw_only=True):
    """The box belongs to the centre now.

    Attributes:
        public: Ed25519 of the hub; the box compares it with the print in the code before it believes anything.
        seal_public: X25519 of the hub, for sticks to it.
        valid_until_us: the box's key is taken until then; null: until it is revoked.
        integrations: names of the integrations whose exams the box may get.
        ca: certificates (PEM) of who certifies the hub's address, where that is an authority of the centre's own. The
            answer is signed, so the box may believe them. Empty: an authority everybody knows.
    """

    hub: HubId
    public: Hex32
    seal_public: Hex32
    centre: ShortText
    room: ShortText = ""
    valid_until_us: Micros | None = None
    integrations: Annotated[tuple[ShortText, ...], Meta(max_length=200)] = ()
    ca: Annotated[str, Meta(max_length=16_384)] = ""


class PullRequest(Struct, frozen=True, kw_only=True):
    """A box asks for what has changed since a cursor."""

    cursor: Cursor = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_CHANGES)] = 200


class PullAnswer(Struct, frozen=True, kw_only=True):
    """What has changed, the oldest first; ``cursor`` is for the next request, ``more`` says whether to ask at once."""

    changes: Annotated[tuple[Change, ...], Meta(max_length=MAX_CHANGES)] = ()
    cursor: Cursor = ""
    more: bool = False


class PushRequest(Struct, frozen=True, kw_only=True):
    """A box tells what happened, in order of each stream."""

    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class PushResult(Struct, frozen=True, kw_only=True):
    """What became of one item.

    ``stored``: it was new and is durable. ``known``: it was here already, the same. ``refused``: it will not be taken,
    ``reason`` says why; the box parks it. ``conflict``: another content has its key; the box needs a new epoch.
    ``waits``: an earlier one of its stream was not taken, so it was left; send it again.
    """

    key: Annotated[str, Meta(max_length=160)]
    result: Literal["stored", "known", "refused", "conflict", "waits"]
    reason: Reason = ""


class PushAnswer(Struct, frozen=True, kw_only=True):
    """What became of each item, in the order they were sent.

    ``before``: of each epoch of their keys the highest number that was here before them, 0: none; null: not said. Where
    it is below what was acknowledged, the hub was restored from a backup, and the box tells again what it keeps.
    """

    results: Annotated[tuple[PushResult, ...], Meta(max_length=MAX_ITEMS)]
    before: Annotated[dict[Epoch, Count], Meta(max_length=MAX_ITEMS)] | None = None


class ClockWord(Struct, frozen=True, kw_only=True):
    """What a box thinks of its clock: ``offset_us`` is the centre's time less the box's; null: not measured yet."""

    trusted: bool
    offset_us: Span | None = None
    bound_us: Span | None = None


class SittingWord(Struct, frozen=True, kw_only=True):
    """A sitting that a box has in hand."""

    id: ObjectId
    status: ShortText
    name: ShortText = ""
    candidates: Count = 0
    writing: Count = 0


class CamerasWord(Struct, frozen=True, kw_only=True):
    """How many cameras deliver, are lost, and are recorded."""

    live: Count = 0
    lost: Count = 0
    recording: Count = 0


class DiskWord(Struct, frozen=True, kw_only=True):
    """How the disk stands: ``ok``, ``warn``, ``delete``, ``stop``; bytes."""

    state: ShortText = ""
    free: Count = 0
    total: Count = 0


class BacklogWord(Struct, frozen=True, kw_only=True):
    """How much the box has still to tell the centre, since when, and how much waits for a person."""

    count: Count = 0
    oldest_us: Micros | None = None
    parked: Count = 0


class Report(Struct, frozen=True, kw_only=True):
    """What a box says of itself every few seconds. ``seq``: the highest number it has given in this epoch."""

    box: BoxId
    epoch: Epoch
    seq: Count
    machine: Digest
    version: ShortText
    at_us: Micros
    clock: ClockWord
    sittings: Annotated[tuple[SittingWord, ...], Meta(max_length=50)] = ()
    cameras: CamerasWord = CamerasWord()
    disk: DiskWord = DiskWord()
    backlog: BacklogWord = BacklogWord()
    proposals: Count = 0
    """Changes of the centre that wait for an invigilator."""
    address: BoxAddress = ""
    """Where the browsers of candidates and reviewers reach the box; empty: as the hub knows it."""


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """What the hub says to a report.

    Attributes:
        at_us: the hub's time.
        epoch: ``ok``, or why the box needs a new one; ``restored`` only counts where ``highest`` is above what the box
            has given, for a report may be overtaken by a later one.
        highest: the highest number the hub holds of this epoch; 0: none.
        changed: whether there is something to pull beyond the cursor the hub knows of.
        wants_media: how many recordings were asked for and are not complete.
        next_report_s: when to report again.
        held: of the box's newest epochs (at least 20) the highest number that is durable here, as of some moments ago;
            one that is not named: none. Null: not said. It is below what was acknowledged where the hub was restored.
    """

    at_us: Micros
    epoch: Literal["ok", "restored", "cloned", "conflict"] = "ok"
    highest: Count = 0
    changed: bool = False
    wants_media: Count = 0
    next_report_s: Annotated[int, Meta(ge=1, le=3600)] = 5
    held: Annotated[dict[Epoch, Count], Meta(max_length=100)] | None = None


class MediaRequest(Struct, frozen=True, kw_only=True):
    """The body of a change of kind ``media_request``: the centre wants what one camera recorded from when to when."""

    sitting: ObjectId
    camera: ObjectId
    from_us: Micros
    to_us: Micros
    reason: Reason = ""
    session: OptionalId = ""


class Segment(Struct, frozen=True, kw_only=True):
    """One sealed segment of a recording: its part and number in it, the SHA-256 and bytes of what is sent."""

    part: Count
    seq: Count
    sha256: Digest
    size: Annotated[int, Meta(ge=1, le=64 * 1024 * 1024)]


class MediaOffer(Struct, frozen=True, kw_only=True):
    """The segments a box has for a media request. ``last``: no more will be offered for it."""

    request: ObjectId
    sitting: ObjectId
    camera: ObjectId
    segments: Annotated[tuple[Segment, ...], Meta(max_length=MAX_SEGMENTS)] = ()
    last: bool = False


class SegmentName(Struct, frozen=True, kw_only=True):
    """A segment of the recording that is spoken of."""

    part: Count
    seq: Count


class MediaAnswer(Struct, frozen=True, kw_only=True):
    """Which of the offered segments the hub has not got yet, in the order to send them; asked again after a cut."""

    missing: Annotated[tuple[SegmentName, ...], Meta(max_length=MAX_SEGMENTS)] = ()
    complete: bool = False


class SegmentAnswer(Struct, frozen=True, kw_only=True):
    """A segment is durable at the hub; ``known``: it was before."""

    result: Literal["stored", "known"]


def read_message(kind: type[Message], data: bytes, limits: Limits = SMALL) -> Message:
    """Return the message that the bytes are.

    Raises:
        JsonError: they are no JSON object as it is taken here.
        MessageError: a field is missing or wrong.
    """
    return message_of(kind, parse_object(data, limits))


def message_of(kind: type[Message], value: JsonObject) -> Message:
    """Return the message that a parsed JSON object is.

    Raises:
        MessageError: a field is missing or wrong.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as problem:
        raise _named(str(problem)) from problem


def _named(told: str) -> MessageError:
    """Return what msgspec told as a field and a reason."""
    reason, _, place = told.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    if missing := _MISSING.fullmatch(reason):
        return MessageError(f"{place}.{missing[1]}".lstrip("."), "is missing.")
    return MessageError(place or "body", reason)


def write_message(message: Struct) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def fitting(things: Sequence[Change] | Sequence[Item], *, most: int = MAX_ITEMS, size: int = LARGE.size) -> int:
    """Return how many of these, from the first on, fit one message: at least one, if there is any.

    Args:
        things: changes or items.
        most: how many may be in it.
        size: bytes of the whole; of a stick's file, `bundle.MAX_FILE`.
    """
    left = size - _AROUND
    for count, one in enumerate(things[:most]):
        left -= len(msgspec.json.encode(one)) + 1
        if left < 0:
            return max(count, 1)
    return min(len(things), most)
