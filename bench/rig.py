"""What every figure is measured with: prepared streams, cameras that serve them, a box that records them."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from appliance.cameras.credentials import Credential, credential_context, pack_credential
from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.cameras.wishes import start_recording, stop_recording
from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings, WebSettings
from appliance.database import open_box_database
from appliance.errors import ApplianceError
from appliance.ipc.live import LiveClient
from appliance.vault.keys import init_keys, seal_for_capture
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
CLOCK = SystemClock()
USER, PASSWORD = "bench", "bench-only"
SYSTEM_PYTHON = "/usr/bin/python3"


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something real; a bench that cannot be set up says so and stops."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"bench: {what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)


def prepare_stream(folder: Path, *, kbit: int, seconds: int = 20) -> Path:
    """Return an Annex B stream, 1080p25 at a constant rate, a keyframe a second; made once."""
    target = folder / f"1080p25-{kbit}k.h264"
    if not target.exists():
        rate = ["-b:v", f"{kbit}k", "-minrate", f"{kbit}k", "-maxrate", f"{kbit}k", "-bufsize", f"{kbit // 2}k"]
        source = "testsrc2=s=1920x1080:r=25,noise=alls=12:allf=t"
        tuning = "nal-hrd=cbr:aud=1:keyint=25:min-keyint=25:scenecut=0:bframes=0"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", str(seconds), "-pix_fmt", "yuv420p",
             "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", *rate, "-x264-params", tuning,
             "-f", "h264", str(target)],
            check=True,
        )  # fmt: skip
    return target


class Farm:
    """RTSP cameras on loopback with digest authentication; their cost is nobody's."""

    def __init__(self, stream: Path, count: int) -> None:
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(HERE / "rtsp_farm.py"), str(stream), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        out = self._process.stdout
        if out is None:
            raise SystemExit("bench: the cameras' output is missing")
        self.addresses = [out.readline().strip() for _ in range(count)]
        if not all(self.addresses):
            raise SystemExit("bench: no RTSP cameras; install gir1.2-gst-rtsp-server-1.0 and GStreamer's plugins")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def with_password(self, number: int) -> str:
        """Return an address as peers take it, with user and password inside."""
        return self.addresses[number].replace("rtsp://", f"rtsp://{USER}:{PASSWORD}@")


@dataclass
class BenchBox:
    """A box of its own with the given cameras, its three processes started as systemd starts them."""

    state: Path
    addresses: list[str]
    port: int = 0
    threads: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(
            box=BoxSettings(trial=True),
            # Sockets' paths must be short (unix(7)).
            paths=PathSettings(state=str(self.state), run=tempfile.mkdtemp(prefix="exambox-")),
            web=WebSettings(port=self.port or free_port()),
        )
        init_keys(self.settings, passphrase=None, clock=CLOCK)
        self.db = open_box_database(self.settings.database)
        for number, address in enumerate(self.addresses):
            camera = Camera(id=f"camera-{number}", name=f"Camera {number}", role="room", kind="rtsp", address=address)
            secret = pack_credential(Credential(USER, PASSWORD))
            sealed = seal_for_capture(self.settings.keys_dir, secret, context=credential_context(camera.id, address))
            add_camera(self.db, camera, sealed, clock=CLOCK, who="bench")

    def start(self, *names: str) -> None:
        """Start processes."""
        environ = {
            **os.environ,
            "EXAMBOX_PATHS__STATE": self.settings.paths.state,
            "EXAMBOX_PATHS__RUN": self.settings.paths.run,
            "EXAMBOX_WEB__PORT": str(self.settings.web.port),
            "EXAMBOX_LOG__LEVEL": "error",
            **({"EXAMBOX_WEB__THREADS": str(self.threads)} if self.threads else {}),
        }
        for name in names:
            self.processes[name] = subprocess.Popen([sys.executable, "-m", "appliance.cli", *name.split()], env=environ)

    def record(self) -> str:
        """Wish to record; return the sitting."""
        return start_recording(self.db, clock=CLOCK, who="bench").sitting

    def stop_recording(self) -> None:
        """Wish no longer."""
        stop_recording(self.db, clock=CLOCK, who="bench")

    def segments(self) -> list[int]:
        """Return how many segments each camera has sealed; nothing while capture is not up."""
        try:
            return [int(camera["segments"]) for camera in LiveClient(self.settings.live_socket).status()["cameras"]]
        except ApplianceError:
            return []

    def cameras(self) -> list[dict[str, Any]]:
        """Return what capture says of each camera."""
        return list(LiveClient(self.settings.live_socket).status()["cameras"])

    def wait_sealing(self, at_least: int = 1, seconds: float = 30) -> None:
        """Wait until every camera has sealed so many segments."""
        wanted = len(self.addresses)
        wait_for(
            lambda: len(found := self.segments()) == wanted and min(found) >= at_least,
            seconds,
            "sealing on all cameras",
        )

    def pids(self) -> tuple[int, ...]:
        """Return the processes' ids."""
        return tuple(process.pid for process in self.processes.values())

    def watch(self, camera: str) -> Viewer:
        """Open one live view over HTTP, as a browser does."""
        account = create_account(self.db, "bench", "administrator", "Quokka-7-violin!stove", clock=CLOCK, who="bench")
        token = open_session(self.db, account.id, address="127.0.0.1", clock=CLOCK)
        return Viewer(self.settings.web.port, camera, token)

    def stop(self) -> None:
        """End all processes in order."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            if process.poll() is None:
                process.kill()
        self.db.conn.close()
        shutil.rmtree(self.settings.run_dir, ignore_errors=True)


class Viewer:
    """Takes a live stream as fast as it comes and throws it away; counts the bytes."""

    def __init__(self, port: int, camera: str, token: str) -> None:
        self.bytes = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._connection.request("GET", f"/live/{camera}/stream", headers={"Cookie": f"{SESSION_COOKIE}={token}"})
        self._response = self._connection.getresponse()
        if self._response.status != http.client.OK:
            raise SystemExit(f"bench: the live view answered {self._response.status}")
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        # `close` from the other thread takes the file away under the read: http.client has several ways to say so.
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            while piece := self._response.read1(65536):
                self.bytes += len(piece)

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(OSError):
            self._connection.close()


def free_port() -> int:
    """Return a port nobody uses at this moment."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
