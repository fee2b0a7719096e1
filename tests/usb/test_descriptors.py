"""Raw descriptors are read to their end whatever they are (`appliance.usb.descriptors`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.usb.descriptors import INTERFACES_AT_MOST, READ_AT_MOST, read_descriptors
from appliance.usb.library import Described, library
from appliance.usb.model import Interface

DEVICE = bytes.fromhex("120100020000004081078355000101020301")
STORAGE, KEYBOARD = (8, 6, 0x50), (3, 1, 1)
ids = st.sampled_from(library())


def interface(number: int, kind: tuple[int, int, int], *, alternate: int = 0) -> bytes:
    """Return an interface descriptor without endpoints."""
    return bytes([9, 4, number, alternate, 0, *kind, 0])


def configuration(*pieces: bytes, value: int = 1, interfaces: int | None = None, total: int | None = None) -> bytes:
    """Return a configuration with these pieces, telling the truth of itself unless told otherwise."""
    body = b"".join(pieces)
    count = len({piece[2] for piece in pieces if piece[1] == 4}) if interfaces is None else interfaces
    length = 9 + len(body) if total is None else total
    return bytes([9, 2, *length.to_bytes(2, "little"), count, value, 0, 0x80, 50]) + body


def device(*configurations: bytes, count: int | None = None) -> bytes:
    """Return a device with these configurations."""
    return DEVICE[:17] + bytes([len(configurations) if count is None else count]) + b"".join(configurations)


def test_an_interface_hidden_in_a_second_configuration_is_seen() -> None:
    """A keyboard that only the configuration not chosen has is among the interfaces, told by its configuration."""
    said = read_descriptors(
        device(configuration(interface(0, STORAGE)), configuration(interface(0, KEYBOARD), value=2))
    )
    assert said.whole
    assert said.interfaces == (
        Interface(cls=8, subclass=6, protocol=0x50, configuration=1),
        Interface(cls=3, subclass=1, protocol=1, configuration=2),
    )


def test_an_interface_hidden_in_an_alternate_setting_is_seen() -> None:
    """An alternate setting of another class is among the interfaces."""
    said = read_descriptors(device(configuration(interface(0, STORAGE), interface(0, KEYBOARD, alternate=1))))
    assert said.whole
    assert [(one.cls, one.alternate) for one in said.interfaces] == [(8, 0), (3, 1)]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "no device descriptor"),
        (DEVICE[:17], "no device descriptor"),
        (b"\x12\x02" + DEVICE[2:], "no device descriptor"),
        (DEVICE, "1 configurations and has 0"),
        (device(configuration(interface(0, STORAGE)), count=2), "2 configurations and has 1"),
        (device(configuration(interface(0, STORAGE), interfaces=2)), "2 interfaces and has 1"),
        (device(configuration(interface(0, STORAGE), interfaces=0)), "0 interfaces and has 1"),
        (device(configuration(interface(0, STORAGE), total=500)), "500 bytes and has 18"),
        (device(configuration(interface(0, STORAGE), total=9)), "9 bytes and has 18"),
        (device(configuration(interface(0, STORAGE), interface(0, KEYBOARD))), "is there twice"),
        (device(configuration(interface(0, STORAGE)), configuration(interface(0, STORAGE))), "is there twice"),
        (device(configuration(interface(0, STORAGE), b"\x05\x04\x01\x00\x00", total=23, interfaces=1)), "too short"),
        (device(configuration(interface(0, STORAGE)) + b"\x00"), "is no descriptor"),
        (device(configuration(interface(0, STORAGE)) + b"\x01\x04"), "is no descriptor"),
        (device(configuration(interface(0, STORAGE)) + b"\x40\x24\x00"), "is no descriptor"),
        (device(configuration(interface(0, STORAGE), DEVICE)), "second device descriptor"),
        (DEVICE + interface(0, STORAGE), "before any configuration"),
        (b"\x14" + DEVICE[1:], "says it has 20 bytes"),
    ],
)
def test_descriptors_that_contradict_themselves_are_not_whole(raw: bytes, problem: str) -> None:
    """What is wrong is said in plain words, and the device is not taken to be read whole."""
    said = read_descriptors(raw)
    assert not said.whole
    assert problem in said.problem


def test_what_can_be_read_is_kept_although_something_is_wrong() -> None:
    """A lie about the length hides no interface."""
    said = read_descriptors(device(configuration(interface(0, STORAGE), interface(1, KEYBOARD), total=18)))
    assert not said.whole
    assert [one.cls for one in said.interfaces] == [8, 3]


def test_endless_descriptors_are_cut() -> None:
    """A device that says more than can be is read up to the caps and not taken to be whole."""
    many = [interface(number % 200, STORAGE, alternate=number // 200) for number in range(INTERFACES_AT_MOST + 50)]
    said = read_descriptors(device(configuration(*many)))
    assert len(said.interfaces) == INTERFACES_AT_MOST
    assert not said.whole
    long = read_descriptors(
        device(configuration(interface(0, STORAGE), *([b"\xff\x24" + bytes(253)] * 300), total=0xFFFF))
    )
    assert "more than" in long.problem
    assert str(READ_AT_MOST) in long.problem


@pytest.mark.parametrize("one", library(), ids=lambda one: one.id)
def test_a_real_device_is_read_whole(one: Described) -> None:
    """Each device of the library is read whole, with the interfaces its source lists, in their order."""
    said = read_descriptors(one.raw)
    assert said.problem == ""
    assert tuple(str(each) for each in said.interfaces) == one.interfaces
    assert (f"{said.vendor:04x}", f"{said.product:04x}") == (one.vendor, one.product)


@given(ids, st.data())
def test_a_real_device_cut_short_is_never_whole(one: Described, data: st.DataObject) -> None:
    """Descriptors that end anywhere before their end are not taken to be whole, and nothing raises."""
    end = data.draw(st.integers(0, len(one.raw) - 1))
    assert not read_descriptors(one.raw[:end]).whole


@given(ids, st.data())
def test_an_interface_more_is_never_overlooked(one: Described, data: st.DataObject) -> None:
    """A keyboard put between any two descriptors of a real device is found, or the device is not whole."""
    places = [18]
    while places[-1] < len(one.raw):
        places.append(places[-1] + one.raw[places[-1]])
    place = data.draw(st.sampled_from(places))
    said = read_descriptors(one.raw[:place] + interface(99, KEYBOARD) + one.raw[place:])
    assert any(each.number == 99 for each in said.interfaces)
    assert not said.whole


@given(st.one_of(st.binary(max_size=600), st.binary(max_size=300).map(lambda tail: DEVICE + tail)))
def test_any_bytes_are_read_without_raising(raw: bytes) -> None:
    """Whatever a device sends, an answer comes, with no more interfaces than bytes could hold."""
    said = read_descriptors(raw)
    assert len(said.interfaces) * 9 <= len(raw)


@given(ids, st.data())
def test_one_changed_byte_neither_raises_nor_adds_interfaces(one: Described, data: st.DataObject) -> None:
    """A flipped byte of a real device gives an answer; what is still whole has as many interfaces as it promises."""
    place = data.draw(st.integers(0, len(one.raw) - 1))
    raw = bytearray(one.raw)
    raw[place] = data.draw(st.integers(0, 255))
    said = read_descriptors(bytes(raw))
    if said.whole:
        assert said.configurations == raw[17]
