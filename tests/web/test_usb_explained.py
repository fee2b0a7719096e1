"""Explanations of a policy's decisions in the reader's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from appliance.usb.dry_run import advice
from appliance.usb.engine import decide, explain
from appliance.usb.library import library
from appliance.usb.policies import default_policy
from appliance.usb.policy import Interfaces, Match, Otherwise, Policy, Rule
from appliance.usb.usbguard import import_rules
from appliance.web.usb_explained import explained
from tests.usb import made

if TYPE_CHECKING:
    from appliance.usb.engine import Circumstances
    from appliance.usb.model import Device

ENGLISH = re.compile(
    r"\b(and|below|but|counts|does|every|from|has|have|interfaces?|is|its?|lets?|match|more|never|no|none|not|nothing|of|on"
    r"|only|or|others?|says|that|the|there|which|while|with|without)\b"
)


def english_in(text: str) -> set[str]:
    """Return the English words outside of quotation marks."""
    return set(ENGLISH.findall(re.sub(r"„[^“]*“", "", text)))


@settings(max_examples=150, deadline=None)
@given(policy=made.policies, device=made.devices(), now=made.circumstances)
def test_every_step_is_said_in_german(policy: Policy, device: Device, now: Circumstances) -> None:
    """Whatever policy and device: no step's reason keeps an English word of its own, and all its values are there."""
    for step in explain(policy, device, now):
        german = explained(step.why, "de")
        assert not english_in(german), (step.why, german)
        assert set(re.findall(r"[0-9a-f]{2}:[0-9a-f*]{2}:[0-9a-f*]{2}", step.why)) <= set(
            re.findall(r"[0-9a-f]{2}:[0-9a-f*]{2}:[0-9a-f*]{2}", german)
        )


def test_real_devices_under_the_default_policy_are_said_in_german() -> None:
    """Each device of the collection is explained in German under the policy that comes with the box."""
    policy = default_policy()
    for one in library():
        said = explained(decide(policy, one.at("1-1"), made.now()).why, "de")
        assert said.endswith("."), said
        assert not english_in(said), said


@pytest.mark.parametrize(
    "name", ["Tom and Jerry", "hub", "is it and the rule, which the rule leaves out", "a “b and c"]
)
def test_what_a_device_calls_itself_stays_as_it_is(name: str) -> None:
    """A device's own words stand in the German sentence unchanged, though they read like a clause."""
    device = made.device(name=name)
    policy = Policy(rule=(Rule(id="by-name", verdict="allow", match=Match(name=("*",), port=("*",))),))
    said = explained(decide(policy, device, made.now()).why, "de")
    assert said.startswith("Regel „by-name“ lässt es ein: es nennt als Name „")
    assert name in said
    assert not english_in(said.replace(name, ""))


def test_english_is_left_alone() -> None:
    """In English an explanation is what the policy said."""
    why = decide(default_policy(), library()[0].at("1-1"), made.now()).why
    assert explained(why, "en") == why


def test_notes_of_an_import_and_advice_are_said_in_german() -> None:
    """What could not be carried over from USBGuard, and what of a policy is probably not meant, is said in German."""
    found = import_rules("block if localtime(00:00:10-12:00)\nallow id 0781:5567 if random(0.5)\nmatch id *:*\nallow")
    said = [explained(note.what, "de") for note in found.notes]
    all_of_it = Rule(id="all", verdict="allow", match=Match(interfaces=Interfaces(any=("03:*:*",))))
    rules = (all_of_it, Rule(id="rest", verdict="block"), Rule(id="late", verdict="block"))
    advised = advice(Policy(otherwise=Otherwise(armed="allow"), rule=rules))
    assert {one.kind for one in advised} == {"open", "by-part", "unreachable"}
    for one in [*said, *(explained(one.what, "de") for one in advised)]:
        assert not english_in(one), one
