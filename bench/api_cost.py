"""How many exams an LMS can create and change a second, each durable before it is answered, and how long one takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.web.main import answers
from bench.page_cost import percentile
from bench.rig import CLOCK, BenchBox, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOAL_PER_S = 500
GOAL_P99_MS = 50
CONNECTIONS = 32
PEER_THREADS = 32
GOOD = {200, 201}


def measure(folder: Path, *, seconds: float, runs: int) -> dict[str, Any]:
    """Drive a box's API as fast as it goes, then at the goal's rate; the peer in the same way, beside it in turns."""
    box = BenchBox(folder / "api", [])
    box.settings.database.parent.mkdir(parents=True, exist_ok=True)
    made, secret = add_integration(box.db, name="bench", clock=CLOCK, who="bench", keys=exchange_key(box.settings))
    target = {"port": box.settings.web.port, "path": f"/api/v2/integration/simple/{made.name}/exams/", "secret": secret}
    box.start("web")
    fastest, steady, peers, p99s = [], [], [], []
    try:
        wait_for(lambda: answers("127.0.0.1", box.settings.web.port, timeout=1), 30, "the dashboard")
        with _peer(folder) as peer_target:
            first = 0
            for run in range(runs + 1):  # the first warms both up
                count = int(GOAL_PER_S * seconds)
                fast = drive(target, count=count, rate=0, first=first)
                calm = drive(target, count=count, rate=GOAL_PER_S, first=first + count)
                peer = drive(peer_target, count=count, rate=0, first=first)
                first += 2 * count
                if run:
                    fastest.append(count / fast["seconds"])
                    steady.append(count / calm["seconds"])
                    p99s.append(percentile(calm["took_ms"], 99))
                    peers.append(count / peer["seconds"])
        stored = box.db.conn.execute("SELECT count(*) FROM exam").fetchone()[0]
    finally:
        box.stop()
    return {
        "api_exam_upserts_per_s": {
            "value": round(sorted(fastest)[len(fastest) // 2]),
            "goal": GOAL_PER_S,
            "what": f"POSTs of exams, half new and half changed, over {CONNECTIONS} connections, box and LMS on the"
            " same cores, each answered after its commit (synchronous=FULL)",
            "peer": "Flask under gunicorn with one INSERT a POST, FULL, nothing checked",
            "peer_value": round(sorted(peers)[len(peers) // 2]),
            "runs": [round(one) for one in fastest],
            "exams": stored,
        },
        "api_exam_upsert_p99_ms": {
            "value": round(sorted(p99s)[len(p99s) // 2], 1),
            "goal": GOAL_P99_MS,
            "what": f"from the moment a POST is due to its answer, at {GOAL_PER_S} a second, waiting included",
            "runs": [round(one, 1) for one in p99s],
            "per_s": [round(one) for one in steady],
        },
    }


def drive(target: dict[str, Any], *, count: int, rate: float, first: int) -> dict[str, Any]:
    """Run the driver once; every answer has to be a good one."""
    asked = {**target, "count": count, "rate": rate, "first": first, "connections": CONNECTIONS}
    done = subprocess.run(
        [sys.executable, "-m", "bench.api_driver"],
        input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    bad = {status: number for status, number in found["statuses"].items() if int(status) not in GOOD}
    if bad:
        raise SystemExit(f"bench: the API answered {bad}")
    return found


@contextmanager
def _peer(folder: Path) -> Iterator[dict[str, Any]]:
    port = free_port()
    environ = {**os.environ, "PEER_DATABASE": str(folder / "peer.db")}
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "1", "-k", "gthread",
               "--threads", str(PEER_THREADS), "--log-level", "error", "bench.api_peer:app"]  # fmt: skip
    with subprocess.Popen(command, env=environ) as process:
        try:
            wait_for(lambda: _listens(port), 30, "the peer")
            yield {"port": port, "path": "/exams/", "secret": ""}
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
