"""Numbered migrations of ``exambox.db``; they only go forward.

Each migration is frozen once released: later changes are new migrations, tested with data of the
version before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from appliance.database import booking_tables, centre_tables, delivery_tables, exam_tables, hub_tables, usb_tables
from appliance.database.connection import connect, write
from appliance.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

MIGRATIONS = Migrations("exambox")


@MIGRATIONS()
def m0001_box_records(db: Database) -> None:
    """Cameras, wishes to record, parts, holds, accounts and the log."""
    for statement in _M0001.split(";\n\n"):
        db.conn.execute(statement)


_M0001 = """
CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL            -- JSON
) STRICT;

CREATE TABLE camera (
    id TEXT PRIMARY KEY,           -- [a-z0-9-]{1,40}, never reused, part of vault paths
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('room', 'auxiliary')),
    kind TEXT NOT NULL CHECK (kind IN ('rtsp', 'v4l2', 'picamera', 'file', 'pattern')),
    address TEXT NOT NULL,         -- never holds a password
    credential BLOB,               -- sealed to the capture key; user name and password as JSON
    audio INTEGER NOT NULL DEFAULT 0 CHECK (audio IN (0, 1)),
    masks TEXT NOT NULL DEFAULT '[]', -- JSON: polygons of [x, y] in 0..1 of the picture
    purpose TEXT NOT NULL,
    lawful_basis TEXT NOT NULL,
    retention_hours INTEGER NOT NULL CHECK (retention_hours > 0),
    retention_reason TEXT NOT NULL DEFAULT '',
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    removed_us INTEGER
) STRICT;

CREATE TABLE recording_wish (
    id INTEGER PRIMARY KEY,
    sitting TEXT NOT NULL UNIQUE,  -- [a-z0-9-]{1,60}, part of vault paths
    wished_us INTEGER NOT NULL,
    wished_by TEXT NOT NULL,
    stopped_us INTEGER,            -- null while the wish stands
    stopped_by TEXT
) STRICT;

CREATE TABLE camera_event (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL REFERENCES camera (id),
    at_us INTEGER NOT NULL,
    state TEXT NOT NULL,           -- live, lost, stopped
    reason TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX camera_event_camera ON camera_event (camera, id);

CREATE TABLE part (
    part_id TEXT PRIMARY KEY,      -- 32 hex digits, as in the part's manifest
    sitting TEXT NOT NULL,
    camera TEXT NOT NULL,
    number INTEGER NOT NULL,
    started_us INTEGER NOT NULL,   -- wall
    ended_us INTEGER,              -- wall; null while open
    bytes INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'recovered', 'abandoned', 'deleting', 'deleted')),
    UNIQUE (sitting, camera, number)
) STRICT;

CREATE INDEX part_ended ON part (state, ended_us);

CREATE TABLE legal_hold (
    id INTEGER PRIMARY KEY,
    sitting TEXT NOT NULL,
    camera TEXT,                   -- null: every camera of the sitting
    reason TEXT NOT NULL,
    placed_us INTEGER NOT NULL,
    placed_by TEXT NOT NULL,
    released_us INTEGER,
    released_by TEXT,
    release_reason TEXT
) STRICT;

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    disabled_us INTEGER
) STRICT;

CREATE TABLE one_time_password (
    id INTEGER PRIMARY KEY,
    purpose TEXT NOT NULL,         -- first-run
    password_hash TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    used_us INTEGER
) STRICT;

CREATE TABLE web_session (
    token_hash BLOB PRIMARY KEY,   -- SHA-256 of the cookie's random value
    account INTEGER NOT NULL REFERENCES account (id),
    created_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    address TEXT NOT NULL,
    csrf_key BLOB NOT NULL
) STRICT;

CREATE TABLE sign_in_failure (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,             -- account name or address, hashed
    at_us INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_failure_key ON sign_in_failure (key, at_us);

CREATE TABLE log_entry (
    seq INTEGER PRIMARY KEY,
    body BLOB NOT NULL,            -- canonical JSON; personal values stand as commitments
    chain BLOB NOT NULL            -- SHA-256(chain before || SHA-256(body))
) STRICT;

CREATE TABLE log_personal (
    seq INTEGER NOT NULL REFERENCES log_entry (seq),
    field TEXT NOT NULL,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (seq, field)
) STRICT;

CREATE TABLE log_checkpoint (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,          -- last entry covered
    body BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TRIGGER log_entry_append_only_update BEFORE UPDATE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER log_entry_append_only_delete BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER log_checkpoint_append_only_update BEFORE UPDATE ON log_checkpoint
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER log_checkpoint_append_only_delete BEFORE DELETE ON log_checkpoint
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
"""


@MIGRATIONS()
def m0002_part_deletions(db: Database) -> None:
    """What a deletion certificate will say, written down before the file goes."""
    db.conn.execute(_M0002)


_M0002 = """
CREATE TABLE part_deletion (
    part_id TEXT PRIMARY KEY REFERENCES part (part_id),
    sitting TEXT NOT NULL,
    camera TEXT NOT NULL,
    number INTEGER NOT NULL,
    rule TEXT NOT NULL,            -- why it was allowed
    applied_by TEXT NOT NULL,
    began_us INTEGER NOT NULL,
    file_state TEXT NOT NULL CHECK (file_state IN ('whole', 'damaged', 'missing')),
    chain TEXT,                    -- hex, of the last checkpoint; null where the file could not be read
    checkpoint_sha256 TEXT,        -- hex
    keys_destroyed INTEGER NOT NULL DEFAULT 0 CHECK (keys_destroyed IN (0, 1)),
    done_us INTEGER,               -- null until the certificate is in the log
    certificate INTEGER REFERENCES log_entry (seq)
) STRICT
"""


@MIGRATIONS()
def m0003_accounts(db: Database) -> None:
    """Second factors, recovery codes, resets, and what people see about their own sessions."""
    for statement in _M0003.split(";\n\n"):
        db.conn.execute(statement)


_M0003 = """
ALTER TABLE account ADD COLUMN email TEXT NOT NULL DEFAULT '' COLLATE NOCASE;

ALTER TABLE account ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1));

ALTER TABLE account ADD COLUMN last_sign_in_us INTEGER;

CREATE UNIQUE INDEX account_email ON account (email) WHERE email != '';

ALTER TABLE web_session ADD COLUMN browser TEXT NOT NULL DEFAULT '';

CREATE TABLE half_session (
    token_hash BLOB PRIMARY KEY,   -- SHA-256 of the cookie's random value
    account INTEGER NOT NULL REFERENCES account (id),
    created_us INTEGER NOT NULL,
    second_factor INTEGER NOT NULL DEFAULT 0 CHECK (second_factor IN (0, 1)) -- 1: its code was right
) STRICT;

CREATE TABLE second_factor (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    secret BLOB NOT NULL,          -- sealed with a key file of the web process
    created_us INTEGER NOT NULL,
    confirmed_us INTEGER,          -- null: no first code yet, so it does not count
    last_step INTEGER NOT NULL DEFAULT -1 -- RFC 6238 time step of the last code accepted
) STRICT;

CREATE TABLE recovery_code (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    selector TEXT NOT NULL,        -- the code's first signs: which row
    code_hash TEXT NOT NULL,       -- argon2id of the whole code
    used_us INTEGER,
    UNIQUE (account, selector)
) STRICT;

CREATE TABLE password_reset (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL CHECK (kind IN ('link', 'code')),
    secret_hash TEXT NOT NULL,     -- link: SHA-256 in hex of 256 random bits; code: argon2id
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    used_us INTEGER
) STRICT;

CREATE INDEX password_reset_account ON password_reset (account, kind)
"""


@MIGRATIONS()
def m0004_bookmarks(db: Database) -> None:
    """Moments and ranges of a sitting that somebody marked with a note."""
    for statement in _M0004.split(";\n\n"):
        db.conn.execute(statement)


_M0004 = """
CREATE TABLE bookmark (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sitting TEXT NOT NULL,
    camera TEXT,                   -- null: every camera of the sitting
    at_us INTEGER NOT NULL,        -- wall
    until_us INTEGER,              -- wall; null for a moment
    note TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES account (id),
    made_us INTEGER NOT NULL,
    edited_us INTEGER,
    removed_us INTEGER,
    CHECK (until_us IS NULL OR until_us > at_us)
) STRICT;

CREATE INDEX bookmark_sitting ON bookmark (sitting, at_us)
"""


@MIGRATIONS()
def m0005_log_search(db: Database) -> None:
    """Entries are found by action and time, deletions by certificate. None is personal: nothing to erase is copied."""
    for statement in _M0005.split(";\n\n"):
        db.conn.execute(statement)


_M0005 = """
CREATE INDEX log_entry_action ON log_entry (
    CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.action') END
);

CREATE INDEX log_entry_at ON log_entry (
    CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.at_us') END
);

CREATE INDEX part_deletion_certificate ON part_deletion (certificate)
"""


@MIGRATIONS()
def m0006_exams(db: Database) -> None:
    """Integrations, exams, candidates, sittings with their histories, sessions, warnings, incidents, reviews."""
    for statement in exam_tables.M0006.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0007_deliveries(db: Database) -> None:
    """What is to be delivered outside the box, and what became of each attempt."""
    for statement in delivery_tables.M0007.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0008_centre(db: Database) -> None:
    """The central service a box belongs to, what it told and what waits of it."""
    for statement in centre_tables.M0008.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0009_hub(db: Database) -> None:
    """A central service: its boxes, what each gets and has told, media it asked for; empty on a box."""
    for statement in hub_tables.M0009.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0010_delivery_targets(db: Database) -> None:
    """How each target stands: whether it takes deliveries, since when not, and when it did last."""
    for statement in delivery_tables.M0010.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0011_usb(db: Database) -> None:
    """USB policy and its orders, devices and what happened to them, seat agents; what a warning is about."""
    for statement in usb_tables.M0011.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS()
def m0012_booking(db: Database) -> None:
    """Places of sittings that candidates book themselves, and who has."""
    for statement in booking_tables.M0012.split(";\n\n"):
        db.conn.execute(statement)


KNOWN = frozenset(
    {
        m0001_box_records.__name__,
        m0002_part_deletions.__name__,
        m0003_accounts.__name__,
        m0004_bookmarks.__name__,
        m0005_log_search.__name__,
        m0006_exams.__name__,
        m0007_deliveries.__name__,
        m0008_centre.__name__,
        m0009_hub.__name__,
        m0010_delivery_targets.__name__,
        m0011_usb.__name__,
        m0012_booking.__name__,
    }
)


def migrate(db: Database) -> None:
    """Bring the database to this software's version; safe when several processes start at once.

    Raises:
        DatabaseError: the database was written by newer software; nothing was changed.
    """
    foreign = sorted({done.name for done in MIGRATIONS.applied(db)} - KNOWN)
    if foreign:
        raise DatabaseError(
            f"The database is newer than this software (it has {foreign[-1]}).",
            hint="Install the version that wrote it, or a later one; this version changed nothing.",
        )
    if MIGRATIONS.pending(db):
        with write(db):  # the lock makes the second process find nothing left to do
            MIGRATIONS.apply(db)


def open_box_database(path: Path) -> Database:
    """Open ``exambox.db`` for reading and writing, creating and migrating it as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = connect(path)
    migrate(db)
    return db
