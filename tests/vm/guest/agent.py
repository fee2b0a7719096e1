"""Inside the machine: does what the test asks, as root, over a virtio serial port. No network is needed.

A line of JSON in (``do`` and its arguments), a line of JSON out (``value`` or ``problem``). It runs by the box's own
Python and reads the box's own rows, so that a look costs milliseconds although the processor is emulated.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import msgspec
import pyudev

from appliance.clock import SECOND_US, SystemClock
from appliance.database.connection import connect
from appliance.exams.timing import SittingTiming
from appliance.sittings.acts import act
from appliance.sittings.planning import plan_sitting
from appliance.sittings.values import SittingPlan
from appliance.sittings.warning_rows import get_warning, warnings_of
from appliance.usb import orders
from appliance.usb.devices_rows import present
from appliance.usb.events import events_of
from appliance.usb.state import state_of
from appliance.usb.sysfs_device import PORT
from appliance.usb.words import say
from tests.sittings.a_box import an_exam, an_integration

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

LINE = Path("/dev/virtio-ports/room")
DATABASE = Path("/var/lib/exambox/db/exambox.db")
CAMERA = "/dev/video0"
MOST_EVENTS = 5000
SITTING = "usb-sitting"
NODES = ("ttyUSB*", "video*", "snd/pcm*", "sg*")


class Ears:
    """Every USB device the kernel told of since the start: port, product, and when (wall), by netlink of its own."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, int]] = []
        self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
        self._monitor.filter_by("usb", "usb_device")
        self._monitor.set_receive_buffer_size(8 << 20)
        self._monitor.start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            device = self._monitor.poll()  # None where what came was not of USB
            if device is None:
                continue
            if device.action == "add" and not device.sys_name.startswith("usb"):
                self.heard.append((device.sys_name, device.get("PRODUCT") or "", time.time_ns() // 1000))


class Eyes:
    """Reads the camera as recording does, and counts its pictures."""

    def __init__(self) -> None:
        self.pictures = self.openings = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            try:
                with av.open(CAMERA, "r", format="v4l2", options={"input_format": "mjpeg"}, timeout=10.0) as camera:
                    self.openings += 1
                    for packet in camera.demux():
                        self.pictures += packet.size > 0
            except (OSError, av.error.FFmpegError):
                time.sleep(0.2)


class Agent:
    """What can be asked."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.ears, self.eyes = Ears(), Eyes()
        self._db: Database | None = None

    @property
    def db(self) -> Database:
        """The box's database, as soon as it has its tables."""
        if self._db is None:
            self._db = connect(DATABASE)
        return self._db

    def run(self, argv: list[str], given: str = "", seconds: float = 120) -> dict[str, Any]:
        """Run a command."""
        done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=seconds, cwd="/")
        return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

    def look(self, after: int = 0) -> dict[str, Any]:
        """Say what the kernel, udev and the box have at this moment; events of the box with a higher id alone."""
        inputs = _said(Path("/proc/bus/input/devices")).splitlines()
        fresh = [one for one in events_of(self.db, limit=MOST_EVENTS) if one.id > after] if self._has_tables() else []
        return {
            "ports": {folder.name: _port(folder) for folder in _usb() if not folder.name.startswith("usb")},
            "controllers": {one.name: _said(one / "authorized_default") for one in _usb() if one.name[:3] == "usb"},
            "disks": sorted(one.name for one in Path("/sys/class/block").glob("sd*")),
            "inputs": [line[9:-1] for line in inputs if line[:2] == "N:"],
            "nodes": sorted(str(one) for pattern in NODES for one in Path("/dev").glob(pattern)),
            "networks": sorted(one.name for one in Path("/sys/class/net").iterdir()),
            "mounts": [line.split()[1] for line in _said(Path("/proc/mounts")).splitlines() if line[:7] == "/dev/sd"],
            "heard": len(self.ears.heard),
            "pictures": self.eyes.pictures,
            "openings": self.eyes.openings,
            "now_us": self.clock.wall_us(),
            "state": msgspec.to_builtins(state_of(self.db)) if self._has_tables() else None,
            "devices": {one.device.port: _present(one) for one in present(self.db)} if self._has_tables() else {},
            "events": [_event(one) for one in reversed(fresh)],
        }

    def boot(self) -> str:
        """Return which start of the machine this is."""
        return _said(Path("/proc/sys/kernel/random/boot_id"))

    def heard(self, after: int = 0) -> list[tuple[str, str, int]]:
        """Return devices the kernel told of."""
        return self.ears.heard[after:]

    def count_heard(self) -> int:
        """Return how many devices the kernel told of."""
        return len(self.ears.heard)

    def next_event(self, after: int, seconds: float = 60) -> int:
        """Return the wall time at which an event of the box with a higher id can be read."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.last_event() > after:
                return self.clock.wall_us()
            time.sleep(0.002)
        raise TimeoutError("no event")

    def last_event(self) -> int:
        """Return the id of the last event of the box."""
        return int(self.db.conn.execute("SELECT COALESCE(MAX(id), 0) FROM usb_event").fetchone()[0])

    def arm(self) -> None:
        """Arm by order, as `exambox usb arm` does, where that is not so already."""
        if not any(one.kind == "arm" for one in orders.standing(self.db)):
            orders.arm(self.db, who="the test", clock=self.clock)

    def end_orders(self) -> None:
        """End all orders."""
        for one in orders.standing(self.db):
            orders.end_order(self.db, one.id, who="the test", clock=self.clock)

    def begin_sitting(self) -> None:
        """Plan a sitting and begin its readiness check."""
        lms = an_integration(self.db)
        day_us = 24 * 3600 * SECOND_US
        said = {"startDate": _date(self.clock.wall_us() - day_us), "endDate": _date(self.clock.wall_us() + 2 * day_us)}
        exam = an_exam(self.db, lms, self.clock, identification="skip", **said)  # type: ignore[arg-type]  # any clock
        timing = SittingTiming(start_us=self.clock.wall_us() + 3600 * SECOND_US)
        plan = SittingPlan(id=SITTING, name="Today", room="Room 1", exams=(exam.id,), timing=timing)
        plan_sitting(self.db, plan, clock=self.clock, who="the test")
        act(self.db, SITTING, "check_readiness", who="the test", role="centre_manager", clock=self.clock)

    def warnings(self) -> list[Any]:
        """Return what people were told in the sitting."""
        return [msgspec.to_builtins(one) for one in warnings_of(self.db, sitting=SITTING)]

    def warning(self, told: int) -> Any:
        """Return one thing people were told."""
        return msgspec.to_builtins(get_warning(self.db, told))

    def call_sitting_off(self) -> None:
        """Call the sitting off."""
        act(self.db, SITTING, "call_off", who="the test", role="centre_manager", clock=self.clock, why="it is over")

    def _has_tables(self) -> bool:
        if not DATABASE.stat().st_size:
            return False
        sql = "SELECT 1 FROM sqlite_master WHERE name = 'usb_state'"
        return self.db.conn.execute(sql).fetchone() is not None


def _date(at_us: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_us // SECOND_US))


def _usb() -> list[Path]:
    return sorted(one for one in Path("/sys/bus/usb/devices").glob("*") if PORT.fullmatch(one.name))


def _port(folder: Path) -> dict[str, Any]:
    links = {one: _link(one / "driver") for one in folder.glob(f"{folder.name}:*")}
    said = {name: _said(folder / name) for name in ("authorized", "serial", "devnum", "idVendor", "idProduct")}
    return said | {"drivers": {one.name: link for one, link in sorted(links.items()) if link}}


def _link(path: Path) -> str:
    try:
        return path.readlink().name
    except OSError:
        return ""


def _said(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _present(one: Any) -> dict[str, Any]:
    return {
        "state": one.state,
        "problem": one.problem,
        "verdict": one.decision.verdict,
        "rule": one.decision.rule,
        "why": one.decision.why,
        "words": say(one.device),
        "hash": one.device.hash,
    }


def _event(one: Any) -> dict[str, Any]:
    names = ("id", "at_us", "kind", "port", "times", "mode", "verdict", "rule", "why", "sitting", "warning")
    device = {} if one.device is None else {"serial": one.device.serial, "words": say(one.device), "id": one.device.id}
    return {name: getattr(one, name) for name in names} | device


def main() -> None:
    """Answer for ever."""
    agent = Agent()
    with LINE.open("r+b", buffering=0) as line:
        waiting = b""
        while True:
            more = line.read(65536)
            if not more:  # nobody is at the other end
                time.sleep(0.05)
                continue
            waiting += more
            while b"\n" in waiting:
                asked, _, waiting = waiting.partition(b"\n")
                question = json.loads(asked)
                number = {"number": question.pop("number")}
                answer = json.dumps(number | _answer(agent, question)).encode() + b"\n"
                while answer:
                    answer = answer[line.write(answer) :]


def _answer(agent: Agent, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        does: Callable[..., Any] = getattr(agent, asked.pop("do"))
        return {"value": does(**asked["with"])}
    except Exception:  # noqa: BLE001  told to the test, which fails
        return {"problem": traceback.format_exc()}


if __name__ == "__main__":
    main()
