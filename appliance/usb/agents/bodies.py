"""What the items of a seat agent hold, as both ends read them (pure). Texts of devices are made safe at both ends."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.usb.cleaning import clean
from appliance.usb.model import Decision, Device, Mode

Change = Literal["plugged", "unplugged", "changed", "judged"]
"""``judged``: it was there already, and what is decided about it is new (the policy, the mode)."""
Enforced = Literal["in", "partly", "out", "rejected", "failed", "noted"]
MAX_APPLICATION: Final = 80
MAX_HASH: Final = 64
"""SHA-256 in base64 has 44 characters."""
MAX_RULE: Final = 48
_DEVICE_TEXTS: Final = ("serial", "manufacturer", "name")


class UsbSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A device at a workstation: what it is, what is decided, what became of it there (`usb_device.state`)."""

    change: Change
    device: Device
    decision: Decision
    state: Enforced
    mode: Mode
    policy_version: Annotated[int, msgspec.Meta(ge=0)] = 0
    problem: Annotated[str, msgspec.Meta(max_length=300)] = ""

    @property
    def is_forbidden(self) -> bool:
        """Whether it is a device that is to be kept out just now."""
        is_there = self.change != "unplugged"
        return is_there and self.mode != "maintenance" and self.decision.verdict != "allow"


class WindowChange(msgspec.Struct, frozen=True, kw_only=True):
    """Other windows became active: the applications' names alone, never titles, which tell what somebody reads.

    ``changes`` in a row within seconds are one item; ``former`` was active before the first, ``application`` is after
    the last. ``span_us`` is the time between those two.
    """

    application: Annotated[str, msgspec.Meta(max_length=MAX_APPLICATION)]
    former: Annotated[str, msgspec.Meta(max_length=MAX_APPLICATION)] = ""
    changes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    span_us: Annotated[int, msgspec.Meta(ge=0, le=3_600_000_000)] = 0


class AgentWord(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the agent itself: ``started``, ``stopped``, ``policy_refused``, ``items_lost``."""

    what: Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[a-z_]+$")]
    detail: Annotated[str, msgspec.Meta(max_length=300)] = ""
    count: Annotated[int, msgspec.Meta(ge=0)] = 0


Body = UsbSeen | WindowChange | AgentWord
_TYPES: Final[dict[str, type[msgspec.Struct]]] = {"usb": UsbSeen, "window": WindowChange, "agent": AgentWord}


def write_body(body: Body) -> str:
    """Return a body as the text of an item."""
    return msgspec.json.encode(body).decode()


def read_body(kind: str, text: str) -> Body | None:
    """Return what an item holds with its texts made safe; None where it does not have its form."""
    try:
        found = msgspec.json.decode(text, type=_TYPES[kind])
    except (msgspec.DecodeError, KeyError):
        return None
    if isinstance(found, UsbSeen):
        said, decided = found.device, found.decision
        if len(said.hash) > MAX_HASH or len(said.parent_hash) > MAX_HASH or len(decided.rule) > MAX_RULE:
            return None
        texts = {name: clean(getattr(said, name)) for name in (*_DEVICE_TEXTS, "hash", "parent_hash", "speed")}
        return msgspec.structs.replace(
            found,
            device=msgspec.structs.replace(said, **texts),
            decision=msgspec.structs.replace(decided, why=clean(decided.why), rule=clean(decided.rule)),
            problem=clean(found.problem),
        )
    if isinstance(found, WindowChange):
        return msgspec.structs.replace(found, application=clean(found.application), former=clean(found.former))
    if isinstance(found, AgentWord):
        return msgspec.structs.replace(found, detail=clean(found.detail))
    return None
