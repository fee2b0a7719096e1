"""Policy files: what is read, what is refused with its place, and what is written."""

from __future__ import annotations

import contextlib
import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.usb.policies import default_policy, default_text
from appliance.usb.policy import Interfaces, Match, Policy, Rule
from appliance.usb.policy_file import MAX_POLICY_BYTES, PolicyError, add_rule, read_policy, write_policy
from tests.usb import made

RULE = "[[rule]]\nid = 'a'\nverdict = 'allow'\n"


def test_default_exam_policy_is_readable() -> None:
    """The default exam policy is read, every rule has a comment, and it blocks in exams what it does not name."""
    policy = default_policy()
    assert all(rule.comment for rule in policy.rule)
    assert (policy.otherwise.armed, policy.otherwise.export) == ("block", "block")


@settings(max_examples=100, deadline=None)
@given(policy=made.policies)
def test_what_is_written_is_read_again(policy: Policy) -> None:
    """Any policy, written as a file, is read as the same policy."""
    assert read_policy(write_policy(policy)) == policy


def test_examples_of_the_document_are_policies() -> None:
    """Each example of a rule or of answers in docs/operator/usb.md is read."""
    document = Path(__file__).resolve().parents[2] / "docs" / "operator" / "usb.md"
    blocks = re.findall(r"(?m)(?:^ {4}.*\n)+", document.read_text(encoding="utf-8"))
    examples = [textwrap.dedent(block) for block in blocks if block.lstrip().startswith("[")]
    assert [len(read_policy(one).rule) for one in examples] == [1, 0]


def test_one_value_may_stand_alone() -> None:
    """Where a list is meant, one value may stand without brackets; capitals of hex do not matter."""
    text = (
        RULE
        + "match.device = '0781:ABCD'\nmatch.interfaces.any = '0E:*:*'\nunless = { serial = 'x' }\n"
        + "when.mode = 'armed'\nwhen.weekdays = 'mon'\nlet_in = '0E:01:*'\n"
    )
    rule = read_policy(text).rule[0]
    assert rule.match == Match(device=("0781:abcd",), interfaces=Interfaces(any=("0e:*:*",)))
    assert (rule.unless, rule.when.mode, rule.when.weekdays, rule.let_in) == (
        (Match(serial=("x",)),),
        ("armed",),
        ("mon",),
        ("0e:01:*",),
    )


@pytest.mark.parametrize(
    ("text", "rule", "key", "words"),
    [
        ("format = 2", "", "format", "expected"),
        ("rule = 3", "", "rule", "expected"),
        ("rule = [3]", "1", "", "expected"),
        ("rule = [{}]", "1", "id", "is missing"),
        ("colour = 'red'", "", "colour", "no key"),
        ("[otherwise]\narmed = 'perhaps'", "", "otherwise.armed", "perhaps"),
        ("[[rule]]\nid = 'A b'\nverdict = 'allow'", "1", "id", "lower-case"),
        ("[[rule]]\nid = 'a'", "1 (a)", "verdict", "is missing"),
        ("[[rule]]\nid = 'confirmed'\nverdict = 'block'", "1 (confirmed)", "id", "already"),
        (RULE + RULE, "", "rule", "two rules are called “a”"),
        (RULE + "verdict_ = 1", "1 (a)", "verdict_", "no key"),
        (RULE + "comment = '''a\x1bb'''", "", "", "TOML"),
        (RULE + 'comment = "a\\u001bb"', "1 (a)", "comment", "control character"),
        (RULE + 'comment = "a\\u202eb"', "1 (a)", "comment", "control character"),
        (RULE + "match.device = ['1234:5678', '12:34']", "1 (a)", "match.device", "“12:34”"),
        (RULE + "match.device = '*:1234'", "1 (a)", "match.device", "“*:1234”"),
        (RULE + "match.interfaces.any = '8:*:*'", "1 (a)", "match.interfaces.any", "“8:*:*”"),
        (RULE + "match.interfaces = '08:*:*'", "1 (a)", "match.interfaces", "expected"),
        (RULE + "match.interfaces.some = '08:*:*'", "1 (a)", "match.interfaces.some", "no key"),
        (RULE + "match.serial = [1]", "1 (a)", "match.serial 1", "expected"),
        (RULE + "match.port = '1-1; rm'", "1 (a)", "match.port", "no port"),
        (RULE + "match.hash = 'a b'", "1 (a)", "match.hash", "no hash"),
        (RULE + "match.connect = 'wifi'", "1 (a)", "match.connect 1", "wifi"),
        (RULE + "match.name = '" + "x" * 400 + "'", "1 (a)", "match.name", "longer"),
        (RULE + "unless = {}", "1 (a)", "unless", "never count"),
        (RULE + "unless = [{ device = '1:1' }]", "1 (a)", "unless 1.device", "“1:1”"),
        (RULE + "when.from = '08:00'", "1 (a)", "when.from and to", "without the other"),
        (RULE + "when = { from = '8:00', to = '9:00' }", "1 (a)", "when.from", "“8:00”"),
        (RULE + "when = { from = '08:00', to = '08:00' }", "1 (a)", "when.from and to", "no time between"),
        (RULE + "when = { from = '24:00', to = '08:00' }", "1 (a)", "when.from and to", "no time between"),
        (RULE + "when.weekdays = ['mon', 'someday']", "1 (a)", "when.weekdays", "someday"),
        (RULE + "when.mode = 'exam'", "1 (a)", "when.mode 1", "exam"),
        ("[[rule]]\nid = 'a'\nverdict = 'block'\nlet_in = '0e:*:*'", "1 (a)", "let_in", "block"),
        ("x = " + "9" * 5000, "", "", "TOML"),
        ("x = " + "[" * 5000, "", "", "TOML"),
        ("#" * (MAX_POLICY_BYTES + 1), "", "", "KiB"),
        ("# \ud800", "", "", "Unicode"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, rule: str, key: str, words: str) -> None:
    """A wrong file is refused with the rule and the key, and in words."""
    with pytest.raises(PolicyError) as caught:
        read_policy(text)
    assert (caught.value.rule, caught.value.key) == (rule, key)
    assert words in caught.value.message
    assert caught.value.hint


LITERALS = [
    "1",
    "1.5",
    "true",
    "'x'",
    "''",
    "[]",
    "['x', 1]",
    "{}",
    "{ any = 1 }",
    "[[['x']]]",
    "2026-11-30",
    '"\\u0000"',
]
KEYS = [
    "id",
    "verdict",
    "comment",
    "match",
    "match.device",
    "match.interfaces",
    "match.interfaces.only",
    "unless",
    "when",
]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_file_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever is done to a policy file, it is read or refused with a PolicyError."""
    text = data.draw(st.sampled_from([default_text(), RULE, ""]))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 40)))
        line = st.tuples(st.sampled_from(KEYS), st.sampled_from(LITERALS)).map(
            lambda pair: f"\n{pair[0]} = {pair[1]}\n"
        )
        text = text[:begin] + data.draw(st.one_of(st.text(max_size=20), line)) + text[end:]
    with contextlib.suppress(PolicyError):
        policy = read_policy(text)
        assert read_policy(write_policy(policy)) == policy


def test_added_rule_comes_first_and_remarks_stay() -> None:
    """A rule that is added stands before all others, and every remark of the file is still there."""
    rule = Rule(id="mine", verdict="allow", comment="Ada's headset.", match=Match(hash=("abc=",)))
    text = add_rule(default_text(), rule)
    assert read_policy(text).rule == (rule, *default_policy().rule)
    assert [line for line in default_text().splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
    assert read_policy(add_rule(default_text(), rule, first=False)).rule == (*default_policy().rule, rule)


def test_added_rule_in_a_file_without_rules_or_with_a_trap() -> None:
    """A rule can be added to an empty file, and to one whose comment looks like the beginning of a rule."""
    rule = Rule(id="mine", verdict="allow", match=Match(hash=("abc=",)))
    assert read_policy(add_rule("", rule)).rule == (rule,)
    trap = 'name = """\n[[rule]]\n"""\n' + RULE
    assert [one.id for one in read_policy(add_rule(trap, rule)).rule] == ["mine", "a"]
    with pytest.raises(PolicyError, match="there already"):
        add_rule(RULE, Rule(id="a", verdict="block"))
