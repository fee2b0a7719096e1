"""A USB device that the test makes itself: QEMU's usb-redir asks, over a socket, what a real device would be asked.

The machine enumerates it at its USB controller like any other: so there is a camera, and devices that no shop sells.
The protocol is usbredir 0.7 (usbredirproto.h): a header (type, length, id), then the body; all little-endian. The id
has 32 bits in the first message and 64 afterwards.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

HELLO, CONNECT, INTERFACES, ENDPOINTS = 0, 1, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION = 6, 7, 8
SET_ALTERNATE, GET_ALTERNATE, ALTERNATE = 9, 10, 11
START_INTERRUPT, STOP_INTERRUPT, INTERRUPT_STATUS, CANCEL = 15, 16, 17, 21
CONTROL, BULK = 100, 101
CAN: Final = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
"""Release number when connecting, packet sizes of endpoints, long ids and bulk transfers: what QEMU's xHCI asks for."""
HIGH_SPEED = 2
IN, GET_DESCRIPTOR = 0x80, 6
DEVICE, CONFIGURATION_ITSELF, STRING, INTERFACE, ENDPOINT = 1, 2, 3, 4, 5
STALL = 4
FIRST_HEADER, HEADER = "<III", "<IIQ"
CONTROL_HEAD, BULK_HEAD = "<BBBBHHH", "<BBHIH"
NO_ENDPOINT = 255


def described(kind: int, form: str, *values: int) -> bytes:
    """Return a descriptor: its length, its kind, its values."""
    body = struct.pack("<" + form, *values)
    return bytes([2 + len(body), kind]) + body


def interface(number: int, endpoints: int, cls: int, subclass: int, protocol: int) -> bytes:
    """Return the descriptor of an interface."""
    return described(INTERFACE, "BBBBBBB", number, 0, endpoints, cls, subclass, protocol, 0)


def endpoint(address: int, kind: int, packet: int, interval: int = 0) -> bytes:
    """Return the descriptor of an endpoint; kind 2 is bulk, 3 interrupt."""
    return described(ENDPOINT, "BBHB", address, kind, packet, interval)


class MadeDevice:
    """A device of one configuration; `attach` it to QEMU's socket, `close` it at the end.

    Args:
        vendor, product: numbers.
        texts: maker, name, serial number.
        interfaces: their number.
        body: all descriptors of the configuration but its own.
    """

    def __init__(self, vendor: int, product: int, texts: tuple[str, str, str], interfaces: int, body: bytes) -> None:
        self._texts = texts
        numbers = (0x200, 0xEF, 2, 1, 64, vendor, product, 0x100, 1, 2, 3, 1)
        self._device = described(DEVICE, "HBBBBHHHBBBB", *numbers)
        self._configuration = (
            described(CONFIGURATION_ITSELF, "HBBBBB", 9 + len(body), interfaces, 1, 0, 0x80, 250) + body
        )
        self._numbers = vendor, product
        self._configured = 0
        self._writes = threading.Lock()
        self._socket: socket.socket | None = None

    def attach(self, path: Path) -> None:
        """Be plugged in."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def close(self) -> None:
        """End."""
        if self._socket:
            self._socket.close()

    def class_request(self, request: int, length: int) -> bytes | None:
        """Return the answer to a request of its class that asks for ``length`` bytes, None to refuse."""
        del request, length
        return None

    def bulk(self, id: int, address: int, length: int) -> None:  # noqa: A002  the protocol's word
        """Take a request for ``length`` bytes of a bulk endpoint; answer with `send_bulk`, soon or later."""

    def cancel(self, id: int) -> None:  # noqa: A002  as above
        """Forget a request."""

    def send_bulk(self, id: int, address: int, data: bytes) -> None:  # noqa: A002  as above
        """Answer a request for a bulk endpoint's data."""
        self._send(BULK, id, struct.pack(BULK_HEAD, address, 0, len(data), 0, 0) + data)

    def _serve(self, line: socket.socket) -> None:
        self._send(HELLO, 0, b"exambox tests".ljust(64, b"\0") + struct.pack("<I", CAN), FIRST_HEADER)
        with contextlib.suppress(OSError), line.makefile("rb") as reader:
            form = FIRST_HEADER
            while len(head := reader.read(struct.calcsize(form))) == struct.calcsize(form):
                kind, length, number = struct.unpack(form, head)
                form = HEADER
                self._take(kind, number, reader.read(length))

    def _take(self, kind: int, number: int, body: bytes) -> None:
        if kind == HELLO:
            self._introduce()
            self._send(CONNECT, 0, struct.pack("<BBBBHHH", HIGH_SPEED, 0xEF, 2, 1, *self._numbers, 0x100))
        elif kind in {SET_CONFIGURATION, GET_CONFIGURATION}:
            self._configured = body[0] if kind == SET_CONFIGURATION else self._configured
            self._introduce()
            self._send(CONFIGURATION, number, bytes([0, self._configured]))
        elif kind in {SET_ALTERNATE, GET_ALTERNATE}:
            self._send(ALTERNATE, number, bytes([0, body[0], 0]))
        elif kind in {START_INTERRUPT, STOP_INTERRUPT}:
            self._send(INTERRUPT_STATUS, number, bytes([0, body[0]]))
        elif kind == CONTROL:
            self._control(number, body)
        elif kind == BULK:
            address, _, length, _, _ = struct.unpack_from(BULK_HEAD, body)
            self.bulk(number, address, length)
        elif kind == CANCEL:
            self.cancel(number)

    def _control(self, number: int, body: bytes) -> None:
        address, request, kind, _, value, index, length = struct.unpack_from(CONTROL_HEAD, body)
        answer: bytes | None = b""
        if kind & 0x60:
            answer = self.class_request(request, length)
        elif kind & IN:
            answer = self._descriptor(value >> 8, value & 0xFF) if request == GET_DESCRIPTOR else b"\0\0"
        said = (answer or b"")[:length] if kind & IN else b""
        status = STALL if answer is None else 0
        done = len(said) if kind & IN else length
        self._send(
            CONTROL, number, struct.pack(CONTROL_HEAD, address, request, kind, status, value, index, done) + said
        )

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == STRING:
            if number > len(self._texts):
                return None
            text = b"\x09\x04" if not number else self._texts[number - 1].encode("utf-16-le")
            return bytes([2 + len(text), STRING]) + text
        return {DEVICE: self._device, CONFIGURATION_ITSELF: self._configuration}.get(kind)

    def _introduce(self) -> None:
        """Say which interfaces and endpoints there are."""
        interfaces, kinds, packets = bytearray(128), bytearray([NO_ENDPOINT] * 32), [0] * 32
        kinds[0] = kinds[16] = 0
        owners, count, at = bytearray(32), 0, 0
        while at < len(self._configuration):
            size, kind = self._configuration[at : at + 2]
            one = self._configuration[at : at + size]
            if kind == INTERFACE:
                interfaces[count], interfaces[32 + count : 128 : 32] = one[2], one[5:8]
                count += 1
            elif kind == ENDPOINT:
                place = (one[2] & 0x80) >> 3 | one[2] & 0x0F
                kinds[place], owners[place], packets[place] = one[3] & 3, count - 1, one[4] | one[5] << 8
            at += size
        self._send(INTERFACES, 0, struct.pack("<I", count) + interfaces)
        self._send(ENDPOINTS, 0, kinds + bytearray([1] * 32) + owners + struct.pack("<32H", *packets))

    def _send(self, kind: int, number: int, body: bytes | bytearray, form: str = HEADER) -> None:
        with self._writes, contextlib.suppress(OSError):
            if self._socket:
                self._socket.sendall(struct.pack(form, kind, len(body), number) + body)


class Silent(MadeDevice):
    """A broken device: it answers nothing, so that the kernel waits for it, again and again."""

    def _control(self, number: int, body: bytes) -> None:
        del number, body


def silent(serial: str) -> Silent:
    """Return a keyboard that is broken."""
    body = interface(0, 1, 3, 1, 1) + described(0x21, "HBBBH", 0x111, 0, 1, 0x22, 63) + endpoint(0x81, 3, 8, 10)
    return Silent(0x16C0, 0x27DB, ("Nobody", "Broken keyboard", serial), 1, body)


def keyboard_with_storage(serial: str) -> MadeDevice:
    """Return a stick that types."""
    body = interface(0, 2, 8, 6, 0x50) + endpoint(0x81, 2, 512) + endpoint(0x02, 2, 512)
    body += interface(1, 1, 3, 1, 1) + described(0x21, "HBBBH", 0x111, 0, 1, 0x22, 63) + endpoint(0x83, 3, 8, 10)
    return MadeDevice(0x16C0, 0x27DB, ("Gifts", "Free stick", serial), 2, body)


class Camera(MadeDevice):
    """A video camera (UVC 1.1, MJPEG 640x480 over bulk) that shows one picture ten times a second."""

    SIZE = 640, 480
    INTERVAL: Final = 1_000_000  # 100 ns
    PAYLOAD: Final = 16_384
    PIPE: Final = 0x81
    GET_LEN, GET_INFO = 0x85, 0x86

    def __init__(self, serial: str, picture: bytes) -> None:
        super().__init__(0x1D6B, 0x0102, ("Exambox tests", "Room camera", serial), 2, self._body())
        self._picture, self._at, self._odd = picture, 0, 0
        self._asked: deque[tuple[int, int]] = deque()
        self._ends = threading.Event()
        threading.Thread(target=self._show, daemon=True).start()

    def close(self) -> None:
        """End."""
        self._ends.set()
        super().close()

    def class_request(self, request: int, length: int) -> bytes | None:
        """Say how it streams: always the same way, whatever is asked for."""
        most, interval = self._most(), self.INTERVAL
        stream = struct.pack(
            "<HBBIHHHHHIIIBBBB", 1, 1, 1, interval, 0, 0, 0, 0, 0, most, self.PAYLOAD, 48_000_000, 0, 0, 0, 0
        )
        return {self.GET_LEN: b"\x22\0", self.GET_INFO: b"\x03"}.get(request, stream)[:length]

    def bulk(self, id: int, address: int, length: int) -> None:  # noqa: A002  as above
        """Keep the request until there is a picture to send."""
        if address == self.PIPE:
            self._asked.append((id, length))

    def cancel(self, id: int) -> None:  # noqa: A002  as above
        """Forget a request."""
        with contextlib.suppress(ValueError):
            self._asked.remove(next((one for one in self._asked if one[0] == id), (0, 0)))

    def _show(self) -> None:
        while not self._ends.wait(self.INTERVAL / 1e7):
            while self._asked:
                number, length = self._asked.popleft()
                data = self._picture[self._at : self._at + min(length, self.PAYLOAD) - 3]
                self._at += len(data)
                last = self._at >= len(self._picture)
                self.send_bulk(number, self.PIPE, bytes([2, 0x80 | self._odd | (2 if last else 0)]) + data)
                if last:
                    self._at, self._odd = 0, self._odd ^ 1
                    break

    def _most(self) -> int:
        return self.SIZE[0] * self.SIZE[1] * 2

    def _body(self) -> bytes:
        most, interval = self._most(), self.INTERVAL
        units = described(0x24, "BBHBBHHHBHB", 2, 1, 0x201, 0, 0, 0, 0, 0, 3, 0, 0)
        units += described(0x24, "BBHBBB", 3, 2, 0x101, 0, 1, 0)
        control = described(0x24, "BHHIBB", 1, 0x110, 13 + len(units), 6_000_000, 1, 1) + units
        size = described(0x24, "BBBHHIIIIBI", 7, 1, 0, *self.SIZE, most * 80, most * 80, most, interval, 1, interval)
        forms = described(0x24, "BBBBBBBBB", 6, 1, 1, 1, 1, 0, 0, 0, 0) + size + described(0x24, "BBBB", 13, 1, 1, 4)
        header = described(0x24, "BBHBBBBBBBB", 1, 1, 14 + len(forms), self.PIPE, 0, 2, 0, 0, 0, 1, 0)
        body = described(11, "BBBBBB", 0, 2, 14, 3, 0, 0)
        body += interface(0, 0, 14, 1, 0) + control
        return body + interface(1, 1, 14, 2, 0) + header + forms + endpoint(self.PIPE, 2, 512)
