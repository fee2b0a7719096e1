"""Kill -9 of the process that watches USB, at random moments while devices come and go."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.auditlog import verify
from appliance.usb.library import described
from tests.devices.a_process import UsbBox
from tests.faults.tally import Line, count
from tests.support.umock_usb import missing
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.sysfs_device import Attributes

pytestmark = [pytest.mark.faults, pytest.mark.skipif(bool(missing()), reason=missing() or "umockdev")]
SEED = int(os.environ.get("FAULT_SEED", "20261130"))
KILLS = 60
LONGEST_MS = 60
RESUME_GOAL = 5.0
NAMES = ("stick-sandisk-ultra-fit", "keyboard-matias-ergo-pro", "camera-logitech-c920", "hub-genesys")
LET_IN = frozenset({"camera-logitech-c920", "hub-genesys"})


def test_kills_open_nothing_lose_no_device_and_tell_none_twice(tmp_path: Path) -> None:
    """However often it is killed while armed: what is forbidden is never let in, the rest is, each is told once."""
    chance = random.Random(SEED)  # noqa: S311  repeatable, not secret
    plugged: dict[str, str] = {}
    came: list[str] = []
    worst = 0.0
    with UsbBox(tmp_path) as box:
        box.start().arms()
        for number in range(KILLS):
            name, port = chance.choice(NAMES), f"1-{number % 12 + 1}"
            if port in plugged:
                box.machine.unplug(port)
                del plugged[port]
            came.append(_plug(box, port, name, number))
            plugged[port] = name
            time.sleep(chance.random() * LONGEST_MS / 1000)  # the moment of the kill, somewhere in what follows
            assert box.end(signal.SIGKILL) == -signal.SIGKILL
            assert not box.machine.is_open(), "a kill opened the controllers"
            _nothing_forbidden_is_in(box, plugged)
            began = time.monotonic()
            box.start()
            until(lambda: all(box.stands(port) == _state(name) for port, name in plugged.items()))
            worst = max(worst, time.monotonic() - began)
            _nothing_forbidden_is_in(box, plugged)
        until(lambda: all(box.machine.is_in(port) for port, name in plugged.items() if name in LET_IN))
        told = [one.device.serial for one in box.events("plugged") if one.device is not None]
        assert sorted(told) == sorted(came)
        assert box.db.conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert verify(box.db, None).ok
    count(Line("usb: process killed while armed", {"kill": KILLS}, worst_resume=worst))
    assert worst < 2 * RESUME_GOAL


def _plug(box: UsbBox, port: str, name: str, number: int) -> str:
    """Plug in a device with a serial number of its own; return that."""
    serial = f"FAULT{number}"
    attributes: Attributes = msgspec.structs.replace(described(name), serial=serial).attributes(port)
    box.machine.plug(port, attributes)
    return serial


def _state(name: str) -> str:
    return "in" if name in LET_IN else "out"


def _nothing_forbidden_is_in(box: UsbBox, plugged: dict[str, str]) -> None:
    assert not [port for port, name in plugged.items() if name not in LET_IN and box.machine.is_in(port)]
