"""The parent of all cameras: reconciles what is with what is wished, restarts what died, tells the database.

It never touches a picture. Whatever happens to one camera's process, to the database or to the live socket, the
other cameras record on.
"""

from __future__ import annotations

import selectors
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from appliance import __version__, log
from appliance.cameras.credentials import Credential, credential_context, unpack_credential
from appliance.cameras.store import list_cameras, sealed_credential
from appliance.cameras.wishes import Wish, current_wish
from appliance.capture.camera_child import CameraChild
from appliance.capture.facts import Facts
from appliance.capture.live_server import not_there
from appliance.capture.sources.failure_words import PROCESS_ENDED
from appliance.clock import SECOND_US, clock_is_trusted
from appliance.database import ChangeWatch
from appliance.errors import ApplianceError, UnavailableError
from appliance.vault.capture_key import open_for_capture
from appliance.vault.device_key import load_device_key
from appliance.vault.format import GapReason

if TYPE_CHECKING:
    import socket

    from sqlite_utils import Database

    from appliance.cameras.model import Camera
    from appliance.capture.recovery import Recovery
    from appliance.clock import Clock
    from appliance.config import Settings

TICK_SECONDS = 0.5
STARTING_TICK_SECONDS = 0.05
RECONCILE_US = 10 * SECOND_US
CLOSE_SECONDS = 6.0
RECENT_US = 2 * SECOND_US


class Supervisor:
    """Runs in the process's main thread; `status`, `hand_over` and `viewers` are called from the live socket's."""

    def __init__(self, settings: Settings, db: Database, clock: Clock, recovery: Recovery) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._recovery = recovery
        self._watch = ChangeWatch(db)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._children: dict[str, CameraChild] = {}
        self._rested: set[str] = set()  # switched off or changed while recorded: their pause is no interruption
        self._wish: Wish | None = None
        self._disk: dict[str, Any] = {}
        self._handed: list[int] = []
        self._reconciled_us = -RECONCILE_US
        self._checkpoints_us = self._started_us = clock.mono_us()
        self._log = log.get(__name__)
        self.facts = Facts(db, clock)

    # -- what the main loop calls -------------------------------------------------------------------------------

    def tick(self) -> None:
        """Do one round: hear the cameras, restart what died, follow changed wishes. Takes at most `TICK_SECONDS`."""
        waiting = not self._children or any(not child.running for child in self._children.values())
        self._hear(STARTING_TICK_SECONDS if waiting else TICK_SECONDS)
        for child in list(self._children.values()):
            self._look_after(child)
        now = self._clock.mono_us()
        try:
            if self._watch.changed() or now - self._reconciled_us >= RECONCILE_US:
                self._reconciled_us = now
                self._reconcile()
        except (sqlite3.Error, ApplianceError) as problem:
            self._log.error("the wishes cannot be read; cameras go on as they are", problem=str(problem))
        self._order_recording()
        if now - self._checkpoints_us >= self._settings.vault.checkpoint_seconds * SECOND_US:
            self._checkpoints_us = now
            self._flush_checkpoints()
        self.facts.flush()
        self._recovery.settle_one_old(self.facts)

    def take_housekeeping(self, disk: dict[str, Any]) -> None:
        """Hear from housekeeping (another thread) how the disk is: recording may have to pause for want of space."""
        self._disk = disk

    def close(self) -> None:
        """Let every camera seal what it has and end; then write the last facts."""
        for child in self._children.values():
            child.ask_to_end()
        for child in self._children.values():
            self._see_off(child)
        self._flush_checkpoints()
        self.facts.flush()

    # -- what the live socket calls -----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the live socket's status answer."""
        usage = shutil.disk_usage(self._settings.vault_dir)
        with self._lock:
            children = list(self._children.values())
        wish = self._wish
        return {
            "cameras": [child.status() for child in sorted(children, key=lambda child: child.camera.name)],
            "sitting": wish.sitting if wish else None,
            "since_us": wish.wished_us if wish else None,
            "disk": {**self._disk, "total": usage.total, "free": usage.free},
            "clock": {"wall_us": self._clock.wall_us(), "trusted": clock_is_trusted()},
            "facts_waiting": self.facts.waiting,
            "version": __version__,
            "up_us": self._clock.mono_us() - self._started_us,
        }

    def hand_over(self, camera: str, order: str, connection: socket.socket) -> None:
        """Give a viewer's connection to its camera's process."""
        with self._lock:
            child = self._children.get(camera)
        if child is None:
            raise not_there(camera)
        if not child.send({"do": order}, passing=connection):
            raise UnavailableError(f"The camera {child.camera.name} is being started.", hint="Try again in a second.")
        if order == "view":
            self._handed.append(self._clock.mono_us())

    def viewers(self) -> int:
        """Return how many watch: as the cameras last said, and whom they were given since."""
        now = self._clock.mono_us()
        self._handed = [moment for moment in self._handed if now - moment < RECENT_US // 2]
        with self._lock:
            known = sum(int(child.state.beat.get("viewers", 0)) for child in self._children.values())
        return known + len(self._handed)

    # -- cameras ------------------------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Make the set of camera processes what the rows ask for; an edited camera gets a fresh process."""
        self._wish = current_wish(self._db)
        wanted = {camera.id: camera for camera in list_cameras(self._db) if camera.enabled}
        for camera_id, child in list(self._children.items()):
            camera = wanted.get(camera_id)
            if camera is None or not child.serves(camera, self._credential(camera)):
                self._retire(child)
            else:
                child.camera = camera
        for camera_id, camera in wanted.items():
            if camera_id not in self._children:
                child = CameraChild(camera, self._credential(camera), self._settings, self._clock)
                with self._lock:
                    self._children[camera_id] = child

    def _retire(self, child: CameraChild) -> None:
        child.ask_to_end()
        self._unwatch(child)
        if self._see_off(child) and child.recording:
            self._rested.add(child.camera.id)
        with self._lock:
            del self._children[child.camera.id]

    def _see_off(self, child: CameraChild) -> bool:
        """Wait for the end of a process that was asked to; the last it says is that its part is closed.

        Return whether it ended by itself.
        """
        by_itself = child.wait(CLOSE_SECONDS)
        self._take_messages(child)
        child.release()
        return by_itself

    def _credential(self, camera: Camera) -> Credential | None:
        sealed = sealed_credential(self._db, camera.id)
        if sealed is None:
            return None
        try:
            context = credential_context(camera.id, camera.address)
            return unpack_credential(open_for_capture(self._settings.keys_dir, sealed, context=context))
        except ApplianceError as problem:
            self._log.error("a camera's password cannot be opened", camera=camera.id, problem=problem.message)
            return None

    def _look_after(self, child: CameraChild) -> None:
        why = child.hangs()
        if why:
            self._log.error("camera process ended by force", camera=child.camera.id, why=why)
            child.kill()
        if child.finished:
            self._take_messages(child)
            self._unwatch(child)
            status = child.ended()
            self._log.warning("camera process ended", camera=child.camera.id, status=status)
            self._set_state(child, "lost", "process", PROCESS_ENDED)
            self._recovery.mark(child.camera.id)
        if child.running:
            return
        if child.start_if_due() and child.end:
            self._selector.register(child.end, selectors.EVENT_READ, child)

    def _unwatch(self, child: CameraChild) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data is child:
                self._selector.unregister(key.fileobj)

    def _order_recording(self) -> None:
        """Bring each camera's process to record, pause or stop as wished; repeated until it holds."""
        wish = self._wish
        for child in self._children.values():
            # A process connects to its camera while what it left open is still being closed; it writes afterwards.
            if not child.running or not self._recovery.settle(child.camera.id, wish, self.facts):
                continue
            sitting = wish.sitting if wish else None
            if child.recording != sitting:
                order: dict[str, Any] = {"do": "stop_recording"}
                if wish:
                    order = {
                        "do": "record",
                        "sitting": wish.sitting,
                        "vault_dir": str(self._settings.vault_dir),
                        "since_wall_us": wish.wished_us,
                        "paused": child.camera.id in self._rested,
                    }
                if child.send(order):
                    self._rested.discard(child.camera.id)
                    child.recording = sitting
                    child.state.sealed_mono_us = self._clock.mono_us()
            pause = int(GapReason.DISK_FULL) if self._disk.get("stopped") else None
            if child.paused != pause and child.send(
                {"do": "pause", "reason": pause} if pause is not None else {"do": "resume"}
            ):
                child.paused = pause
                child.state.sealed_mono_us = self._clock.mono_us()

    # -- what cameras say ---------------------------------------------------------------------------------------

    def _hear(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            child: CameraChild = key.data
            if not self._take_messages(child):  # the other end is closed: the process is ending
                self._selector.unregister(key.fileobj)

    def _take_messages(self, child: CameraChild) -> list[dict[str, Any]]:
        messages = child.receive()
        for message in messages:
            self._take(child, message)
        return messages

    def _take(self, child: CameraChild, message: dict[str, Any]) -> None:
        match message.get("event"):
            case "beat":
                now = self._clock.mono_us()
                if message["segments"] != child.state.beat.get("segments"):
                    child.state.sealed_mono_us = now
                    child.state.alarm = ""
                child.state.beat_mono_us = now
                child.state.beat = message
            case "state":
                self._camera_state(child, message)
            case "part_opened":
                self.facts.part_opened(child.camera.id, message)
            case "part_closed":
                self.facts.part_ended(message["part_id"], message["state"], message)
                if message["state"] == "abandoned":
                    self._recovery.owe(message["sitting"], child.camera.id)
            case "checkpoint":
                self.facts.checkpoint(message)
            case other:
                if other == "write_error":
                    child.state.alarm = str(message.get("message", ""))
                    child.state.refused_mono_us = self._clock.mono_us()
                detail = {key: value for key, value in message.items() if key != "event"}
                self._log.warning(f"camera {other}", camera=child.camera.id, **detail)

    def _camera_state(self, child: CameraChild, message: dict[str, Any]) -> None:
        if message["state"] == "live":
            child.state.stream = {key: message.get(key) for key in ("codecs", "width", "height", "audio")}
        child.state.hint = message.get("hint", "")
        self._set_state(child, message["state"], message["reason"], message.get("message", ""))

    def _set_state(self, child: CameraChild, state: str, reason: str, text: str) -> None:
        known = child.state
        changed = (known.state, known.reason) != (state, reason)
        known.message = text
        if not changed:
            return
        if known.state != state:
            known.since_us = self._clock.wall_us()
            known.live_mono_us = self._clock.mono_us() if state == "live" else None
        known.state, known.reason = state, reason
        self._log.info("camera", camera=child.camera.id, state=state, reason=reason, message=text)
        self.facts.camera_state(child.camera.id, state, reason, text)

    def _flush_checkpoints(self) -> None:
        try:
            sign = load_device_key(self._settings.keys_dir)
        except ApplianceError as problem:
            self._log.error("the log cannot be signed", problem=problem.message)
            sign = None
        self.facts.flush_checkpoints(sign)
