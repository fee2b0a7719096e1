"""The parent's side of one camera's process: starting, watching, ending it; what is known of the camera."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.capture import control
from appliance.capture.ladder import Ladder
from appliance.clock import SECOND_US

if TYPE_CHECKING:
    import socket

    from appliance.cameras.credentials import Credential
    from appliance.cameras.model import Camera
    from appliance.clock import Clock
    from appliance.config import Settings

# mallopt(3): a camera's few threads share two heaps, which costs less memory; a segment's buffers come from them and
# go back, rather than from fresh pages each time, which halves the kernel's share of sealing.
MODEST_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "2097152",
}
RESTART_STEPS = ((3, 0.0), (5, 1.0), (5, 5.0))
RESTART_LAST = 30.0
SILENT_US = 6 * SECOND_US
UNSEALED_US = 10 * SECOND_US
START_GRACE_US = 20 * SECOND_US
# A process that lived so long is no crash loop: it is started again at once, because each second of waiting is lost.
STEADY_US = 10 * SECOND_US


@dataclass(slots=True)
class CameraState:
    """What the box knows of a camera at this moment; times are wall time except ``*_mono_us``."""

    state: str = "starting"
    reason: str = ""
    message: str = ""
    hint: str = ""
    alarm: str = ""
    since_us: int = 0
    live_mono_us: int | None = None
    stream: dict[str, Any] = field(default_factory=dict)
    beat: dict[str, Any] = field(default_factory=dict)
    beat_mono_us: int = 0
    sealed_mono_us: int = 0
    refused_mono_us: int = 0


class CameraChild:
    """One camera's process. Used by the supervisor's thread; `pass_viewer` and `status` by any thread."""

    def __init__(self, camera: Camera, credential: Credential | None, settings: Settings, clock: Clock) -> None:
        self.camera = camera
        self.credential = credential
        self._settings = settings
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._ladder = Ladder(RESTART_STEPS, RESTART_LAST)
        self._started_mono_us = 0
        self._start_at_mono_us = clock.mono_us()
        self.restarts = 0
        self.recording: str | None = None
        self.paused: int | None = None
        self.state = CameraState(since_us=clock.wall_us())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def finished(self) -> bool:
        """Whether the process has ended and `ended` has not been told yet."""
        return self._process is not None and self._process.poll() is not None

    def serves(self, camera: Camera, credential: Credential | None) -> bool:
        """Return whether the process can go on with changed settings: a new name costs no picture."""
        ours, theirs = self.camera, camera
        return credential == self.credential and (ours.kind, ours.address, ours.audio, ours.masks) == (
            theirs.kind,
            theirs.address,
            theirs.audio,
            theirs.masks,
        )

    @property
    def end(self) -> socket.socket | None:
        """The control socket, to wait on."""
        return self._end

    def start_if_due(self) -> bool:
        """Start the process unless it runs or the ladder says to wait; return whether it was started."""
        if self._process is not None or self._clock.mono_us() < self._start_at_mono_us:
            return False
        parent_end, child_end = control.pair()
        with child_end:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", "appliance.capture.camera_process", str(child_end.fileno())],
                pass_fds=[child_end.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **MODEST_MEMORY},
            )
        parent_end.settimeout(0)
        self._end = parent_end
        self.recording = None
        self.paused = None
        self._started_mono_us = self._clock.mono_us()
        self.state.beat_mono_us = self.state.sealed_mono_us = self._started_mono_us
        self.send(
            {
                "camera": msgspec.to_builtins(self.camera),
                "credential": msgspec.to_builtins(self.credential) if self.credential else None,
                "settings": msgspec.to_builtins(self._settings),
            }
        )
        return True

    def send(self, message: dict[str, Any], *, passing: socket.socket | None = None) -> bool:
        """Send an order; return False where the process is gone or takes nothing."""
        if self._end is None:
            return False
        try:
            control.send(self._end, message, passing=passing)
        except OSError:
            return False
        return True

    def receive(self) -> list[dict[str, Any]]:
        """Return what the process has said since the last call."""
        messages = []
        while self._end is not None:
            try:
                received = control.receive(self._end)
            except (BlockingIOError, InterruptedError):
                break
            except (OSError, ValueError):
                received = None
            if received is None:
                break
            messages.append(received[0])
        return messages

    def ended(self) -> int | None:
        """Return the exit status of a process that has ended (once), and let the ladder set the next start."""
        if self._process is None:
            return None
        status = self._process.poll()
        if status is None:
            return None
        self.release()
        if self._clock.mono_us() - self._started_mono_us > STEADY_US:
            self._ladder.reset()
        self._start_at_mono_us = self._clock.mono_us() + round(self._ladder.next() * SECOND_US)
        self.restarts += 1
        return status

    def hangs(self) -> str:
        """Return why the process must be ended by force, or nothing. The promise watched is *segments written*."""
        if self._process is None:
            return ""
        now = self._clock.mono_us()
        if now - self._started_mono_us < START_GRACE_US:
            return ""
        if now - self.state.beat_mono_us > SILENT_US:
            return "the camera's process has gone silent"
        live_since = self.state.live_mono_us
        sealing_wished = self.recording is not None and self.paused is None and live_since is not None
        # A disk that refuses is no reason to end the process that waits for it: what it holds would be lost.
        alive_us = max(self.state.sealed_mono_us, self.state.refused_mono_us, live_since or 0)
        if sealing_wished and now - alive_us > UNSEALED_US:
            return "pictures arrive but no segment is sealed"
        return ""

    def kill(self) -> None:
        """End the process by force."""
        if self._process is not None:
            self._process.kill()

    def ask_to_end(self) -> None:
        """Ask the process to seal what it has, close its part and end."""
        if not self.send({"do": "end"}) and self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for an end that was asked for; what the process said last is there to be received until `release`."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            return False
        return True

    def release(self) -> None:
        """Let go of a process that has ended: nothing more is heard of it."""
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.close()
        self._end = None
        self._process = None
        self.state.beat = {}
        self.state.live_mono_us = None

    def status(self) -> dict[str, Any]:
        """Return the camera's line of the status answer (see ``ARCHITECTURE.md``, CameraStatus)."""
        state, beat, camera = self.state, self.state.beat, self.camera
        last = beat.get("last_segment_us")
        return {
            "camera": camera.id,
            "name": camera.name,
            "role": camera.role,
            "state": state.state,
            "reason": state.reason,
            "message": state.message,
            "hint": state.hint,
            "alarm": state.alarm,
            "since_us": state.since_us,
            "recording": self.recording is not None and self.paused is None,
            "sitting": self.recording,
            "last_segment_us": last,
            "last_segment_age_ms": max(0, (self._clock.wall_us() - last) // 1000) if last else None,
            "segments": beat.get("segments", 0),
            "gaps": beat.get("gaps", 0),
            "dropped": beat.get("dropped", 0),
            "bytes": beat.get("bytes", 0),
            "fps_milli": beat.get("fps_milli", 0),
            "kbit": beat.get("kbit", 0),
            "viewers": beat.get("viewers", 0),
            "codecs": state.stream.get("codecs", ""),
            "width": state.stream.get("width", 0),
            "height": state.stream.get("height", 0),
            "audio": state.stream.get("audio", False),
            "masked": bool(camera.masks),
            "restarts": self.restarts,
        }
