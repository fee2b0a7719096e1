"""The tables of m0007 and m0010: the outbox, the attempts to deliver, the targets. Wall times in ``_us``."""

from __future__ import annotations

from typing import Final

M0007: Final = """
CREATE TABLE epoch (
    name TEXT PRIMARY KEY,         -- part of delivery keys; a restored or copied box begins a new one
    begun_us INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('first', 'restored', 'cloned', 'conflict')),
    last_seq INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of causes
    epoch TEXT NOT NULL REFERENCES epoch (name),
    seq INTEGER NOT NULL,
    target TEXT NOT NULL,          -- lms:<integration id> or centre
    stream TEXT NOT NULL,          -- order is kept within it: a session's id, or empty
    kind TEXT NOT NULL,
    body TEXT NOT NULL,            -- JSON
    cause_us INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'delivered', 'parked', 'superseded', 'discarded')),
    attempts INTEGER NOT NULL DEFAULT 0,
    refusals INTEGER NOT NULL DEFAULT 0,
    next_try_us INTEGER NOT NULL DEFAULT 0,
    settled_us INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (epoch, seq)
) STRICT;

CREATE INDEX delivery_open ON delivery (target, stream, id) WHERE state IN ('waiting', 'parked');

CREATE INDEX delivery_settled ON delivery (settled_us) WHERE settled_us IS NOT NULL;

CREATE TABLE delivery_attempt (
    delivery INTEGER NOT NULL REFERENCES delivery (id),
    number INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    status INTEGER,                -- of HTTP; null: no answer
    body TEXT NOT NULL DEFAULT '', -- of the answer, redacted, cut
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID
"""

M0010: Final = """
CREATE TABLE delivery_target (
    target TEXT PRIMARY KEY,
    last_success_us INTEGER,       -- outlives the deliveries, which are forgotten
    last_answer_us INTEGER,
    silent_since_us INTEGER,       -- null: it takes deliveries; else one is tried at a time
    failures INTEGER NOT NULL DEFAULT 0, -- tries in vain since then
    next_try_us INTEGER NOT NULL DEFAULT 0, -- while it is silent
    reason TEXT NOT NULL DEFAULT '' -- why nothing goes there
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_of_target ON delivery (target, id)
"""
