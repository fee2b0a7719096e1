"""Rules about a device somebody points at."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.usb.engine import decide
from appliance.usb.model import Device, Verdict
from appliance.usb.new_rule import By, rule_for
from appliance.usb.policies import default_policy, default_text
from appliance.usb.policy import Policy
from appliance.usb.policy_file import add_rule, read_policy
from tests.usb import made


@settings(max_examples=100, deadline=None)
@given(
    device=made.devices(read_whole=True),
    verdict=st.sampled_from(get_args(Verdict)),
    by=st.sampled_from(get_args(By)),
    comment=st.text(max_size=600),
)
def test_rule_decides_about_its_device(device: Device, verdict: Verdict, by: By, comment: str) -> None:
    """Whatever a device says of itself, a rule about it can be kept in the file and decides about it."""
    try:
        rule = rule_for(default_policy(), device, verdict=verdict, by=by, comment=comment)
    except BadInputError:
        assert (by == "hash" and not device.hash) or (by == "serial" and not device.serial)
        return
    decision = decide(read_policy(add_rule(default_text(), rule)), device, made.now())
    assert (decision.verdict, decision.rule) == (verdict, rule.id)


def test_rule_by_hash_is_about_this_device_alone() -> None:
    """A rule by hash is not about another device of the same model; one by model is, and one by port is not."""
    here, other = made.device("08:06:50"), made.device("08:06:50", port="1-2", hash="other=")
    found = {}
    for by in get_args(By)[::-1]:
        rule = rule_for(Policy(), made.device("08:06:50", serial="1"), verdict="allow", by=by)
        found[by] = [decide(Policy(rule=(rule,)), one, made.now()).verdict for one in (here, other)]
    assert found == {
        "port": ["allow", "block"],
        "model": ["allow", "allow"],
        "serial": ["block", "block"],
        "hash": ["allow", "block"],
    }


@pytest.mark.parametrize(
    ("name", "id_"), [("SanDisk Ultra", "sandisk-ultra"), ("", "device-0781-5581"), ("!!", "device-0781-5581")]
)
def test_ids_are_readable_and_new(name: str, id_: str) -> None:
    """A rule is called after its device, and a second one has a number."""
    device = made.device("08:06:50", name=name)
    first = rule_for(Policy(), device, verdict="allow", by="hash")
    second = rule_for(Policy(rule=(first,)), device, verdict="allow", by="hash")
    assert (first.id, second.id) == (id_, f"{id_}-2")
    named = rule_for(Policy(), made.device("08:06:50", name="Confirmed"), verdict="allow", by="hash")
    assert named.id == "confirmed-2"
