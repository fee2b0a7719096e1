"""What one hub sustains: boxes that report every 5 s, and items of a backlog that a box pushes, durable each."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import json as wire

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database, write
from appliance.exchange.centre.items import Item, item_of
from appliance.exchange.centre.messages import PushRequest, write_message
from appliance.exchange.centre.peer_token import new_jti, sign_request
from appliance.exchange.centre.routes import PUSH
from appliance.exchange.idempotency import DeliveryKey
from appliance.exchange.messages import Review, SessionName, WarningFact, warning_body
from appliance.hub.identity import init_hub
from appliance.integrations import store
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key

if TYPE_CHECKING:
    from pathlib import Path

GOAL_BOXES: Final = 1000
GOAL_ITEMS: Final = 2000
MOST_P99_MS: Final = 200
STEPS: Final = (250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2500, 3000, 3500, 4000)
PORT: Final = 18490
BATCH: Final = 500
ITEMS: Final = 20_000
_START_SECONDS: Final = 60.0


class Hub:
    """A real hub process with boxes that have joined already, in a folder of its own."""

    def __init__(self, folder: Path, boxes: int) -> None:
        self.settings = Settings(
            box=BoxSettings(trial=True, role="hub"),
            paths=PathSettings(state=str(folder / "hub"), run=str(folder / "r")),
        )
        clock = SystemClock()
        db = open_box_database(self.settings.database)
        self.hub = init_hub(self.settings, db, clock).id
        self.boxes = [(f"box-{number:05}", Ed25519PrivateKey.generate()) for number in range(boxes)]
        there = Addresses(review_url="https://127.0.0.1:9/review", warning_url="https://127.0.0.1:9/warning")
        store.add_integration(
            db, name="bench", addresses=there, clock=clock, who="bench", keys=exchange_key(self.settings)
        )
        with write(db):
            db.conn.executemany(
                "INSERT INTO hub_box (id, room, name, public, seal_public, enrolled_us) VALUES (?, ?, ?, ?, ?, 1)",
                [(name, name, name, key.public_key().public_bytes_raw(), bytes(32)) for name, key in self.boxes],
            )
        db.conn.close()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        paths = self.settings.paths
        environ = {
            **os.environ, "EXAMBOX_BOX__ROLE": "hub", "EXAMBOX_WEB__PORT": str(PORT),
            "EXAMBOX_PATHS__STATE": paths.state,
            "EXAMBOX_PATHS__RUN": paths.run, "EXAMBOX_LOG__LEVEL": "error",
        }  # fmt: skip
        self._process = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], env=environ)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return self
            except OSError:
                time.sleep(0.2)
        raise TimeoutError("the hub does not answer")

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def load(self, boxes: int, seconds: float, *, bare: bool = False) -> dict[str, Any]:
        """Let so many boxes report for so long."""
        asked = {
            "port": PORT, "hub": self.hub, "seconds": seconds, "bare": bare,
            "boxes": [(name, key.private_bytes_raw().hex()) for name, key in self.boxes[:boxes]],
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "bench.hub_driver"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def push(self, items: list[Item]) -> float:
        """Push items in batches over one connection; return how many a second were durable."""
        name, key = self.boxes[0]
        bodies = [write_message(PushRequest(items=tuple(items[at : at + BATCH]))) for at in range(0, len(items), BATCH)]
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        began = time.perf_counter()
        for body in bodies:
            token = sign_request(
                key, box=name, epoch="1-bench", audience=self.hub, method="POST", path=PUSH.path, body=body,
                now_us=time.time_ns() // 1000, jti=new_jti(os.urandom(16)),
            )  # fmt: skip
            connection.request("POST", PUSH.path, body, {"Authorization": f"JWT {token}"})
            answer = connection.getresponse()
            results = {one["result"] for one in json.loads(answer.read()).get("results", [])}
            if results != {"stored"}:
                raise RuntimeError(f"not all was stored: {answer.status} {results}")
        return len(items) / (time.perf_counter() - began)


def backlog(box: str, first: int, count: int) -> list[Item]:
    """Return a day's backlog: of each ten items nine are warnings and one is a review, of two thousand sessions."""
    now_us = time.time_ns() // 1000
    made = []
    for number in range(first, first + count):
        name = SessionName(1, f"session-{number % 2000}")
        if number % 10:
            kind = "warning"
            fact = WarningFact(number, "WARNING_PHONE", now_us + number * 1_000_000, now_us + number * 1_000_000)
            message = warning_body(name, fact)
        else:
            kind = "review"
            message = Review(session=name, attention=30, rejected=80, start_us=now_us).body()
        body = wire.encode({"integration": "bench", "kind": kind, "message": message}).decode()
        key = DeliveryKey(box, "1-bench", number + 1)
        made.append(item_of(key, kind=kind, stream=str(name.session_id), at_us=now_us, body=body))
    return made


def measure(folder: Path, *, runs: int, seconds: float) -> dict[str, Any]:
    """Measure both figures; the peer is the same server at /healthz: no token, but a database connection a request."""
    with Hub(folder, STEPS[-1]) as hub:
        rates = [hub.push(backlog(hub.boxes[0][0], run * ITEMS, ITEMS)) for run in range(runs)]
        best, detail = _most(hub, seconds, bare=False)
        bare, bare_detail = _most(hub, seconds, bare=True)
    return {
        "hub_boxes_sustained": {
            "value": best, "unit": "boxes, a signed report each 5 s, p99 under 200 ms", "goal": GOAL_BOXES,
            "passed": best >= GOAL_BOXES, "peer": "the same server, /healthz without tokens", "peer_value": bare,
            "steps": detail, "peer_steps": bare_detail,
        },
        "sync_backlog_items_per_s": {
            "value": round(statistics.median(rates)), "unit": "items durable at the hub, with what the LMS is told",
            "goal": GOAL_ITEMS, "passed": statistics.median(rates) >= GOAL_ITEMS, "runs": [round(one) for one in rates],
        },
    }  # fmt: skip


def _most(hub: Hub, seconds: float, *, bare: bool) -> tuple[int, list[dict[str, Any]]]:
    """Return the highest number of boxes that was sustained, and what was seen at each step."""
    best, seen = 0, list[dict[str, Any]]()
    for boxes in STEPS:
        found = {"boxes": boxes, **hub.load(boxes, seconds, bare=bare)}
        seen.append(found)
        if set(found["statuses"]) != {"200"} or found["p99_ms"] >= MOST_P99_MS:
            break
        best = boxes
    return best, seen
