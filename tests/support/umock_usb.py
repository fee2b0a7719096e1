"""Programs in a machine whose USB devices are umockdev's: real device data to the real udev monitor."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.support.usb_devices import description, place_of, plugged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.usb.library import Described
    from appliance.usb.sysfs_device import Attributes

ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
TYPELIBS = ("/usr/lib/x86_64-linux-gnu/girepository-1.0", "/usr/lib/aarch64-linux-gnu/girepository-1.0")


def missing() -> str:
    """Return what keeps umockdev from being used here, empty where nothing does."""
    if shutil.which("umockdev-wrapper") is None:
        return "umockdev is not installed"
    if not any(Path(folder, "UMockdev-1.0.typelib").exists() for folder in TYPELIBS):
        return "gir1.2-umockdev-1.0 is not installed"
    return "" if importlib.util.find_spec("pyudev") else "pyudev is not installed"


class UsbMachine:
    """A machine with a USB controller; give it to `with`.

    Attributes:
        sys: where its ``/sys`` lies, for who is outside of it.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["umockdev-wrapper", SYSTEM_PYTHON, str(ROOT / "tests/support/umock_machine.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.sys = Path(self._answer()["sys"])
        self.add(description({}))
        (self.sys / "bus/usb/drivers_probe").write_text("")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the machine and what runs in it."""
        self.ask(do="end", quiet=True)
        self._process.wait(20)

    def ask(self, *, quiet: bool = False, **what: Any) -> dict[str, Any]:
        """Have the machine do something, and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return {} if quiet else self._answer()

    def add(self, text: str) -> int:
        """Add devices by their description; return when (the boot's clock)."""
        return int(self.ask(do="add", text=text)["us"])

    def plug(self, port: str, what: Described | Attributes) -> int:
        """Plug a device in as the kernel would: inert where its controller is closed; return when."""
        return self.add(plugged(port, what, authorized=self.is_open(f"usb{port.partition('-')[0]}")))

    def prepare(self, port: str, what: Described | Attributes) -> None:
        """Have an inert device ready that is not there yet."""
        self.ask(do="prepare", place=place_of(port), text=plugged(port, what, authorized=False))

    def appear(self, port: str) -> int:
        """Let a prepared device be there, and its event be told; return when, to the microsecond."""
        return int(self.ask(do="appear", place=place_of(port))["us"])

    def unplug(self, port: str) -> int:
        """Take a device out; return when."""
        return int(self.ask(do="gone", place=place_of(port))["us"])

    def event(self, port: str, action: str) -> int:
        """Have the kernel tell something of a device; return when."""
        return int(self.ask(do="event", place=place_of(port), action=action)["us"])

    def run(self, argv: Sequence[str], log: Path) -> int:
        """Start a program in the machine; return its pid."""
        return int(self.ask(do="run", argv=list(argv), log=str(log))["pid"])

    def end(self, pid: int, signal: int) -> int:
        """Send a program a signal and wait; return how it ended."""
        return int(self.ask(do="kill", pid=pid, signal=signal)["status"])

    def is_open(self, controller: str = "usb1") -> bool:
        """Whether new devices of a controller are authorised at once."""
        return self.attribute(controller, "authorized_default") != "0"

    def is_in(self, port: str) -> bool:
        """Whether the device at a port is authorised."""
        return self.attribute(port, "authorized") == "1"

    def attribute(self, port: str, name: str) -> str:
        """Return an attribute's text."""
        return (self.sys / place_of(port).lstrip("/") / name).read_text().strip()

    def set_attribute(self, port: str, name: str, value: str | bytes) -> None:
        """Change an attribute, as the kernel or somebody else does."""
        path = self.sys / place_of(port).lstrip("/") / name
        path.write_bytes(value if isinstance(value, bytes) else f"{value}\n".encode())

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the machine has ended"
        said: dict[str, Any] = json.loads(line)
        return said


def exambox_argv(*words: str, config: Path | None = None) -> list[str]:
    """Return the command line of the box's own program."""
    chosen = ["--config", str(config)] if config else []
    return [sys.executable, "-m", "appliance.cli", *chosen, *words]
