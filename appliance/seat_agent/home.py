"""Where the agent keeps what it needs: one folder of its own, closed to everybody else.

``agent.json`` says which box it belongs to, ``agent.key`` signs what it reports, ``spool.db`` holds what is not
delivered yet, ``status.json`` (in the run folder) is what `exambox seat-agent status` shows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import ApplianceError, MissingKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_STATE: Final = Path("/var/lib/exambox-seat-agent")
SYSTEM_RUN: Final = Path("/run/exambox-seat-agent")
_MAX_FILE: Final = 1024 * 1024
_KEY_BYTES: Final = 32


class NotEnrolledError(ApplianceError):
    """The workstation belongs to no box."""

    code = "seat.not_enrolled"
    exit_code = 3
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This workstation belongs to no box yet.",
            hint="Make a code at the box (“Administration, Seat agents”), then here, as root:"
            " `exambox seat-agent enrol https://BOX:8443 CODE`.",
        )


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent knows of the box it belongs to.

    Attributes:
        address: ``https://host:port``.
        anchor: PEM; certifies the address, held against the code's print when it joined.
        usb_public: hexadecimal; the only key whose policies are taken.
        own: the devices that were plugged in when it joined: hash to words. They are let in by any policy, as confirmed
            ones are at the box.
    """

    address: str
    anchor: str
    agent: str
    box: str
    room: str
    seat: str
    name: str
    usb_public: str
    expires_us: int
    enrolled_us: int
    own: Annotated[dict[str, str], msgspec.Meta(max_length=200)] = {}


@dataclass(frozen=True)
class Home:
    """The folders of one agent: what lasts, and what ends with a boot."""

    state: Path
    run: Path

    @property
    def spool(self) -> Path:
        """What is not delivered yet."""
        return self.state / "spool.db"

    @property
    def status(self) -> Path:
        """What `status` shows."""
        return self.run / "status.json"

    @property
    def window_socket(self) -> Path:
        """Where the helper in the candidate's desktop session says which application is active."""
        return self.run / "window.sock"

    def make(self) -> None:
        """Make the folders.

        Raises:
            ApplianceError: they cannot be made.
        """
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as problem:
            raise _unusable(self.state, problem) from problem

    def enrolment(self) -> Enrolment:
        """Return which box it belongs to.

        Raises:
            NotEnrolledError: none.
            ApplianceError: the file cannot be read, or is damaged.
        """
        path = self.state / "agent.json"
        try:
            with path.open("rb") as file:
                return msgspec.json.decode(file.read(_MAX_FILE), type=Enrolment)
        except FileNotFoundError as problem:
            raise NotEnrolledError from problem
        except OSError as problem:
            raise _unusable(path, problem) from problem
        except msgspec.DecodeError as problem:
            raise ApplianceError(f"{path} is damaged.", hint="Enrol the workstation with a new code.") from problem

    def keep_enrolment(self, enrolment: Enrolment) -> None:
        """Keep which box it belongs to, durably.

        Raises:
            ApplianceError: it cannot be written.
        """
        self._write("agent.json", msgspec.json.format(msgspec.json.encode(enrolment)))

    def key(self) -> Ed25519PrivateKey:
        """Return the agent's key.

        Raises:
            MissingKeyError: there is none, or it may not be read.
        """
        try:
            return Ed25519PrivateKey.from_private_bytes((self.state / "agent.key").read_bytes()[: _KEY_BYTES + 1])
        except (OSError, ValueError) as problem:
            raise MissingKeyError(
                f"The agent's key in {self.state} cannot be read.", hint="Run it as root, or enrol the workstation."
            ) from problem

    def key_or_new(self) -> Ed25519PrivateKey:
        """Return the agent's key, made if there is none.

        Raises:
            ApplianceError: it cannot be read or written.
        """
        if (self.state / "agent.key").exists():
            return self.key()
        made = Ed25519PrivateKey.generate()
        self._write("agent.key", made.private_bytes_raw())
        return made

    def say(self, status: Mapping[str, Any]) -> None:
        """Leave what `status` shows.

        Raises:
            OSError: the run folder cannot be written.
        """
        new = self.status.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(status))
        new.chmod(0o644)
        new.replace(self.status)

    def _write(self, name: str, data: bytes) -> None:
        path, new = self.state / name, self.state / f".{name}.new"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            folder = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as problem:
            raise _unusable(path, problem) from problem


def home(state: Path | None = None) -> Home:
    """Return the folders: those given, the system's for root, else the user's own (to try it out)."""
    if state is not None:
        return Home(state, state / "run")
    if os.geteuid() == 0:
        return Home(SYSTEM_STATE, SYSTEM_RUN)
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return Home(base / "exambox-seat-agent", base / "exambox-seat-agent" / "run")


def _unusable(path: Path, problem: OSError) -> ApplianceError:
    return ApplianceError(
        f"{path} cannot be used: {problem.strerror}.", hint="Run it as root, or choose a folder with --state."
    )
