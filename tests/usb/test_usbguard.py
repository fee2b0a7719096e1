"""USBGuard's rule files: read, written, and meant as USBGuard means them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from appliance.usb.engine import decide
from appliance.usb.policies import default_policy
from appliance.usb.policy import Interfaces, Match, Policy, Rule, When
from appliance.usb.policy_file import PolicyError
from appliance.usb.usbguard import RuleFileError, export_rules, import_rules
from appliance.usb.usbguard_language import Condition, GuardRule, Values, quoted, read_rules, write_rule
from tests.usb import made, plain_usbguard

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.engine import Circumstances
    from appliance.usb.model import Device

needs_usbguard = pytest.mark.skipif(not shutil.which("usbguard-rule-parser"), reason="USBGuard is not installed")

GOOD = [
    "",
    "   # a remark",
    "allow",
    "allow 1050:0011",
    "allow *:*",
    'allow 1050:0011 name "Yubico" serial "0001234567" via-port "1-2" hash "044b5e168d40ee0245478416caf3d998"',
    "allow id { 1d6b:* 046D:C31C }\t# two",
    'allow name "" serial "a\\"b\\\\c\\xc3\\xa4"',
    "reject with-interface all-of { 08:*:* 03:00:* }",
    "block with-interface equals-ordered { 03:01:01 03:01:02 }",
    'allow with-connect-type one-of { "hotplug" "hardwired" }',
    "allow if !allowed-matches(with-interface one-of { 03:00:01 03:01:01 })",
    "allow if one-of { true !random(0.5) localtime(08:00-17:00) rule-applied(00:30) }",
    'allow label "a" label "b"',
    "match with-interface 08:*:*",
    'allow name none-of {"a"  "b" }',
    "allow#now",
]
BAD = [
    "alloww",
    "allow allow",
    "allow { }",
    "allow id 1234:123",
    "allow 1234:1234 id 1234:1234",
    "allow *:1234",
    "allow name",
    'allow name "a',
    'allow name "a\\n"',
    "allow name one-of { }",
    'allow name one-of "a"b',
    'allow name { "a""b" }',
    "allow with-interface *:*:*",
    "allow with-interface 12:*:34",
    "allow with-interface 1:2:3",
    "allow with-interface some { 12:12:12 }",
    "allow unknown-attribute",
    "allow if sometimes",
    "allow if random(",
    "allow if allowed-matches(fooo)",
    "allow if true if false",
    'allow hash "a" hash "b"',
    "allow\v",
    'allow name "\ud800"',
    "# \0",
]


@pytest.mark.parametrize("line", GOOD)
def test_lines_of_the_language_are_read(line: str) -> None:
    """A line USBGuard reads is read, and what is written of it is read the same."""
    for rule in read_rules(line):
        again = read_rules(write_rule(rule))[0]
        assert (again.target, again.attributes, again.conditions, again.labels) == (
            rule.target,
            rule.attributes,
            rule.conditions,
            rule.labels,
        )


@pytest.mark.parametrize("line", BAD)
def test_other_lines_are_refused_with_their_place(line: str) -> None:
    """A line USBGuard would refuse is refused with its number and the character."""
    with pytest.raises(RuleFileError, match=r"Line 3, character \d+: ") as caught:
        import_rules(f"# rules\r\nallow\r\n{line}\nblock\n")
    assert 1 <= caught.value.column <= len(line) + 1


@needs_usbguard
@pytest.mark.parametrize("line", [*GOOD, *(line for line in BAD if line.isprintable())])
def test_usbguard_itself_takes_the_same_lines(line: str) -> None:
    """USBGuard's own parser takes and refuses these lines as we do."""
    found = subprocess.run(["usbguard-rule-parser", line], capture_output=True, check=False, timeout=30)
    assert (b"ERROR" not in found.stderr) is (line in GOOD)


def _one_of_each(values: list[str]) -> st.SearchStrategy[tuple[bytes, ...]]:
    return st.lists(st.sampled_from([one.encode() for one in values]), min_size=1, max_size=3).map(tuple)


OPERATORS = st.sampled_from(["all-of", "one-of", "none-of", "equals", "equals-ordered", "match-all"])
FORMS = {
    "id": ["0781:5581", "0781:0001", "046d:c31c", "0781:*", "*:*"],
    "name": made.TEXTS,
    "serial": made.TEXTS,
    "hash": ["hashA=", "hashB=", "no hash"],
    "parent-hash": ["hashA=", "hashB="],
    "via-port": [*made.PORTS, "1-*", "no port"],
    "with-connect-type": ["hotplug", "hardwired", "unknown", "elsewhere"],
    "with-interface": [*made.TRIPLES, "08:*:*", "03:*:*", "03:01:*"],
}


@st.composite
def guard_rules(draw: st.DrawFn, line: int) -> GuardRule:
    """Draw a rule of USBGuard."""
    keys = draw(st.lists(st.sampled_from(sorted(FORMS)), unique=True, max_size=2))
    conditions = ["true", "false", "random", "rule-applied"]
    return GuardRule(
        line=line,
        target=draw(st.sampled_from(["allow", "block", "reject"])),
        attributes={key: Values(draw(_one_of_each(FORMS[key])), draw(OPERATORS)) for key in keys},  # type: ignore[misc]  # Attribute
        conditions=draw(
            st.one_of(
                st.just(()),
                st.lists(st.builds(Condition, st.sampled_from(conditions), st.none(), st.booleans()), max_size=2).map(
                    tuple
                ),
            )
        ),
        condition_operator=draw(st.sampled_from(["all-of", "one-of", "none-of", "equals"])),
    )


@settings(max_examples=100, deadline=None)
@given(
    rules=st.integers(1, 4).flatmap(lambda count: st.tuples(*(guard_rules(line=n) for n in range(count)))),
    device=made.devices(read_whole=True),
    met=st.fixed_dictionaries({"random": st.booleans(), "rule-applied": st.booleans()}),
)
def test_import_never_lets_in_more(rules: tuple[GuardRule, ...], device: Device, met: dict[str, bool]) -> None:
    """An imported policy lets in nothing that USBGuard would keep out, and where nothing was lost it says the same."""
    found = import_rules("\n".join(write_rule(rule) for rule in rules))
    assume(not any("every device" in note.what for note in found.notes))
    ours = decide(found.policy, device, made.now()).verdict
    theirs = plain_usbguard.judge(rules, device, lambda name: {"true": True, "false": False, **met}[name])
    event(f"{ours}, {theirs}")
    assert ours != "allow" or theirs == "allow"
    lost = [note for note in found.notes[1:] if "matches no device" not in note.what]
    overlapping = any("with-interface" in rule.attributes for rule in rules)
    if not lost and not overlapping:
        assert ours == theirs


@settings(max_examples=80, deadline=None)
@given(policy=made.policies, device=made.devices(read_whole=True), now=made.circumstances)
def test_export_never_lets_in_more(policy: Policy, device: Device, now: Circumstances) -> None:
    """An exported rule file lets in nothing the policy would keep out while armed; without a note it says the same."""
    now = made.now("armed", now.at)
    ours = [rule for rule in policy.rule if not rule.when.from_]  # times are USBGuard's own matter
    policy = Policy(rule=tuple(ours))
    made_of = export_rules(policy)
    assume(not any("every device" in note.what for note in made_of.notes))
    assume(not any(note.left_out and policy.named(note.rule).let_in for note in made_of.notes))  # type: ignore[union-attr]  # a rule's note
    theirs = plain_usbguard.judge(read_rules(made_of.text), device, lambda _: False)
    mine = decide(policy, device, now)
    event(f"{mine.verdict}, {theirs}, {'with' if made_of.notes else 'without'} notes")
    if theirs == "allow":
        assert (mine.verdict, mine.interfaces) == ("allow", None)
    if not made_of.notes and not any(rule.match.interfaces.exactly for rule in ours):
        assert mine.verdict == theirs


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from([*GOOD, *BAD]), max_size=3).map("\n".join)), st.data())
def test_no_rule_file_breaks_the_reader(text: str, data: st.DataObject) -> None:
    """Whatever is in a rule file, it is imported or refused with its place."""
    at = data.draw(st.integers(0, len(text)))
    text = (
        text[:at]
        + data.draw(st.sampled_from(["", '"', "{", "\\", "\x00", "\ud800", "é", "(", " ", "x" * 20_000]))
        + text[at:]
    )
    with contextlib.suppress(RuleFileError, PolicyError):
        import_rules(text)


@needs_usbguard
def test_usbguard_reads_what_is_exported(tmp_path: Path) -> None:
    """USBGuard's own parser reads the default exam policy, a device with hostile words, and hours of the day."""
    odd = made.device("08:06:50", name='a"b\\c Schlüssel # { } \u2603', serial="")
    hours = Rule(id="hours", verdict="block", match=Match(device=("0781:*",)), when=When(from_="22:00", to="06:00"))
    for n, policy in enumerate([default_policy(), Policy(rule=(hours,))]):
        file = tmp_path / f"{n}.conf"
        file.write_text(export_rules(policy, confirmed=[odd]).text, encoding="utf-8")
        found = subprocess.run(["usbguard-rule-parser", "-f", str(file)], capture_output=True, check=False, timeout=30)
        assert b"ERROR" not in found.stderr, found.stderr
        assert b'label "confirmed"' in found.stdout


def test_generated_policy_is_carried_over() -> None:
    """A rule as `usbguard generate-policy` writes it becomes a rule that lets in that device alone."""
    text = (
        'allow id 046d:c31c serial "" name "USB Keyboard" hash "jEP/6WzviqdJ5VSeTUY8PatCNBKeaREvo2OqdplND/o="'
        ' parent-hash "4PHGcaDKWtPjKDwYpIRG722cB9SlGz9l9Iea93+Gt9c=" with-interface { 03:01:01 03:00:00 }'
        ' with-connect-type "hotplug"'
    )
    found = import_rules(f"# Box's own.\n{text} # left desk\n")
    (rule,) = found.policy.rule
    assert (rule.id, rule.verdict, rule.comment) == ("line-2", "allow", "Box's own.\nleft desk")
    assert rule.match.serial == ("",)
    assert rule.match.interfaces == Interfaces(exactly=("03:01:01", "03:00:00"))
    assert [note.line for note in found.notes] == [0]


def test_what_cannot_be_carried_over_is_named() -> None:
    """Conditions only USBGuard has leave an allowing rule out, widen one that blocks, and are told with their line."""
    found = import_rules(
        "allow 1234:5678 if random(0.2)\nblock 1234:* if rule-applied\nreject if random\n"
        "device 0001:0001\nallow if false"
    )
    assert [(rule.id, rule.verdict) for rule in found.policy.rule] == [("line-2", "block")]
    assert [(note.line, note.left_out) for note in found.notes[1:]] == [
        (1, True),
        (2, False),
        (3, True),
        (4, True),
        (5, True),
    ]


def test_hours_are_carried_over() -> None:
    """Hours of the day become a time from and to; what is negated is the rest of the day."""
    found = import_rules("allow 1234:* if localtime(8:00-17:00)\nallow 1234:* if !localtime(08:00-17:00)")
    assert [(rule.when.from_, rule.when.to) for rule in found.policy.rule] == [("08:00", "17:00"), ("17:00", "08:00")]


def test_quoted_is_what_usbguard_writes() -> None:
    """What is no printable ASCII is written as its bytes."""
    assert quoted('ä"\\\n'.encode()) == '"\\xc3\\xa4\\"\\\\\\x0a"'
