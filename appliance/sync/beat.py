"""The sync process says that it is alive: a small file in the run folder, because it listens nowhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from appliance import __version__
from appliance.clock import boot_id
from appliance.ipc.beat import Beat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from appliance.clock import Clock


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
