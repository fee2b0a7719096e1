"""Tables of USB policy, devices and seat agents."""

from __future__ import annotations

from typing import Final

M0011: Final = """
CREATE TABLE usb_policy (
    version INTEGER PRIMARY KEY AUTOINCREMENT, -- the newest is in force; none: the default exam policy
    text TEXT NOT NULL,            -- the TOML file as it was written
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE usb_order (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('arm', 'stand_down', 'export', 'let_in')),
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    until_us INTEGER,              -- null: until it is ended
    ended_us INTEGER,
    ended_by TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '{}' -- JSON: the device (hash, port, words) or the sitting
) STRICT;

CREATE INDEX usb_order_standing ON usb_order (kind) WHERE ended_us IS NULL;

CREATE TABLE usb_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at_us INTEGER NOT NULL,
    body TEXT NOT NULL             -- JSON: usb.state.State, what the devices process does now
) STRICT;

CREATE TABLE usb_device (
    port TEXT PRIMARY KEY,         -- what is plugged in now; the devices process alone writes here
    device TEXT NOT NULL,          -- JSON: usb.model.Device
    decision TEXT NOT NULL,        -- JSON: usb.model.Decision
    -- as enforced; noted: judged only
    state TEXT NOT NULL CHECK (state IN ('in', 'partly', 'out', 'rejected', 'failed', 'noted')),
    problem TEXT NOT NULL DEFAULT '',
    since_us INTEGER NOT NULL,
    looked_us INTEGER NOT NULL
) STRICT;

CREATE TABLE usb_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    kind TEXT NOT NULL,            -- plugged, unplugged, changed, decided, failed, missed, storm
    port TEXT NOT NULL,
    hash TEXT NOT NULL DEFAULT '',
    times INTEGER NOT NULL DEFAULT 1, -- repeats are one row
    last_us INTEGER NOT NULL,
    mode TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT '',
    rule TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '',
    device TEXT NOT NULL DEFAULT '{}', -- JSON: usb.model.Device
    sitting TEXT NOT NULL DEFAULT '',
    seat TEXT NOT NULL DEFAULT '',
    warning INTEGER                -- number of the warning it made, if any
) STRICT;

CREATE INDEX usb_event_sitting ON usb_event (sitting, id);

CREATE INDEX usb_event_warning ON usb_event (warning) WHERE warning IS NOT NULL;

CREATE TABLE usb_port (
    port TEXT PRIMARY KEY,         -- a port, or a hub: then all below it that have no row of their own
    label TEXT NOT NULL DEFAULT '', -- where it is, for people
    seat TEXT NOT NULL DEFAULT '', -- the seat's label in the room's plans
    changed_us INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;

CREATE TABLE usb_seen (
    hash TEXT PRIMARY KEY,         -- devices that were there when the box was enrolled, proposed and confirmed
    device TEXT NOT NULL,
    seen_us INTEGER NOT NULL,
    confirmed_us INTEGER,
    confirmed_by TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE usb_signed_policy (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,      -- counts up with every change of policy or mode; agents refuse an older one
    body TEXT NOT NULL,            -- JSON: usb.signed.SignedPolicy's content
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE seat_agent_code (
    secret_hash BLOB PRIMARY KEY,  -- SHA-256 of the one-time code's secret
    seat TEXT NOT NULL DEFAULT '',
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    used_us INTEGER,
    withdrawn_us INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE seat_agent (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,            -- the workstation's
    seat TEXT NOT NULL DEFAULT '',
    public_key BLOB NOT NULL,
    enrolled_us INTEGER NOT NULL,
    enrolled_by TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    revoked_us INTEGER,
    heard_us INTEGER,              -- when it last reported
    silent_since_us INTEGER,       -- null: it reports
    silent_warning INTEGER,        -- number of the warning that says so
    policy_version INTEGER NOT NULL DEFAULT 0, -- the one it has
    state TEXT NOT NULL DEFAULT '{}' -- JSON: what it says of itself
) STRICT;

CREATE TABLE seat_event (
    agent TEXT NOT NULL REFERENCES seat_agent (id),
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_us INTEGER NOT NULL,        -- by the agent's clock, corrected by what is known of it
    received_us INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,            -- JSON
    warning INTEGER,
    PRIMARY KEY (agent, epoch, seq)
) STRICT, WITHOUT ROWID;

ALTER TABLE warning ADD COLUMN subject TEXT NOT NULL DEFAULT '{}'
"""
