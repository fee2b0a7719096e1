"""USBGuard's rule language, line by line (pure; usbguard-rules.conf(5), and its grammar ``RuleParser/Grammar.hpp``).

Reads what USBGuard reads, and writes what it would write. What a rule means is for `usbguard_import.py`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

Value = TypeVar("Value")

MAX_FILE_CHARACTERS: Final = 256 * 1024
MAX_LINE_CHARACTERS: Final = 16 * 1024

Target = Literal["allow", "block", "reject", "match", "device"]
Operator = Literal["all-of", "one-of", "none-of", "equals", "equals-ordered", "match-all"]
Attribute = Literal["id", "name", "hash", "parent-hash", "serial", "via-port", "with-interface", "with-connect-type"]

_CONDITIONS: Final = frozenset(
    {"localtime", "allowed-matches", "rule-applied", "rule-evaluated", "random", "true", "false"}
)
_NEEDS_ARGUMENT: Final = frozenset({"localtime", "allowed-matches"})
_TARGETS: Final[dict[str, Target]] = {target: target for target in get_args(Target)}
_OPERATORS: Final[dict[str, Operator]] = {operator: operator for operator in get_args(Operator)}
_KEYS: Final[dict[str, Attribute | None]] = {**{key: key for key in get_args(Attribute)}, "if": None, "label": None}
_WORD: Final = re.compile(r"[a-z-]+")
_BLANKS: Final = re.compile(r"[ \t]+")
_ID: Final = re.compile(r"[0-9a-fA-F]{4}:([0-9a-fA-F]{4}|\*)|\*:\*")
_INTERFACE: Final = re.compile(r"[0-9a-fA-F]{2}:([0-9a-fA-F]{2}:([0-9a-fA-F]{2}|\*)|\*:\*)")
_CONDITION: Final = re.compile(r"(!?)([A-Za-z-][A-Za-z0-9-]*)(\(((?:\\.|[^\\)\r\n])+)\))?")
_FORMS: Final = {"id": (_ID, "vendor:product"), "with-interface": (_INTERFACE, "class:subclass:protocol")}
_BRACE: Final = re.compile(r"[ \t]+\{")
_STRING: Final = re.compile(r'"((?:\\x[0-9a-fA-F]{2}|\\["\\]|[^"\\\r\n])*)"')
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)


class RuleFileError(BadInputError):
    """A line is no rule of USBGuard; ``line`` and ``column`` count from 1. Nothing was stored."""

    code = "usb.rule_file_wrong"

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(
            f"Line {line}, character {column}: {reason}.",
            hint="Correct the line; `usbguard-rule-parser -f FILE` says what USBGuard itself makes of it.",
        )
        self.line = line
        self.column = column


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """What an attribute is held against: texts are the bytes USBGuard compares, others as they are written."""

    values: tuple[bytes, ...]
    operator: Operator = "equals"


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One condition: ``argument`` is what stands in brackets, None without them."""

    name: str
    argument: str | None = None
    negated: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class GuardRule:
    """One rule: its line, what it says, of which devices, under which conditions, and the remarks at it."""

    line: int
    target: Target
    attributes: dict[Attribute, Values]
    conditions: tuple[Condition, ...] = ()
    condition_operator: Operator = "equals"
    labels: tuple[str, ...] = ()
    comment: str = ""


def read_rules(text: str) -> tuple[GuardRule, ...]:
    """Return the rules of a file; remarks directly above a rule belong to it.

    Raises:
        RuleFileError: a line is no rule; it names line and character.
    """
    if len(text) > MAX_FILE_CHARACTERS:
        raise RuleFileError(1, 1, f"the file is longer than {MAX_FILE_CHARACTERS} characters")
    rules: list[GuardRule] = []
    above: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        rule, remark = _Line(number, line.removesuffix("\r")).read()
        if rule is not None:
            said = "\n".join([*above, *([remark] if remark else [])])
            rules.append(dataclasses.replace(rule, comment=said))
        above = [*above, remark] if rule is None and remark is not None else []
    return tuple(rules)


def write_rule(rule: GuardRule) -> str:
    """Return a rule as its line, without remarks."""
    parts: list[str] = [rule.target]
    parts += [f"{key} {_several(key, values)}" for key, values in rule.attributes.items()]
    if rule.conditions:
        said = [_condition(one) for one in rule.conditions]
        parts.append(f"if {_braced(said, rule.condition_operator)}")
    parts += [f"label {quoted(label.encode())}" for label in rule.labels]
    return " ".join(parts)


def quoted(value: bytes) -> str:
    r"""Return bytes as a text in quotes: what is not printable ASCII as ``\xHH``."""
    text = value.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[^ -~]", lambda one: f"\\x{ord(one[0]):02x}", text) + '"'


def _several(key: Attribute, values: Values) -> str:
    plain = key in ("id", "with-interface")
    return _braced([one.decode() if plain else quoted(one) for one in values.values], values.operator)


def _braced(values: list[str], operator: Operator) -> str:
    if operator == "equals" and len(values) == 1:
        return values[0]
    return f"{'' if operator == 'equals' else operator + ' '}{{ {' '.join(values)} }}"


def _condition(one: Condition) -> str:
    return f"{'!' if one.negated else ''}{one.name}{'' if one.argument is None else f'({one.argument})'}"


class _Line:
    """Reads one line from left to right."""

    def __init__(self, number: int, text: str) -> None:
        self._number = number
        self._text = text
        self._at = 0
        self._attributes: dict[Attribute, Values] = {}
        self._conditions: tuple[tuple[Condition, ...], Operator] | None = None
        self._labels: list[str] = []

    def read(self) -> tuple[GuardRule | None, str | None]:
        """Return the rule and the remark, None where there is none."""
        if len(self._text) > MAX_LINE_CHARACTERS:
            raise self._wrong(f"the line is longer than {MAX_LINE_CHARACTERS} characters")
        if found := re.search("[\\0\ud800-\udfff]", self._text):
            raise self._wrong("it is no text (a NUL, or half a character)", found.start())
        self._blanks()
        if self._ended():
            return None, self._remark()
        target = _TARGETS[self._word(_TARGETS, "a rule begins with allow, block or reject")]
        self._rest_of_rule()
        conditions, operator = self._conditions or ((), "equals")
        rule = GuardRule(
            line=self._number,
            target=target,
            attributes=self._attributes,
            conditions=conditions,
            condition_operator=operator,
            labels=tuple(self._labels),
        )
        return rule, self._remark()

    def _rest_of_rule(self) -> None:
        first = True
        while True:
            parted = self._blanks()
            if self._ended():
                return
            if not parted:
                raise self._wrong("a blank is missing")
            if first and (found := _ID.match(self._text, self._at)):
                self._take("id", Values((self._eat(found).lower().encode(),)))
            else:
                self._attribute()
            first = False

    def _attribute(self) -> None:
        at = self._at
        key = self._word(_KEYS, f"no attribute; there are {', '.join(_KEYS)}")
        if not self._blanks():
            raise self._wrong(f"{key} needs a blank and a value after it")
        if key == "label":
            self._labels += [one.decode("utf-8", "replace") for one in self._several(self._string)[0]]
        elif key == "if":
            if self._conditions is not None:
                raise self._wrong("the rule has conditions already", at)
            self._conditions = self._several(self._condition)
        else:
            form = _FORMS.get(key)
            values, operator = self._several(functools.partial(self._plain, *form) if form else self._string)
            self._take(_KEYS[key], Values(values, operator), at)

    def _take(self, key: Attribute | None, values: Values, at: int = 0) -> None:
        if key is None or key in self._attributes:
            raise self._wrong(f"the rule has {key} already", at)
        self._attributes[key] = values

    def _several(self, read: Callable[[], Value]) -> tuple[tuple[Value, ...], Operator]:
        """Read one value, or an operator and values in braces."""
        operator: Operator = "equals"
        found = _WORD.match(self._text, self._at)
        if found and found[0] in _OPERATORS and _BRACE.match(self._text, found.end()):
            operator = _OPERATORS[found[0]]
            self._eat(found)
            self._blanks()
        if self._text[self._at : self._at + 1] != "{":
            return (read(),), operator
        self._at += 1
        self._blanks()
        values = [read()]
        while self._blanks() and self._text[self._at : self._at + 1] != "}":
            values.append(read())
        if self._text[self._at : self._at + 1] != "}":
            raise self._wrong("a blank and a value, or }, is missing")
        self._at += 1
        return tuple(values), operator

    def _string(self) -> bytes:
        inside = self._matched(_STRING, 'no text in quotes (of escapes there are \\" \\\\ \\xHH)')[1:-1]
        return _ESCAPE.sub(
            lambda one: bytes.fromhex(one[1][1:].decode()) if one[1][:1] == b"x" else one[1],
            inside.encode("utf-8", "surrogateescape"),
        )

    def _plain(self, form: re.Pattern[str], what: str) -> bytes:
        return self._matched(form, f"expected here is {what}").lower().encode()

    def _condition(self) -> Condition:
        at = self._at
        found = _CONDITION.match(self._text, at)
        if not found or found[2] not in _CONDITIONS:
            raise self._wrong(f"no condition; there are {', '.join(sorted(_CONDITIONS))}")
        self._eat(found)
        if found[2] in _NEEDS_ARGUMENT and found[4] is None:
            raise self._wrong(f"{found[2]} needs something in brackets", at)
        if found[2] == "allowed-matches":
            _Line(self._number, f"match {found[4]}").read()
        return Condition(name=found[2], argument=found[4], negated=bool(found[1]))

    def _word(self, known: Container[str], otherwise: str) -> str:
        found = _WORD.match(self._text, self._at)
        if not found or found[0] not in known:
            raise self._wrong(otherwise)
        return self._eat(found)

    def _matched(self, form: re.Pattern[str], otherwise: str) -> str:
        found = form.match(self._text, self._at)
        if not found:
            raise self._wrong(otherwise)
        return self._eat(found)

    def _eat(self, found: re.Match[str]) -> str:
        self._at = found.end()
        return found[0]

    def _blanks(self) -> bool:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found is not None

    def _ended(self) -> bool:
        return self._text[self._at : self._at + 1] in ("", "#")

    def _remark(self) -> str | None:
        """Return what stands behind ``#``, None where there is none."""
        return self._text[self._at + 1 :].strip() if self._text[self._at : self._at + 1] == "#" else None

    def _wrong(self, reason: str, at: int | None = None) -> RuleFileError:
        return RuleFileError(self._number, (self._at if at is None else at) + 1, reason)
