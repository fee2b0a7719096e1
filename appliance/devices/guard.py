"""What the system itself hangs on: ports that are never taken out, or the box would cut off its own branch.

Two things count: the disks of swap and of the mounted file systems of the system and of the box's own folder
(recordings may have a disk of their own), and the network interface of the default route. Both are found as the kernel
has them, through device mapper, RAID, bridges and bonds.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.usb.sysfs_device import PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SYSTEM: Final = ("/", "/boot", "/usr", "/var", "/etc", "/opt")
"""File systems mounted here, or below ``/boot``, are the system's."""
MOUNTS: Final = "mountinfo"
"""In the box's own folder: what is mounted on the machine. The unit shows it to the process there, because its sandbox
has its own view, in which the folder of the recordings is not mounted at all."""
_MOST_BYTES: Final = 1 << 20
_DEEPEST: Final = 8


class SystemParts:
    """Finds the USB ports the system hangs on.

    Args:
        state_dir: the box's own folder; its file system counts, and those mounted below it.
        root: where ``proc`` and ``sys`` are.
    """

    def __init__(self, state_dir: Path, root: Path = Path("/")) -> None:
        self._state_dir = state_dir
        self._root = root

    def ports(self) -> frozenset[str]:
        """Return the ports, with the hubs above them; what cannot be found out is left out."""
        places = [*self._disks(), *self._network()]
        return frozenset(port for place in places for port in usb_ports_of(place))

    def _disks(self) -> Iterator[Path]:
        for number, source in self._mounts():
            yield from self._block(self._root / "sys/dev/block" / number)
            if source.startswith("/dev/"):  # file systems over several disks have a number of no disk
                yield from self._block_named(source.removeprefix("/dev/"))
        for line in self._text("proc/swaps").splitlines()[1:]:
            name = line.split(maxsplit=1)[:1]
            if name and name[0].startswith("/dev/"):
                yield from self._block_named(name[0].removeprefix("/dev/"))

    def _mounts(self) -> Iterator[tuple[str, str]]:
        """Yield number and source of each system file system (proc(5), mountinfo)."""
        found = []
        for line in (_read(self._state_dir / MOUNTS) or self._text("proc/self/mountinfo")).splitlines():
            fields, _, rest = line.partition(" - ")
            words, said = fields.split(), rest.split()
            if len(words) > 4 and len(said) > 1:  # noqa: PLR2004  number, and mount point; type and source
                found.append((words[4], words[2], said[1]))
        home = str(self._state_dir)
        holders = [point for point, _, _ in found if point in {"/", home} or home.startswith(f"{point}/")]
        own = max(holders, key=len, default="")
        for point, number, source in found:
            if point in _SYSTEM or point.startswith(("/boot/", f"{home}/")) or point == own:
                yield number, source

    def _block_named(self, name: str) -> Iterator[Path]:
        folder = self._root / "sys/class/block"
        if name.startswith("mapper/"):
            for one in _children(folder):
                if one.name.startswith("dm-") and _read(one / "dm/name").strip() == name.removeprefix("mapper/"):
                    yield from self._block(one)
            return
        yield from self._block(folder / name)

    def _block(self, link: Path, depth: int = 0) -> Iterator[Path]:
        """Yield the place of a block device, and of those it is made of."""
        place = _resolved(link)
        if place is None or depth > _DEEPEST:
            return
        yield place
        disk = place if (place / "slaves").is_dir() else place.parent  # a partition lies in its disk's folder
        for below in _children(disk / "slaves"):
            yield from self._block(below, depth + 1)

    def _network(self) -> Iterator[Path]:
        for name in sorted(self._default_routes()):
            yield from self._interface(name)

    def _default_routes(self) -> set[str]:
        found = set()
        for line in self._text("proc/net/route").splitlines()[1:]:
            words = line.split()
            if len(words) > 7 and words[1] == words[7] == "00000000":  # noqa: PLR2004  destination and mask
                found.add(words[0])
        for line in self._text("proc/net/ipv6_route").splitlines():
            words = line.split()
            if len(words) > 9 and words[0] == "0" * 32 and words[1] == "00" and words[9] != "lo":  # noqa: PLR2004
                found.add(words[9])
        return found

    def _interface(self, name: str, depth: int = 0) -> Iterator[Path]:
        """Yield the places of a network interface's devices; a bridge, bond or VLAN is made of lower ones."""
        if "/" in name or depth > _DEEPEST:
            return
        folder = self._root / "sys/class/net" / name
        place = _resolved(folder / "device")
        if place is not None:
            yield place
        for below in _children(folder):
            if below.name.startswith("lower_"):
                yield from self._interface(below.name.removeprefix("lower_"), depth + 1)

    def _text(self, path: str) -> str:
        return _read(self._root / path)


def usb_ports_of(place: Path) -> Iterator[str]:
    """Yield the USB ports a place in sysfs hangs on, without the root hub (pure)."""
    for part in place.parts:
        if PORT.fullmatch(part) and not re.fullmatch(r"usb\d+", part):
            yield part


def _children(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _resolved(link: Path) -> Path | None:
    try:
        return Path(os.path.realpath(link, strict=True))
    except OSError:
        return None
