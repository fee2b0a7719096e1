"""What a device calls itself, read from sysfs once while it is plugged in.

The kernel answers ``manufacturer``, ``product`` and ``serial`` only when nothing else is busy with that device
(``usb_lock_device`` in drivers/usb/core/sysfs.c). It is busy with a hub as long as it tries to get an answer from what
was plugged into it: of one that is broken, or is made so, for minutes. Nobody may hold the box up like that. The words
stay as they are as long as the device is plugged in: the kernel reads them when it comes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_KNOWN: Final = 512


class Texts(msgspec.Struct, frozen=True):
    """A device's own words, as bytes."""

    manufacturer: bytes
    name: bytes
    serial: bytes


class TextMemory:
    """Remembers the words of devices; those not asked for longest are forgotten.

    Args:
        read: reads an attribute's bytes.
        most: devices that are remembered.
    """

    def __init__(self, read: Callable[[Path], bytes], most: int = MOST_KNOWN) -> None:
        self._read = read
        self._most = most
        self._known: OrderedDict[tuple[object, ...], Texts] = OrderedDict()

    def texts_of(self, folder: Path, number: bytes, identity: tuple[object, ...]) -> Texts:
        """Return the words of the device in a sysfs folder.

        Args:
            folder: where.
            number: the kernel's number of the device (``devnum``): a device that is plugged in anew has another one.
                Without one nothing is remembered.
            identity: what else can be asked at any time and tells devices apart.
        """
        try:
            place = folder.stat()
        except OSError:
            return Texts(b"", b"", b"")
        key = (folder.name, place.st_dev, place.st_ino, number, *identity)
        known = self._known.get(key) if number else None
        if known is not None:
            self._known.move_to_end(key)
            return known
        texts = Texts(*(self._read(folder / name) for name in ("manufacturer", "product", "serial")))
        if number:
            self._known[key] = texts
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return texts
