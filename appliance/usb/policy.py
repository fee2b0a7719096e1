"""A USB policy: rules in their order, and the answer where none matches. Values only; `engine.py` applies them.

A policy is correct once it exists: what a rule can hold is checked when it is made, from a file or in code.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from appliance.usb.model import Connect, Mode, Verdict
from appliance.usb.policy_checks import (
    as_device_ids,
    as_hashes,
    as_interfaces,
    as_minutes,
    as_places,
    as_texts,
    as_words,
)

FORMAT: Final = 1
MAX_RULES: Final = 500
MAX_VALUES: Final = 200
COMMENT_CHARACTERS: Final = 500
BUILT_IN: Final = ("root-hub", "let-in", "confirmed", "half-read")
"""Rules that every policy has before its own; they are named like rules wherever a decision is told."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Texts = Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_VALUES)]
RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$")]
"""Lower-case words joined by hyphens, such as ``typing-sticks``."""


class Interfaces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule asks of a device's interfaces, each a list of ``class:subclass:protocol`` with ``*`` for any.

    All lists that are given have to hold; they look at the interfaces of all configurations and alternate settings.

    Attributes:
        any: at least one interface is like one of these.
        all: for each of these there is an interface like it.
        only: every interface is like one of these, and there is one.
        none: no interface is like one of these.
        exactly: there are as many interfaces as these, each of these has one like it, and each is like one of these.
    """

    any: Texts = ()
    all: Texts = ()
    only: Texts = ()
    none: Texts = ()
    exactly: Texts = ()

    def __post_init__(self) -> None:
        for key in self.__struct_fields__:
            msgspec.structs.force_setattr(self, key, as_interfaces(key, getattr(self, key)))


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule asks of a device: all that is given has to hold; of several values, one.

    Texts may hold ``*`` (any run of characters) and ``?`` (one character); ``[*]``, ``[?]``, ``[[]`` are those
    characters themselves. Upper and lower case count. An empty text is a device that says nothing there.

    Attributes:
        device: ``vendor:product`` in hex, such as ``0781:5581``, or ``0781:*``.
        serial, name, manufacturer: the device's own words.
        port: where it is plugged in, such as ``1-1.4`` or ``1-1.*``.
        parent: the port of the hub above it, such as ``1-1`` or ``usb1``.
        hash, parent_hash: over its, or the hub's, identity and descriptors; exactly.
        connect: what the machine says of the port.
        interfaces: what its interfaces are.
    """

    device: Texts = ()
    serial: Texts = ()
    name: Texts = ()
    manufacturer: Texts = ()
    port: Texts = ()
    parent: Texts = ()
    hash: Texts = ()
    parent_hash: Texts = ()
    connect: Annotated[tuple[Connect, ...], msgspec.Meta(max_length=MAX_VALUES)] = ()
    interfaces: Interfaces = Interfaces()

    def __post_init__(self) -> None:
        for keys, check in _CHECKS:
            for key in keys:
                msgspec.structs.force_setattr(self, key, check(key, getattr(self, key)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that every device matches."""
        return self == Match()


_CHECKS: Final = (
    (("device",), as_device_ids),
    (("serial", "name", "manufacturer"), as_texts),
    (("port", "parent"), as_places),
    (("hash", "parent_hash"), as_hashes),
)


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """When a rule counts: all that is given has to hold.

    Attributes:
        mode: only in these modes.
        from_: from this time of day on, ``HH:MM`` of the box's zone.
        to: up to but without this time, ``HH:MM``; before ``from_`` it is one of the next day. ``24:00`` is midnight.
        weekdays: ``mon`` to ``sun``; the range of a night belongs to the day it begins on.
    """

    mode: Annotated[tuple[Mode, ...], msgspec.Meta(max_length=3)] = ()
    from_: str = ""
    to: str = ""
    weekdays: Annotated[tuple[str, ...], msgspec.Meta(max_length=7)] = ()

    def __post_init__(self) -> None:
        minutes = [as_minutes(key, text) for key, text in (("from", self.from_), ("to", self.to)) if text]
        if len(minutes) == 1:
            raise ValueError("from and to: one is given without the other")
        if minutes and (minutes[0] == minutes[1] or minutes[0] == 24 * 60):
            raise ValueError("from and to: there is no time between them")
        for day in self.weekdays:
            if day not in WEEKDAYS:
                raise ValueError(f"weekdays: “{day[:20]}” is none of {', '.join(WEEKDAYS)}")

    @property
    def minutes(self) -> tuple[int, int] | None:
        """The range as minutes of the day, or None where every time will do."""
        return (as_minutes("from", self.from_), as_minutes("to", self.to)) if self.from_ else None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what it says of the devices that match.

    Attributes:
        id: what it is called in decisions, warnings and the log.
        verdict: allow, block (can be taken back at once), reject (until the device is plugged in again).
        comment: why it is there, for people.
        match: what it asks; empty: every device.
        unless: devices that match one of these are not meant.
        when: in which modes and at which times it counts.
        let_in: of an allowed device only the interfaces like one of these; empty: all.
    """

    id: RuleId
    verdict: Verdict
    comment: Annotated[str, msgspec.Meta(max_length=COMMENT_CHARACTERS)] = ""
    match: Match = Match()
    unless: Annotated[tuple[Match, ...], msgspec.Meta(max_length=MAX_VALUES)] = ()
    when: When = When()
    let_in: Texts = ()

    def __post_init__(self) -> None:
        if self.id in BUILT_IN:
            raise ValueError(f"id: “{self.id}” is the name of a rule every policy has already")
        as_words("comment", self.comment)
        msgspec.structs.force_setattr(self, "let_in", as_interfaces("let_in", self.let_in))
        if self.let_in and self.verdict != "allow":
            raise ValueError(f"let_in: only a rule that allows can let interfaces in, this one says {self.verdict}")
        if any(one.is_empty for one in self.unless):
            raise ValueError("unless: asks for nothing, so the rule would never count")


class Otherwise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer for a device that no rule matches, by mode."""

    maintenance: Verdict = "allow"
    armed: Verdict = "block"
    export: Verdict = "block"

    def of(self, mode: Mode) -> Verdict:
        """Return the answer in a mode."""
        answers: dict[Mode, Verdict] = {"maintenance": self.maintenance, "armed": self.armed, "export": self.export}
        return answers[mode]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole policy. The first rule that matches wins.

    Attributes:
        format: the form of the file, 1.
        name: what people call it.
        otherwise: the answer where no rule matches.
        rule: the rules in their order.
    """

    format: Annotated[int, msgspec.Meta(ge=FORMAT, le=FORMAT)] = FORMAT
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    otherwise: Otherwise = Otherwise()
    rule: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=MAX_RULES)] = ()

    def __post_init__(self) -> None:
        as_words("name", self.name)
        seen: set[str] = set()
        for one in self.rule:
            if one.id in seen:
                raise ValueError(f"rule: two rules are called “{one.id}”")
            seen.add(one.id)

    def named(self, rule: str) -> Rule | None:
        """Return the rule of that id, if there is one."""
        return next((one for one in self.rule if one.id == rule), None)
