"""An LMS that creates and changes exams at a steady rate, in a process of its own: ``python -m bench.api_driver``.

Reads what to do as JSON from standard input, writes what it saw as JSON. Requests are made and signed before the
clock runs. With a rate, each is due at its moment whether or not those before it are answered, and its time is
counted from then; without one, each connection sends as soon as it has its answer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from typing import Any

from appliance.exchange.token import authorization, issue_token

SCORE = {
    "cheaterLevel": 80, "extraUserInFrame": 1.0, "substitutionUser": 1.0, "noUserInFrame": 1.0, "avertEyes": 1.0,
    "changeActiveWindowOnComputer": 1.0, "forbiddenDevice": 1.0, "voiceDetected": 1.0, "phone": 1.0,
}  # fmt: skip
TOKEN_LIFE_S = 300


def exam(number: int, duration: int) -> dict[str, Any]:
    """Return the parameters of an exam, as the public example of the interface has them."""
    return {
        "accountId": 123, "accountName": "Bench", "examId": f"exam-{number}", "examName": f"Exam {number}",
        "duration": duration, "schedule": True, "auxiliaryCamera": False, "proctoring": "online",
        "identification": "passport", "rules": {"allow_to_use_paper": True, "allow_to_use_calculator": False},
        "startDate": "2038-03-27T00:00:00Z", "endDate": "2038-03-30T12:55:00Z", "scoreConfig": SCORE,
        "visibleWarnings": {"warning_extra_user_in_frame": False, "warning_timeout": False},
    }  # fmt: skip


def requests(asked: dict[str, Any]) -> list[bytes]:
    """Return the requests: of each two one makes an exam, and one changes it."""
    made = []
    for number in range(asked["count"]):
        body = json.dumps(exam(asked["first"] + number // 2, 60 + number % 2)).encode()
        signed = ""
        if asked["secret"]:
            token = issue_token(asked["secret"], now_us=time.time_ns() // 1000, life_s=TOKEN_LIFE_S)
            signed = f"Authorization: {authorization(token)}\r\n"
        head = (
            f"POST {asked['path']} HTTP/1.1\r\nHost: 127.0.0.1:{asked['port']}\r\n{signed}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Load:
    """Sends requests over several connections."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._requests = requests(asked)
        self._statuses: Counter[int] = Counter()
        self._took: list[float] = []

    async def run(self) -> dict[str, Any]:
        """Send everything; return how it went."""
        gc.freeze()  # a pause of ours would be taken for one of the box
        due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        began = time.perf_counter() + 0.2
        for number, one in enumerate(self._requests):
            due.put_nowait((began + number / self._asked["rate"] if self._asked["rate"] else 0.0, one))
        await asyncio.gather(*(self._connection(due) for _ in range(self._asked["connections"])))
        return {
            "statuses": dict(self._statuses),
            "took_ms": [round(took * 1000, 3) for took in self._took],
            "seconds": time.perf_counter() - began,
        }

    async def _connection(self, due: asyncio.Queue[tuple[float, bytes] | None]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._asked["port"])
        while not due.empty():
            found = due.get_nowait()
            if found is None:
                break
            at, request = found
            wait = at - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            begun = at or time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            self._took.append(time.perf_counter() - begun)
            self._statuses[int(head[9:12])] += 1
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._asked["port"])
        writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Load(json.load(sys.stdin)).run())))
