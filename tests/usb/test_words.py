"""What people read of a device (`appliance.usb.words`)."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.usb.library import described
from appliance.usb.model import Device, Interface
from appliance.usb.words import KINDS, Kind, kind_of, name_of, say

TELLS_STORAGE = {
    "usb-stick", "disk", "card-reader", "keyboard-with-storage", "headset-with-storage", "storage-and-more", "board",
    "printer", "phone",
}  # fmt: skip


def device(*kinds: tuple[int, int, int], **facts: object) -> Device:
    """Return a device with these interfaces."""
    interfaces = tuple(Interface(*kind, number=number) for number, kind in enumerate(kinds))
    return Device(**{"port": "1-1", "vendor": 0x1234, "product": 1, "interfaces": interfaces, **facts})  # type: ignore[arg-type]  # facts are Device's fields


def test_a_stick_is_told_in_one_line() -> None:
    """What it is, its name, where it is and what became of it are said in one line."""
    stick = msgspec.structs.replace(described("stick-sandisk-cruzer-blade").device, name="SanDisk Ultra")
    told = say(stick, port="front left port", verdict="block")
    assert told == "USB stick, SanDisk Ultra, front left port, blocked"
    assert say(stick) == "USB stick, SanDisk Ultra, port 1-1"


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"manufacturer": "Kingston", "name": "DataTraveler 3.0"}, "Kingston DataTraveler 3.0"),
        ({"manufacturer": "SanDisk", "name": "SanDisk Ultra"}, "SanDisk Ultra"),
        ({"manufacturer": "Generic", "name": "Mass Storage"}, "Mass Storage"),
        ({"manufacturer": "USB", "name": "SanDisk 3.2Gen1", "vendor": 0x0781}, "SanDisk 3.2Gen1"),
        ({"vendor": 0x046D}, "Logitech 046d:0001"),
        ({"manufacturer": "Acme"}, "Acme 1234:0001"),
        ({"name": "USB Device"}, "1234:0001"),
        ({}, "1234:0001"),
    ],
)
def test_a_device_is_named_by_what_says_most(facts: dict[str, object], name: str) -> None:
    """Maker and name are said once each, words that say nothing are left out, and numbers stand where no name is."""
    assert name_of(device(**facts)) == name


@pytest.mark.parametrize(
    ("kinds", "facts", "kind"),
    [
        ([(8, 6, 0x50)], {}, "usb-stick"),
        ([(8, 6, 0x50)], {"name": "USB SD Card Reader"}, "card-reader"),
        ([(8, 6, 0x50), (3, 1, 1)], {}, "keyboard-with-storage"),
        ([(8, 6, 0x50), (1, 2, 0)], {}, "headset-with-storage"),
        ([(8, 6, 0x50), (0x0E, 1, 0)], {}, "storage-and-more"),
        ([(3, 1, 1), (3, 1, 2)], {}, "keyboard-and-mouse"),
        ([(3, 1, 2)], {"name": "2.4G Wireless Mouse"}, "wireless-receiver"),
        ([(3, 0, 0)], {}, "input-device"),
        ([(9, 0, 0)], {}, "hub"),
        ([], {}, "charging-only"),
        ([], {"whole": False}, "unknown"),
        ([(8, 6, 0x50)], {"cls": 9}, "usb-stick"),
        ([(3, 1, 1)], {"cls": 0x11}, "keyboard"),
        ([(9, 0, 1), (0xFF, 0, 0)], {"cls": 9}, "dock"),
        ([(1, 1, 0), (1, 3, 0)], {}, "input-device"),
        ([(1, 1, 0), (1, 2, 0)], {"name": "Blue Microphone"}, "microphone"),
        ([], {"port": "usb1"}, "root-hub"),
        ([(0xE0, 1, 3), (0x0A, 0, 0)], {"vendor": 0x04E8}, "phone"),
        ([(0xE0, 1, 3), (0x0A, 0, 0)], {}, "network-adapter"),
        ([(2, 2, 1), (10, 0, 0)], {"name": "LTE Modem"}, "modem"),
        ([(0xFF, 0, 0)], {}, "own-class"),
        ([(0xDC, 1, 1)], {}, "unknown"),
    ],
)
def test_kinds_are_told_apart(kinds: list[tuple[int, int, int]], facts: dict[str, object], kind: Kind) -> None:
    """A device is called by what its interfaces are, and its own words only tell siblings apart."""
    assert kind_of(device(*kinds, **facts)) == kind


def test_every_kind_has_words() -> None:
    """No kind is without plain English."""
    assert set(KINDS) == set(get_args(Kind))
    assert all(KINDS.values())


triples = st.tuples(
    st.sampled_from([1, 2, 3, 6, 7, 8, 9, 10, 11, 14, 17, 0xE0, 0xEF, 0xFE, 0xFF]),
    st.sampled_from([0, 1, 2, 3, 6, 0x42, 0xFF]),
    st.sampled_from([0, 1, 2, 3, 0x50, 0x62]),
)


@given(st.lists(triples, max_size=6), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.text(max_size=40))
def test_whatever_a_device_is_a_line_is_said_of_it(
    kinds: list[tuple[int, int, int]], vendor: int, product: int, name: str
) -> None:
    """Any interfaces, numbers and names give a kind that has words, and a line that begins with them."""
    some = device(*kinds, vendor=vendor, product=product, name=name)
    assert say(some, verdict="block").startswith(KINDS[kind_of(some)])


@given(st.lists(triples, max_size=5), st.text(max_size=40), st.sampled_from([0, 2, 9, 0x11, 0xE0, 0xEF, 0xFF]))
def test_storage_is_never_called_something_harmless(kinds: list[tuple[int, int, int]], name: str, cls: int) -> None:
    """What has a storage interface, whatever its device class, is called by a name that says it can hold files."""
    assert kind_of(device(*kinds, (8, 6, 0x50), name=name, cls=cls)) in TELLS_STORAGE
