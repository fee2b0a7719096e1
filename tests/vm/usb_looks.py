"""What tests of the USB room ask of a look (`guest/agent.py`), and what they do with a stick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.vm.usb_room import port_of

if TYPE_CHECKING:
    from tests.vm.usb_room import UsbRoom

UNIT = "exambox-devices"


def judged(room: UsbRoom, name: str, state: str) -> tuple[str, dict[str, Any]]:
    """Wait until the box says that a device stands so; return its port and the look."""
    look = room.until(lambda look: stands(look, name) == state, f"{name} {state}")
    return port_of(look, name), look


def stands(look: dict[str, Any], name: str) -> str:
    """Return the state of a device as the box says it, nothing where it does not know it."""
    known: dict[str, Any] = look["devices"].get(port_of(look, name), {})
    return str(known.get("state", ""))


def is_out(look: dict[str, Any], name: str) -> bool:
    """Return whether the kernel keeps a device out: not authorised, no driver at it."""
    port = look["ports"][port_of(look, name)]
    return port["authorized"] == "0" and not port["drivers"]


def nodes(look: dict[str, Any]) -> set[str]:
    """Return what programs could use of devices: disks, inputs, device files, networks."""
    return {*look["disks"], *look["inputs"], *look["nodes"], *look["networks"]}


def read(room: UsbRoom, more: str = "") -> str:
    """Mount the only stick that is a disk, return what its file says (and ``more`` shell), and unmount it."""
    script = f"mkdir -p /mnt/stick && mount /dev/sd? /mnt/stick && cat /mnt/stick/notes.txt {more}; umount /mnt/stick"
    return room.run("sh", "-c", script, ok=False)


def process(room: UsbRoom) -> str:
    """Return the number of the process."""
    return room.run("systemctl", "show", "--value", "--property=MainPID", UNIT).strip()
