"""Reads a device's raw descriptors: all configurations, all alternate settings, whatever order they are in.

USB 2.0, chapter 9.5 and 9.6. The bytes are those of sysfs (``descriptors``): the device descriptor, then each
configuration with all that belongs to it. They come from the device and may be anything; nothing here raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.usb.model import Interface

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_AT_MOST: Final = 64 * 1024
"""Bytes looked at; a camera with many formats has some 5,000."""

INTERFACES_AT_MOST: Final = 512
"""Interfaces and alternate settings kept; the largest known device has fewer than 100."""

DEVICE, CONFIGURATION, INTERFACE = 1, 2, 4
DEVICE_BYTES, CONFIGURATION_BYTES, INTERFACE_BYTES = 18, 9, 9
HEADER_BYTES: Final = 2


class Descriptors(msgspec.Struct, frozen=True, kw_only=True):
    """What the descriptors say. ``problem`` says in plain words what is wrong with them; empty: they are whole."""

    vendor: int = 0
    product: int = 0
    release: int = 0
    cls: int = 0
    subclass: int = 0
    protocol: int = 0
    interfaces: tuple[Interface, ...] = ()
    configurations: int = 0
    problem: str = ""

    @property
    def whole(self) -> bool:
        """Whether they could be read to their end and agree with themselves."""
        return not self.problem


class _Configuration:
    """One configuration while it is read."""

    def __init__(self, start: int, raw: bytes) -> None:
        self.start = start
        self.total = int.from_bytes(raw[2:4], "little")
        self.promised = raw[4]
        self.value = raw[5]
        self.seen: set[tuple[int, int]] = set()

    def problem_at(self, end: int) -> str:
        """Return what is wrong with it where it turns out to end at ``end``."""
        if end - self.start != self.total:
            return f"configuration {self.value} says it has {self.total} bytes and has {end - self.start}"
        numbers = len({number for number, _ in self.seen})
        if numbers != self.promised:
            return f"configuration {self.value} says it has {self.promised} interfaces and has {numbers}"
        return ""


class _Reader:
    def __init__(self) -> None:
        self.interfaces: list[Interface] = []
        self.values: list[int] = []
        self.problems: list[str] = []
        self.open: _Configuration | None = None

    def trouble(self, problem: str) -> None:
        if problem:
            self.problems.append(problem)

    def close(self, end: int) -> None:
        if self.open is not None:
            self.trouble(self.open.problem_at(end))
        self.open = None

    def configuration(self, start: int, raw: bytes) -> None:
        self.close(start)
        if len(raw) < CONFIGURATION_BYTES:
            self.trouble("a configuration is too short")
            return
        self.open = _Configuration(start, raw)
        if self.open.value in self.values:
            self.trouble(f"configuration {self.open.value} is there twice")
        self.values.append(self.open.value)

    def interface(self, raw: bytes) -> None:
        if len(raw) < INTERFACE_BYTES:
            self.trouble("an interface is too short")
            return
        if len(self.interfaces) == INTERFACES_AT_MOST:
            self.trouble(f"there are more than {INTERFACES_AT_MOST} interfaces")
            return
        if self.open is None:
            self.trouble("an interface stands before any configuration")
        number, alternate = raw[2], raw[3]
        if self.open is not None:
            if (number, alternate) in self.open.seen:
                self.trouble(f"interface {number}, alternate {alternate} is there twice")
            self.open.seen.add((number, alternate))
        self.interfaces.append(
            Interface(
                cls=raw[5],
                subclass=raw[6],
                protocol=raw[7],
                number=number,
                alternate=alternate,
                configuration=self.open.value if self.open else 0,
            )
        )

    def read(self, raw: bytes) -> None:
        end = DEVICE_BYTES
        for start, piece in _pieces(raw, DEVICE_BYTES):
            end = start + len(piece)
            kind = piece[1]
            if kind == CONFIGURATION:
                self.configuration(start, piece)
            elif kind == INTERFACE:
                self.interface(piece)
            elif kind == DEVICE:
                self.trouble("there is a second device descriptor")
        if end != len(raw):
            self.trouble(f"what stands at byte {end} is no descriptor")
        self.close(end)


def read_descriptors(raw: bytes) -> Descriptors:
    """Return what the raw descriptors say; those that contradict themselves come back with a ``problem``.

    What can be read is kept even then, so that no interface is overlooked because something else is wrong. The
    descriptors are walked one after the other as the kernel does, by their own lengths, and the lengths and counts the
    configurations promise are only compared.
    """
    if len(raw) < DEVICE_BYTES or raw[0] < DEVICE_BYTES or raw[1] != DEVICE:
        return Descriptors(problem="there is no device descriptor")
    reader = _Reader()
    if raw[0] != DEVICE_BYTES:
        reader.trouble(f"the device descriptor says it has {raw[0]} bytes")
    if len(raw) > READ_AT_MOST:
        reader.trouble(f"there are more than {READ_AT_MOST} bytes")
        raw = raw[:READ_AT_MOST]
    reader.read(raw)
    if len(reader.values) != raw[17]:
        reader.trouble(f"the device says it has {raw[17]} configurations and has {len(reader.values)}")
    return Descriptors(
        vendor=int.from_bytes(raw[8:10], "little"),
        product=int.from_bytes(raw[10:12], "little"),
        release=int.from_bytes(raw[12:14], "little"),
        cls=raw[4],
        subclass=raw[5],
        protocol=raw[6],
        interfaces=tuple(reader.interfaces),
        configurations=len(reader.values),
        problem=reader.problems[0] if reader.problems else "",
    )


def _pieces(raw: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield place and bytes of each descriptor; stops at the first that has no sensible length."""
    while start + HEADER_BYTES <= len(raw):
        length = raw[start]
        if length < HEADER_BYTES or start + length > len(raw):
            return
        yield start, raw[start : start + length]
        start += length
