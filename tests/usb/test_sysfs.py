"""What the kernel is told of USB, attribute by attribute, and what it answers."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from appliance.usb.enforcement import plan
from appliance.usb.library import described
from appliance.usb.model import Decision
from appliance.usb.sysfs import SysfsError, UsbBus
from tests.devices.fake_kernel import FakeKernel, no_rights

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock

CAMERA = described("camera-logitech-c920")


@pytest.fixture
def kernel(tmp_path: Path, clock: ManualClock) -> FakeKernel:
    """A machine with two controllers, the first closed, and an inert camera with four interfaces."""
    made = FakeKernel(tmp_path, clock, buses=2)
    made.bus.set_open("usb1", open=False)
    made.plug("1-1", CAMERA)
    made.written.clear()
    return made


def test_a_device_is_authorised_with_all_its_interfaces(kernel: FakeKernel) -> None:
    """One write is enough where the kernel does the rest."""
    kernel.bus.take_in("1-1")
    assert kernel.written == [("1-1/authorized", "1")]
    assert set(kernel.bus.interfaces_in("1-1").values()) == {True}


def test_some_interfaces_are_let_in_and_the_others_are_closed_from_the_first_moment(kernel: FakeKernel) -> None:
    """The bus makes new interfaces inert while the device is authorised, then drivers are looked for."""
    kernel.bus.take_in_partly("1-1", (0, 1))
    assert kernel.written[:3] == [
        ("usb1/interface_authorized_default", "0"),
        ("1-1/authorized", "1"),
        ("usb1/interface_authorized_default", "1"),
    ]
    found = kernel.bus.interfaces_in("1-1")
    assert {number for number, stands in found.items() if stands} == {0, 1}
    assert len(found) > 2
    assert kernel.probed == ["1-1:1.0", "1-1:1.1"]


def test_interfaces_of_a_device_that_is_in_are_closed_one_by_one(kernel: FakeKernel) -> None:
    """Without taking the whole device out."""
    kernel.bus.take_in("1-1")
    kernel.written.clear()
    kernel.bus.take_in_partly("1-1", (0,))
    assert all(value == "0" and name.startswith("1-1:1.") for name, value in kernel.written)
    kernel.bus.take_in("1-1")
    assert set(kernel.bus.interfaces_in("1-1").values()) == {True}


def test_the_default_is_put_back_where_authorising_fails(kernel: FakeKernel) -> None:
    """The next device on that bus is not left without interfaces."""
    kernel.refuses["1-1/authorized"] = OSError(errno.EIO, "Input/output error")
    with pytest.raises(SysfsError):
        kernel.bus.take_in_partly("1-1", (0,))
    assert kernel.written[-1] == ("usb1/interface_authorized_default", "1")


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (no_rights(), "rights"),
        (OSError(errno.EROFS, "Read-only file system"), "rights"),
        (OSError(errno.ENODEV, "No such device"), "gone"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "gone"),
        (OSError(errno.EBUSY, "Device or resource busy"), "failed"),
    ],
)
def test_what_the_kernel_refuses_has_a_reason(kernel: FakeKernel, problem: OSError, reason: str) -> None:
    """Rights, gone, or failed, in words that name the attribute."""
    kernel.refuses["1-1/authorized"] = problem
    with pytest.raises(SysfsError) as refused:
        kernel.bus.take_out("1-1")
    assert refused.value.reason == reason
    assert "1-1/authorized" in refused.value.message


def test_dropping_takes_drivers_away_first(kernel: FakeKernel) -> None:
    """Also where the port cannot be switched off, no driver has the device any more."""
    kernel.bus.take_in("1-1")
    kernel.written.clear()
    kernel.bus.drop("1-1")
    assert kernel.written == [("1-1/authorized", "0"), ("1-1/remove", "1")]
    assert not kernel.is_there("1-1")


def test_a_machine_without_usb_has_nothing(tmp_path: Path) -> None:
    """No controller, no port, nothing to ask."""
    bus = UsbBus(tmp_path / "none")
    assert (bus.exists, bus.controllers(), bus.ports(), bus.read("1-1"), bus.is_in("1-1")) == (
        False,
        (),
        (),
        None,
        None,
    )
    assert bus.peers() == {}


def test_nothing_outside_of_ports_is_ever_read(kernel: FakeKernel) -> None:
    """A name that is no port's is no device."""
    assert kernel.bus.read("../../etc") is None


def test_a_socket_of_two_names_is_known_by_both(kernel: FakeKernel) -> None:
    """The kernel's ``peer`` links, of root hubs and of hubs below them."""
    flat = kernel.root / "bus/usb/devices"
    ports = []
    for bus in (1, 2):
        folder = flat / f"usb{bus}" / f"{bus}-0:1.0" / f"usb{bus}-port3"
        folder.mkdir(parents=True)
        ports.append(folder)
    (ports[0] / "peer").symlink_to(ports[1])
    (ports[1] / "peer").symlink_to(ports[0])
    assert kernel.bus.peers() == {"1-3": "2-3", "2-3": "1-3"}


BLOCK, ALLOW, REJECT = (Decision(verdict=one) for one in ("block", "allow", "reject"))
SOME = Decision(verdict="allow", interfaces=(0,))


@pytest.mark.parametrize(
    ("decision", "how", "step", "state"),
    [
        (BLOCK, {"is_in": False}, "nothing", "out"),
        (BLOCK, {"is_in": True}, "take_out", "out"),
        (BLOCK, {"is_in": True, "guarded": True}, "nothing", "in"),
        (BLOCK, {"is_in": False, "guarded": True}, "nothing", "out"),
        (REJECT, {"is_in": False}, "drop", "rejected"),
        (REJECT, {"is_in": True, "guarded": True}, "nothing", "in"),
        (ALLOW, {"is_in": False}, "take_in", "in"),
        (ALLOW, {"is_in": True, "interfaces": {0: True}}, "nothing", "in"),
        (ALLOW, {"is_in": True, "interfaces": {0: True, 1: False}}, "take_in", "in"),
        (SOME, {"is_in": False}, "take_in_partly", "partly"),
        (SOME, {"is_in": True, "interfaces": {0: True, 1: True}}, "take_in_partly", "partly"),
        (SOME, {"is_in": True, "interfaces": {0: True, 1: False}}, "nothing", "partly"),
        (SOME, {"is_in": True, "interfaces": {0: True, 1: True}, "guarded": True}, "nothing", "in"),
    ],
)
def test_what_is_told_follows_from_the_decision_and_how_the_device_stands(
    decision: Decision, how: dict[str, object], step: str, state: str
) -> None:
    """In a mode that enforces; in maintenance everything is let in."""
    found = plan(decision, enforces=True, **how)  # type: ignore[arg-type]
    assert (found.step, found.state) == (step, state)
    open_ = plan(decision, enforces=False, **how)  # type: ignore[arg-type]
    assert open_.step in {"nothing", "take_in"}
    assert open_.state == "noted"
