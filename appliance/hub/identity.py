"""Which central service this is, and the keys it signs and opens with: files beside a box's (``docs/operator/hub.md``).

``box.json`` names it as it names a box; ``hub.key`` is Ed25519 and signs answers, changes and sticks, ``hub-seal.key``
is X25519 and opens sticks; each raw, 32 bytes, 0640 for the group that may speak for the box (web and sync).
``device.pub`` is the former's public half, which the log is verified with.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import MissingKeyError, UnavailableError
from appliance.vault import key_files
from appliance.vault.device_key import BOX_FILE, PUBLIC_FILE, DeviceKey, load_box_id

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

SIGN_FILE: Final = "hub.key"
SEAL_FILE: Final = "hub-seal.key"
PREFIX: Final = "hub:"
_KEY_BYTES: Final = 32
_CURSOR_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class HubKeys:
    """Who the hub is towards its boxes; ``public`` and ``seal_public`` are raw, 32 bytes."""

    id: str
    public: bytes
    seal_public: bytes
    sign_private: Ed25519PrivateKey = field(repr=False)
    seal_private: X25519PrivateKey = field(repr=False)

    @property
    def log_key(self) -> DeviceKey:
        """What the hub signs its log with: the same key, as a box signs with its own."""
        return DeviceKey(self.public, self.sign_private)


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What the database knows of the hub itself."""

    id: str
    centre: str
    cursor_key: bytes = field(repr=False)
    begun_us: int


def init_hub(settings: Settings, db: Database, clock: Clock) -> HubKeys:
    """Make what is missing of the hub's keys and its row; never overwrites. Safe when several processes start at once.

    Raises:
        VaultError: the files cannot be written, or not be read.
    """
    keys_dir = settings.keys_dir
    key_files.make_keys_dir(keys_dir)
    with key_files.locked(keys_dir):
        for name, make, access in (
            (BOX_FILE, _new_identity, key_files.PUBLIC),
            (SIGN_FILE, lambda: Ed25519PrivateKey.generate().private_bytes_raw(), key_files.EXCHANGE),
            (SEAL_FILE, lambda: X25519PrivateKey.generate().private_bytes_raw(), key_files.EXCHANGE),
            (key_files.EXCHANGE_FILE, lambda: os.urandom(key_files.EXCHANGE_KEY_BYTES), key_files.EXCHANGE),
        ):
            path = keys_dir / name
            if not key_files.exists(path):
                key_files.write_new(path, make(), access)
            key_files.restore_access(path, access)
        keys = load_hub_keys(keys_dir)
        if not key_files.exists(keys_dir / PUBLIC_FILE):  # what the log is verified with, as on a box
            key_files.write_new(keys_dir / PUBLIC_FILE, keys.public, key_files.PUBLIC)
    keep_hub(db, keys.id, centre=settings.box.room, clock=clock)
    return keys


def load_hub_keys(keys_dir: Path) -> HubKeys:
    """Read the hub's keys.

    Raises:
        MissingKeyError: one is missing, damaged, or not readable for this user.
    """
    sign = key_files.read(keys_dir / SIGN_FILE, "central service's signing key")
    seal = key_files.read(keys_dir / SEAL_FILE, "central service's key for sticks")
    if {len(sign), len(seal)} != {_KEY_BYTES}:
        raise MissingKeyError(
            "A key of the central service is damaged: it has not 32 bytes.", hint="Restore it from a backup."
        )
    private, opens = Ed25519PrivateKey.from_private_bytes(sign), X25519PrivateKey.from_private_bytes(seal)
    return HubKeys(
        PREFIX + load_box_id(keys_dir),
        private.public_key().public_bytes_raw(),
        opens.public_key().public_bytes_raw(),
        private,
        opens,
    )


def keep_hub(db: Database, hub: str, *, centre: str, clock: Clock) -> HubFacts:
    """Have the hub's row: from now on what changes here is noted for the boxes. A new name of the centre is taken over.

    Raises:
        MissingKeyError: the database is another hub's than the key files.
    """
    with write(db):
        row = db.conn.execute("SELECT id, centre FROM hub").fetchone()
        if row is None:
            db.conn.execute(
                "INSERT INTO hub (only, id, centre, cursor_key, begun_us) VALUES (1, ?, ?, ?, ?)",
                (hub, centre, os.urandom(_CURSOR_KEY_BYTES), clock.wall_us()),
            )
            append(db, "hub.begun", clock=clock, detail={"hub": hub})
        elif row[0] != hub:
            raise MissingKeyError(
                f"The database is of {row[0]}, the key files are of {hub}.",
                hint="Restore database and key files of the same central service.",
            )
        elif row[1] != centre:
            db.conn.execute("UPDATE hub SET centre = ?", (centre,))
    return hub_facts(db)


def hub_facts(db: Database) -> HubFacts:
    """Return what the database knows of the hub.

    Raises:
        UnavailableError: this is no hub, or it was never started.
    """
    row = db.conn.execute("SELECT id, centre, cursor_key, begun_us FROM hub").fetchone()
    if row is None:
        raise UnavailableError(
            "This database is no central service's.", hint="`exambox hub run` starts one, with a folder of its own."
        )
    return HubFacts(*row)


def _new_identity() -> bytes:
    return msgspec.json.encode({"box": f"hub-{secrets.token_hex(4)}"})
