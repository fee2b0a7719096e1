"""The support bundle: small files of facts, redacted, in one zip. It holds no recordings, keys or names."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.clock import SECOND_US, format_utc
from appliance.database import connect
from appliance.diagnosis.machine import Machine
from appliance.errors import ApplianceError, VaultError
from appliance.support import facts
from appliance.support.journal import journal_facts
from appliance.support.known import known_values
from appliance.support.redact import Redactor
from appliance.support.settings_facts import settings_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.diagnosis.result import Check
    from appliance.support.pseudonyms import Pseudonyms

NAME: Final = "exambox-support.zip"
UNSURE: Final = "(left out: the database cannot be read, so what is personal is not known)"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file of the bundle, as it is packed; ``text`` is UTF-8."""

    name: str
    text: str


@dataclass(frozen=True)
class Sources:
    """What a bundle is made from.

    Attributes:
        settings: the box's.
        clock: dates it.
        checks: does the doctor's checks.
        status: asks capture; raises where it does not answer.
        metrics: the figures of ``/metrics`` as text; raises where there are none.
        history: what changed on the health page, where one was kept.
        machine: the computer below.
    """

    settings: Settings
    clock: Clock
    checks: Callable[[], Sequence[Check]]
    status: Callable[[], dict[str, Any]]
    metrics: Callable[[], str]
    history: list[dict[str, Any]] = field(default_factory=list)
    machine: Machine = field(default_factory=Machine)


def collect(sources: Sources, progress: Progress = lambda _done, _total: None) -> list[BundleFile]:
    """Gather, redact and return every file of a bundle.

    Args:
        sources: see there.
        progress: told after each step; what it raises ends the work.
    """
    db = _open(sources.settings)
    try:
        names = _names(db, sources.settings)
        return _Collector(sources, db if names is not None else None, names, progress).files()
    finally:
        if db is not None:
            db.conn.close()


def write_bundle(target: Path, files: Sequence[BundleFile], clock: Clock) -> None:
    """Pack files into a new zip; nothing in it tells of this machine's users.

    Raises:
        VaultError: it cannot be written.
    """
    moment = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC).timetuple()[:6]
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                entry = zipfile.ZipInfo(f"exambox-support/{file.name}", moment)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
                packed.writestr(entry, file.text)
    except OSError as problem:
        raise VaultError(
            f"{target} cannot be written: {problem.strerror}.", hint="Give a new file in a folder with room."
        ) from problem


def _open(settings: Settings) -> Database | None:
    if not settings.database.exists():
        return None
    try:
        return connect(settings.database, read_only=True)
    except ApplianceError:
        return None


def _names(db: Database | None, settings: Settings) -> Pseudonyms | None:
    if db is None and settings.database.exists():
        return None
    try:
        return known_values(db, settings)
    except sqlite3.Error:
        return None


class _Collector:
    """One bundle in the making."""

    def __init__(self, sources: Sources, db: Database | None, names: Pseudonyms | None, progress: Progress) -> None:
        self._of = sources
        self._db = db
        self._names = names
        self._redactor = Redactor(names or {})
        self._progress = progress
        self._status: dict[str, Any] | None = None

    def files(self) -> list[BundleFile]:
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("doctor.json", self._doctor),
            ("settings.json", lambda: settings_facts(self._of.settings)),
            ("versions.json", facts.version_facts),
            ("hardware.json", lambda: facts.hardware_facts(self._of.machine, self._of.settings)),
            ("units.json", lambda: facts.unit_facts(self._of.machine)),
            ("cameras.json", self._cameras),
            ("recordings.json", self._recordings),
            ("database.json", lambda: facts.database_facts(self._db) if self._db else UNSURE),
            ("log.json", lambda: facts.log_facts(self._db) if self._db else UNSURE),
            ("journal.json", self._journal),
            ("metrics.txt", self._metrics),
            ("health.json", lambda: self._texts(self._of.history)),
        ]
        found = []
        for number, (name, make) in enumerate(steps):
            self._progress(number, len(steps))
            found.append(self._file(name, make))
        self._progress(len(steps), len(steps))
        return [BundleFile("README.txt", self._readme()), *found]

    def _file(self, name: str, make: Callable[[], Any]) -> BundleFile:
        try:
            content = make()
        except (ApplianceError, OSError, sqlite3.Error) as problem:
            content = f"(could not be gathered: {type(problem).__name__})"
        clean = self._redactor.tree(content, patterns=name not in {"versions.json", "hardware.json"})
        if name.endswith(".txt"):
            return BundleFile(name, str(clean))
        return BundleFile(name, json.dumps(clean, ensure_ascii=False, indent=1) + "\n")

    def _texts(self, value: Any) -> Any:
        """Return free text, or that it is left out where nobody knows what in it is personal."""
        return value if self._names is not None else UNSURE

    def _doctor(self) -> Any:
        checks = [asdict(check) for check in self._of.checks()]
        if self._names is not None:
            return checks
        return [
            {"name": check["name"].partition(" ")[0], "state": check["state"], "message": UNSURE} for check in checks
        ]

    def _asked(self) -> dict[str, Any] | None:
        if self._status is None:
            try:
                self._status = self._of.status()
            except ApplianceError:
                return None
        return self._status

    def _cameras(self) -> Any:
        if self._db is None or self._names is None:
            return UNSURE
        return facts.camera_facts(self._db, self._asked(), self._names)

    def _recordings(self) -> Any:
        if self._db is None or self._names is None:
            return UNSURE
        return facts.recording_facts(self._db, self._of.settings.vault_dir, self._names, self._of.clock.wall_us())

    def _journal(self) -> Any:
        return self._texts(journal_facts(self._of.machine))

    def _metrics(self) -> Any:
        return self._texts(self._of.metrics())

    def _readme(self) -> str:
        made = format_utc(self._of.clock.wall_us())
        return _README.format(made=made)


_README = """Exambox support bundle, made {made}

What is in it
  doctor.json      what the box's own checks found
  settings.json    settings: numbers and choices; texts only as set or not set
  versions.json    software
  hardware.json    machine, memory, heat, disk
  units.json       how systemd sees the box's services
  cameras.json     cameras under made-up names: kind, state, figures, last changes
  recordings.json  how many parts of which state and size; sittings under made-up names
  database.json    migrations, row counts, integrity; accounts by role
  log.json         how often which action is in the log
  journal.json     last events of the box's services: fixed sentences, numbers, places in the code
  metrics.txt      the figures of /metrics
  health.json      what changed on the health page since the dashboard started

What is not in it
  recordings, pictures or sound; keys, passwords or passphrases; names of people, cameras, rooms and sittings; e-mail,
  IP and MAC addresses, host names; notes, reasons and other texts that people wrote.

Made-up names such as <camera 1> mean the same within this bundle, and nothing outside of it. Values the box knows of
were taken out of every text, in any common spelling; what looks like an address or an identifier was, too.
Look at the files before you send them on: they are plain text.
"""
