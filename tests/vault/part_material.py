"""Part rows and small but real part files for tests of retention, deletion and disk."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.vault.format import APPLICATION_ID, CHECKPOINT_FORMAT, FORMAT, SCHEMA, encode_body, sha256
from appliance.vault.part_rows import part_path
from appliance.vault.retention import HOUR_US, PartRow

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

NOW_US = 1_800_000_000 * SECOND_US
WRAPPED = b"wrapped key that must not survive " * 40


def row(number: int = 1, **changes: str | int | None) -> PartRow:
    """Return a closed one-hour part that ended 100 hours ago, with changes."""
    base = PartRow(
        part_id=sha256(repr((number, sorted(changes.items()))).encode()).hex()[:32],
        sitting="exam",
        camera="front",
        number=number,
        started_us=NOW_US - 101 * HOUR_US,
        ended_us=NOW_US - 100 * HOUR_US,
        bytes=1000,
        state="closed",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def store(db: Database, part: PartRow) -> PartRow:
    """Insert the part's row."""
    db.table("part").insert({name: getattr(part, name) for name in part.__slots__})
    return part


def make_file(vault_dir: Path, part: PartRow) -> Path:
    """Write a part file with manifest, a wrapped key and a final checkpoint, as the format lays it out."""
    path = part_path(vault_dir, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest = {"format": FORMAT, "part_id": part.part_id, "sitting": part.sitting, "camera": part.camera}
    body = {"format": CHECKPOINT_FORMAT, "part_id": part.part_id, "n": 0, "seq": 0, "chain": "ab" * 32, "final": True}
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA secure_delete=OFF")
    conn.execute(f"PRAGMA application_id={APPLICATION_ID}")
    for statement in SCHEMA:
        conn.execute(statement)
    conn.execute("INSERT INTO manifest VALUES (1, ?)", (encode_body(manifest),))
    conn.execute("INSERT INTO recipient VALUES ('aa', ?)", (WRAPPED,))
    conn.execute("INSERT INTO recipient VALUES ('bb', ?)", (WRAPPED,))
    conn.execute("INSERT INTO checkpoint VALUES (0, ?, zeroblob(64))", (encode_body(body),))
    conn.commit()
    conn.close()
    return path


def checkpoint_hash(part: PartRow) -> str:
    """Return the hash of the checkpoint that `make_file` wrote."""
    body = {"format": CHECKPOINT_FORMAT, "part_id": part.part_id, "n": 0, "seq": 0, "chain": "ab" * 32, "final": True}
    return sha256(encode_body(body)).hex()
