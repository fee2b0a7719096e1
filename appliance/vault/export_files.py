"""The files of an export while it is made: published together under their names, or not at all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from appliance.errors import ConflictError, VaultError
from appliance.vault.clip import ClipWriter

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILES = 99


class WorkFiles:
    """Temporary files beside the target: renamed all together at the end, or removed."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._pending: dict[Path, Path] = {}
        self._published: list[Path] = []
        self._writers: list[ClipWriter] = []

    def writer(self) -> ClipWriter:
        """Return a writer for the next clip.

        Raises:
            VaultError: there are too many already.
        """
        number = len(self._writers) + 1
        if number > MAX_FILES:
            raise VaultError(
                f"The camera's stream changes more than {MAX_FILES} times.", hint="Export a shorter range."
            )
        writer = ClipWriter(self.target.with_name(f".{self.target.stem}-{number}.{os.getpid()}.mp4.part"))
        self._writers.append(writer)
        return writer

    def take(self, temporary: Path, final: Path) -> None:
        """Publish a complete file under its name at the end."""
        self._pending[temporary] = final

    def put(self, final: Path, data: bytes) -> None:
        """Write a small file, to be published at the end."""
        temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
        self._pending[temporary] = final
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def publish(self) -> None:
        """Give every file its name; none is ever replaced."""
        for temporary, final in self._pending.items():
            if final.exists():
                raise already_there(final)
            temporary.rename(final)
            self._published.append(final)
        folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._published.clear()

    def clean(self) -> None:
        """Remove what was not published, and what was published of a whole that failed."""
        for writer in self._writers:
            writer.abandon()
        for path in [*self._pending, *(writer.path for writer in self._writers), *self._published]:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def already_there(path: Path) -> ConflictError:
    """Return the error for a name that is taken."""
    return ConflictError(f"{path} exists already; nothing was replaced.", hint="Give another name with --out.")
