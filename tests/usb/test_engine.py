"""The engine, held against a table written by hand and against a second judge."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given, settings

from appliance.usb.engine import decide, explain
from appliance.usb.policies import default_policy
from appliance.usb.policy import Interfaces, Match, Otherwise, Policy, Rule, When
from tests.usb import made
from tests.usb.plain_judge import judge

if TYPE_CHECKING:
    from appliance.usb.engine import Circumstances
    from appliance.usb.model import Device

STICK, KEYBOARD, MOUSE, HUB, CAMERA, SOUND = "08:06:50", "03:01:01", "03:01:02", "09:00:00", "0e:01:00", "01:01:00"


@settings(max_examples=200, deadline=None)
@given(policy=made.policies, device=made.devices(), now=made.circumstances)
def test_engine_and_second_judge_agree(policy: Policy, device: Device, now: Circumstances) -> None:
    """For any policy, device, mode and time the engine says what a second, independently written judge says."""
    found = decide(policy, device, now)
    event(f"by {'a rule' if found.rule.startswith('rule-') else found.rule or 'the implicit answer'}: {found.verdict}")
    assert (found.verdict, found.rule, found.interfaces) == judge(policy, device, now)


@settings(max_examples=60, deadline=None)
@given(policy=made.policies, device=made.devices(), now=made.circumstances)
def test_explanation_names_what_decided(policy: Policy, device: Device, now: Circumstances) -> None:
    """An explanation has every rule in its order, one that decides, and that one is what the decision names."""
    steps, decision = explain(policy, device, now), decide(policy, device, now)
    deciding = [step for step in steps if step.decides]
    assert [(one.rule, one.verdict, one.why) for one in deciding] == [(decision.rule, decision.verdict, decision.why)]
    assert [step.rule for step in steps if step.rule not in ("root-hub", "let-in", "confirmed", "half-read")] == [
        *(rule.id for rule in policy.rule),
        "",
    ]
    assert all(step.why.endswith(".") for step in steps)


@settings(max_examples=60, deadline=None)
@given(policy=made.policies, device=made.devices(), now=made.circumstances)
def test_half_read_device_needs_its_hash(policy: Policy, device: Device, now: Circumstances) -> None:
    """A device that was not read whole is let in only by a rule or a person that named its hash."""
    decision = decide(policy, device, now)
    if device.whole or decision.verdict != "allow" or decision.rule in ("let-in", "confirmed"):
        return
    rule = policy.named(decision.rule)
    assert rule is not None
    assert device.hash in rule.match.hash


# What is asked of interfaces, and what it says of devices with these interfaces. Written by hand.
DEVICES = {"stick": (STICK,), "both": (STICK, KEYBOARD), "keys": (KEYBOARD, MOUSE), "twice": (STICK, STICK), "bare": ()}
TABLE = [
    (Interfaces(), "stick both keys twice bare"),
    (Interfaces(any=("08:*:*",)), "stick both twice"),
    (Interfaces(any=("08:*:*", "03:01:02")), "stick both keys twice"),
    (Interfaces(all=("08:*:*",)), "stick both twice"),
    (Interfaces(all=("08:*:*", "03:*:*")), "both"),
    (Interfaces(only=("08:*:*",)), "stick twice"),
    (Interfaces(only=("08:*:*", "03:01:01")), "stick both twice"),
    (Interfaces(only=("*:*:*",)), "stick both keys twice"),
    (Interfaces(none=("08:*:*",)), "keys bare"),
    (Interfaces(none=("03:01:02",)), "stick both twice bare"),
    (Interfaces(exactly=("08:06:50",)), "stick"),
    (Interfaces(exactly=("08:*:*", "03:*:*")), "both"),
    (Interfaces(exactly=("03:01:*", "03:01:*")), "keys"),
    (Interfaces(exactly=("08:06:50", "08:06:50")), "twice"),
    (Interfaces(any=("08:*:*",), none=("03:*:*",)), "stick twice"),
    (Interfaces(only=("03:*:*",), all=("03:01:02",)), "keys"),
    (Interfaces(any=("*:01:*",)), "both keys"),
    (Interfaces(any=("*:*:50",)), "stick both twice"),
]


@pytest.mark.parametrize(("asked", "expected"), TABLE)
def test_what_interfaces_are_asked_for(asked: Interfaces, expected: str) -> None:
    """Any, all, only, none and exactly say of five devices what a person wrote down for them."""
    policy = Policy(rule=(Rule(id="r", verdict="reject", match=Match(interfaces=asked)),))
    found = [name for name, has in DEVICES.items() if decide(policy, made.device(*has), made.now()).verdict == "reject"]
    assert found == expected.split()


# from, to, weekdays, and moments at which the rule counts or not; 30 November 2026 is a Monday.
TIMES = [
    ("08:00", "12:00", (), {"30 07:59": False, "30 08:00": True, "30 11:59": True, "30 12:00": False}),
    (
        "22:00",
        "06:00",
        (),
        {"30 21:59": False, "30 22:00": True, "30 00:00": True, "30 05:59": True, "30 06:00": False},
    ),
    ("22:00", "06:00", ("sun",), {"29 22:00": True, "30 05:59": True, "30 22:00": False, "29 05:59": False}),
    ("18:00", "24:00", ("mon",), {"30 23:59": True, "30 00:00": False, "29 23:59": False}),
    ("00:00", "24:00", ("mon", "tue"), {"30 00:00": True, "30 23:59": True, "29 12:00": False}),
    ("", "", ("mon",), {"30 00:00": True, "29 23:59": False}),
]


@pytest.mark.parametrize(("begin", "end", "days", "moments"), TIMES)
def test_when_a_rule_counts(begin: str, end: str, days: tuple[str, ...], moments: dict[str, bool]) -> None:
    """A range holds its first minute and not its end; a night's range belongs to the day it begins on."""
    policy = Policy(rule=(Rule(id="r", verdict="reject", when=When(from_=begin, to=end, weekdays=days)),))
    for moment, counts in moments.items():
        at = datetime.strptime(f"2026-11-{moment}", "%Y-%m-%d %H:%M")  # noqa: DTZ007  local time of a room
        assert (decide(policy, made.device(STICK), made.now(at=at)).verdict == "reject") is counts, moment


def test_rule_counts_in_its_modes_alone() -> None:
    """A rule with modes counts in these, and every mode has its own answer where none matches."""
    policy = Policy(
        otherwise=Otherwise(maintenance="allow", armed="block", export="reject"),
        rule=(Rule(id="r", verdict="block", match=Match(device=("0781:*",)), when=When(mode=("maintenance",))),),
    )
    found = [decide(policy, made.device(STICK), made.now(mode)) for mode in ("maintenance", "armed", "export")]
    assert [(one.verdict, one.rule) for one in found] == [("block", "r"), ("block", ""), ("reject", "")]


def test_first_rule_that_matches_wins() -> None:
    """Whatever the order of rules, the first that matches decides."""
    rules = [Rule(id=verdict, verdict=verdict) for verdict in ("allow", "block", "reject")]  # type: ignore[arg-type]  # Verdict
    for order in itertools.permutations(rules):
        assert decide(Policy(rule=order), made.device(STICK), made.now()).verdict == order[0].verdict


def test_people_come_before_rules() -> None:
    """What was confirmed, or let in at its port, comes in although a rule rejects everything; elsewhere it does not."""
    policy = Policy(rule=(Rule(id="all", verdict="reject"),))
    here, there = made.device(STICK, port="1-1"), made.device(STICK, port="1-2")
    let = made.now(let_in=frozenset({("h=", "1-1")}))
    assert [decide(policy, one, let).rule for one in (here, there)] == ["let-in", "all"]
    assert decide(policy, there, made.now(confirmed=frozenset({"h="}))).rule == "confirmed"
    unknown = made.now(confirmed=frozenset({""}), let_in=frozenset({("", "1-1")}))
    assert decide(policy, made.device(STICK, hash=""), unknown).rule == "all"


def test_controllers_own_hubs_are_never_judged() -> None:
    """A root hub is let in by every policy, also where it could not be read."""
    policy = Policy(rule=(Rule(id="all", verdict="reject"),))
    assert decide(policy, made.device(HUB, port="usb1", whole=False), made.now()).rule == "root-hub"


def test_an_allowed_device_can_be_let_in_by_part() -> None:
    """Of a device let in by part the other interfaces stay out, and a number that is both in two settings stays out."""
    rule = Rule(
        id="r", verdict="allow", match=Match(interfaces=Interfaces(any=("0e:*:*",))), let_in=("0e:*:*", "01:*:*")
    )
    policy = Policy(rule=(rule,))
    assert decide(policy, made.device(CAMERA, KEYBOARD, SOUND), made.now()).interfaces == (0, 2)
    assert decide(policy, made.device(CAMERA, SOUND), made.now()).interfaces is None
    hidden = made.device(CAMERA)
    settings_ = (*hidden.interfaces, made.interface(KEYBOARD, 0, configuration=2), made.interface(CAMERA, 1))
    found = decide(policy, made.device(interfaces=settings_), made.now())
    assert (found.verdict, found.interfaces) == ("allow", (1,))
    nothing = made.device(interfaces=settings_[:2])
    assert decide(policy, nothing, made.now()).verdict == "block"


@pytest.mark.parametrize(
    ("pattern", "text", "like"),
    [
        ("SanDisk*", "SanDisk Ultra", True),
        ("SanDisk*", "sandisk Ultra", False),
        ("*Ultra", "SanDisk Ultra", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[abc]", "a", False),
        ("[abc]", "[abc]", True),
        ("a[*]c", "a*c", True),
        ("a[*]c", "abc", False),
        ("[[]*]", "[x]", True),
        ("[!a]", "b", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_texts_of_devices(pattern: str, text: str, *, like: bool) -> None:
    """In a device's words * and ? stand for others, brackets make them plain, and every other sign is itself."""
    policy = Policy(rule=(Rule(id="r", verdict="reject", match=Match(name=(pattern,))),))
    assert (decide(policy, made.device(STICK, name=text), made.now()).verdict == "reject") is like


# The default exam policy in a room's words.
EXAM = [
    (("09:00:00", "09:00:01"), "allow", "hubs"),
    ((HUB, STICK), "block", "storage"),
    ((STICK,), "block", "storage"),
    ((STICK, KEYBOARD), "reject", "typing-storage"),
    (("02:02:01", "0a:00:00", "03:00:00"), "reject", "typing-network"),
    ((CAMERA, "0e:02:00", SOUND), "allow", "cameras"),
    ((CAMERA, STICK), "block", "storage"),
    (("06:01:01",), "block", "phones"),
    (("ff:42:01",), "block", "phones"),
    (("02:06:00",), "block", "network"),
    (("e0:01:01",), "block", "wireless"),
    ((KEYBOARD,), "block", "keyboards-and-mice"),
    ((SOUND, "03:00:00"), "block", "keyboards-and-mice"),
    ((SOUND, "01:02:00"), "block", "sound"),
    ((SOUND, STICK), "block", "storage"),
    (("11:00:00",), "allow", "usb-c-descriptions"),
    (("07:01:02",), "block", ""),
    (("0b:00:00",), "block", ""),
    ((), "block", ""),
]


@pytest.mark.parametrize(("has", "verdict", "rule"), EXAM)
def test_default_exam_policy(has: tuple[str, ...], verdict: str, rule: str) -> None:
    """The default exam policy lets in hubs and cameras, keeps out what candidates bring, and names why."""
    found = decide(default_policy(), made.device(*has), made.now())
    assert (found.verdict, found.rule) == (verdict, rule)


def test_camera_with_buttons_keeps_its_buttons_out() -> None:
    """By the default exam policy a camera that is also an input device shows pictures and cannot type."""
    found = decide(default_policy(), made.device(CAMERA, "0e:02:00", SOUND, KEYBOARD), made.now())
    assert (found.verdict, found.interfaces) == ("allow", (0, 1, 2))
