"""Signed checkpoints of the log."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.auditlog import append, checkpoint, open_log_head

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.auditlog.conftest import Key


def test_a_checkpoint_states_and_signs_the_head(db: Database, clock: ManualClock, key: Key) -> None:
    """Body and signature are as the format says, and each names the one before."""
    bodies = []
    for n in (1, 2):
        append(db, "box.started", clock=clock)
        made = checkpoint(db, key, clock=clock)
        assert made is not None
        assert (made.n, made.seq, made.chain) == (n, *open_log_head(db))
        raw, signature = db.conn.execute("SELECT body, signature FROM log_checkpoint WHERE id = ?", (n,)).fetchone()
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, b"exambox/1 log checkpoint\n" + raw)
        bodies.append(raw)
    stated = json.loads(bodies[1])
    assert stated["previous"] == hashlib.sha256(bodies[0]).hexdigest()
    assert json.loads(bodies[0])["previous"] is None
    assert (stated["seq"], stated["chain"]) == (2, open_log_head(db)[1].hex())


def test_nothing_new_needs_no_checkpoint(db: Database, clock: ManualClock, key: Key) -> None:
    """An idle box does not fill its log with signatures."""
    assert checkpoint(db, key, clock=clock) is None
    append(db, "box.started", clock=clock)
    assert checkpoint(db, key, clock=clock) is not None
    assert checkpoint(db, key, clock=clock) is None
