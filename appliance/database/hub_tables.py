"""The tables of m0009: a central service's boxes, what each gets, what each has told. Wall times in ``_us``.

They are empty on a box. Triggers note what changes among exams, sittings and so on in the transaction of the change;
they do nothing where there is no row in ``hub``.
"""

from __future__ import annotations

from typing import Final

M0009: Final = """
CREATE TABLE hub (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,              -- hub:<name>, as the key files have it
    centre TEXT NOT NULL,          -- for people
    cursor_key BLOB NOT NULL,      -- signs the cursors of boxes
    begun_us INTEGER NOT NULL
) STRICT;

CREATE TABLE hub_code (
    hash BLOB PRIMARY KEY,         -- SHA-256 of the secret
    room TEXT NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    used_us INTEGER,
    used_by TEXT,                  -- the box
    withdrawn_us INTEGER
) STRICT;

CREATE TABLE hub_box (
    id TEXT PRIMARY KEY,
    room TEXT NOT NULL,
    name TEXT NOT NULL,            -- as the box calls itself
    public BLOB NOT NULL,          -- Ed25519
    seal_public BLOB NOT NULL,     -- X25519
    address TEXT NOT NULL DEFAULT '', -- where candidates' browsers reach it, entered here
    told_address TEXT NOT NULL DEFAULT '', -- as the box told
    enrolled_us INTEGER NOT NULL,
    valid_until_us INTEGER,        -- null: until it is revoked
    revoked_us INTEGER,
    revoked_by TEXT,
    revoked_why TEXT,
    seen_us INTEGER,
    report TEXT,                   -- JSON: the last one
    report_us INTEGER,
    pulled_us INTEGER,
    pushed_us INTEGER
) STRICT;

CREATE TABLE hub_epoch (
    box TEXT NOT NULL REFERENCES hub_box (id),
    epoch TEXT NOT NULL,
    machine TEXT NOT NULL,         -- the first that reported it
    told_seq INTEGER NOT NULL DEFAULT 0, -- the highest the box said it has given
    held_seq INTEGER NOT NULL DEFAULT 0, -- the highest that is here
    first_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    conflict_us INTEGER,           -- another content came under a key that is here
    said TEXT NOT NULL DEFAULT 'ok' CHECK (said IN ('ok', 'restored', 'cloned', 'conflict')),
    PRIMARY KEY (box, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_assignment (
    kind TEXT NOT NULL CHECK (kind IN ('exam', 'sitting')),
    id TEXT NOT NULL,
    box TEXT NOT NULL REFERENCES hub_box (id),
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    PRIMARY KEY (kind, id, box)
) STRICT, WITHOUT ROWID;

CREATE INDEX hub_assignment_box ON hub_assignment (box);

CREATE TABLE hub_feed (
    box TEXT NOT NULL REFERENCES hub_box (id),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL UNIQUE, -- grows with every change; a time where that is ahead
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    at_us INTEGER NOT NULL,
    sitting TEXT NOT NULL,
    body TEXT NOT NULL,
    signature TEXT NOT NULL,
    content BLOB NOT NULL,         -- a hash of what the body was made from: the same is not told twice
    PRIMARY KEY (box, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX hub_feed_order ON hub_feed (box, position);

CREATE INDEX hub_feed_thing ON hub_feed (kind, id);

CREATE TABLE hub_version (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_dirty (
    kind TEXT NOT NULL,            -- a kind of change, or `box`: all it gets is worked out anew
    id TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_item (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of arrival
    box TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stream TEXT NOT NULL,
    at_us INTEGER NOT NULL,        -- by the box's clock
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    note TEXT NOT NULL DEFAULT '', -- why nothing came of it, where something should have
    UNIQUE (box, epoch, seq)
) STRICT;

CREATE INDEX hub_item_stream ON hub_item (box, stream, number);

CREATE TABLE hub_session (
    integration TEXT NOT NULL REFERENCES integration (id),
    session_id TEXT NOT NULL,      -- the LMS's, as text
    box TEXT,                      -- which has it; null: none yet
    status TEXT,                   -- as the box told last
    begun_us INTEGER,
    ended_us INTEGER,
    agreed_us INTEGER,
    scheduled_us INTEGER,
    conclusion TEXT NOT NULL DEFAULT '',
    score REAL,
    warnings INTEGER NOT NULL DEFAULT 0,
    told_us INTEGER,               -- when the box told last, by its clock
    tell_epoch TEXT,               -- the key of the newest review on its way to the LMS
    tell_seq INTEGER,
    finish_us INTEGER,             -- the LMS ended it
    finish_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (integration, session_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX hub_session_box ON hub_session (box);

CREATE TABLE hub_sitting (
    sitting TEXT NOT NULL,
    box TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT '',
    seq INTEGER NOT NULL DEFAULT 0, -- of its newest event
    at_us INTEGER NOT NULL,
    register TEXT,                 -- JSON, as signed last
    PRIMARY KEY (sitting, box)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_media (
    id TEXT PRIMARY KEY,
    box TEXT NOT NULL REFERENCES hub_box (id),
    sitting TEXT NOT NULL,
    camera TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '',
    made_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    last_us INTEGER,               -- the box offered all it has
    complete_us INTEGER,
    withdrawn_us INTEGER
) STRICT;

CREATE INDEX hub_media_box ON hub_media (box);

CREATE TABLE hub_segment (
    media TEXT NOT NULL REFERENCES hub_media (id),
    part INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored_us INTEGER,             -- null: not here yet
    PRIMARY KEY (media, part, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_extra_time (
    id TEXT PRIMARY KEY,           -- of its content
    sitting TEXT NOT NULL,
    body TEXT NOT NULL,            -- JSON: exchange.centre.extra_time.ExtraTime
    made_us INTEGER NOT NULL,
    withdrawn_us INTEGER
) STRICT;

CREATE INDEX hub_extra_time_sitting ON hub_extra_time (sitting);

CREATE TABLE hub_seen_token (
    jti BLOB PRIMARY KEY,          -- SHA-256 of sender and jti
    until_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX hub_seen_token_until ON hub_seen_token (until_us);

CREATE TRIGGER hub_exam_made AFTER INSERT ON exam WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('exam', NEW.id);
END;

CREATE TRIGGER hub_exam_changed AFTER UPDATE OF parameters, choices, name, removed_us ON exam
WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('exam', NEW.id);
END;

CREATE TRIGGER hub_integration_changed AFTER UPDATE ON integration WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('integration', NEW.id);
END;

CREATE TRIGGER hub_secret_made AFTER INSERT ON integration_secret WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('integration', NEW.integration);
END;

CREATE TRIGGER hub_secret_changed AFTER UPDATE OF sealed, ends_us ON integration_secret
WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('integration', NEW.integration);
END;

CREATE TRIGGER hub_secret_gone AFTER DELETE ON integration_secret WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('integration', OLD.integration);
END;

CREATE TRIGGER hub_sitting_changed AFTER UPDATE OF room, name, timing, opening, lead_us, removed_us ON sitting
WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('sitting', NEW.id);
END;

CREATE TRIGGER hub_sitting_exam_made AFTER INSERT ON sitting_exam WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('sitting', NEW.sitting);
    INSERT OR IGNORE INTO hub_dirty (kind, id)
        SELECT 'box', box FROM hub_assignment WHERE kind = 'sitting' AND id = NEW.sitting;
END;

CREATE TRIGGER hub_sitting_exam_gone AFTER DELETE ON sitting_exam WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('sitting', OLD.sitting);
    INSERT OR IGNORE INTO hub_dirty (kind, id)
        SELECT 'box', box FROM hub_assignment WHERE kind = 'sitting' AND id = OLD.sitting;
END;

CREATE TRIGGER hub_roster_made AFTER INSERT ON roster_entry WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('roster', NEW.sitting), ('seating', NEW.sitting);
END;

CREATE TRIGGER hub_roster_changed AFTER UPDATE ON roster_entry WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('roster', NEW.sitting), ('seating', NEW.sitting);
END;

CREATE TRIGGER hub_roster_gone AFTER DELETE ON roster_entry WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('roster', OLD.sitting), ('seating', OLD.sitting);
END;

CREATE TRIGGER hub_seat_made AFTER INSERT ON seat WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('seating', NEW.sitting);
END;

CREATE TRIGGER hub_seat_changed AFTER UPDATE ON seat WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('seating', NEW.sitting);
END;

CREATE TRIGGER hub_seat_gone AFTER DELETE ON seat WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('seating', OLD.sitting);
END;

CREATE TRIGGER hub_candidate_changed
AFTER UPDATE OF user_id, number, last_name, first_name, third_name, email, language, accommodations ON candidate
WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) SELECT 'roster', sitting FROM roster_entry WHERE candidate = NEW.id;
    INSERT OR IGNORE INTO hub_dirty (kind, id) SELECT 'session', id FROM session WHERE candidate = NEW.id;
END;

CREATE TRIGGER hub_session_made AFTER INSERT ON session WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('session', NEW.id);
END;

CREATE TRIGGER hub_session_changed
AFTER UPDATE OF exam, candidate, sitting, session_url, finish_url, parameters, wire, scheduled_us, removed_us ON session
WHEN EXISTS (SELECT 1 FROM hub) BEGIN
    INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('session', NEW.id);
END
"""
