"""A room with real USB: the installed box in QEMU, under real systemd, udev and the kernel's own USB, not accelerated.

Devices are plugged in and taken out by QMP. An agent inside (``guest/agent.py``) does what is asked over a virtio
serial port: the machine has no network. What its disk learns is lost with it. Python is 12 to 19 times slower inside.
"""

from __future__ import annotations

import contextlib
import fractions
import functools
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from tests.support.waiting import until
from tests.vm import container
from tests.vm.made_device import Camera, MadeDevice
from tests.vm.qmp import Qmp
from tests.vm.usb_image import machine_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

QEMU = "qemu-system-x86_64"
BOOT_SECONDS, ANSWER_SECONDS, STATE_SECONDS, KERNEL_SECONDS = 300.0, 180.0, 60.0, 240.0
CAMERA, KEYBOARD = "room-camera", "room-keyboard"
"""Serial numbers of what is there when the machine is switched on."""
WORDS = "root=/dev/vda rw console=ttyS0 quiet mitigations=off audit=0 tsc=reliable net.ifnames=0"


class RoomError(Exception):
    """What was asked inside failed."""


def why_no_room() -> str:
    """Return why there can be no such room here, or nothing."""
    missing = [*container.missing_tools(), *(tool for tool in (QEMU, "mke2fs") if not shutil.which(tool))]
    return f"needs {', '.join(missing)}" if missing else ""


class UsbRoom:
    """The running machine with a camera and a keyboard at its USB; leaving the context switches it off.

    Attributes:
        folder: for images of sticks; it goes with the machine.
    """

    def __init__(self, root: Path, kernel: tuple[Path, Path], folder: Path) -> None:
        self.folder = folder
        self._console = folder / "console.log"
        sockets = folder / "qmp", folder / "agent"
        command = [QEMU, "-machine", "q35,usb=off", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem-v1"]
        command += ["-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-serial", f"file:{self._console}", "-kernel", str(kernel[0]), "-initrd", str(kernel[1])]
        command += ["-append", WORDS, "-rtc", "base=utc", "-device", "virtio-rng-pci"]
        command += ["-drive", f"file={root},if=virtio,format=raw,snapshot=on,cache=unsafe"]
        command += ["-device", "qemu-xhci,id=usb,p2=8,p3=8", "-qmp", f"unix:{sockets[0]},server=on,wait=off"]
        command += ["-chardev", f"socket,id=agent,path={sockets[1]},server=on,wait=off"]
        command += ["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=room"]
        self._command, self._sockets = command, sockets
        self._asked, self._said = 0, b""
        self._there: set[str] = set()
        self._plugged: dict[str, MadeDevice | Path | None] = {}

    def __enter__(self) -> Self:
        """Switch it on, and wait for the agent."""
        with contextlib.ExitStack() as stack:
            environ = {"PATH": container.PATH, "TMPDIR": str(self.folder)}
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, env=environ)
            stack.callback(self._end)
            until(lambda: all(path.exists() for path in self._sockets), 20, "QEMU's sockets")
            self._qmp = Qmp(self._sockets[0], "usb.0")
            stack.callback(self._qmp.close)
            self.plug_made(CAMERA, camera())
            self.plug("usb-kbd", KEYBOARD)
            self._line = stack.enter_context(socket.socket(socket.AF_UNIX))
            self._line.connect(str(self._sockets[1]))
            self.wait_for_agent()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Switch it off."""
        self._stack.close()

    def wait_for_agent(self, *, after: str = "") -> None:
        """Wait until the agent answers, at another start of the machine than ``after``."""

        def is_there() -> bool:
            try:
                return str(self.ask("boot", seconds=5)) != after
            except TimeoutError:
                return False

        try:
            until(is_there, BOOT_SECONDS, "the machine's start")
        except AssertionError as problem:
            said = self._console.read_text(encoding="utf-8", errors="replace")
            raise RoomError(f"The machine did not come up:\n{said[-3000:]}") from problem

    def send(self, what: str, **arguments: Any) -> None:
        """Ask without waiting; the next `answer` is to it."""
        self._asked += 1
        # The arguments apart: one called as the question's own keys must not take their place.
        self._line.sendall(json.dumps({"number": self._asked, "do": what, "with": arguments}).encode() + b"\n")

    def answer(self, seconds: float = ANSWER_SECONDS) -> Any:
        """Return the answer to what was sent last; earlier ones that nobody waited for are dropped.

        Raises:
            RoomError: it failed inside.
            TimeoutError: no answer came.
        """
        end = time.monotonic() + seconds
        while True:
            while b"\n" not in self._said:
                self._line.settimeout(max(0.01, end - time.monotonic()))
                self._said += self._line.recv(1 << 20)
            line, _, self._said = self._said.partition(b"\n")
            said = json.loads(line)
            if said["number"] != self._asked:
                continue
            if "problem" in said:
                raise RoomError(said["problem"])
            return said["value"]

    def ask(self, what: str, *, seconds: float = ANSWER_SECONDS, **arguments: Any) -> Any:
        """Ask the agent and return its answer; errors as `answer` has them."""
        self.send(what, **arguments)
        return self.answer(seconds)

    def run(self, *command: str, given: str = "", ok: bool = True) -> str:
        """Run a command inside as root and return what it wrote; with ``ok`` it has to succeed.

        Raises:
            RoomError: it failed.
        """
        done = self.ask("run", argv=list(command), given=given)
        if ok and done["code"]:
            raise RoomError(f"{' '.join(command)}: {done['code']}\n{done['out']}{done['err']}")
        return str(done["out"])

    def look(self, after: int = 0) -> dict[str, Any]:
        """Return what kernel and box say at this moment; of the box's events those with a higher id than ``after``."""
        seen: dict[str, Any] = self.ask("look", after=after)
        return seen

    def until(self, true: Callable[[dict[str, Any]], Any], what: str, after: int = 0) -> dict[str, Any]:
        """Look until something is so, and return that look.

        Raises:
            AssertionError: it does not come about; with the last look.
        """
        last: list[dict[str, Any]] = [{}]

        def done() -> bool:
            last[0] = self.look(after)
            return bool(true(last[0]))

        try:
            until(done, STATE_SECONDS, what)
        except AssertionError as problem:
            journal = self.run("journalctl", "--no-pager", "-n", "30", "-u", "exambox-devices", ok=False)
            last[0]["events"] = last[0].get("events", [])[-5:]
            raise AssertionError(f"{problem}: {json.dumps(last[0], indent=1)}\n{journal}") from None
        return last[0]

    def until_heard(self, count: int) -> None:
        """Wait until the kernel has told of so many devices since the agent's start."""
        until(lambda: self.ask("count_heard") >= count, STATE_SECONDS, f"{count} devices")

    def until_said(self, words: str, what: str) -> None:
        """Wait until the kernel has said something new; it takes its time with a device that does not answer."""
        said = self.run("dmesg").count(words)
        until(lambda: self.run("dmesg").count(words) > said, KERNEL_SECONDS, what)

    def until_mode(self, mode: str) -> dict[str, Any]:
        """Wait until the box says that it is in this mode."""
        return self.until(lambda look: (look["state"] or {}).get("mode") == mode, f"mode {mode}")

    def plug(self, driver: str, name: str, **properties: Any) -> None:
        """Plug in a device QEMU makes; its serial number is its name."""
        self._qmp.plug(driver, name, **properties)
        self._plugged[name] = None

    def what_hangs_on(self, driver: str) -> dict[str, Any]:
        """Return the properties of a device QEMU makes that it is nothing without, with what they name made."""
        if driver == "usb-serial":
            self._once("chardev-add", id="line", backend={"type": "null", "data": {}})
            return {"chardev": "line", "always-plugged": True}
        if driver == "usb-net":
            self._once("netdev_add", id="network", type="user", restrict=True)
            return {"netdev": "network"}
        if driver == "usb-mtp":
            phone = self.folder / "phone"
            phone.mkdir(exist_ok=True)
            return {"rootdir": str(phone)}
        return {}

    def plug_stick(self, name: str, said: str = "", **properties: Any) -> None:
        """Plug in a USB stick with a file system and a file ``notes.txt`` that says ``said``."""
        image = self.folder / f"{name}.img"
        if not image.exists():
            self._make_stick(name, image, said)
        self._qmp.plug_stick(name, image, **properties)
        self._plugged[name] = image

    def plug_made(self, name: str, device: MadeDevice) -> None:
        """Plug in a device the test makes."""
        device.attach(self._qmp.plug_line(name, self.folder / f"{name}-line"))
        self._plugged[name] = device

    def unplug(self, name: str) -> None:
        """Take a device out."""
        what = self._plugged.pop(name)
        self._qmp.unplug(name)
        if isinstance(what, MadeDevice):
            what.close()
        elif what is not None:
            self._qmp.ask("blockdev-del", node_name=f"{name}-image")

    def unplug_all_but(self, *names: str) -> None:
        """Take out what else is plugged in."""
        for name in [name for name in reversed(self._plugged) if name not in names]:  # what hangs on a hub first
            self.unplug(name)

    def restart(self) -> None:
        """Start the machine anew, as its switch-off button and switch do."""
        boot = self.ask("boot")
        self.send("run", argv=["systemctl", "reboot"])
        self.wait_for_agent(after=boot)

    def _once(self, command: str, **arguments: Any) -> None:
        if arguments["id"] not in self._there:
            self._qmp.ask(command, **arguments)
            self._there.add(arguments["id"])

    def _make_stick(self, name: str, image: Path, said: str) -> None:
        content = self.folder / f"{name}.content"
        content.mkdir()
        (content / "notes.txt").write_text(said, encoding="utf-8")
        with image.open("wb") as file:
            file.truncate(16 * 1024 * 1024)
        container.run(["mke2fs", "-q", "-t", "ext4", "-L", name, "-d", str(content), str(image)])

    def _end(self) -> None:
        for device in self._plugged.values():
            if isinstance(device, MadeDevice):
                device.close()
        self._process.kill()
        self._process.wait(30)


def port_of(look: dict[str, Any], serial: str) -> str:
    """Return the port of the device with this serial number as the kernel has it, nothing where there is none."""
    return next((port for port, one in look["ports"].items() if one["serial"] == serial), "")


@contextlib.contextmanager
def usb_room() -> Iterator[UsbRoom]:
    """Install this source in a machine's tree, and switch the machine on."""
    root, kernel = machine_image()
    with tempfile.TemporaryDirectory(prefix="exambox-usb-") as folder, UsbRoom(root, kernel, Path(folder)) as room:
        yield room


def camera() -> Camera:
    """Return the room's camera, as it is plugged in anew too."""
    return Camera(CAMERA, _picture())


@functools.cache
def _picture() -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 640, 480, "yuvj420p"
    encoder.time_base = fractions.Fraction(1, 10)
    frame = av.VideoFrame(640, 480, "yuvj420p")
    return b"".join(bytes(packet) for one in (frame, None) for packet in encoder.encode(one))
