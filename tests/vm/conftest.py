"""The USB room: one machine for all its tests, each of which finds it as it was; figures at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vm.figures import FIGURES
from tests.vm.usb_room import CAMERA, KEYBOARD, UsbRoom, usb_room, why_no_room

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def whole_room() -> Iterator[UsbRoom]:
    """The machine, once the process has seen what is plugged in."""
    if why := why_no_room():
        pytest.skip(why)
    with usb_room() as room:
        room.until(lambda look: len(look["devices"]) == 2 and look["pictures"], "the camera and the keyboard")
        yield room


@pytest.fixture
def room(whole_room: UsbRoom) -> Iterator[UsbRoom]:
    """The machine in maintenance; afterwards with nothing plugged in but what belongs there."""
    whole_room.ask("end_orders")
    whole_room.until_mode("maintenance")
    yield whole_room
    whole_room.unplug_all_but(CAMERA, KEYBOARD)
    whole_room.until(lambda look: len(look["ports"]) == 2, "only what belongs here")


@pytest.fixture
def armed(room: UsbRoom) -> UsbRoom:
    """The machine, armed."""
    room.ask("arm")
    room.until_mode("armed")
    return room


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    for line in FIGURES:
        terminalreporter.write_line(line)
