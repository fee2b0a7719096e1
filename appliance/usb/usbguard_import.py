"""Makes a policy of USBGuard's rules, and names what could not be carried over (pure).

What a rule loses must never let in more: an allowing rule that cannot be carried whole is left out; a rule that keeps
devices out is carried without what it loses, so that it keeps out more, unless it would then be about every device.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from appliance.usb.cleaning import clean
from appliance.usb.matching import literal, overlap
from appliance.usb.model import TEXT_CHARACTERS, Connect
from appliance.usb.policy import BUILT_IN, COMMENT_CHARACTERS, MAX_RULES, Interfaces, Match, Policy, Rule, When
from appliance.usb.policy_checks import as_hashes, as_ports, safe_words
from appliance.usb.policy_file import read_policy, write_policy
from appliance.usb.usbguard_language import RuleFileError, read_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.usb.usbguard_language import Attribute, Condition, GuardRule, Operator, Values

_KEYS: Final[dict[Attribute, str]] = {
    "id": "device",
    "name": "name",
    "serial": "serial",
    "hash": "hash",
    "parent-hash": "parent_hash",
    "via-port": "port",
    "with-connect-type": "connect",
}
_INTERFACES: Final[dict[Operator, str]] = {
    "all-of": "all",
    "one-of": "any",
    "none-of": "none",
    "equals": "exactly",
    "equals-ordered": "exactly",
    "match-all": "only",
}
_SPAN: Final = re.compile(r"(\d{1,2}):(\d\d)(:\d\d)?(?:-(\d{1,2}):(\d\d)(:\d\d)?)?")

_IMPLICIT: Final = (
    "The answer where no rule matches stands in usbguard-daemon.conf (ImplicitPolicyTarget), not in a rule file: "
    "here such a device is blocked while the box is armed."
)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was: in which line (or rule), and whether the whole rule was ``left_out``."""

    line: int = 0
    rule: str = ""
    what: str
    left_out: bool = False


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A policy made of a rule file, and what could not be carried over."""

    policy: Policy
    notes: tuple[Note, ...]


class _NeverError(Exception):
    """The rule matches no device, in USBGuard neither."""


def import_rules(text: str, *, name: str = "Imported from USBGuard") -> Imported:
    """Return the policy that decides as USBGuard's rule file does, as far as that can be carried over.

    Raises:
        RuleFileError: a line is no rule; it names line and character.
        PolicyError: a rule has more values than a policy takes.
    """
    found = read_rules(text)
    if len(found) > MAX_RULES:
        raise RuleFileError(found[MAX_RULES].line, 1, f"there are more than {MAX_RULES} rules")
    rules: list[Rule] = []
    notes = [Note(what=_IMPLICIT)]
    taken: set[str] = set(BUILT_IN)
    for one in found:
        id_ = _id_of(one, taken)
        rule, said = _Rule(one, id_).made()
        notes += said
        if rule is not None:
            taken.add(id_)
            rules.append(rule)
    # Read back, so that nothing is handed out that could not be kept.
    policy = read_policy(write_policy(Policy(name=name, rule=tuple(rules))))
    return Imported(policy=policy, notes=tuple(notes))


class _Rule:
    """Carries one rule over."""

    def __init__(self, rule: GuardRule, id_: str) -> None:
        self._rule = rule
        self._id = id_
        self._lost: list[str] = []  # what made the rule narrower, and is gone
        self._changed: list[str] = []  # what means the same, nearly

    def made(self) -> tuple[Rule | None, list[Note]]:
        if self._rule.target not in ("allow", "block", "reject"):
            return None, [self._note(f"“{self._rule.target}” decides nothing.", left_out=True)]
        try:
            match, unless, when = *self._matches(), self._when()
        except _NeverError as problem:
            return None, [self._note(f"It matches no device: {problem}.", left_out=True)]
        lost = " and ".join(self._lost)
        if lost and self._rule.target == "allow":
            return None, [self._note(f"An allowing rule would let in more without {lost}.", left_out=True)]
        if lost and match.is_empty and not unless:
            what = f"Without {lost} it would be about every device; look whether a later rule lets in what it kept out."
            return None, [self._note(what, left_out=True)]
        notes = [self._note(f"It keeps out more: carried over without {lost}.")] if lost else []
        rule = Rule(
            id=self._id,
            verdict=self._rule.target,
            comment=_comment(self._rule),
            match=match,
            unless=unless,
            when=when,
        )
        return rule, [*notes, *map(self._note, self._changed)]

    def _note(self, what: str, *, left_out: bool = False) -> Note:
        return Note(line=self._rule.line, rule=self._id, what=what, left_out=left_out)

    def _matches(self) -> tuple[Match, tuple[Match, ...]]:
        asked: dict[str, Any] = {}
        unless: list[Match] = []
        for attribute, values in self._rule.attributes.items():
            if attribute == "with-interface":
                asked["interfaces"] = self._interfaces(values)
                continue
            key = _KEYS[attribute]
            patterns = self._patterns(attribute, values)
            if values.operator == "none-of":
                unless += [_match({key: patterns})] if patterns else []
            elif not patterns:
                raise _NeverError(f"no device can have such a {attribute}")
            elif "*:*" not in patterns:
                asked[key] = patterns
        return _match(asked), tuple(unless)

    def _interfaces(self, values: Values) -> Interfaces:
        if values.operator == "equals-ordered" and len(values.values) > 1:
            self._changed.append("The order of interfaces is not looked at.")
        patterns = tuple(one.decode() for one in values.values)
        key = _INTERFACES[values.operator]
        if key == "exactly" and self._rule.target != "allow" and overlap(patterns):
            self._changed.append("It keeps out more: whatever has these interfaces, whatever else it has.")
            key = "all"
        return Interfaces(**{key: patterns})

    def _patterns(self, attribute: Attribute, values: Values) -> tuple[str, ...]:
        """Return the values a device's one value may be."""
        several = list(dict.fromkeys(values.values))
        if len(values.values) > 1 and values.operator in ("equals", "equals-ordered"):
            raise _NeverError(f"a device has one {attribute}, not {len(values.values)}")
        if values.operator == "all-of" and len(several) > 1:
            several = [_narrowest(attribute, several)]
        return tuple(pattern for one in several if (pattern := self._pattern(attribute, one)) is not None)

    def _pattern(self, attribute: Attribute, value: bytes) -> str | None:
        """Return how a value stands in a rule, None where no device can have it."""
        text = value.decode("utf-8", "replace")
        if attribute in ("name", "serial"):
            return self._words(attribute, text, clean(value))
        try:
            if attribute in ("hash", "parent-hash"):
                as_hashes("", [text])
            elif attribute == "via-port":
                as_ports("", [text])
        except ValueError:
            return None
        return None if attribute == "with-connect-type" and text not in get_args(Connect) else text

    def _words(self, attribute: Attribute, text: str, shown: str) -> str | None:
        if len(text) > TEXT_CHARACTERS:
            return None
        if shown != text:
            self._changed.append(f"The {attribute} is compared as the box shows it: “{shown}”.")
        return literal(shown)

    def _when(self) -> When:
        """Return when the rule counts; what cannot be said is lost."""
        operator = self._rule.condition_operator
        conditions = self._rule.conditions
        if operator == "none-of":
            conditions = tuple(dataclasses.replace(one, negated=not one.negated) for one in conditions)
        if operator == "one-of":
            return self._one_of(conditions)
        spans = [one for one in conditions if not self._is_always(one)]
        if len(spans) > 1:
            return self._lose(spans)
        return self._span(spans[0]) if spans else When()

    def _one_of(self, conditions: tuple[Condition, ...]) -> When:
        open_ = [one for one in conditions if one.name not in ("true", "false")]
        if any((one.name == "true") != one.negated for one in conditions if one not in open_):
            return When()
        if not open_:
            raise _NeverError("its conditions never hold")
        return self._span(open_[0]) if len(open_) == 1 else self._lose(open_)

    def _is_always(self, one: Condition) -> bool:
        if one.name not in ("true", "false"):
            return False
        if (one.name == "true") == one.negated:
            raise _NeverError("its condition never holds")
        return True

    def _span(self, one: Condition) -> When:
        found = _SPAN.fullmatch(one.argument or "") if one.name == "localtime" else None
        if not found or found[4] is None:
            return self._lose([one])
        begin, end = f"{int(found[1]):02}:{found[2]}", f"{int(found[4]):02}:{found[5]}"
        self._changed.append("Times of day are the room's; USBGuard counts them in UTC.")
        if found[3] or found[6]:
            self._changed.append("Times are whole minutes; the seconds are left out.")
        try:
            return When(from_=end, to=begin) if one.negated else When(from_=begin, to=end)
        except ValueError:
            return self._lose([one])

    def _lose(self, conditions: Iterable[Condition]) -> When:
        named = ", ".join(f"“{'!' if one.negated else ''}{one.name}”" for one in conditions)
        self._lost.append(f"its condition {named}")
        return When()


def _match(asked: dict[str, Any]) -> Match:
    return Match(**asked)


def _narrowest(attribute: Attribute, values: list[bytes]) -> bytes:
    """Return the value that is like all others: of ids the one without wildcards."""
    if attribute == "id":
        narrow = min(values, key=lambda one: one.count(b"*"))
        if all(one in (narrow, narrow[:5] + b"*", b"*:*") for one in values):
            return narrow
    raise _NeverError(f"a device has one {attribute}, not {len(values)}")


def _id_of(rule: GuardRule, taken: set[str]) -> str:
    """Return an id made of the rule's label, or of its line."""
    words = re.sub(r"[^a-z0-9]+", "-", rule.labels[0].lower()).strip("-")[:40].strip("-") if rule.labels else ""
    wanted = words or f"line-{rule.line}"
    return next(one for n in range(1, MAX_RULES + 2) if (one := wanted if n == 1 else f"{wanted}-{n}") not in taken)


def _comment(rule: GuardRule) -> str:
    said = "\n".join([*([rule.comment] if rule.comment else []), *rule.labels[1:]])
    return safe_words(said).strip()[:COMMENT_CHARACTERS]
