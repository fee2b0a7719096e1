"""A whole box for fault tests: its processes kept alive, what it acknowledged seen from outside, its vault examined."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from appliance.cameras.credentials import Credential, credential_context, pack_credential
from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.cameras.wishes import start_recording, stop_recording
from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings, VaultSettings, WebSettings
from appliance.database import open_box_database
from appliance.errors import ApplianceError
from appliance.ipc.live import LiveClient
from appliance.vault.format import Kind
from appliance.vault.keys import init_keys, seal_for_capture
from appliance.vault.part_files import recording_files
from tests.support.kept_process import KeptProcess, children
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

CLOCK = SystemClock()
POLL_SECONDS = 0.2
TINY = "160x96@10"


@dataclass(frozen=True)
class BoxCamera:
    """A camera to record: kind and address, and its password if it asks for one."""

    id: str
    kind: str
    address: str
    user: str = ""
    password: str = ""


@dataclass
class Seen:
    """What was seen committed of one part: each record's kind, times and chain value (which covers its data)."""

    records: dict[int, tuple[int, int, int, bytes]] = field(default_factory=dict)


class Witness:
    """Looks at the part files from outside, a few short reads a second, and remembers every committed record."""

    def __init__(self, vault: Path, sitting: str, cameras: Iterable[str]) -> None:
        self._vault, self._sitting, self._cameras = vault, sitting, list(cameras)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: dict[Path, Seen] = {}

    def start(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look a last time, and end."""
        self._stop.set()
        self._thread.join(20)
        self.look()

    def look(self) -> None:
        """Look once, at each camera's two newest parts."""
        for camera in self._cameras:
            with contextlib.suppress(OSError):
                for file in recording_files(self._vault, self._sitting, camera)[-2:]:
                    self._look_at(file.path)

    def segments(self, camera: str) -> list[tuple[int, int]]:
        """Return (start, end) in monotonic microseconds of each segment seen committed, in order."""
        with self._lock:
            return sorted(
                (start, end)
                for path, seen in self.seen.items()
                if path.parent.name == camera
                for kind, start, end, _ in seen.records.values()
                if kind == Kind.SEGMENT
            )

    @property
    def acknowledged(self) -> int:
        """How many segments were seen committed."""
        return sum(len(self.segments(camera)) for camera in self._cameras)

    def lost(self, *, at_rest: bool = True) -> list[str]:
        """Return every record that was seen and is no longer there exactly as it was.

        While the box records (not ``at_rest``) a part that is just being written or mended is left for the next look.
        """
        missing = []
        with self._lock:
            for path, seen in self.seen.items():
                try:
                    now = read_records(path, -1) if path.exists() else {}
                except sqlite3.OperationalError:
                    if at_rest:
                        raise
                    continue
                missing += [
                    f"{path.parent.name}/{path.name} record {seq}"
                    for seq, record in seen.records.items()
                    if now.get(seq) != record
                ]
        return missing

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.look()

    def _look_at(self, path: Path) -> None:
        with self._lock:
            seen = self.seen.get(path)
            last = max(seen.records, default=-1) if seen else -1
            # A file with a transaction to undo cannot be read by one who may not write: it is looked at later.
            with contextlib.suppress(sqlite3.Error):
                found = read_records(path, last)
                if found:
                    self.seen.setdefault(path, Seen()).records.update(found)


def read_records(path: Path, after: int) -> dict[int, tuple[int, int, int, bytes]]:
    """Return kind, start, end and chain value of each committed record after one, without ever waiting for a lock."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        rows = connection.execute("SELECT seq, kind, start_us, end_us, chain FROM record WHERE seq > ?", (after,))
        return {seq: (kind, start, end, chain) for seq, kind, start, end, chain in rows}
    finally:
        connection.close()


class FaultBox:
    """One box in a folder. Use as a context manager; whatever still runs is ended at the end.

    Args:
        state: the state folder (it may lie on a disk of its own).
        cameras: what to record.
        vault: settings of the vault.
        log: folder for the processes' output.
        environ: added to the processes' environment.
    """

    def __init__(
        self,
        state: Path,
        cameras: Iterable[BoxCamera],
        *,
        log: Path,
        vault: VaultSettings | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.cameras = list(cameras)
        self._log = log
        self._extra = dict(environ or {})
        self.settings = Settings(
            box=BoxSettings(trial=True),
            # Sockets' paths must be short (unix(7)).
            paths=PathSettings(state=str(state), run=tempfile.mkdtemp(prefix="exambox-")),
            web=WebSettings(port=_free_port()),
            vault=vault or VaultSettings(),
        )
        self.processes: dict[str, KeptProcess] = {}
        self.sitting = ""
        self._witness: Witness | None = None

    def __enter__(self) -> Self:
        init_keys(self.settings, passphrase=None, clock=CLOCK)
        self.db: Database = open_box_database(self.settings.database)
        for camera in self.cameras:
            self._add(camera)
        return self

    def __exit__(self, *_: object) -> None:
        if self._witness:
            self._witness.stop()
        for process in self.processes.values():
            process.stop()
        with contextlib.suppress(sqlite3.Error):
            self.db.conn.close()
        shutil.rmtree(self.settings.run_dir, ignore_errors=True)

    def _add(self, camera: BoxCamera) -> None:
        row = Camera(id=camera.id, name=camera.id, role="room", kind=camera.kind, address=camera.address)  # type: ignore[arg-type]
        secret = None
        if camera.user:
            packed = pack_credential(Credential(camera.user, camera.password))
            secret = seal_for_capture(
                self.settings.keys_dir, packed, context=credential_context(camera.id, camera.address)
            )
        add_camera(self.db, row, secret, clock=CLOCK, who="test")

    def start(self, *names: str) -> None:
        """Start processes by their commands' names, and keep them running."""
        for name in names:
            command = [sys.executable, "-m", "appliance.cli", name]
            self.processes[name] = KeptProcess(command, self._environ(), self._log / f"{name}.log").start()

    def _environ(self) -> dict[str, str]:
        vault = msgspec.to_builtins(self.settings.vault)
        return {
            **os.environ,
            "EXAMBOX_PATHS__STATE": self.settings.paths.state,
            "EXAMBOX_PATHS__RUN": self.settings.paths.run,
            "EXAMBOX_WEB__PORT": str(self.settings.web.port),
            "EXAMBOX_BOX__TRIAL": "true",
            **{f"EXAMBOX_VAULT__{key.upper()}": str(value) for key, value in vault.items()},
            **self._extra,
        }

    def stop(self, *names: str) -> None:
        """End processes in order; all of them where none is named."""
        for name in names or tuple(self.processes):
            status = self.processes.pop(name).stop()
            assert status is not None, f"{name} did not end within its time: {self.tail(name)}"

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a process's output."""
        with contextlib.suppress(OSError):
            return "\n".join((self._log / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
        return "(no output)"

    def record(self) -> Witness:
        """Wish to record; return the witness that looks at what is committed from now on."""
        self.sitting = start_recording(self.db, clock=CLOCK, who="test").sitting
        return self.watch(self.sitting)

    def watch(self, sitting: str) -> Witness:
        """Return a witness of a sitting's recordings; the one before ends."""
        if self._witness:
            self._witness.stop()
        self._witness = Witness(self.settings.vault_dir, sitting, [camera.id for camera in self.cameras]).start()
        return self._witness

    def stop_recording(self) -> None:
        """Wish no longer to record."""
        stop_recording(self.db, clock=CLOCK, who="test")

    def finish_recording(self, seconds: float = 45.0) -> None:
        """Wish no longer to record, and wait until every part is closed, also those a failing disk left open."""
        self.stop_recording()
        until(lambda: not self.part_states(self.sitting) & {"open", "abandoned"}, seconds, "every part being closed")

    def part_states(self, sitting: str) -> set[str]:
        """Return the states the database knows a sitting's parts in."""
        return {row[0] for row in self.db.conn.execute("SELECT state FROM part WHERE sitting = ?", (sitting,))}

    def status(self) -> dict[str, Any]:
        """Return capture's status; empty while it does not answer."""
        try:
            return LiveClient(self.settings.live_socket).status()
        except ApplianceError:
            return {}

    def camera_status(self, camera: str) -> dict[str, Any]:
        """Return one camera's line of the status; empty while there is none."""
        return next((line for line in self.status().get("cameras", []) if line["camera"] == camera), {})

    def camera_pids(self) -> dict[int, str]:
        """Return the camera processes that run, each with the camera it writes for (empty before it writes)."""
        return {
            pid: _writes_for(pid, self.settings.vault_dir.resolve()) for pid in children(self.processes["capture"].pid)
        }

    def camera_pid(self, camera: str, seconds: float = 30.0) -> int:
        """Return the process that writes for a camera; wait for it."""

        def find() -> int:
            return next((pid for pid, name in self.camera_pids().items() if name == camera), 0)

        return until(find, seconds, f"a process that writes for {camera}")

    def wait_recorded(self, camera: str, after_us: int, seconds: float = 30.0) -> tuple[int, int]:
        """Wait for a committed segment that begins after a moment (monotonic); return its start and end."""
        witness = self._witness
        assert witness is not None

        def find() -> tuple[int, int] | None:
            return next((span for span in witness.segments(camera) if span[0] > after_us), None)

        try:
            return until(find, seconds, f"a new segment of {camera}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.status()}\n{self.tail('capture')}") from problem

    def wait_all_recorded(self, after_us: int | None = None, seconds: float = 40.0) -> None:
        """Wait until every camera has committed a segment that begins after a moment, now if none is given."""
        since = CLOCK.mono_us() if after_us is None else after_us
        end = time.monotonic() + seconds
        for camera in self.cameras:
            self.wait_recorded(camera.id, since, max(1.0, end - time.monotonic()))


def _writes_for(pid: int, vault: Path) -> str:
    """Return the camera whose folder a process holds open, or nothing."""
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = entry.readlink()
                if target.is_relative_to(vault):
                    return target.relative_to(vault).parts[1]
    return ""


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
