"""The tables of m0008: the central service a box belongs to, what it told, what waits. Wall times in ``_us``.

They are empty where a box belongs to no centre.
"""

from __future__ import annotations

from typing import Final

M0008: Final = """
CREATE TABLE centre (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    hub TEXT NOT NULL,             -- hub:<name>
    name TEXT NOT NULL,            -- for people
    room TEXT NOT NULL,            -- as the centre calls the box's room
    address TEXT NOT NULL,         -- https://host:port
    public BLOB NOT NULL,          -- Ed25519: what it signs with
    seal_public BLOB NOT NULL,     -- X25519: what sticks to it are sealed to
    ca TEXT NOT NULL DEFAULT '',   -- PEM: who certifies its address; empty: an authority of the system
    key_print TEXT NOT NULL,       -- of the box's own public key, so that another key file is noticed
    enrolled_us INTEGER NOT NULL,
    enrolled_by TEXT NOT NULL,
    valid_until_us INTEGER,        -- the box's key is taken until then; null: until it is revoked
    cursor TEXT NOT NULL DEFAULT '', -- moves together with what was taken over
    pulled_us INTEGER,             -- when the last chunk was taken over
    answered_us INTEGER,           -- when it answered last, to some minutes
    left_us INTEGER                -- the box belongs to it no more; enrolling begins anew
) STRICT;

CREATE TABLE centre_thing (
    hub TEXT NOT NULL,
    kind TEXT NOT NULL,            -- a kind of change; `candidate`: one named in a roster or a session
    id TEXT NOT NULL,              -- the centre's
    local TEXT NOT NULL DEFAULT '', -- what it is here; empty: nothing
    version INTEGER NOT NULL,      -- of what was taken over
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    at_us INTEGER NOT NULL,
    digest TEXT NOT NULL,
    content BLOB NOT NULL,         -- SHA-256 of sitting and body: the same again changes nothing
    taken_us INTEGER NOT NULL,
    PRIMARY KEY (hub, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX centre_thing_local ON centre_thing (kind, local);

CREATE TABLE centre_waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- a newer change of the same thing gets a new one
    hub TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    change TEXT NOT NULL,          -- JSON: exchange.centre.changes.Change, signature and all
    digest TEXT NOT NULL,
    sitting TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'declined', 'held')), -- held: it cannot be taken over yet
    reason TEXT NOT NULL DEFAULT '', -- why it is held
    since_us INTEGER NOT NULL,
    decided_us INTEGER,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_why TEXT NOT NULL DEFAULT '',
    UNIQUE (hub, kind, id)
) STRICT;

CREATE INDEX centre_waiting_sitting ON centre_waiting (sitting);

CREATE TABLE centre_media (
    id TEXT PRIMARY KEY,           -- the centre's name of its request
    hub TEXT NOT NULL,
    sitting TEXT NOT NULL,
    camera TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    asked_us INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'complete', 'withdrawn', 'nothing')),
    segments INTEGER NOT NULL DEFAULT 0, -- sent by this box so far
    bytes INTEGER NOT NULL DEFAULT 0,
    changed_us INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX centre_media_state ON centre_media (state, asked_us);

CREATE TABLE centre_stick (
    number TEXT NOT NULL,          -- 32 hex digits that name the file
    way TEXT NOT NULL CHECK (way IN ('in', 'out')),
    hub TEXT NOT NULL,
    created_us INTEGER NOT NULL,   -- by its writer's clock
    at_us INTEGER NOT NULL,        -- read or written here
    who TEXT NOT NULL,
    count INTEGER NOT NULL,
    result TEXT NOT NULL DEFAULT '{}', -- JSON: what became of it, by number
    PRIMARY KEY (number, way)
) STRICT, WITHOUT ROWID;

CREATE INDEX centre_stick_at ON centre_stick (at_us)
"""
