"""The plainest fan-out there is, for comparison: asyncio, no sign-in, nothing left out for slow viewers.

``python -m bench.fan_peer SOCKET``: serves ``/live/<camera>/stream`` from capture's live socket, prints its port, and
ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from appliance.ipc import framing

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return data as one chunk (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Camera:
    """One connection to capture, written to every viewer."""

    def __init__(self) -> None:
        self.beginning = b""
        self.waiting: list[asyncio.StreamWriter] = []
        self.viewers: list[asyncio.StreamWriter] = []

    async def run(self, path: str, name: str) -> None:
        """Pass on what comes."""
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(framing.pack_json({"want": "live", "camera": name}))
        cutter = framing.Messages()
        while piece := await reader.read(262144):
            for kind, message in cutter.feed(piece):
                self.pass_on(kind, message)

    def pass_on(self, kind: bytes, message: bytes) -> None:
        """Write one message to all; newcomers begin with a keyframe."""
        if kind in {b"J", b"I"}:
            self.beginning += message
            return
        if kind == b"K" and self.waiting:
            for viewer in self.waiting:
                viewer.write(chunk(self.beginning))
            self.viewers += self.waiting
            self.waiting = []
        data = chunk(message)
        for viewer in self.viewers:
            viewer.write(data)


async def serve(path: str) -> None:
    """Serve until standard input closes."""
    cameras: dict[str, Camera] = {}
    tasks = []

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readuntil(b"\r\n\r\n")).split(b"/")[2].decode()
        if name not in cameras:
            cameras[name] = Camera()
            tasks.append(asyncio.create_task(cameras[name].run(path, name)))
        camera = cameras[name]
        writer.write(HEAD)
        camera.waiting.append(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        for those in (camera.waiting, camera.viewers):
            if writer in those:
                those.remove(writer)

    server = await asyncio.start_server(come, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
