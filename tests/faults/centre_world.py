"""A central service and boxes as the processes they are, with faults between them and a clock each that can be set."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.centre.enrolling import enrol
from appliance.centre.hub_caller import HubCallError
from appliance.clock import SECOND_US, SystemClock
from appliance.config import BoxSettings, ExamsSettings, LogSettings, PathSettings, Settings, SyncSettings
from appliance.database import connect, open_box_database
from appliance.hub.codes import make_code
from appliance.hub.identity import HubKeys, init_hub
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.vault.keys import init_keys, load_box_id
from tests.support.kept_process import KeptProcess
from tests.support.waiting import until

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Integration

LMS: Final = "campus"
TIMEOUT_S: Final = 2.0
_STEPPED_CLOCK: Final = Path(__file__).resolve().parent.parent / "support" / "stepped_clock"
_DATABASE: Final = ("exambox.db", "exambox.db-wal", "exambox.db-shm")


class SetClock(SystemClock):
    """The clock of one machine: the kernel's, set forward or back by what stands in a file its processes read too."""

    def __init__(self, shift: Path) -> None:
        self.shift = shift
        self.set(0)

    def set(self, seconds: int) -> None:
        """Step the wall clock; the file is replaced at once, so that nobody reads half of it."""
        self.shift.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.shift.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.shift)
        self._seconds = seconds

    def wall_us(self) -> int:
        """Return UTC as this machine has it."""
        return super().wall_us() + self._seconds * SECOND_US


class Process:
    """One process of a machine, started again whenever it ends."""

    def __init__(self, name: str, words: list[str], environ: dict[str, str], folder: Path) -> None:
        self.name = name
        self._words = [sys.executable, "-m", "appliance.cli", *words]
        self._environ = environ
        self.journal = folder / f"{name}.journal"
        self._kept: KeptProcess | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it, and keep it."""
        self._kept = KeptProcess(self._words, self._environ, self.journal).start()

    def kill(self) -> None:
        """End it and all its children at once, as a power cut does."""
        if self._kept is not None and self._kept.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._kept.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it in order, and keep it no longer."""
        if self._kept is not None:
            self._kept.stop()
            self.starts += self._kept.starts
            self._kept = None


@dataclass
class Machine:
    """Settings, clock, database and environment of a box or a hub."""

    name: str
    folder: Path
    settings: Settings
    clock: SetClock
    environ: dict[str, str]

    @classmethod
    def make(cls, name: str, folder: Path, *, role: str, address: str = "", **environ: str) -> Machine:
        """Make the folder of a machine that was never started."""
        folder.mkdir(parents=True)
        state, run = folder / "state", folder / "run"
        settings = Settings(
            box=BoxSettings(trial=True, role=role, room=f"Room {name}"),  # type: ignore[arg-type]  # one of the two
            paths=PathSettings(state=str(state), run=str(run)),
            exams=ExamsSettings(public_address=address),
            sync=SyncSettings(timeout_seconds=TIMEOUT_S),
            log=LogSettings(level="info"),
        )
        clock = SetClock(folder / "shift")
        plain = {key: value for key, value in os.environ.items() if not key.startswith("EXAMBOX_")}
        return cls(name, folder, settings, clock, plain | _variables(settings, clock) | environ)

    def open(self) -> Database:
        """Return a connection of its own."""
        return open_box_database(self.settings.database)

    def process(self, *words: str) -> Process:
        """Return a process of this machine."""
        return Process(words[0], list(words), self.environ, self.folder)


def _variables(settings: Settings, clock: SetClock) -> dict[str, str]:
    return {
        "PYTHONPATH": str(_STEPPED_CLOCK),
        "STEPPED_CLOCK": str(clock.shift),
        "EXAMBOX_BOX__ROLE": settings.box.role,
        "EXAMBOX_BOX__ROOM": settings.box.room,
        "EXAMBOX_PATHS__STATE": settings.paths.state,
        "EXAMBOX_PATHS__RUN": settings.paths.run,
        "EXAMBOX_EXAMS__PUBLIC_ADDRESS": settings.exams.public_address,
        "EXAMBOX_SYNC__TIMEOUT_SECONDS": str(settings.sync.timeout_seconds),
        "EXAMBOX_LOG__LEVEL": settings.log.level,
    }


@dataclass
class Hub:
    """The central service: its dashboard with the protocol and the LMS's API, and the process that tells the LMS."""

    machine: Machine
    port: int
    keys: HubKeys
    db: Database
    lms: Integration
    secret: str
    web: Process
    sync: Process

    @classmethod
    def make(cls, folder: Path, *, lms_address: str) -> Hub:
        """Make a hub with one LMS."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        machine = Machine.make(
            "hub", folder, role="hub", address=f"http://127.0.0.1:{port}", EXAMBOX_WEB__PORT=str(port)
        )
        db = machine.open()
        keys = init_hub(machine.settings, db, machine.clock)
        there = Addresses(
            review_url=f"{lms_address}/review",
            schedule_url=f"{lms_address}/schedule",
            warning_url=f"{lms_address}/warning",
            agreement_acceptance_url=f"{lms_address}/agreement",
        )
        sealed = exchange_key(machine.settings)
        lms, secret = add_integration(db, name=LMS, addresses=there, clock=machine.clock, who="test", keys=sealed)
        return cls(machine, port, keys, db, lms, secret, machine.process("web"), machine.process("sync", "run"))

    def start(self) -> None:
        """Start both processes, and wait until it answers."""
        self.web.start()
        self.sync.start()
        self.wait_answering()

    def wait_answering(self) -> None:
        """Wait until it answers requests."""
        until(self._answers, 120, "an answer of the hub")

    def stop(self) -> None:
        """End both in order."""
        self.web.stop()
        self.sync.stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


@dataclass
class Box:
    """A box of a room: the process that speaks to the hub; what happens in the room comes from the test's driver.

    Attributes:
        epochs: those this box, its backup or its copies ever had, as far as the test saw them.
    """

    machine: Machine
    sync: Process
    id: str
    backup: Path | None = None
    restores: int = 0
    epochs: set[str] = field(default_factory=set)

    @classmethod
    def make(cls, name: str, folder: Path) -> Box:
        """Make a box that has not joined a hub."""
        machine = Machine.make(name, folder, role="box", address=f"http://{name}.example")
        init_keys(machine.settings, passphrase=None, clock=machine.clock)
        return cls(machine, machine.process("sync", "run"), load_box_id(machine.settings.keys_dir))

    def enrol(self, hub: Hub, address: str) -> None:
        """Join, however often the network says no: the code stays good for who used it."""
        code = make_code(hub.db, hub.keys, room=self.machine.settings.box.room, clock=hub.machine.clock, who="test")
        db = self.machine.open()

        def joined() -> bool:
            try:
                enrol(
                    db, self.machine.settings, str(code.code), address=address, clock=self.machine.clock, who="test"
                )  # fmt: skip
            except HubCallError:
                return False
            return True

        until(joined, 60, "joining the hub")
        db.conn.close()

    def back_up(self) -> None:
        """Copy the database as it is, as the nightly backup does; the witness stays where it is."""
        to = self.machine.folder / f"backup-{self.restores}.db"
        to.unlink(missing_ok=True)
        db = connect(self.machine.settings.database)
        db.conn.execute("VACUUM INTO ?", (str(to),))
        db.conn.close()
        self.backup = to

    def restore(self) -> None:
        """Put the backup in the database's place; nothing may have it open."""
        if self.backup is None:
            raise ValueError("there is no backup")
        for name in _DATABASE:
            (self.machine.settings.database.parent / name).unlink(missing_ok=True)
        shutil.copy(self.backup, self.machine.settings.database)
        self.restores += 1

    def copy(self, name: str, folder: Path) -> Box:
        """Return a copy of the whole box on another computer, witness and keys included."""
        machine = Machine.make(name, folder, role="box", address=self.machine.settings.exams.public_address)
        state = machine.settings.state_dir
        ours = shutil.ignore_patterns(*_DATABASE)
        shutil.copytree(self.machine.settings.state_dir, state, ignore=ours)
        db = connect(self.machine.settings.database)
        db.conn.execute("VACUUM INTO ?", (str(machine.settings.database),))
        db.conn.close()
        return Box(machine, machine.process("sync", "run"), self.id)

    def note_epochs(self) -> None:
        """Remember which epochs it has had."""
        with contextlib.closing(sqlite3.connect(self.machine.settings.database)) as db:
            self.epochs |= {str(row[0]) for row in db.execute("SELECT name FROM epoch")}
