"""A small real file system for tests: ext4 in a file, on a loop device."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path


def why_no_disk() -> str:
    """Return why no small disk can be made here, or nothing."""
    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    missing = [tool for tool in ("mkfs.ext4", "mount", "umount") if not shutil.which(tool)]
    return f"needs {', '.join(missing)} (Debian: e2fsprogs, mount)" if missing else ""


class SmallDisk:
    """The file system; use it as a context manager. ``path`` is where it is mounted."""

    def __init__(self, folder: Path, *, mebibytes: int) -> None:
        self._image = folder / "disk.img"
        self.path = folder / "disk"
        self._mebibytes = mebibytes
        self._ballast = self.path / "ballast"

    def __enter__(self) -> Self:
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(self._mebibytes * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-m", "0", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        # Lazily: a test that failed may have left a file open, and the mount must not outlive it.
        subprocess.run(["umount", "-l", str(self.path)], check=False)

    @property
    def free(self) -> int:
        """Free bytes."""
        return shutil.disk_usage(self.path).free

    def fill(self, leave: int = 0) -> None:
        """Fill it with something foreign until at most ``leave`` bytes are free."""
        with self._ballast.open("ab") as ballast:
            for size in (1024 * 1024, 64 * 1024, 4096):
                try:
                    while self.free - leave >= size:
                        ballast.write(bytes(size))
                        ballast.flush()
                except OSError:
                    continue

    def relieve(self) -> None:
        """Take the foreign stuff away."""
        self._ballast.unlink(missing_ok=True)

    def read_only(self, *, yes: bool) -> None:
        """Mount it anew, read-only or for writing; the kernel refuses read-only while a file is open for writing."""
        # The kernel lets go of a killed process's files a moment after the process is gone.
        command = ["mount", "-o", "remount,ro" if yes else "remount,rw", str(self.path)]
        until(lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0, 5, "the remount")

    def check(self) -> None:
        """Unmount it and have the file system checked."""
        _run("umount", str(self.path))
        _run("e2fsck", "-fn", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self.path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
