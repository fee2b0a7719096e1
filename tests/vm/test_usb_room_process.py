"""USB on a real kernel: the process in its sandbox, killed, stopped, hurried, and after starts of the machine."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.vm.figures import FIGURES
from tests.vm.made_device import silent
from tests.vm.usb_looks import UNIT, is_out, judged, nodes, process, read, stands
from tests.vm.usb_room import CAMERA, port_of

if TYPE_CHECKING:
    from tests.vm.usb_room import UsbRoom

pytestmark = pytest.mark.vm

RECOVERY = "/boot/exambox-usb-open"
PLUGS = 200
TIMED = 20
PROBE = """
import json, os, socket
def can(do):
    try:
        do()
    except OSError:
        return False
    return True
print(json.dumps({
    "folder": sorted(os.listdir("/var/lib/exambox")),
    "keys": sorted(os.listdir("/var/lib/exambox/keys")),
    "switch": can(lambda: open("/sys/bus/usb/devices/usb1/authorized_default", "r+").close()),
    "kernel settings": can(lambda: open("/proc/sys/kernel/hostname", "r+").close()),
    "other sysfs": can(lambda: open("/sys/kernel/mm/ksm/run", "r+").close()),
    "network": can(lambda: socket.socket(socket.AF_INET)) or can(lambda: socket.socket(socket.AF_INET6)),
    "camera": can(lambda: open("/dev/video0", "rb").close()),
    "root": can(lambda: os.listdir("/root")) and os.listdir("/root") != [],
    "accounts": can(lambda: open("/etc/shadow", "rb").close()) and open("/etc/shadow", "rb").read() != b"",
    "kernel events": can(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).bind((0, 1))),
}))
"""


def test_the_process_can_reach_the_kernels_usb_switches_and_nothing_else(room: UsbRoom) -> None:
    """In the sandbox of its unit there are its database, its key and the switches, no recordings, network or camera."""
    unit = room.run("systemctl", "cat", UNIT)
    kept = [line for line in unit.splitlines() if line.partition("=")[0] not in {"Type", "Restart", "WatchdogSec"}]
    probe = "\n".join(kept).replace(f"{UNIT} run", "").replace("exambox/devices", "exambox/probe")
    start = "ExecStart=/opt/exambox/venv/bin/exambox devices run"
    assert start in probe
    probe = probe.replace(
        start, "Type=oneshot\nStandardOutput=truncate:/run/probe.json\nExecStart=python3 /opt/probe.py"
    )
    room.run("tee", "/opt/probe.py", given=PROBE)
    room.run("tee", "/etc/systemd/system/probe.service", given=probe)
    room.run("systemctl", "daemon-reload")
    room.run("systemctl", "start", "probe")
    assert json.loads(room.run("cat", "/run/probe.json")) == {
        "folder": ["db", "keys", "mountinfo"],
        "keys": ["box.json", "usb.key"],
        "switch": True,
        "kernel settings": False,
        "other sysfs": False,
        "network": False,
        "camera": False,
        "root": False,
        "accounts": False,
        "kernel events": True,
    }
    status = room.run("cat", f"/proc/{process(room)}/status")
    values = dict(line.split(":", 1) for line in status.splitlines())
    uid = room.run("id", "-u", "exambox-devices").strip()
    assert set(values["Uid"].split()) == {uid}
    assert int(values["CapEff"], 16) == 1 << 1  # CAP_DAC_OVERRIDE
    assert (values["NoNewPrivs"].strip(), values["Seccomp"].strip()) == ("1", "2")


def test_a_stick_plugged_in_while_the_process_is_dead_stays_out(armed: UsbRoom) -> None:
    """After kill -9 the kernel lets nothing in; the next process judges what came meanwhile, and says so."""
    after = armed.ask("last_event")
    armed.run("kill", "-9", process(armed))
    armed.plug_stick("meanwhile", "the answers")
    look = armed.until(lambda look: port_of(look, "meanwhile"), "the kernel sees it")
    assert is_out(look, "meanwhile")
    assert stands(look, "meanwhile") == ""
    _, look = judged(armed, "meanwhile", "out")
    assert is_out(look, "meanwhile")
    assert look["disks"] == []
    assert [event["serial"] for event in armed.look(after)["events"]] == ["meanwhile"]


def test_a_stopped_process_leaves_the_controllers_closed(armed: UsbRoom) -> None:
    """Stopped by systemd while armed, nothing opens; started again, it is armed as before and judges what came."""
    armed.run("systemctl", "stop", UNIT)
    assert set(armed.look()["controllers"].values()) == {"0"}
    armed.plug_stick("stopped", "the answers")
    look = armed.until(lambda look: port_of(look, "stopped"), "the kernel sees it")
    assert is_out(look, "stopped")
    armed.run("systemctl", "start", UNIT)
    _, look = judged(armed, "stopped", "out")
    assert (look["state"]["mode"], look["disks"]) == ("armed", [])
    assert stands(look, CAMERA) == "in"


def test_how_long_a_decision_takes(armed: UsbRoom) -> None:
    """From the kernel's event to the decision, and to its committed row: figures, in an emulated machine."""
    decided, committed, whole = [], [], []
    for number in range(TIMED):
        name, after, heard = f"timed{number}", armed.ask("last_event"), armed.ask("count_heard")
        armed.send("next_event", after=after)
        armed.plug("usb-kbd", name)
        readable_us = armed.answer()
        [(_, _, kernel_us)] = armed.ask("heard", after=heard)
        [event] = armed.look(after)["events"]
        decided.append((event["at_us"] - kernel_us) / 1000)
        committed.append((readable_us - kernel_us) / 1000)
        whole.append(event["serial"] == name)
        armed.unplug(name)
        armed.until(lambda look, name=name: not port_of(look, name) and len(look["devices"]) == 2, "gone")  # type: ignore[misc]  # bound now
    assert all(whole)
    figures = {
        name: f"{statistics.median(one):.0f} ms (most {max(one):.0f})"
        for name, one in (("decided", decided), ("committed", committed))
    }
    said = ", ".join(f"{name} {figure}" for name, figure in figures.items())
    FIGURES.append(f"USB, {TIMED} keyboards, emulated: from the kernel's event {said}")


def _decided(look: dict[str, Any]) -> Counter[str]:
    """Count decisions about devices that came, by port; one that goes while it is read can seem a changed one."""
    found = Counter[str]()
    for event in look["events"]:
        found[event["port"]] += event["times"] if event["kind"] in {"plugged", "changed"} else 0
    return found


def test_two_hundred_plugs_are_two_hundred_decisions(armed: UsbRoom) -> None:
    """However fast devices come and go, each that the kernel told of is decided, and none is ever let in."""
    heard, before = armed.ask("count_heard"), armed.look()
    opened = armed.run("dmesg").count("authorized to connect")
    for number in range(PLUGS):
        armed.plug("usb-kbd", f"plug{number}")
        armed.until_heard(heard + number + 1)
        armed.unplug(f"plug{number}")

    look = armed.until(lambda look: len(look["devices"]) == 2, "all gone")
    told = Counter(port for port, _, _ in armed.ask("heard", after=heard))
    assert _decided(look) - _decided(before) == told
    assert told.total() == PLUGS
    fresh = [event for event in look["events"] if event["at_us"] > before["now_us"]]
    assert {event["verdict"] for event in fresh} == {"block"}
    assert armed.run("dmesg").count("authorized to connect") == opened
    assert nodes(look) == nodes(before)
    FIGURES.append(
        f"USB, {PLUGS} plugs: {PLUGS} decided; {look['state']['missed']} found by the sweep and not by an event"
    )


def test_a_broken_device_holds_up_nothing(armed: UsbRoom) -> None:
    """While the kernel waits for a device that never answers, the process lives and keeps a stick elsewhere out."""
    pid, after = process(armed), armed.ask("last_event")
    armed.plug_made("broken", silent("broken"))
    try:
        armed.until_said("device descriptor read", "the kernel gives it up once")
        armed.plug_stick("beside", "the answers")
        _, look = judged(armed, "beside", "out")
        assert is_out(look, "beside")
        armed.until(lambda look: look["events"], "its row", after)
        assert process(armed) == pid
    finally:
        armed.unplug("broken")


def test_an_armed_box_that_starts_anew_is_armed_again(armed: UsbRoom) -> None:
    """After a start of the machine a stick that was plugged in all the time is out again, and the camera in."""
    armed.plug_stick("all-along", "the answers")
    judged(armed, "all-along", "out")
    armed.restart()
    _, look = judged(armed, "all-along", "out")
    assert (look["state"]["mode"], look["disks"], stands(look, CAMERA)) == ("armed", [], "in")


def test_a_recovery_file_opens_usb_at_the_next_start(armed: UsbRoom) -> None:
    """With the file on the boot partition an armed box starts open, and says why; a person arms it again."""
    armed.run("touch", RECOVERY)
    armed.plug_stick("rescue", "hello")
    armed.restart()
    look = armed.until(lambda look: stands(look, "rescue") == "noted" and look["disks"], "open")
    assert (look["state"]["mode"], look["state"]["why"], look["state"]["recovery"]) == (
        "maintenance",
        "stood_down",
        True,
    )
    assert read(armed) == "hello"
    assert "stood down by recovery" in armed.run("exambox", "usb", "status")
    armed.run("rm", RECOVERY)
    armed.run("exambox", "usb", "arm")
    judged(armed, "rescue", "out")
