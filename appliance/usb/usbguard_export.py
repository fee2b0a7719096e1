"""Writes a policy as a rule file of USBGuard, and names what could not be carried over (pure).

As with the import, what a rule loses must never let in more: an allowing rule that cannot be said whole is left out,
one that keeps devices out is written without what it loses, unless it would then be about every device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.usb.matching import overlap, plain_text
from appliance.usb.usbguard_import import Note
from appliance.usb.usbguard_language import Condition, GuardRule, Values, write_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from appliance.usb.model import Device
    from appliance.usb.policy import Interfaces, Match, Policy, Rule, When
    from appliance.usb.usbguard_language import Attribute, Operator

_KEYS: Final[dict[str, Attribute]] = {
    "device": "id",
    "serial": "serial",
    "name": "name",
    "hash": "hash",
    "parent_hash": "parent-hash",
    "port": "via-port",
    "connect": "with-connect-type",
}
_ORDER: Final[tuple[Attribute, ...]] = (
    "id",
    "serial",
    "name",
    "hash",
    "parent-hash",
    "via-port",
    "with-interface",
    "with-connect-type",
)
_UNKNOWN: Final = ("manufacturer", "parent")
_OPERATORS: Final[dict[str, Operator]] = {
    "any": "one-of",
    "all": "all-of",
    "none": "none-of",
    "only": "match-all",
    "exactly": "equals",
}


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A rule file, and what of the policy could not be carried over."""

    text: str
    notes: tuple[Note, ...]


def export_rules(policy: Policy, *, confirmed: Iterable[Device] = ()) -> Exported:
    """Return USBGuard's rule file that decides as the policy does while the box is armed, as far as that can be said.

    ``confirmed`` devices come first, as ``usbguard generate-policy`` would write them.
    """
    lines = [f"# {line}".rstrip() for line in (policy.name or "USB policy of an exam box", "")]
    notes: list[Note] = []
    if policy.otherwise.armed != "block":
        what = f"Where no rule matches the policy says {policy.otherwise.armed}: set ImplicitPolicyTarget so."
        notes.append(Note(what=what))
    lines += [write_rule(_rule_of_device(device)) for device in confirmed if device.hash]
    for rule in policy.rule:
        made, said = _Rule(rule).made()
        notes += said
        lines += ["", *(f"# {line}".rstrip() for line in rule.comment.split("\n") if line)]
        if made is None:
            lines.append(f"# Rule {rule.id} is left out: {said[0].what}")
            continue
        lines += [f"# {note.what}" for note in said]
        lines.append(write_rule(made))
    return Exported(text="\n".join(lines) + "\n", notes=tuple(notes))


def _rule_of_device(device: Device) -> GuardRule:
    values: dict[Attribute, Values] = {
        "id": Values((device.id.encode(),)),
        "serial": Values((device.serial.encode(),)),
        "name": Values((device.name.encode(),)),
        "hash": Values((device.hash.encode(),)),
    }
    return GuardRule(line=0, target="allow", attributes=values, labels=("confirmed",))


class _Rule:
    """Carries one rule over."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._lost: list[str] = []
        self._said: list[str] = []

    def made(self) -> tuple[GuardRule | None, list[Note]]:
        rule = self._rule
        if rule.when.mode and "armed" not in rule.when.mode:
            return None, [self._note("It does not count while the box is armed.", left_out=True)]
        attributes = self._attributes(rule.match)
        for one in rule.unless:
            self._except(attributes, one)
        conditions = self._conditions(rule.when)
        lost = ", ".join(self._lost)
        if lost and rule.verdict == "allow":
            return None, [self._note(f"USBGuard cannot say {lost}; it would let in more.", left_out=True)]
        if lost and not attributes:
            return None, [self._note(f"USBGuard cannot say {lost}; it would be about every device.", left_out=True)]
        made = GuardRule(
            line=0,
            # Whole, it would let in more than the rule does.
            target="block" if rule.let_in else rule.verdict,
            attributes={key: attributes[key] for key in _ORDER if key in attributes},
            conditions=conditions,
            labels=(rule.id,),
        )
        if rule.let_in:
            self._said.append("USBGuard lets a device in whole or not: these are blocked.")
        notes = [self._note(f"It keeps out more: USBGuard cannot say {lost}.")] if lost else []
        return made, [*notes, *map(self._note, self._said)]

    def _note(self, what: str, *, left_out: bool = False) -> Note:
        return Note(rule=self._rule.id, what=what, left_out=left_out)

    def _attributes(self, match: Match) -> dict[Attribute, Values]:
        found: dict[Attribute, Values] = {}
        self._lost += [f"“{key}”" for key in _UNKNOWN if getattr(match, key)]
        for key, attribute in _KEYS.items():
            values = self._plain(key, getattr(match, key))
            if values:
                found[attribute] = Values(values, "equals" if len(values) == 1 else "one-of")
        self._interfaces(found, match.interfaces)
        # USBGuard's "equals" counts, and looks whether each has one like it: a repeated one's place may hold any other.
        if overlap(match.interfaces.exactly) and not match.hash:
            self._lost.append("interfaces that repeat, exactly")
        return found

    def _plain(self, key: str, patterns: Sequence[str]) -> tuple[bytes, ...]:
        """Return texts for patterns; empty where one of them is for several texts."""
        if key in ("device", "hash", "parent_hash", "connect"):
            return tuple(one.encode() for one in patterns)
        texts = [plain_text(one) for one in patterns]
        if None in texts:
            self._lost.append(f"wildcards in “{key}”")
            return ()
        return tuple(text.encode() for text in texts if text is not None)

    def _interfaces(self, found: dict[Attribute, Values], asked: Interfaces) -> None:
        given = {key: values for key, values in msgspec.structs.asdict(asked).items() if values}
        said = {key: values for key, values in given.items() if all(_sayable(one) for one in values)}
        if len(given) != len(said):
            self._lost.append("these wildcards of interfaces")
        if len(said) > 1:
            self._lost.append(f"more than one of {' and '.join(said)} of interfaces")
        for key, values in said.items():
            found["with-interface"] = Values(tuple(one.encode() for one in values), _OPERATORS[key])
            return

    def _except(self, found: dict[Attribute, Values], match: Match) -> None:
        """Say ``unless`` as ``none-of``, where it is one attribute that is not asked for otherwise."""
        inner = _Rule(self._rule)
        attributes = inner._attributes(match)
        key, values = next(iter(attributes.items()), (None, None))
        one_of = {"one-of", "equals"} if key != "with-interface" else {"one-of"}
        if inner._lost or len(attributes) != 1 or key in found or not values or values.operator not in one_of:
            self._lost.append("this “unless”")
        elif key is not None:
            found[key] = Values(values.values, "none-of")

    def _conditions(self, when: When) -> tuple[Condition, ...]:
        if when.weekdays:
            self._lost.append("weekdays")
        if when.minutes is None:
            return ()
        begin, end = when.minutes
        self._said.append("USBGuard counts times of day in UTC.")
        if begin < end:
            # USBGuard has no 24:00.
            return (Condition("localtime", f"{when.from_}-{'23:59' if when.to == '24:00' else when.to}"),)
        return (Condition("localtime", f"{when.to}-{when.from_}", negated=True),)


def _sayable(pattern: str) -> bool:
    """Whether USBGuard has this form: no wildcard for the class, and none before a value."""
    cls, subclass, protocol = pattern.split(":")
    return cls != "*" and not (subclass == "*" and protocol != "*")
