"""How a process that listens nowhere says that it is alive: a small file in the run folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from appliance import __version__
from appliance.clock import SECOND_US, boot_id
from appliance.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from appliance.clock import Clock

OLD_US: Final = 20 * SECOND_US
"""A beat that is older is of a process that hangs or is gone."""
_MAX_BYTES: Final = 16 * 1024


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself now and again.

    Attributes:
        version: of its software.
        pid: its number.
        boot: the kernel's identity of the boot, within which ``mono_us`` counts.
        began_us: when it began, on the same clock as ``mono_us``.
        mono_us: when it said so.
        duties: what it does, by name, and whether that could be done the last time.
    """

    version: str
    pid: int
    boot: str
    began_us: int
    mono_us: int
    duties: dict[str, bool]


def write_beat(path: Path, clock: Clock, *, began_us: int, duties: Mapping[str, bool]) -> None:
    """Say that the process is alive, and which of its duties could be done.

    Raises:
        OSError: the folder cannot be written.
    """
    beat = Beat(
        version=__version__,
        pid=os.getpid(),
        boot=boot_id(),
        began_us=began_us,
        mono_us=clock.mono_us(),
        duties=dict(duties),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(beat))
    new.chmod(0o640)
    new.replace(path)


def read_beat(path: Path, clock: Clock, *, name: str) -> Beat:
    """Return what a process said of itself lately.

    Raises:
        UnavailableError: it does not run, or hangs.
        PermissionError: the file is closed to who looks.
    """
    try:
        with path.open("rb") as file:
            beat = msgspec.json.decode(file.read(_MAX_BYTES), type=Beat)
    except PermissionError:
        raise
    except (OSError, msgspec.DecodeError) as problem:
        raise _gone(name) from problem
    if beat.boot != boot_id() or not 0 <= clock.mono_us() - beat.mono_us <= OLD_US:
        raise _gone(name)
    return beat


def _gone(name: str) -> UnavailableError:
    return UnavailableError(
        f"The {name} process does not run, or hangs.",
        hint=f"Start it with `systemctl restart exambox-{name}`, or the whole box with `exambox run`.",
    )
