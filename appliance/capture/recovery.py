"""What capture does about parts that a crash left open, before it records on.

One camera's recovery never holds up another's, and none of it holds up recording for longer than it takes to read
what follows the last checkpoint. Files are the truth: part rows that are missing or stale are made from them.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from appliance import log
from appliance.cameras.wishes import current_wish, list_wishes
from appliance.capture.writer_keys import writer_keys
from appliance.clock import SECOND_US, boot_id, clock_is_trusted
from appliance.errors import ApplianceError
from appliance.vault.facts import part_facts
from appliance.vault.part_files import PartFile, recording_files, recordings
from appliance.vault.part_model import Anchor
from appliance.vault.recover import RecoveredPart, recover_recording

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.cameras.wishes import Wish
    from appliance.capture.facts import Facts
    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.vault.recover import RecoveryReport

PATIENCE_US = 3 * SECOND_US
# The past waits while cameras are being started; a camera that is no longer there to be started holds up nothing.
STARTING_US = 10 * SECOND_US
OWED_AGAIN_US = 10 * SECOND_US


class Recovery:
    """Closes what was left open: before a camera records on, what it recorded last; the rest little by little."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._log = log.get(__name__)
        self._marked: dict[str, int] = {}
        self._old: list[tuple[str, str]] = []
        self._owed: set[tuple[str, str]] = set()
        self._owed_us = 0

    def begin(self) -> None:
        """At the start of the process any recording may have been left open."""
        self._old = sorted(recordings(self._settings.vault_dir))
        for _, camera in self._old:
            self.mark(camera)

    def mark(self, camera: str) -> None:
        """A camera's process has died: its newest part may be open."""
        self._marked.setdefault(camera, self._clock.mono_us())

    def owe(self, sitting: str, camera: str) -> None:
        """A part was abandoned, or could not be closed: that is done when its recording is over at the latest."""
        self._owed.add((sitting, camera))

    def settle(self, camera: str, wish: Wish | None, facts: Facts) -> bool:
        """Close what a camera left open of the sitting in progress; return whether its process may start now.

        A folder that a dying process still holds is tried again for a while; after that the camera records on in a
        new part, because an old part can be closed later, but pictures not taken are lost.
        """
        since = self._marked.get(camera)
        if since is None:
            return True
        if wish is not None and self._recover(wish.sitting, camera, None, facts):
            if self._clock.mono_us() - since < PATIENCE_US:
                return False
            self.owe(wish.sitting, camera)
        elif wish is not None:
            self._adopt(wish.sitting, camera, facts)
        del self._marked[camera]
        return True

    def settle_one_old(self, facts: Facts) -> None:
        """Look at one of the recordings of the past; called once a round, so that it never takes long."""
        now = self._clock.mono_us()
        if self._owed and now - self._owed_us >= OWED_AGAIN_US:
            self._owed_us = now
            self._old.extend(self._owed)
            self._owed.clear()
        if not self._old or any(now - since < STARTING_US for since in self._marked.values()):
            return
        sitting, camera = self._old.pop()
        try:
            standing = current_wish(self._db)
            ends = {wish.sitting: wish.stopped_us for wish in list_wishes(self._db, limit=10_000)}
        except (sqlite3.Error, ApplianceError) as problem:
            self._log.error("the wishes cannot be read; old parts wait", problem=str(problem))
            self.owe(sitting, camera)
            return
        in_progress = standing is not None and standing.sitting == sitting
        if in_progress or self._recover(sitting, camera, ends.get(sitting), facts):
            self.owe(sitting, camera)
        else:
            self._adopt(sitting, camera, facts)

    def _adopt(self, sitting: str, camera: str, facts: Facts) -> None:
        """Let the rows know of finished parts, so that retention and disk rules hold for them too.

        A part has no row where the database was lost; its row says *open* where the parent of the process that
        closed it was dead by then.
        """
        sql = "SELECT number FROM part WHERE sitting = ? AND camera = ? AND state NOT IN ('open', 'abandoned')"
        try:
            known = {row[0] for row in self._db.conn.execute(sql, (sitting, camera))}
        except sqlite3.Error as problem:
            self._log.error("the part rows cannot be read; old parts wait", problem=str(problem))
            self.owe(sitting, camera)
            return
        for file in recording_files(self._settings.vault_dir, sitting, camera):
            if file.number not in known:
                self._adopt_one(file, facts)

    def _adopt_one(self, file: PartFile, facts: Facts) -> None:
        try:
            part = part_facts(file)
        except ApplianceError as problem:
            self._log.error("a part without a row cannot be read", file=str(file.path), problem=problem.message)
            return
        if part.state != "open":
            facts.part_found(
                {
                    "part_id": part.manifest.part_id,
                    "sitting": file.sitting,
                    "camera": file.camera,
                    "number": file.number,
                    "started_us": part.start_us,
                    "ended_us": part.end_us,
                    "bytes": part.bytes,
                    "state": "closed",
                }
            )

    def _recover(self, sitting: str, camera: str, until_wall_us: int | None, facts: Facts) -> bool:
        """Recover one recording; return whether it must be tried again: its folder is held, or the disk refuses."""
        now = Anchor(self._clock.wall_us(), self._clock.mono_us(), boot_id(), clock_is_trusted())
        vault_dir = self._settings.vault_dir
        try:
            keys = writer_keys(self._settings.keys_dir)
            report = recover_recording(vault_dir, sitting, camera, keys, now=now, until_wall_us=until_wall_us)
        except (ApplianceError, OSError) as problem:
            self._log.error("a recording cannot be looked at", sitting=sitting, camera=camera, problem=str(problem))
            return False
        self._tell(camera, report, facts)
        return bool(report.in_use or report.failed)

    def _tell(self, camera: str, report: RecoveryReport, facts: Facts) -> None:
        for part in report.recovered:
            self._log.warning(
                "a part was closed after an interruption",
                camera=camera,
                sitting=part.sitting,
                part=part.number,
                gap_seconds=round(part.gap_us / SECOND_US, 1),
            )
            facts.part_opened(camera, _row_of(part))
            facts.part_ended(part.part_id.hex(), "recovered", _end_of(part))
        for path, reason in [*report.damaged, *report.failed]:
            self._log.error("a part cannot be recovered; it is left as it is", file=str(path), reason=reason)


def _row_of(part: RecoveredPart) -> dict[str, object]:
    return {
        "part_id": part.part_id.hex(),
        "sitting": part.sitting,
        "number": part.number,
        "started_us": part.started_wall_us,
        "opened": "found",
    }


def _end_of(part: RecoveredPart) -> dict[str, object]:
    fact = part.checkpoint
    return {
        "ended_us": part.ended_wall_us,
        "bytes": part.path.stat().st_size,
        "seq": fact.seq,
        "chain": part.chain.hex(),
        "sha256": fact.sha256.hex(),
    }
