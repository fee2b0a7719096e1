"""What the centre keeps as a witness of the box: manifests of recordings that concern it, and the log's head."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Final

from appliance.auditlog import open_log_head
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.exchange.centre.kinds import ItemKind
from appliance.outbox import CENTRE, put
from appliance.vault.part_files import part_path
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.json_edge import JsonObject

HEAD_EVERY_US: Final = 3600 * SECOND_US
_AT_ONCE: Final = 20
_PART: Final = "part"
_UNTOLD: Final = """
SELECT p.part_id, p.sitting, p.camera, p.number, p.started_us, p.ended_us, p.bytes, p.state FROM part p
JOIN sitting s ON s.id = p.sitting
WHERE p.state IN ('closed', 'recovered')
  AND (s.origin = 'centre' OR EXISTS (SELECT 1 FROM sitting_exam x JOIN exam e ON e.id = x.exam
       JOIN integration i ON i.id = e.integration WHERE x.sitting = s.id AND i.origin = 'centre'))
  AND NOT EXISTS (SELECT 1 FROM centre_thing t WHERE t.hub = ? AND t.kind = 'part' AND t.id = p.part_id)
ORDER BY p.ended_us LIMIT ?
"""


def tell_manifests(db: Database, hub: str, vault_dir: Path, *, clock: Clock) -> int:
    """Tell the centre of parts that were closed since; return of how many. One that cannot be read is told so.

    With a manifest go the part's last checkpoint, its signature and the wrapped keys: nothing that opens a picture
    without a recipient's private key.
    """
    rows = db.conn.execute(_UNTOLD, (hub, _AT_ONCE)).fetchall()
    for part_id, sitting, camera, number, started_us, ended_us, size, state in rows:
        body: JsonObject = {
            "part_id": part_id,
            "sitting": sitting,
            "camera": camera,
            "part": number,
            "started_us": started_us,
            "ended_us": ended_us,
            "bytes": size,
            "state": state,
            **_sealed_facts(part_path(vault_dir, sitting, camera, number)),
        }
        now = clock.wall_us()
        with write(db):
            put(db, target=CENTRE, stream=f"sitting:{sitting}", kind=ItemKind.MANIFEST, body=body, clock=clock)
            db.conn.execute(
                "INSERT OR IGNORE INTO centre_thing (hub, kind, id, version, deleted, at_us, digest, content, taken_us)"
                " VALUES (?, ?, ?, 0, 0, ?, '', x'', ?)",
                (hub, _PART, part_id, now, now),
            )
    return len(rows)


def tell_log_head(db: Database, last_seq: int, *, clock: Clock) -> int:
    """Tell the centre the log's head, if the log went on since ``last_seq``; return its number."""
    seq, chain = open_log_head(db)
    if seq == last_seq:
        return seq
    with write(db):
        body: JsonObject = {"seq": seq, "chain": chain.hex(), "at_us": clock.wall_us()}
        put(db, target=CENTRE, stream="log", kind=ItemKind.LOG_HEAD, body=body, clock=clock, supersedes=True)
    return seq


def _sealed_facts(path: Path) -> JsonObject:
    with contextlib.suppress(ApplianceError, OSError), PartReader(path) as reader:
        last = reader.checkpoint_from(max(reader.last_checkpoint_n(), 0))
        facts: JsonObject = {
            "manifest": _text(reader.manifest_body),
            "wrapped": {key: _text(wrapped) for key, wrapped in reader.recipients().items()},
        }
        if last is not None:
            facts["checkpoint"] = _text(last.body)
            facts["signature"] = _text(last.signature)
        return facts
    return {"manifest": None}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
