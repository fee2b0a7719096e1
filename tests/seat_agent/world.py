"""A box as a real web process over real TLS, and workstations with a made-up sysfs whose agents are real processes."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import msgspec

from appliance.certificates.anchor import anchor_of, der_of
from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import ManualClock, SystemClock, format_utc
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database
from appliance.exchange.seat.code import new_code
from appliance.sittings.warnings import warnings_of
from appliance.usb.agents.codes import keep_code
from appliance.usb.agents.store import list_agents
from appliance.usb.policies import default_text
from appliance.usb.signed import SignedPolicy, keep_signed, sign_policy
from appliance.vault.keys import init_keys, load_box_id
from appliance.web.main import answers
from tests.seat_agent.desk import Desk
from tests.sittings import a_sitting
from tests.sittings.test_seat_reports import with_seats
from tests.support import waiting
from tests.web.attacks.conftest import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlite_utils import Database

    from appliance.sittings.warning_rows import StoredWarning
    from appliance.usb.agents.store import SeatAgent
    from appliance.usb.model import Mode

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]
LAN = "127.0.0.24"
DAY_S = 86_400
SLOW_S = 60.0
"""Processes of Python start while other tests run."""


def until(condition: Callable[[], Found], what: str = "what was waited for") -> Found:
    """Return the condition's first true value; fail if it does not come in a minute."""
    return waiting.until(condition, SLOW_S, what)


@dataclass
class SeatBox:
    """A box that serves, and may be stopped and started again at the same port."""

    settings: Settings
    db: Database
    http: int
    https: int
    process: subprocess.Popen[bytes] | None = None
    policies: int = 0
    room: a_sitting.Room | None = None

    @property
    def address(self) -> str:
        """Where it is reached on the network."""
        return f"https://{LAN}:{self.https}"

    @property
    def store(self) -> CertificateStore:
        """Its certificates."""
        return CertificateStore(self.settings.tls_dir)

    def start(self) -> None:
        """Serve."""
        environ = {
            **os.environ, "EXAMBOX_PATHS__STATE": str(self.settings.state_dir),
            "EXAMBOX_PATHS__RUN": str(self.settings.run_dir), "EXAMBOX_WEB__PORT": str(self.http),
            "EXAMBOX_WEB__HTTPS_PORT": str(self.https), "EXAMBOX_WEB__LAN": "true", "EXAMBOX_WEB__LAN_ADDRESS": LAN,
            "EXAMBOX_WEB__ANNOUNCE": "false", "EXAMBOX_WEB__THREADS": "16",
        }  # fmt: skip
        self.process = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], cwd=ROOT, env=environ)
        until(lambda: answers("127.0.0.1", self.http, timeout=1), "the box")

    def stop(self) -> None:
        """Be gone at once, as in a power cut."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def code(self, seat: str = "", **more: Any) -> str:
        """Make a code as the administration's page does."""
        code = new_code(os.urandom(16), der_of(anchor_of(self.store)))
        keep_code(self.db, code.secret, seat=seat, clock=SystemClock(), who="Ada", **more)
        return str(code)

    def policy(self, mode: Mode, *, text: str = "", private: bytes = b"", version: int = 0) -> None:
        """Sign a policy as the devices process does, or with somebody else's key, or an older number."""
        self.policies += 1
        key = private or (self.settings.keys_dir / "usb.key").read_bytes()
        policy = SignedPolicy(
            box=load_box_id(self.settings.keys_dir), version=version or self.policies, made_us=1, mode=mode,
            policy_version=0, policy=text or default_text(),
        )  # fmt: skip
        self.db.conn.execute("DELETE FROM usb_signed_policy")
        keep_signed(self.db, sign_policy(key, policy))
        self.db.conn.commit()

    def agent(self) -> SeatAgent:
        """The only agent."""
        (one,) = list_agents(self.db)
        return one

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """What agents told, in order of arrival."""
        rows = self.db.conn.execute(
            "SELECT body, kind FROM seat_event WHERE ? IN ('', kind) ORDER BY received_us, epoch, seq", (kind,)
        )
        return [msgspec.json.decode(body) | {"kind": of} for body, of in rows]

    def ports(self, *, change: str = "") -> list[str]:
        """At which ports devices were told of."""
        return [one["device"]["port"] for one in self.events("usb") if change in {"", one["change"]}]

    def warnings(self, kind: str) -> list[StoredWarning]:
        """The warnings of one kind in the exam."""
        return [one for one in warnings_of(self.db, sitting="monday") if one.warning.kind == kind]

    def exam_now(self, *numbers: str, seats: tuple[str, ...]) -> a_sitting.Room:
        """Hold an exam that began just now, in which these candidates write; the one that is held already, if it is."""
        if self.room is not None:
            return self.room
        now = SystemClock().wall_us()
        day = {"startDate": format_utc(now - DAY_S * 10**6), "endDate": format_utc(now + DAY_S * 10**6)}
        clock = ManualClock(wall_us=now, mono_us=SystemClock().mono_us())
        with mock.patch.object(a_sitting, "NINE", now), mock.patch.object(a_sitting, "a_clock", return_value=clock):
            room = a_sitting.Room(self.db, self.settings, *numbers, **day)
        with_seats(room, *seats)
        for number in numbers:
            room.hands_over(number)
        room.writes(*numbers)
        self.room = room
        return room


@contextmanager
def a_box(folder: Path) -> Iterator[SeatBox]:
    """Serve a box whose state is in a folder."""
    settings = Settings(
        box=BoxSettings(trial=True, room="Hall 2"),
        paths=PathSettings(state=str(folder / "state"), run=str(folder / "run")),
    )
    db = open_box_database(settings.database)
    init_keys(settings, passphrase=None, clock=SystemClock())
    store = CertificateStore(settings.tls_dir)
    store.create("Hall 2", names_of(["hall-2.local", "localhost", LAN]), dt.datetime.now(dt.UTC))
    box = SeatBox(settings, db, free_port(), free_port())
    box.start()
    try:
        yield box
    finally:
        box.stop()
        db.conn.close()


@dataclass
class Workstation:
    """A computer of a candidate: its own sysfs, its agent's folder, its agent as a process."""

    folder: Path
    desk: Desk = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    environ: dict[str, str] = field(default_factory=dict)
    nudges: int = 0

    def __post_init__(self) -> None:
        self.desk = Desk(self.folder / "sys")

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "appliance.cli", "seat-agent", *words, "--state", str(self.folder / "agent")]

    def environment(self) -> dict[str, str]:
        """What its processes are started with: no desktop unless a test says so."""
        kept = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "SWAYSOCK"}}
        return kept | self.environ

    def says(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the agent."""
        return subprocess.run(
            self._command(*words), cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip

    def enrols(self, address: str, code: str, name: str = "pc-7") -> subprocess.CompletedProcess[str]:
        """Join a box by a code."""
        sysfs = ("--sysfs", str(self.desk.root))
        return self.says("enrol", address, code, "--name", name, *sysfs)

    def starts(self) -> None:
        """Start the agent."""
        with (self.folder / "agent.log").open("ab") as out:
            self.process = subprocess.Popen(
                self._command("run", "--sysfs", str(self.desk.root), "--sweep", "0.2"), cwd=ROOT,
                env=self.environment(), stdout=out, stderr=out,
            )  # fmt: skip

    def status(self) -> dict[str, Any]:
        """What the agent says of itself; empty where it does not run."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self.folder / "agent/run/status.json").read_bytes(), type=dict[str, Any])
        return {}

    def nudge(self) -> None:
        """Let the agent report now: a hub is plugged in, which is always allowed."""
        self.nudges += 1
        self.desk.plug("hub-genesys", f"1-9.{self.nudges}")

    def kill(self) -> None:
        """End the agent at once (SIGKILL)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        """End the agent in order; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        """Leave no process behind."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
