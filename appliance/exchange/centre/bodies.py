"""What stands in the bodies of changes and items: one message a kind (pure).

A change of kind ``media_request`` has a `messages.MediaRequest` as its body, one of ``extra_time`` an
`extra_time.ExtraTime`.
Ids of exams, sittings and candidates in changes are the centre's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, Struct, to_builtins

from appliance.exchange.centre.kinds import BoxId, Count, Epoch, Micros, ObjectId, OptionalId, ShortText

if TYPE_CHECKING:
    from appliance.exchange.json_edge import JsonObject

MAX_ROSTER: Final = 5000
_Integrations = Annotated[str, Meta(min_length=1, max_length=100)]
_Address = Annotated[str, Meta(max_length=2048)]
_Text = Annotated[str, Meta(max_length=2000)]


class Body(Struct, frozen=True, kw_only=True):
    """The body of a change or an item."""

    def body(self) -> JsonObject:
        """Return it as plain JSON values."""
        found: dict[str, Any] = to_builtins(self)
        return found


class SealedSecret(Struct, frozen=True, kw_only=True):
    """A secret an LMS signs with, sealed to one box (`sealed_secret`); ``ends_us``: not good any more from then on."""

    sealed: Annotated[str, Meta(max_length=400, description="base64url")]
    ends_us: Micros | None = None


class IntegrationBody(Body, frozen=True, kw_only=True):
    """An LMS whose exams a box may get: change ``integration``, its id is the integration's.

    Attributes:
        name: part of the addresses of the API, the same on the hub and on every box.
        secrets: those that are good, the newest first; with them the box checks who starts a session.
        centre: the address of the hub for candidates and reviewers, empty where it is not set.
    """

    name: _Integrations
    is_active: bool = True
    secrets: Annotated[tuple[SealedSecret, ...], Meta(max_length=20)] = ()
    centre: _Address = ""


class ExamBody(Body, frozen=True, kw_only=True):
    """An exam: change ``exam``, its id is the centre's of it.

    Attributes:
        integration: the name of the integration it came by.
        parameters: as the API answers them to the LMS: every key.
        choices: what the centre chose beside them (method, validation, identification, instructions); often empty.
    """

    integration: _Integrations
    account: ShortText = ""
    exam_id: ShortText
    name: _Text = ""
    parameters: dict[str, Any]
    choices: dict[str, Any] = {}


class SittingBody(Body, frozen=True, kw_only=True):
    """A sitting's plan: change ``sitting``, its id is the sitting's; never what happened in it.

    Attributes:
        exams: the centre's ids.
        timing: `exams.timing.SittingTiming` as JSON.
        lead_us: cameras record so long before the start.
    """

    name: _Text
    room: ShortText
    exams: Annotated[tuple[ObjectId, ...], Meta(min_length=1, max_length=50)]
    timing: dict[str, Any]
    opening: Literal["people", "automatic"] = "people"
    lead_us: Micros = 0


class CandidateWord(Struct, frozen=True, kw_only=True):
    """A candidate as the centre knows them. ``integration``: whose ``user_id`` it is; empty: known by number alone."""

    id: ObjectId
    integration: Annotated[str, Meta(max_length=100)] = ""
    user_id: ShortText = ""
    number: ShortText = ""
    last_name: ShortText = ""
    first_name: ShortText = ""
    third_name: ShortText = ""
    email: Annotated[str, Meta(max_length=320)] | None = None
    language: ShortText = ""
    accommodations: _Text = ""


class RosterLine(Struct, frozen=True, kw_only=True):
    """Who writes what: ``exam`` is the centre's id, ``planned`` is `exams.allowances.Allowance` as JSON."""

    candidate: CandidateWord
    exam: ObjectId
    planned: dict[str, Any] = {}


class RosterBody(Body, frozen=True, kw_only=True):
    """Who is expected in a sitting: change ``roster``, its id is the sitting's. It is the whole roster."""

    entries: Annotated[tuple[RosterLine, ...], Meta(max_length=MAX_ROSTER)] = ()


class SeatWord(Struct, frozen=True, kw_only=True):
    """A seat, its place in the room's plan, and the box's cameras that see it where the centre knows them."""

    label: ShortText
    row: Count | None = None
    column: Count | None = None
    cameras: Annotated[tuple[ObjectId, ...], Meta(max_length=20)] = ()


class SeatingBody(Body, frozen=True, kw_only=True):
    """The seats of a sitting and who is planned where: change ``seating``, its id is the sitting's.

    ``assigned``: seat label to the centre's id of a candidate on the roster.
    """

    seats: Annotated[tuple[SeatWord, ...], Meta(max_length=MAX_ROSTER)] = ()
    assigned: dict[str, str] = {}


class FinishWish(Struct, frozen=True, kw_only=True):
    """The LMS, or somebody at the centre, ends a session: when, and who as the log names them."""

    asked_us: Micros
    who: ShortText


class SessionBody(Body, frozen=True, kw_only=True):
    """A booking of the LMS: change ``session``, its id is the centre's. What happens in it is the box's to tell.

    A change without a body (a tombstone) of a session that has not begun unregisters it.

    Attributes:
        integration: its name.
        account, session: as the LMS spelled them, a number stays one.
        exam: the centre's id.
        parameters: of the hand-over, as answered.
        finish: set once the session is to end; the box ends it where it runs.
    """

    integration: _Integrations
    account: str | int = ""
    session: str | int
    exam: ObjectId
    candidate: CandidateWord
    sitting: OptionalId = ""
    session_url: _Address = ""
    finish_url: _Address | None = None
    parameters: dict[str, Any] = {}
    scheduled_us: Micros | None = None
    finish: FinishWish | None = None


class ReceiptBody(Body, frozen=True, kw_only=True):
    """Which items of a box are durable at the centre: change ``receipt``, made by `receipts`.

    Attributes:
        box: whose; another box refuses it.
        epoch: of their keys.
        ranges: first and last number of each run without a gap, in order.
    """

    box: BoxId
    epoch: Epoch
    ranges: Annotated[tuple[tuple[Count, Count], ...], Meta(max_length=20_000)] = ()


class ToldMessage(Body, frozen=True, kw_only=True):
    """What an LMS is to be told: items ``session``, ``agreement``, ``warning`` and ``review``.

    The hub knows the LMS's addresses and passes the message on. It begins with ``accountId`` and ``sessionId``.

    Attributes:
        integration: its name.
        kind: of the message: ``schedule`` or ``status`` in an item ``session``, else the item's own kind. A ``status``
            (the API's answer to who asks for it) is for the hub alone.
        message: the body as the proctoring JWT API has it (`exchange.messages`).
    """

    integration: _Integrations
    kind: Literal["schedule", "agreement", "warning", "review", "status"]
    message: dict[str, Any]
