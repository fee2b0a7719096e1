"""The messages between a seat agent and the box (pure).

Keys that are not known are skipped, so that a newer peer may say more; every text and list has its longest length.
Instants are microseconds of UTC by the sender's clock, ``mono_us`` counts within ``boot`` alone. A report's token
(`exchange.centre.peer_token`) names the agent as its sender, the box as its audience.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from appliance.exchange.centre.kinds import BoxId, Count, Digest, Epoch, Hex32, Micros, Reason, ShortText
from appliance.exchange.json_edge import Limits

MAX_ITEMS: Final = 200
MAX_BODY: Final = 16 * 1024
"""Characters of one item's JSON: a device with the most interfaces there may be."""
MAX_POLICY: Final = 512 * 1024
SMALL: Final = Limits(size=64 * 1024, depth=8)
"""Of an enrolment, and of what is answered to a report without a policy."""
LARGE: Final = Limits(size=2 * 1024 * 1024, depth=8)
"""Of a report, and of an answer that brings a policy."""

AgentId = Annotated[str, Meta(pattern=r"^seat-[0-9a-f]{12}$(?!\n)", examples=["seat-1f2e3d4c5b6a"])]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)")]
ItemKind = Literal["usb", "window", "agent"]
"""``usb``: a device came, went or was judged anew. ``window``: another window became active. ``agent``: of itself."""


class SignedText(Struct, frozen=True, kw_only=True):
    """What the box's key for USB signed: the text as it was signed, and the Ed25519 signature, hexadecimal."""

    version: Count
    body: Annotated[str, Meta(max_length=MAX_POLICY)]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}$(?!\n)")]


class EnrolRequest(Struct, frozen=True, kw_only=True):
    """A workstation asks to be let in; the token beside it is signed with the key it names.

    ``agent`` is the name it gives itself: the beginning of the hash of its key (`agent_id`).
    """

    code: Annotated[str, Meta(min_length=8, max_length=64)]
    agent: AgentId
    name: ShortText
    public: Hex32
    version: ShortText


class Watched(Struct, frozen=True, kw_only=True):
    """What the box wants watched: the active window only while the seat's candidate writes an exam that shows it."""

    windows: bool = False
    report_seconds: Annotated[int, Meta(ge=1, le=600)] = 5


class EnrolAnswer(Struct, frozen=True, kw_only=True):
    """The workstation belongs to the box now.

    ``usb_public``: Ed25519, the only key whose policies it takes from now on. ``at_us``: the box's time.
    """

    agent: AgentId
    box: BoxId
    room: ShortText = ""
    seat: ShortText = ""
    usb_public: Hex32
    expires_us: Micros
    at_us: Micros
    policy: SignedText | None = None


class Item(Struct, frozen=True, kw_only=True):
    """Something that happened at the workstation. ``seq`` counts up within an epoch; ``body`` is JSON as text."""

    seq: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    at_us: Micros
    mono_us: Count
    boot: ShortText
    kind: ItemKind
    body: Annotated[str, Meta(min_length=2, max_length=MAX_BODY)]


class Trouble(Struct, frozen=True, kw_only=True):
    """What the agent could not do: a stable word, and in words for the journal."""

    what: Word
    detail: Reason = ""


class State(Struct, frozen=True, kw_only=True):
    """What an agent says of itself.

    Attributes:
        enforced: devices are kept out by the kernel; False: watched and judged only, `troubles` say why.
        mode: of the policy it has: ``maintenance``, ``armed``, ``export``; empty: it has none yet.
        devices: how many are plugged in; ``out`` of them are kept out.
        windows: how the active window is seen: ``x11``, ``sway``; empty: it is not.
        waiting: items that are not delivered yet, this report's included.
    """

    version: ShortText = ""
    enforced: bool = False
    mode: ShortText = ""
    devices: Count = 0
    out: Count = 0
    windows: ShortText = ""
    waiting: Count = 0
    troubles: Annotated[tuple[Trouble, ...], Meta(max_length=20)] = ()


class ReportRequest(Struct, frozen=True, kw_only=True):
    """An agent says that it is there, and what happened; asked again it is the same items.

    ``run`` is made anew at each start of the agent: one that comes back after a later one shows a copied workstation.
    """

    epoch: Epoch
    run: Epoch
    boot: ShortText
    mono_us: Count
    at_us: Micros
    policy_version: Count = 0
    machine: Digest
    state: State
    items: Annotated[tuple[Item, ...], Meta(max_length=MAX_ITEMS)] = ()


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """What the box says to a report.

    Attributes:
        acknowledged: items up to this number are durable at the box; the agent forgets them.
        at_us: the box's time.
        policy: where it is newer than the one the agent has.
    """

    acknowledged: Count = 0
    at_us: Micros
    policy: SignedText | None = None
    seat: ShortText = ""
    watched: Watched = Watched()
