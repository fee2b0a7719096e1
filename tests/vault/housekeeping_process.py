"""A process that keeps house over a vault as fast as it can, until it is told to end or nothing is left to do."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.clock import ManualClock
from appliance.config import VaultSettings
from appliance.database import connect
from appliance.vault.disk import DiskSpace
from appliance.vault.housekeeping import housekeep
from tests.vault.part_material import NOW_US


def main() -> None:
    """Say each run's number of certificates; arguments: database, vault."""
    db, clock, idle = connect(Path(sys.argv[1])), ManualClock(NOW_US), 0
    while idle < 2:
        report = housekeep(
            db, Path(sys.argv[2]), VaultSettings(), clock, measure=lambda _folder: DiskSpace(1000, 500), trusted=True
        )
        sys.stdout.write(f"{len(report.certificates)}\n")
        sys.stdout.flush()
        idle = 0 if report.certificates else idle + 1


if __name__ == "__main__":
    main()
