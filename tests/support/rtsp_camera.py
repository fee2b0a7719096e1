"""Real RTSP cameras on loopback for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from types import TracebackType

SCRIPT = Path(__file__).with_name("rtsp_camera_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"
_NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
_missing: list[str | None] = []


def missing() -> str | None:
    """Return why no camera can be started here, or None."""
    if not _missing:
        try:
            tried = subprocess.run([SYSTEM_PYTHON, "-c", _NEEDS], capture_output=True, timeout=30, check=False)
            _missing.append(None if tried.returncode == 0 else "GStreamer's RTSP server (gir1.2-gst-rtsp-server-1.0)")
        except OSError:
            _missing.append(f"{SYSTEM_PYTHON} with GStreamer")
    return _missing[0]


def need_cameras() -> None:
    """Skip the test where cameras cannot be started (its ``media`` mark makes that a failure on a build server)."""
    why = missing()
    if why:
        pytest.skip(f"needs {why}")


class RtspCamera:
    """One camera process; use it as a context manager.

    Args: as the options of ``rtsp_camera_server.py``; ``port`` 0 is any free one. A restart keeps the port.
    """

    def __init__(self, *, user: str = "", password: str = "", port: int = 0, path: str = "/cam", **options: str | int):
        self.user, self.password, self.port, self.path = user, password, port, path
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.kill()

    def start(self) -> None:
        """Start the camera, and wait until it listens."""
        need_cameras()
        command = [SYSTEM_PYTHON, str(SCRIPT), "--port", str(self.port), "--path", self.path]
        for name, value in self._options.items():
            command += [f"--{name}", str(value)]
        if self.user:
            command += ["--user", self.user, "--password", self.password]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr if _verbose() else subprocess.DEVNULL,
            text=True,
        )
        self.url = self._answer()
        if not self.url.startswith("rtsp://"):
            raise RuntimeError("the camera did not start")
        self.port = int(self.url.split(":")[2].split("/")[0])

    def tell(self, command: str) -> None:
        """Send a command (``stall``, ``resume``, ``size 320x240``) and wait until it is obeyed."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the camera is not running")
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._answer()

    @property
    def pid(self) -> int:
        """The camera's process."""
        if self._process is None:
            raise RuntimeError("the camera is not running")
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def _answer(self) -> str:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("the camera is not running")
        return self._process.stdout.readline().strip()


def _verbose() -> bool:
    return bool(os.environ.get("RTSP_CAMERA_VERBOSE"))
