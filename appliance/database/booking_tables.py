"""Tables of places that candidates book themselves (m0012)."""

from __future__ import annotations

from typing import Final

M0012: Final = """
CREATE TABLE booking_offer (
    sitting TEXT PRIMARY KEY REFERENCES sitting (id),
    places INTEGER NOT NULL CHECK (places > 0), -- so many candidates may book themselves
    cancel_lead_us INTEGER NOT NULL CHECK (cancel_lead_us >= 0) -- so long before the start they may still give it up
) STRICT;

CREATE TABLE booking (
    sitting TEXT NOT NULL REFERENCES sitting (id),
    candidate TEXT NOT NULL REFERENCES candidate (id), -- counts while they are on the sitting's roster
    booked_us INTEGER NOT NULL,
    PRIMARY KEY (sitting, candidate)
) STRICT, WITHOUT ROWID
"""
