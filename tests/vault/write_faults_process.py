"""A process that records while the kernel is told to fail; prints what was acknowledged.

Usage: ``python -m tests.vault.write_faults_process VAULT``. Each line is one of ``wrote PART SEQ HASH``,
``closed PART`` and ``failed PART REASON``. As a camera does, it goes on in a fresh part after a failure.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from appliance.clock import SystemClock
from appliance.vault.part import PartWriteError, PartWriter
from tests.vault.part_writing import add_segment, start_part

RECORDS = 6
ATTEMPTS = 5


def say(text: str) -> None:
    """Tell the parent, in one write."""
    os.write(sys.stdout.fileno(), f"{text}\n".encode())


def record(writer: PartWriter, part: int) -> None:
    """Write six records and close the part."""
    for number in range(1, RECORDS + 1):
        plaintext = f"{part} {number} ".encode() * 20_000
        seq = add_segment(writer, plaintext, duration_us=1000, checkpoint=number % 4 == 0)
        say(f"wrote {part} {seq} {hashlib.sha256(plaintext).hexdigest()}")
    writer.close()
    say(f"closed {part}")


def main(vault: Path) -> None:
    """Try five times to record a part; a number is used up only by a part that was opened."""
    clock = SystemClock()
    part, previous = 1, None
    for _ in range(ATTEMPTS):
        try:
            writer = start_part(vault, clock, part=part, previous=previous)
        except PartWriteError as problem:
            say(f"failed {part} {problem.reason}")
            continue
        try:
            record(writer, part)
        except PartWriteError as problem:
            say(f"failed {part} {problem.reason}")
        previous = writer.acknowledged()
        part += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
