"""One camera, one process: reads it, seals it, serves its viewers. Started by the supervisor with a control socket.

A native crash in a decoder costs this camera only. When the parent is gone, what was received is sealed, the part
is closed, and the process ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.cameras.credentials import Credential
from appliance.cameras.model import Camera, camera_from
from appliance.capture import control
from appliance.capture.camera_reader import CameraReader
from appliance.capture.live_hub import LiveHub
from appliance.capture.recording_track import TrackSettings
from appliance.capture.sealer import Pause, Record, Resume, Sealer, SegmentFeed, SegmentQueue, StopRecording
from appliance.capture.writer_keys import writer_keys
from appliance.clock import SECOND_US, SystemClock
from appliance.config import Settings
from appliance.errors import ApplianceError
from appliance.ipc.framing import error_message, pack, send_json
from appliance.vault.crypto import choose_aead
from appliance.vault.format import GapReason, encode_body, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.clock import Clock

BEAT_SECONDS = 1.0
STUCK_US = 15 * SECOND_US
EXIT_STUCK = 70
EXIT_THREAD_DIED = 71
CLOSE_SECONDS = 5.0
SNAPSHOT_FRESH_US = SECOND_US
UNCOVERED_SECONDS = 3.0


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent tells a camera's process first."""

    camera: Camera
    credential: Credential | None
    settings: Settings


def masks_digest(camera: Camera) -> str | None:
    """Return the hash of the mask polygons' canonical form, coordinates in millionths; None without masks."""
    if not camera.masks:
        return None
    points = [[[round(x * 1_000_000), round(y * 1_000_000)] for x, y in polygon] for polygon in camera.masks]
    return sha256(encode_body({"masks": points})).hex()


class CameraProcess:
    """Holds the camera's threads together and speaks with the parent; runs in the main thread."""

    def __init__(self, end: socket.socket, task: Assignment, clock: Clock) -> None:
        self._end = end
        self._clock = clock
        self._send_lock = threading.Lock()
        settings = task.settings
        self._lost_after_us = round(settings.capture.lost_after_seconds * SECOND_US)
        self._hub = LiveHub(clock)
        self._queue = SegmentQueue(
            limit_us=round(settings.capture.queue_seconds * SECOND_US),
            limit_bytes=round(settings.capture.queue_seconds * settings.capture.max_bitrate_mbit * 125_000 / 4),
        )
        track = TrackSettings(
            camera=task.camera.id,
            keys=lambda: writer_keys(settings.keys_dir),
            aead=choose_aead(settings.vault.aead),
            part_us=settings.vault.part_minutes * 60 * SECOND_US,
            checkpoint_us=settings.vault.checkpoint_seconds * SECOND_US,
            masks_sha256=masks_digest(task.camera),
        )
        feed = SegmentFeed(self._queue, round(settings.vault.segment_seconds * SECOND_US))
        self._sealer = Sealer(self._queue, feed, track, clock, self._tell)

        self._source: Any = None

        def make() -> Any:
            from appliance.capture.sources.factory import make_source  # noqa: PLC0415  loads only what is needed

            self._source = make_source(task.camera, task.credential, clock, settings)
            return self._source

        self._reader = CameraReader(
            make, queue=self._queue, feed=feed, hub=self._hub, clock=clock, changed=self._changed
        )
        self._stopping = threading.Event()
        self._snapshot: tuple[int, bytes] | None = None

    def run(self) -> bool:
        """Work until the parent says stop or is gone; False where a thread died of an error nobody foresaw."""
        self._hub.start()
        self._sealer.start()
        self._reader.start()
        self._end.settimeout(BEAT_SECONDS)
        beat_us = 0
        while not self._stopping.is_set() and self._reader.alive and self._sealer.alive:
            self._listen()
            self._watch_camera()
            if self._clock.mono_us() - beat_us >= BEAT_SECONDS * SECOND_US:
                beat_us = self._clock.mono_us()
                self._beat()
        healthy = self._reader.alive and self._sealer.alive
        self._reader.stop()
        self._sealer.stop(CLOSE_SECONDS)
        return healthy

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    def _listen(self) -> None:
        try:
            received = control.receive(self._end)
        except (TimeoutError, BlockingIOError, InterruptedError):
            return
        except OSError:
            received = None
        if received is None:
            self._stopping.set()
            return
        message, passed = received
        try:
            self._obey(message, passed)
        except OSError:
            if passed:
                passed.close()

    def _obey(self, message: dict[str, Any], passed: socket.socket | None) -> None:
        match message.get("do"):
            case "record":
                vault_dir, since = Path(message["vault_dir"]), int(message["since_wall_us"])
                self._queue.order(Record(message["sitting"], vault_dir, since, bool(message["paused"])))
            case "stop_recording":
                self._queue.order(StopRecording())
            case "pause":
                self._queue.order(Pause(GapReason(int(message["reason"]))))
            case "resume":
                self._queue.order(Resume())
            case "view" if passed:
                self._hub.add(passed)
            case "snapshot" if passed:
                threading.Thread(target=self._serve_picture, args=(passed, self._picture), daemon=True).start()
            case "uncovered" if passed:
                threading.Thread(target=self._serve_picture, args=(passed, self._uncovered), daemon=True).start()
            case "end":
                self._stopping.set()

    def _watch_camera(self) -> None:
        """Say that a camera is lost even where its library call hangs; end where it hangs for good."""
        silent_us = self._clock.mono_us() - self._reader.last_picture_us
        if self._reader.live and silent_us > self._lost_after_us:
            self._reader.say_lost("timeout", f"No picture for {silent_us / SECOND_US:.0f} s.")
        if self._clock.mono_us() - self._reader.progress_us > STUCK_US and not self._reader.waiting:
            self._tell({"event": "stuck"})
            self._sealer.stop(CLOSE_SECONDS)
            os._exit(EXIT_STUCK)

    def _serve_picture(self, connection: socket.socket, take: Callable[[], bytes]) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5.0)
            try:
                connection.sendall(pack(b"P", take()))
            except ApplianceError as problem:
                send_json(connection, error_message(problem))

    def _picture(self) -> bytes:
        from appliance.errors import UnavailableError  # noqa: PLC0415
        from appliance.pictures.jpeg import jpeg_from_keyframe  # noqa: PLC0415  decoding is rarely needed

        now = self._clock.mono_us()
        if self._snapshot and now - self._snapshot[0] < SNAPSHOT_FRESH_US:
            return self._snapshot[1]
        keyframe = self._hub.keyframe()
        if keyframe is None:
            raise UnavailableError("The camera delivers no picture at present.", hint="It is being reconnected.")
        jpeg = jpeg_from_keyframe(*keyframe)
        self._snapshot = (now, jpeg)
        return jpeg

    def _uncovered(self) -> bytes:
        """Return the picture as it is before masking, for whoever draws the masks."""
        from appliance.errors import UnavailableError  # noqa: PLC0415
        from appliance.pictures.jpeg import jpeg  # noqa: PLC0415  as above

        take = getattr(self._source, "uncovered", None)
        if take is None:
            return self._picture()
        if not self._reader.live:
            raise UnavailableError("The camera delivers no picture at present.", hint="It is being reconnected.")
        return jpeg(take(UNCOVERED_SECONDS))

    def _changed(self, state: str, reason: str, detail: dict[str, Any]) -> None:
        self._tell({"event": "state", "state": state, "reason": reason, **detail})

    def _beat(self) -> None:
        track = self._sealer.track
        counters = track.counters if track else None
        self._tell(
            {
                "event": "beat",
                "sitting": track.sitting if track else None,
                "segments": counters.segments if counters else 0,
                "gaps": counters.gaps if counters else 0,
                "bytes": counters.payload_bytes if counters else 0,
                "last_segment_us": counters.last_segment_us if counters else None,
                "dropped": self._queue.dropped,
                "fps_milli": self._reader.rate.fps_milli,
                "kbit": self._reader.rate.kbit,
                "viewers": self._hub.viewers,
            }
        )

    def _tell(self, message: dict[str, Any]) -> None:
        # A parent that is gone is noticed by `_listen`; recording is closed there, not here.
        with self._send_lock, contextlib.suppress(OSError):
            control.send(self._end, message)


def main(fd: int) -> None:
    """Run one camera on an inherited control socket."""
    end = socket.socket(fileno=fd)
    end.settimeout(10)
    received = control.receive(end)
    if received is None:
        return
    raw = received[0]
    task = Assignment(
        camera=camera_from(raw["camera"]),
        credential=msgspec.convert(raw["credential"], Credential) if raw["credential"] else None,
        settings=msgspec.convert(raw["settings"], Settings),
    )
    process = CameraProcess(end, task, SystemClock())
    # What is loaded by now stays for the process's life; searching it for garbage again and again is a fifth of the
    # work of recording a camera.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    signal.signal(signal.SIGTERM, lambda *_: process.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which ends its cameras in order
    if not process.run():
        sys.exit(EXIT_THREAD_DIED)


if __name__ == "__main__":
    main(int(sys.argv[1]))
