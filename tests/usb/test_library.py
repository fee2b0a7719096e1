"""The library of real devices says what it promises, and the default exam policy judges them so."""

from __future__ import annotations

import re
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from appliance.usb.engine import Circumstances, decide
from appliance.usb.library import Described, described, library
from appliance.usb.policy_file import read_policy
from appliance.usb.words import kind_of

if TYPE_CHECKING:
    from appliance.usb.policy import Policy

ARMED = Circumstances(mode="armed", at=datetime(2026, 11, 30, 9))  # noqa: DTZ001  local time of the room
NEEDED = {
    "usb-stick", "disk", "card-reader", "keyboard", "mouse", "wireless-receiver", "bluetooth-adapter", "phone",
    "headset", "headset-with-storage", "keyboard-with-storage", "dock", "hub", "serial-adapter", "network-adapter",
    "wifi-adapter", "camera", "capture-card", "printer", "scanner", "smart-card-reader", "security-key",
    "game-controller", "board", "usb-c-information", "ups", "fingerprint-reader", "drawing-tablet", "photo-camera",
}  # fmt: skip


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Return the default exam policy."""
    return read_policy((resources.files("appliance.usb") / "default_policy.toml").read_text())


def test_it_covers_what_people_bring() -> None:
    """There are at least 40 devices, of every kind the issue names."""
    assert len(library()) >= 40
    assert {one.kind for one in library()} >= NEEDED


@pytest.mark.parametrize("one", library(), ids=lambda one: one.id)
def test_a_device_is_judged_as_expected(one: Described, policy: Policy) -> None:
    """The default exam policy says of each device what its description expects, and why in a sentence."""
    decision = decide(policy, one.device, ARMED)
    assert (decision.verdict, one.id) == (one.expected, one.id)
    assert decision.why


@pytest.mark.parametrize("one", library(), ids=lambda one: one.id)
def test_a_device_is_called_what_it_is(one: Described) -> None:
    """Each device gets the kind its description names."""
    assert (kind_of(one.device), one.id) == (one.kind, one.id)


@pytest.mark.parametrize("one", library(), ids=lambda one: one.id)
def test_a_device_names_its_source_and_no_ones_serial_number(one: Described) -> None:
    """Each description has a title, a reason that is a sentence, a public source and nobody's serial number."""
    assert one.title
    assert one.why.endswith(".")
    assert re.match(r"https://\S+", one.source)
    assert one.serial in {"", "EXAMPLE0001"}
    assert re.fullmatch(r"[a-z0-9-]+", one.id)


def test_no_storage_gets_in(policy: Policy) -> None:
    """Nothing that has a storage, network or keyboard interface in any configuration is let in whole."""
    for one in library():
        classes = {each.cls for each in one.device.interfaces}
        if classes & {0x02, 0x03, 0x08, 0xE0}:
            decision = decide(policy, one.device, ARMED)
            assert decision.verdict != "allow" or decision.interfaces is not None, one.id


def test_a_device_is_found_by_its_id() -> None:
    """A description is found by its id, and one that is not there is told."""
    assert described("phone-iphone").title.startswith("Apple iPhone")
    with pytest.raises(KeyError):
        described("nothing-like-it")
