"""A small RTSP server that lies: what no honest server would send. One thread, one viewer at a time, loopback only.

It plays encoded access units (annex B) as RTP over the RTSP connection (RFC 2326, 10.12; RFC 6184), with whatever
timestamps, pauses and rubbish the test's script yields.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from appliance.capture.sources.parameter_sets import nal_units, parameter_sets

RTP_CLOCK = 90_000
PAYLOAD_BYTES = 1400
_FU_A = 28


@dataclass(frozen=True)
class Say:
    """One thing to send: an access unit at a camera time (seconds) or raw bytes; then a pause in seconds."""

    unit: bytes = b""
    at: float = 0.0
    raw: bytes = b""
    pause: float = 0.0


Script = Callable[[], Iterator[Say]]


class LyingCamera:
    """The server; use it as a context manager.

    Args:
        script: what is sent after PLAY, from a fresh iterator for each viewer; the connection closes when it ends.
        first: an access unit whose parameter sets the description tells.
        answer: for a method, instead of the truth: a status line (``453 Not Enough Bandwidth``) or ``silence``.
        description: SDP to give instead.
    """

    def __init__(
        self,
        script: Script = lambda: iter(()),
        *,
        first: bytes = b"",
        answer: dict[str, str] | None = None,
        description: str | None = None,
    ) -> None:
        self._script = script
        self._answer = answer or {}
        self._description = description if description is not None else _sdp(first)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._server.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ending.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                viewer, _ = self._server.accept()
            except OSError:
                return
            with viewer, contextlib.suppress(OSError):
                viewer.settimeout(10)
                self._talk(viewer)

    def _talk(self, viewer: socket.socket) -> None:
        stream = viewer.makefile("rb")
        while not self._ending.is_set():
            request = stream.readline().decode("ascii", "replace").split(" ")
            headers = {}
            while line := stream.readline().decode("ascii", "replace").strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            if len(request) < 2:
                return
            lie = self._answer.get(request[0])
            if lie == "silence":
                self._ending.wait(8)
                return
            self._reply(viewer, request[0], headers, lie)
            if request[0] == "PLAY" and not lie:
                self._play(viewer)
                return

    def _reply(self, viewer: socket.socket, method: str, headers: dict[str, str], lie: str | None) -> None:
        body, extra = b"", ""
        if method == "DESCRIBE" and not lie:
            body = self._description.encode()
            extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\nContent-Base: {self.url}/\r\n"
        elif method == "SETUP" and not lie:
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        head = f"RTSP/1.0 {lie or '200 OK'}\r\nCSeq: {headers.get('cseq', '0')}\r\nSession: 1\r\n{extra}\r\n"
        viewer.sendall(head.encode() + body)

    def _play(self, viewer: socket.socket) -> None:
        sequence = 0
        for say in self._script():
            if self._ending.is_set():
                return
            if say.raw:
                viewer.sendall(say.raw)
            for payload, last in _payloads(say.unit):
                stamp = round(say.at * RTP_CLOCK) % (1 << 32)
                viewer.sendall(rtp(payload, sequence, stamp, last=last))
                sequence = (sequence + 1) % (1 << 16)
            if say.pause:
                time.sleep(say.pause)


def rtp(payload: bytes, sequence: int, stamp: int, *, last: bool) -> bytes:
    """Return one RTP packet, framed for channel 0 of the RTSP connection."""
    packet = struct.pack(">BBHII", 0x80, 96 | (0x80 if last else 0), sequence, stamp, 0x1234) + payload
    return b"$\0" + struct.pack(">H", len(packet)) + packet


def _payloads(unit: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield RTP payloads of an access unit: single NAL units, large ones as FU-A; and whether it is the last one."""
    units = list(nal_units(unit))
    for number, nal in enumerate(units):
        final = number == len(units) - 1
        if len(nal) <= PAYLOAD_BYTES:
            yield nal, final
            continue
        pieces = [nal[at : at + PAYLOAD_BYTES] for at in range(1, len(nal), PAYLOAD_BYTES)]
        for at, piece in enumerate(pieces):
            flags = (0x80 if at == 0 else 0) | (0x40 if at == len(pieces) - 1 else 0)
            yield bytes([nal[0] & 0xE0 | _FU_A, flags | nal[0] & 0x1F]) + piece, final and at == len(pieces) - 1


def _sdp(first: bytes) -> str:
    sets = ",".join(base64.b64encode(unit).decode() for unit in parameter_sets(first, "h264"))
    return (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:track1\r\n"
    )
