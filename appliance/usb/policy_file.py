"""A policy as a TOML file that people read and write (`default_policy.toml` is the example)."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

import msgspec

from appliance.errors import BadInputError
from appliance.usb.policy import Interfaces, Match, Policy, Rule, When

MAX_POLICY_BYTES: Final = 256 * 1024
_HINT: Final = "Correct it and check the file again; nothing was stored."


class PolicyError(BadInputError):
    """A policy file is wrong: ``rule`` (id or number, empty: none) and ``key`` say where; nothing was stored."""

    code = "usb.policy_wrong"

    def __init__(self, reason: str, *, rule: str = "", key: str = "") -> None:
        place = ", ".join(part for part in (f"rule {rule}" if rule else "", key) if part)
        super().__init__(f"{place}: {reason}" if place else f"The policy: {reason}", hint=_HINT)
        self.rule = rule
        self.key = key
        self.reason = reason


def read_policy(text: str) -> Policy:
    """Return the policy a file holds.

    Args:
        text: TOML, at most 256 KiB. A list of one value may be given as the value alone.

    Raises:
        PolicyError: it is no TOML, or no policy; the message names the rule and the key.
    """
    tree = _toml(text)
    _spread(tree)
    try:
        return msgspec.convert(tree, Policy)
    except msgspec.ValidationError as problem:
        raise _explained(str(problem), tree) from problem
    except RecursionError as problem:
        raise PolicyError("is nested too deeply.") from problem


def write_policy(policy: Policy) -> str:
    """Return a policy as a file that `read_policy` reads to the same policy."""
    head = [f"format = {policy.format}", f"name = {_text(policy.name)}", "", "[otherwise]"]
    head += [f"{mode} = {_text(policy.otherwise.of(mode))}" for mode in ("armed", "export", "maintenance")]
    return "\n".join(head) + "\n" + "".join(f"\n{write_rule(rule)}" for rule in policy.rule)


def write_rule(rule: Rule) -> str:
    """Return one rule as its part of a file."""
    lines = ["[[rule]]", f"id = {_text(rule.id)}"]
    if rule.comment:
        lines.append(f"comment = {_text(rule.comment)}")
    lines.append(f"verdict = {_text(rule.verdict)}")
    lines += [f"match.{key} = {value}" for key, value in _match_pairs(rule.match)]
    if rule.unless:
        tables = [", ".join(f"{key} = {value}" for key, value in _match_pairs(one)) for one in rule.unless]
        lines.append(f"unless = [{', '.join(f'{{ {table} }}' for table in tables)}]")
    lines += [f"when.{key} = {value}" for key, value in _when_pairs(rule.when)]
    if rule.let_in:
        lines.append(f"let_in = {_texts(rule.let_in)}")
    return "\n".join(lines) + "\n"


def add_rule(text: str, rule: Rule, *, first: bool = True) -> str:
    """Return a file with one more rule, before all others or after them; its remarks stay as they are.

    Raises:
        PolicyError: the file is wrong, or has a rule of that id.
    """
    before = read_policy(text)
    if before.named(rule.id):
        raise PolicyError("is there already.", rule=rule.id, key="id")
    rules = (rule, *before.rule) if first else (*before.rule, rule)
    wanted = msgspec.structs.replace(before, rule=rules)
    made = _inserted(text, write_rule(rule)) if first else f"{text.rstrip()}\n\n{write_rule(rule)}"
    try:
        if read_policy(made) == wanted:
            return made
    except PolicyError:
        pass  # the place was none (inside a text of several lines): written anew below
    return write_policy(wanted)


def _inserted(text: str, part: str) -> str:
    """Put a rule before the first one and the remarks that stand directly above that."""
    lines = text.splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)), None)
    if at is None:
        return f"{text.rstrip()}\n\n{part}"
    while at and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return "".join([*lines[:at], part, "\n", *lines[at:]])


def _toml(text: str) -> dict[str, Any]:
    # The characters first: encoding a text of gigabytes only to measure it would be work for nothing.
    if len(text) > MAX_POLICY_BYTES or len(text.encode("utf-8", "replace")) > MAX_POLICY_BYTES:
        raise PolicyError(f"is larger than {MAX_POLICY_BYTES // 1024} KiB.")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise PolicyError("holds half a character (it is no valid Unicode).") from problem
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # ValueError: also numbers with too many digits
        raise PolicyError(f"is no valid TOML: {str(problem)[:200]}.") from problem


def _spread(tree: dict[str, Any]) -> None:
    """Turn single values into lists of one where a list is meant."""
    rules = tree.get("rule")
    for rule in rules if isinstance(rules, list) else []:
        if not isinstance(rule, dict):
            continue
        if isinstance(rule.get("unless"), dict):
            rule["unless"] = [rule["unless"]]
        unless = rule.get("unless")
        for match in [rule.get("match"), *(unless if isinstance(unless, list) else [])]:
            _listed(match, Match)
            _listed(match.get("interfaces") if isinstance(match, dict) else None, Interfaces)
        _listed(rule.get("when"), When, but=("from", "to"))
        _listed(rule, Rule, only=("let_in",))


def _listed(table: Any, form: type[msgspec.Struct], *, but: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> None:
    if not isinstance(table, dict):
        return
    for key in form.__struct_encode_fields__:
        if isinstance(table.get(key), str) and key not in but and (not only or key in only):
            table[key] = [table[key]]


def _explained(problem: str, tree: dict[str, Any]) -> PolicyError:
    """Turn msgspec's ``... - at `$.rule[2].match` `` into words that name the rule and the key."""
    found = re.fullmatch(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?", problem, re.DOTALL)
    what, where = (found["what"], found["where"] or "") if found else (problem, "")
    in_rule = re.match(r"rule\[(\d+)\]\.?", where)
    rule = _rule_words(tree, int(in_rule[1])) if in_rule else ""
    key = where[in_rule.end() :] if in_rule else where
    unknown = re.fullmatch(r"Object contains unknown field `(?P<key>.*)`", what, re.DOTALL)
    own = re.match(r"(?P<key>[a-z_]+(?: and [a-z]+)?): ", what)
    if unknown:
        key, what = _joined(key, unknown["key"][:60]), "is no key of a policy"
    elif own:
        key, what = _joined(key, own["key"]), what[own.end() :]
    elif "matching regex" in what and key == "id":
        what = "has to be lower-case letters, digits and hyphens, at most 48"
    elif missing := re.fullmatch(r"Object missing required field `(?P<key>[a-z_]+)`", what):
        key, what = _joined(key, missing["key"]), "is missing"
    else:
        what = what[:1].lower() + what[1:300]
    return PolicyError(f"{what}.", rule=rule, key=re.sub(r"\[(\d+)\]", lambda n: f" {int(n[1]) + 1}", key))


def _rule_words(tree: dict[str, Any], index: int) -> str:
    id_ = tree["rule"][index].get("id") if isinstance(tree["rule"][index], dict) else None
    named = isinstance(id_, str) and re.fullmatch(r"[a-z0-9-]{1,48}", id_)
    return f"{index + 1} ({id_})" if named else str(index + 1)


def _joined(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _match_pairs(match: Match) -> list[tuple[str, str]]:
    keys = [key for key in match.__struct_fields__ if key != "interfaces"]
    asked = msgspec.structs.asdict(match.interfaces)
    pairs = [(key, _texts(getattr(match, key))) for key in keys if getattr(match, key)]
    return pairs + [(f"interfaces.{key}", _texts(values)) for key, values in asked.items() if values]


def _when_pairs(when: When) -> list[tuple[str, str]]:
    times = [("from", _text(when.from_)), ("to", _text(when.to))] if when.from_ else []
    lists = [(key, _texts(values)) for key, values in (("mode", when.mode), ("weekdays", when.weekdays)) if values]
    return times + lists


def _texts(values: tuple[str, ...]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"


def _text(value: str) -> str:
    # JSON's texts are TOML's basic texts but for DEL, which no text of a policy holds.
    return json.dumps(value, ensure_ascii=False)
