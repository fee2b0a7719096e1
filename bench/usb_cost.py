"""USB: from the kernel's event to the committed decision, and how many events a second cost no device.

The process is the box's own, the events go to the real udev monitor; the devices are umockdev's (Debian), with the
descriptors of real ones. What is missing on this machine leaves the figures null.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.usb.library import described
from tests.devices.a_process import UsbBox, boot_us
from tests.sittings.a_sitting import Room
from tests.support.umock_usb import UsbMachine, missing
from tests.support.usb_devices import place_of
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.sysfs_device import Attributes

STARTS = 5
EACH = 20
"""So many devices in a row make a warning each; then the box tells of a flood instead."""
STORM_PORTS = 64
STORM_ROUNDS = 100
LONGEST_S = 120.0
DECISION = "usb_event_to_decision_ms_p95"
STORM = "usb_storm_events_per_s"


def measure(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Return both figures."""
    if missing():
        print(f"bench: no USB figures, {missing()}")
        return {DECISION: _figure(None, 20), STORM: _figure(None, 1000)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "usb").mkdir()
    with UsbBox(folder / "usb") as box:
        _sitting(box)
        waits_ms = _decisions(box, starts=1 if quick else STARTS)
        rate = _storm(box, rounds=STORM_ROUNDS // 5 if quick else STORM_ROUNDS)
    peer = _peer(folder, rounds=STORM_ROUNDS // 5 if quick else STORM_ROUNDS)
    return {
        DECISION: _figure(round(_percentile(waits_ms, 95), 1), 20)
        | {
            "what": "a USB stick's event at the kernel until its decision, event, entry of the log and warning are"
            " committed (synchronous=FULL), while a sitting is on",
            "median": round(statistics.median(waits_ms), 1),
            "max": round(max(waits_ms), 1),
            "of": len(waits_ms),
        },
        STORM: _figure(round(rate), 1000)
        | {
            "what": f"{STORM_PORTS} sticks, each with a serial number of its own, go and come; until all is written"
            " down, none missing, none told twice",
            "peer": "a bare loop over pyudev's monitor that counts",
            "peer_value": round(peer),
        },
    }


def _figure(value: float | None, goal: float) -> dict[str, Any]:
    return {"value": value, "goal": goal}


def _sitting(box: UsbBox) -> None:
    room = Room(box.db, box.settings, "1")
    room.does("check_readiness")


def _stick(number: int, port: str) -> Attributes:
    return msgspec.structs.replace(described("stick-sandisk-ultra-fit"), serial=f"BENCH{number}").attributes(port)


def _decisions(box: UsbBox, *, starts: int) -> list[float]:
    """Plug sticks in one by one, and wait for each decision; a fresh process makes a warning of each again."""
    found = []
    for start in range(starts):
        ports = [f"1-{start * EACH + number + 1}" for number in range(EACH)]
        for number, port in enumerate(ports):
            box.machine.prepare(port, _stick(number, port))
        box.start()
        until(lambda: box.state.mode == "armed")
        for port in ports:
            before, end = _count(box), time.monotonic() + LONGEST_S
            began_us = box.machine.appear(port)
            while _count(box) == before:
                time.sleep(0.0002)
                if time.monotonic() > end:
                    raise RuntimeError(f"nothing was decided of {port}, see {box.log}")
            found.append((boot_us() - began_us) / 1000)
        box.end()
    return found


def _count(box: UsbBox) -> int:
    return int(box.db.conn.execute("SELECT COUNT(*) FROM usb_event").fetchone()[0])


def _storm(box: UsbBox, *, rounds: int) -> float:
    """Return how many events a second are taken, until the last is written down.

    Raises:
        RuntimeError: a device was lost or told twice: the figure would be worth nothing.
    """
    ports = [f"1-{150 + number}" for number in range(STORM_PORTS)]
    for number, port in enumerate(ports):
        box.machine.prepare(port, _stick(1000 + number, port))
    box.start()
    until(lambda: box.state.mode == "armed")
    said = box.machine.ask(do="storm", places=[place_of(port) for port in ports], rounds=rounds)

    def taken() -> bool:
        sql = "SELECT SUM(times), COUNT(DISTINCT port), COUNT(DISTINCT hash), COUNT(*) FROM usb_event WHERE"
        sql += " kind = 'plugged' AND CAST(substr(port, 3) AS INTEGER) >= 150"
        times, at, hashes, rows = box.db.conn.execute(sql).fetchone()
        if times is None or times < STORM_PORTS * rounds or at < STORM_PORTS:
            return False
        if not at == hashes == rows == STORM_PORTS:
            raise RuntimeError(f"of {STORM_PORTS} devices: {at} ports, {hashes} hashes, {rows} events")
        return True

    until(taken, LONGEST_S, "the storm is written down")
    seconds = (boot_us() - said["us"]) / 1e6
    box.end()
    return float(said["events"] / seconds)


_PEER = """
import pyudev, sys
monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
monitor.filter_by("usb", "usb_device")
monitor.start()
open(sys.argv[2], "w").close()
for _ in range(int(sys.argv[1])):
    monitor.poll()
open(sys.argv[3], "w").close()
"""


def _peer(folder: Path, *, rounds: int) -> float:
    """Return the same of a bare loop."""
    ready, done = folder / "peer-ready", folder / "peer-done"
    ports = [f"1-{number + 1}" for number in range(STORM_PORTS)]
    with UsbMachine() as machine:
        for number, port in enumerate(ports):
            machine.prepare(port, _stick(number, port))
        count = STORM_PORTS * (2 * rounds - 1)
        argv = [sys.executable, "-c", _PEER, str(count), str(ready), str(done)]
        machine.run(argv, folder / "peer.log")
        until(ready.exists)
        said = machine.ask(do="storm", places=[place_of(port) for port in ports], rounds=rounds)
        until(done.exists, LONGEST_S, "the peer has counted all")
        return float(said["events"] / ((boot_us() - said["us"]) / 1e6))


def _percentile(values: list[float], of: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[of - 1]
