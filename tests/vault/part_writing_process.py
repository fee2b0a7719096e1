"""A process that writes parts until it is killed; prints ``part seq hash`` for each record that was acknowledged.

Usage: ``python -m tests.vault.part_writing_process VAULT FIRST_PART SEED``
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from pathlib import Path

from appliance.clock import SystemClock
from appliance.vault.format import GapReason
from appliance.vault.part import PreviousPart
from tests.vault.part_writing import add_segment, start_part

RECORDS_A_PART = 25


def main(vault: Path, part: int, seed: int) -> None:
    """Write, acknowledge on standard output, never stop."""
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    clock = SystemClock()
    previous = None
    while True:
        writer = start_part(vault, clock, part=part, previous=previous)
        while writer.next_seq < RECORDS_A_PART:
            if chance.random() < 0.1:
                acknowledge(part, writer.append_gap(writer.end_us, 5000, GapReason.OVERLOAD), b"")
                continue
            plaintext = os.urandom(chance.randrange(1, 300_000))
            seq = add_segment(writer, plaintext, duration_us=1000, checkpoint=chance.random() < 0.2)
            acknowledge(part, seq, plaintext)
        closed = writer.close()
        previous = PreviousPart(closed.part_id, closed.chain)
        part += 1


def acknowledge(part: int, seq: int, plaintext: bytes) -> None:
    """Tell the parent, in one write, what it may rely on."""
    line = f"{part} {seq} {hashlib.sha256(plaintext).hexdigest()}\n"
    os.write(sys.stdout.fileno(), line.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
