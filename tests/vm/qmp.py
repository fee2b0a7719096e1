"""Speaks QMP, QEMU's own protocol, over its socket: devices are plugged into a running machine and taken out."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SECONDS = 60.0


class QmpError(Exception):
    """QEMU refused, in its own words."""


class Qmp:
    """A connection; close it when done.

    Args:
        path: QEMU's socket.
        bus: of the machine's USB controller.
    """

    def __init__(self, path: Path, bus: str) -> None:
        self._bus = bus
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_SECONDS)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._events: list[dict[str, Any]] = []
        self._line()
        self.ask("qmp_capabilities")

    def close(self) -> None:
        """Close it."""
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its answer; underscores stand for the hyphens of arguments' names.

        Raises:
            QmpError: QEMU refused.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        self._socket.sendall(json.dumps({"execute": command, "arguments": named}).encode() + b"\n")
        while True:
            said = self._line()
            if "error" in said:
                raise QmpError(said["error"]["desc"])
            if "return" in said:
                return said["return"]
            self._events.append(said)

    def plug(self, driver: str, name: str, **properties: Any) -> None:
        """Plug a device in; it says ``name`` as its serial number."""
        self.ask("device_add", driver=driver, bus=self._bus, id=name, **({"serial": name} | properties))

    def unplug(self, name: str) -> None:
        """Take a device out, and wait until it is."""
        self.ask("device_del", id=name)
        while not any(one["event"] == "DEVICE_DELETED" and one["data"].get("device") == name for one in self._events):
            self._events.append(self._line())
        self._events.clear()

    def plug_stick(self, name: str, image: Path, **properties: Any) -> None:
        """Plug a USB stick in that holds ``image``."""
        file = {"driver": "file", "filename": str(image)}
        self.ask("blockdev-add", driver="raw", node_name=f"{name}-image", file=file)
        self.plug("usb-storage", name, drive=f"{name}-image", removable=True, **properties)

    def plug_line(self, name: str, path: Path) -> Path:
        """Plug in what somebody at a socket will say it is; return that socket."""
        address = {"type": "unix", "data": {"path": str(path)}}
        backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
        self.ask("chardev-add", id=f"{name}-line", backend=backend)
        self.ask("device_add", driver="usb-redir", bus=self._bus, id=name, chardev=f"{name}-line")
        return path

    def _line(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise QmpError("QEMU has ended.")
        said: dict[str, Any] = json.loads(line)
        return said
