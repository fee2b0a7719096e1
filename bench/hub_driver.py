"""Boxes that report every 5 s, in a process of its own: ``python -m bench.hub_driver``.

Reads what to do as JSON from standard input, writes what it saw as JSON. Each box keeps one connection and signs each
request; each report is due at its moment whether or not the one before is answered, and its time is counted from then.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import time
from collections import Counter
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.messages import CamerasWord, ClockWord, DiskWord, Report, SittingWord, write_message
from appliance.exchange.centre.peer_token import new_jti, sign_request
from appliance.exchange.centre.routes import REPORT

EVERY_S: Final = 5.0
MACHINE: Final = sha256_text(b"bench")
_OK: Final = 200


class Boxes:
    """All boxes of a run; ``bare``: they ask for a page that does nothing, without a token (the peer)."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._statuses: Counter[int] = Counter()
        self._took: list[float] = []

    async def run(self) -> dict[str, Any]:
        """Let all report for the time; return how it went."""
        begin = time.perf_counter() + 1.0
        counts = [
            self._box(name, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key)), begin)
            for name, key in self._asked["boxes"]
        ]
        await asyncio.gather(*counts)
        took = sorted(self._took)
        return {
            "statuses": dict(self._statuses),
            "p50_ms": round(1000 * took[len(took) // 2], 1),
            "p99_ms": round(1000 * took[min(len(took) - 1, len(took) * 99 // 100)], 1),
            "late": sum(one > EVERY_S for one in took),
        }

    async def _box(self, name: str, key: Ed25519PrivateKey, begin: float) -> None:
        due = begin + random.random() * EVERY_S  # noqa: S311  no secret: spread over the interval
        reader, writer = await asyncio.open_connection("127.0.0.1", self._asked["port"])
        for _ in range(round(self._asked["seconds"] / EVERY_S)):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                status = await self._ask(reader, writer, self._request(name, key))
            except (OSError, asyncio.IncompleteReadError):
                status = 0
                reader, writer = await asyncio.open_connection("127.0.0.1", self._asked["port"])
            self._statuses[status] += 1
            self._took.append(time.perf_counter() - due)
            due += EVERY_S
        writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(length)
        return int(head[9:12])

    def _request(self, name: str, key: Ed25519PrivateKey) -> bytes:
        host = f"Host: 127.0.0.1:{self._asked['port']}\r\n"
        if self._asked["bare"]:
            return f"GET /healthz HTTP/1.1\r\n{host}\r\n".encode()
        now_us = time.time_ns() // 1000
        body = write_message(
            Report(
                box=name, epoch="1-bench", seq=0, machine=MACHINE, version="1", at_us=now_us,
                clock=ClockWord(trusted=True, offset_us=120, bound_us=4000),
                sittings=(SittingWord(id="a", status="running", name="Law", candidates=80, writing=75),),
                cameras=CamerasWord(live=4, recording=4), disk=DiskWord(state="ok", free=10**11, total=10**12),
            )
        )  # fmt: skip
        token = sign_request(
            key, box=name, epoch="1-bench", audience=self._asked["hub"], method="POST", path=REPORT.path, body=body,
            now_us=now_us, jti=new_jti(os.urandom(16)),
        )  # fmt: skip
        head = (
            f"POST {REPORT.path} HTTP/1.1\r\n{host}Authorization: JWT {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def main() -> None:
    """Do what standard input says."""
    gc.freeze()
    asked = json.load(sys.stdin)
    json.dump(asyncio.run(Boxes(asked).run()), sys.stdout)


if __name__ == "__main__":
    main()
