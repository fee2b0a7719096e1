"""How many deliveries a second reach an LMS on the same machine, each committed before its session goes on."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from appliance.database import write
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.outbox import lms_target, put, status
from bench.rig import CLOCK, BenchBox, wait_for
from tests.support.lms_receiver import LmsReceiver

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

SESSIONS = 1000
EACH = 10
PEER_THREADS = 8
LONGEST_S = 600.0


def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Deliver a backlog with the sync process; the peer sends the same bodies from memory, in turns beside it."""
    box = BenchBox(folder / "deliveries", [])
    ours, peers = [], []
    with LmsReceiver() as lms:
        made, _ = add_integration(
            box.db,
            name="bench",
            addresses=Addresses(warning_url=f"{lms.url}/warning"),
            clock=CLOCK,
            who="bench",
            keys=exchange_key(box.settings),
        )
        box.start("sync run")
        try:
            for _ in range(runs):
                ours.append(_deliver(box.db, lms, lms_target(made.id)))
                peers.append(_peer(lms))
        finally:
            box.stop()
    return {
        "lms_deliveries_per_s": {
            "value": round(statistics.median(ours)),
            "goal": None,
            "what": f"{SESSIONS} sessions with {EACH} warnings each, to an LMS on the same cores, in order per session,"
            " attempt and state committed (synchronous=FULL) before the next of the session goes",
            "peer": f"http.client in {PEER_THREADS} threads, kept connections, nothing signed, ordered or stored",
            "peer_value": round(statistics.median(peers)),
            "runs": [round(one) for one in ours],
        }
    }


def _deliver(db: Database, lms: LmsReceiver, target: str) -> float:
    """Return deliveries a second, from the commit of all causes to the last commit of an answer."""
    with write(db):
        for number in range(SESSIONS * EACH):
            stream = f"s{number % SESSIONS}"
            put(db, target=target, stream=stream, kind="warning", body=_body(number), clock=CLOCK)
    began, before = time.monotonic(), len(lms.accepted)
    wait_for(lambda: status(db).backlog == 0, LONGEST_S, "the deliveries")
    took = time.monotonic() - began
    if len(lms.accepted) - before != SESSIONS * EACH:
        raise SystemExit("bench: not each delivery arrived once")
    return SESSIONS * EACH / took


def _body(number: int) -> dict[str, Any]:
    return {"sessionId": f"s{number % SESSIONS}", "id": number, "type": "WARNING_AVERT_EYES", "cyber": True}


def _peer(lms: LmsReceiver) -> float:
    """Return how many of the same bodies plain HTTP sends a second."""
    bodies: SimpleQueue[bytes] = SimpleQueue()
    for number in range(SESSIONS * EACH):
        bodies.put(json.dumps(_body(number)).encode())
    threads = [threading.Thread(target=_send_all, args=(bodies, lms.port)) for _ in range(PEER_THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return SESSIONS * EACH / (time.monotonic() - began)


def _send_all(bodies: SimpleQueue[bytes], port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        try:
            body = bodies.get_nowait()
        except Empty:
            break
        connection.request("POST", "/warning", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()
