"""A device's own words: asked for once while it is plugged in, as the kernel may keep whoever asks waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.usb.device_texts import TextMemory, Texts

if TYPE_CHECKING:
    from pathlib import Path


class Asked:
    """Counts what is read."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, path: Path) -> bytes:
        """Return the name as what it says."""
        self.paths.append(path.name)
        return path.name.encode()


def test_a_plugged_in_device_is_asked_once(tmp_path: Path) -> None:
    """However often a device is looked at, the kernel is asked for its words once."""
    asked = Asked()
    memory = TextMemory(asked)
    for _ in range(3):
        assert memory.texts_of(tmp_path, b"4", (1, 2)) == Texts(b"manufacturer", b"product", b"serial")
    assert asked.paths == ["manufacturer", "product", "serial"]


def test_another_device_at_the_same_port_is_asked_anew(tmp_path: Path) -> None:
    """A device with another number, or other descriptors, is never taken for the one before."""
    asked = Asked()
    memory = TextMemory(asked)
    memory.texts_of(tmp_path, b"4", (1, 2))
    memory.texts_of(tmp_path, b"5", (1, 2))
    memory.texts_of(tmp_path, b"5", (1, 3))
    assert len(asked.paths) == 9


def test_without_a_number_nothing_is_remembered(tmp_path: Path) -> None:
    """Where the kernel gives no number, each look asks."""
    asked = Asked()
    memory = TextMemory(asked)
    for _ in range(2):
        memory.texts_of(tmp_path, b"", (1, 2))
    assert len(asked.paths) == 6


def test_no_more_devices_are_remembered_than_can_be_there(tmp_path: Path) -> None:
    """The device not looked at longest is forgotten first, and asked again."""
    asked = Asked()
    memory = TextMemory(asked, most=2)
    for number in (b"1", b"2", b"1", b"3", b"1"):
        memory.texts_of(tmp_path, number, ())
    assert len(asked.paths) == 9
    memory.texts_of(tmp_path, b"2", ())
    assert len(asked.paths) == 12


def test_a_device_that_is_gone_says_nothing(tmp_path: Path) -> None:
    """A folder that is not there has no words."""
    assert TextMemory(Asked()).texts_of(tmp_path / "1-1", b"4", ()) == Texts(b"", b"", b"")
