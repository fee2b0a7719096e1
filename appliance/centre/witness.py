"""The witness of a box's numbers: a file beside the database that no backup holds (`exchange.centre.epochs`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exchange.centre.epochs import Mark

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "sync"
FILE: Final = "witness.json"
_MAX_BYTES: Final = 4096


def witness_path(state_dir: Path) -> Path:
    """Return where the witness is kept."""
    return state_dir / FOLDER / FILE


def read_witness(path: Path) -> Mark | None:
    """Return what the witness says; None where there is none, or a damaged one, which says as little.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_BYTES), type=Mark)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        return None


def write_witness(path: Path, mark: Mark) -> None:
    """Write the witness; it is on the disk when this returns.

    Raises:
        OSError: the folder cannot be written: nothing may leave the box then.
    """
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(msgspec.json.encode(mark))
        file.flush()
        os.fchmod(file.fileno(), 0o640)  # the dashboard looks at it before a stick is written
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
