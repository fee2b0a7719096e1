"""The tables of m0006: what comes from the LMS, what is planned, what happened. Wall times in ``_us``."""

from __future__ import annotations

from typing import Final

M0006: Final = """
CREATE TABLE integration (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,     -- part of the API's addresses; never used again for another
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    origin TEXT NOT NULL DEFAULT 'local' CHECK (origin IN ('local', 'centre')),
    review_url TEXT,
    schedule_url TEXT,
    warning_url TEXT,
    agreement_acceptance_url TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    removed_us INTEGER
) STRICT;

CREATE TABLE integration_secret (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    integration TEXT NOT NULL REFERENCES integration (id),
    sealed BLOB NOT NULL,          -- under keys/exchange.key; never in clear
    created_us INTEGER NOT NULL,
    ends_us INTEGER,               -- null: no end; a rotated one is good until then
    used_us INTEGER                -- last seen in a token, to the hour
) STRICT;

CREATE INDEX integration_secret_of ON integration_secret (integration);

CREATE TABLE seen_token (
    integration TEXT NOT NULL,
    jti BLOB NOT NULL,             -- SHA-256 of it
    until_us INTEGER NOT NULL,     -- may be forgotten then
    PRIMARY KEY (integration, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_token_until ON seen_token (until_us);

CREATE TABLE exam (
    id TEXT PRIMARY KEY,
    integration TEXT NOT NULL REFERENCES integration (id),
    account TEXT NOT NULL,         -- the LMS's accountId as text, may be empty
    exam_id TEXT NOT NULL,         -- the LMS's examId as text
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,      -- JSON: as the LMS is answered them
    choices TEXT NOT NULL DEFAULT '{}', -- JSON: what the centre chose beside them (method, validation, instructions)
    window_start_us INTEGER NOT NULL,
    window_end_us INTEGER NOT NULL,
    origin TEXT NOT NULL DEFAULT 'lms' CHECK (origin IN ('lms', 'centre', 'stick', 'box')),
    version INTEGER NOT NULL DEFAULT 1,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    removed_us INTEGER,
    UNIQUE (integration, account, exam_id)
) STRICT;

CREATE INDEX exam_window ON exam (window_end_us);

CREATE TABLE candidate (
    id TEXT PRIMARY KEY,
    integration TEXT REFERENCES integration (id), -- null: known by number alone
    user_id TEXT NOT NULL DEFAULT '',
    number TEXT NOT NULL DEFAULT '',
    last_name TEXT NOT NULL DEFAULT '',
    first_name TEXT NOT NULL DEFAULT '',
    third_name TEXT NOT NULL DEFAULT '',
    email TEXT,
    language TEXT NOT NULL DEFAULT '',
    accommodations TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX candidate_user ON candidate (integration, user_id) WHERE user_id <> '';

CREATE INDEX candidate_number ON candidate (number) WHERE number <> '';

CREATE TABLE sitting (
    id TEXT PRIMARY KEY,           -- [a-z0-9-]{1,60}, the folder's name in the vault
    room TEXT NOT NULL,
    name TEXT NOT NULL,
    timing TEXT NOT NULL,          -- JSON: exams.timing.SittingTiming
    opening TEXT NOT NULL DEFAULT 'people' CHECK (opening IN ('people', 'automatic')),
    lead_us INTEGER NOT NULL DEFAULT 0, -- cameras record so long before the planned start
    origin TEXT NOT NULL DEFAULT 'box' CHECK (origin IN ('box', 'centre', 'stick', 'lms')),
    status TEXT NOT NULL DEFAULT 'planned',
    start_us INTEGER NOT NULL,     -- planned
    ends_us INTEGER,               -- the last end of anybody, as last known
    seq INTEGER NOT NULL DEFAULT 0, -- of its newest event
    version INTEGER NOT NULL DEFAULT 1, -- of the plan
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_us INTEGER NOT NULL,
    removed_us INTEGER
) STRICT;

CREATE INDEX sitting_start ON sitting (start_us);

CREATE TABLE sitting_exam (
    sitting TEXT NOT NULL REFERENCES sitting (id),
    exam TEXT NOT NULL REFERENCES exam (id),
    definition TEXT,               -- JSON: exams.model.Exam, frozen when the readiness check begins; null before
    PRIMARY KEY (sitting, exam)
) STRICT, WITHOUT ROWID;

CREATE TABLE roster_entry (
    sitting TEXT NOT NULL REFERENCES sitting (id),
    candidate TEXT NOT NULL REFERENCES candidate (id),
    exam TEXT NOT NULL REFERENCES exam (id),
    planned TEXT NOT NULL DEFAULT '{}', -- JSON: exams.allowances.Allowance
    seat TEXT NOT NULL DEFAULT '', -- planned; where they sit is in the history
    PRIMARY KEY (sitting, candidate)
) STRICT, WITHOUT ROWID;

CREATE INDEX roster_entry_candidate ON roster_entry (candidate);

CREATE TABLE seat (
    sitting TEXT NOT NULL REFERENCES sitting (id),
    label TEXT NOT NULL,
    place_row INTEGER,
    place_column INTEGER,
    cameras TEXT NOT NULL DEFAULT '[]', -- JSON: camera ids
    PRIMARY KEY (sitting, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE sitting_event (
    sitting TEXT NOT NULL REFERENCES sitting (id),
    seq INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    name TEXT NOT NULL,
    candidate TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL,            -- JSON: exams.transitions.Event
    PRIMARY KEY (sitting, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    integration TEXT NOT NULL REFERENCES integration (id),
    account TEXT NOT NULL,
    session_id TEXT NOT NULL,      -- the LMS's, as text
    wire TEXT NOT NULL DEFAULT '{}', -- JSON: how the LMS spelled accountId and sessionId (number or text)
    exam TEXT NOT NULL REFERENCES exam (id),
    candidate TEXT NOT NULL REFERENCES candidate (id),
    sitting TEXT REFERENCES sitting (id),
    session_url TEXT NOT NULL DEFAULT '',
    finish_url TEXT,
    parameters TEXT NOT NULL DEFAULT '{}', -- JSON: of the hand-over, as answered
    scheduled_us INTEGER,          -- when the candidate is booked for; null: no slot
    agreed_us INTEGER,
    agreed_notice TEXT,
    begun_us INTEGER,
    finished_us INTEGER,
    status TEXT NOT NULL DEFAULT 'not_scheduled', -- as last told
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    removed_us INTEGER,            -- unregistered
    UNIQUE (integration, session_id)
) STRICT;

CREATE INDEX session_sitting ON session (sitting, candidate);

CREATE INDEX session_candidate ON session (candidate, exam);

CREATE TABLE session_ticket (
    token_hash BLOB PRIMARY KEY,   -- SHA-256 of the cookie of a candidate's page
    session TEXT NOT NULL REFERENCES session (id),
    made_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    address TEXT NOT NULL,
    ended_us INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX session_ticket_session ON session_ticket (session);

CREATE TABLE warning (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the LMS's ``id``
    id TEXT NOT NULL UNIQUE,
    sitting TEXT,
    session TEXT REFERENCES session (id), -- null: of the room, or of a seat without a session
    seat TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    camera TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    threshold REAL,
    confidence REAL,
    detail TEXT NOT NULL DEFAULT '{}', -- JSON
    judgements TEXT NOT NULL DEFAULT '[]', -- JSON: exams.records.Judgement, the last one counts
    told_end_us INTEGER            -- the end the LMS was told last; null: not told
) STRICT;

CREATE INDEX warning_session ON warning (session, start_us);

CREATE INDEX warning_sitting ON warning (sitting, start_us);

CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    sitting TEXT NOT NULL,
    session TEXT REFERENCES session (id),
    seat TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL,
    severity TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    evidence TEXT NOT NULL DEFAULT '[]', -- JSON
    made_us INTEGER NOT NULL,
    corrects TEXT REFERENCES incident (id), -- an incident is never changed: a correction stands beside it
    withdrawn TEXT                 -- why this correction says it was none; null otherwise
) STRICT;

CREATE INDEX incident_sitting ON incident (sitting, at_us);

CREATE TABLE review (
    session TEXT PRIMARY KEY REFERENCES session (id),
    requires_validation INTEGER NOT NULL CHECK (requires_validation IN (0, 1)),
    status TEXT NOT NULL DEFAULT 'not_ready',
    score INTEGER NOT NULL DEFAULT 0,
    incident INTEGER NOT NULL DEFAULT 0, -- the worst severity, 0 none: what the queue is ordered by
    since_us INTEGER,              -- ready for review since
    seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX review_status ON review (status, incident DESC, score DESC, since_us);

CREATE TABLE review_event (
    session TEXT NOT NULL REFERENCES review (session),
    seq INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,            -- JSON: exams.transitions.Event
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID
"""
