"""The review key's agent: holds private keys only while unlocked, gives out one part key at a time, logs each use.

The log comes first: a use that cannot be logged does not happen.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import __version__, auditlog, log
from appliance.clock import SECOND_US
from appliance.errors import (
    ApplianceError,
    BadInputError,
    DatabaseError,
    LockedError,
    MissingKeyError,
    UnavailableError,
)
from appliance.keyring import requests
from appliance.keyring.throttle import Throttle
from appliance.keyring.uses import RecentUses
from appliance.vault import crypto
from appliance.vault.device_key import load_box_id, load_device_key
from appliance.vault.format import export_message, sha256
from appliance.vault.review_key import MAX_PASSPHRASE, ReviewKeys, load_review_key, review_facts, unknown_key

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

_LOG = log.get(__name__)
MAX_PASSPHRASE_FILE = 4 * MAX_PASSPHRASE + 2


class Agent:
    """Answers requests from several threads; `tick` is called now and then by the serving loop."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self._settings = settings
        self._dir = settings.keys_dir
        self._db = db
        self._clock = clock
        self._started_us = clock.mono_us()
        self._keys: ReviewKeys | None = None
        self._used_us = 0
        self._state = threading.Lock()  # guards the two above
        self._attempt = threading.Lock()  # one passphrase at a time: each costs 128 MiB
        self._writing = threading.Lock()  # the database connection is one thread's at a time
        self._throttle = Throttle()
        self._uses = RecentUses()

    @property
    def locked(self) -> bool:
        """Whether no private key is held."""
        with self._state:
            return self._keys is None

    def start(self) -> None:
        """Unlock where the settings allow it without a person; where that fails, stay locked and say why."""
        if not (self._settings.unlocks_itself or self._settings.keys.passphrase_file):
            return
        try:
            keys = load_review_key(self._dir, self._own_passphrase())
            self._log_unlock(keys, "box", {"by": "start"})
        except ApplianceError as problem:
            _LOG.warning("the review key stays locked", reason=problem.message, hint=problem.hint)
            return
        self._hold(keys)

    def tick(self) -> None:
        """Lock if nothing was asked for the idle time (never where the box unlocks itself)."""
        left = self._idle_left_us()
        if left is not None and left <= 0:
            self._forget("box", "idle")

    def close(self) -> None:
        """Overwrite the private keys; for the process's end."""
        with self._state:
            if self._keys is not None:
                self._keys.wipe()
            self._keys = None

    def answer(self, request: requests.Request, peer: str) -> dict[str, Any]:
        """Return the fields of the answer to one request.

        Args:
            request: typed and checked.
            peer: the account at the other end, as the kernel says.

        Raises:
            ApplianceError: what the other end is told.
        """
        who = request.person or peer
        match request:
            case requests.Status():
                return self._status()
            case requests.Unlock():
                self._unlock(request.passphrase or None, who, peer)
                return {}
            case requests.Lock():
                self._forget(who, "asked")
                return {}
            case requests.PartKey():
                return {"part_key": self._part_key(request, who, peer).hex()}
            case requests.SignExport():
                return {"signature": self._sign_export(request.manifest, who, peer).hex()}

    def _status(self) -> dict[str, Any]:
        try:
            facts = review_facts(self._dir)
            generations, protected = facts.generations, facts.protected
        except MissingKeyError:
            generations, protected = (), False
        left, now = self._idle_left_us(), self._clock.mono_us()
        return {
            "locked": self.locked,
            "unlocks_itself": self._settings.unlocks_itself,
            "protected": protected,
            "idle_lock_us": None if left is None else max(left, 0),
            "retry_us": self._throttle.left_us(now),
            "key_ids": [one.key_id for one in generations],
            "generations": [
                {"key_id": one.key_id, "suite": one.suite, "created_us": one.created_us} for one in generations
            ],
            "version": __version__,
            "up_us": now - self._started_us,
        }

    def _unlock(self, passphrase: str | None, who: str, peer: str) -> None:
        if not self._attempt.acquire(blocking=False):
            raise UnavailableError("Another passphrase is being checked.", hint="Try again in a moment.")
        try:
            self._throttle.check(self._clock.mono_us())
            keys = self._try(passphrase, who, peer)
            self._log_unlock(keys, who, {"by": "person"}, peer)
        finally:
            self._attempt.release()
        self._hold(keys)

    def _try(self, passphrase: str | None, who: str, peer: str) -> ReviewKeys:
        given = passphrase
        if given is None and self._settings.unlocks_itself:
            given = self._own_passphrase()
        try:
            keys = load_review_key(self._dir, given)
        except LockedError:
            if given is not None:
                self._throttle.failed(self._clock.mono_us())
                self._write("keyring.unlock_failed", who, {}, peer)
            raise
        self._throttle.succeeded()
        return keys

    def _log_unlock(self, keys: ReviewKeys, who: str, detail: dict[str, Any], peer: str = "") -> None:
        try:
            self._write("keyring.unlocked", who, detail, peer)
        except UnavailableError:
            keys.wipe()
            raise

    def _part_key(self, request: requests.PartKey, who: str, peer: str) -> bytes:
        info = request.info
        suite, private = self._private_for(request.key_id)
        if suite != request.suite:
            raise BadInputError(f"suite: the key {request.key_id} is a {suite} key.")
        binding = crypto.PartBinding(info.box, info.sitting, info.camera, info.part, bytes.fromhex(info.part_id))
        part_key = crypto.unwrap(suite, private, binding.info(), bytes.fromhex(request.wrapped))
        use = (who, info.part_id, request.purpose)
        now = self._clock.mono_us()
        if self._uses.is_new(use, now):
            named = {"sitting": info.sitting, "camera": info.camera, "part": info.part, "part_id": info.part_id}
            self._write("keyring.part_key_used", who, {**named, "purpose": request.purpose}, peer)
            self._uses.logged(use, now)
        return part_key

    def _private_for(self, key_id: str) -> tuple[crypto.Suite, bytes]:
        with self._state:
            if self._keys is None:
                raise LockedError("The review key is locked: recording goes on, playback waits.", hint=_UNLOCK_HINT)
            self._used_us = self._clock.mono_us()
            if key_id in self._keys.key_ids:
                return self._keys.private_for(key_id)
        return self._newer_generation(key_id)

    def _newer_generation(self, key_id: str) -> tuple[crypto.Suite, bytes]:
        """Look for a key that is not held: perhaps the review key was rotated since it was unlocked."""
        if key_id in review_facts(self._dir).key_ids:
            if not self._settings.unlocks_itself:
                self._forget("box", "rotated")
                raise LockedError("The review key was replaced since it was unlocked.", hint=_UNLOCK_HINT)
            keys = load_review_key(self._dir, self._own_passphrase())
            self._hold(keys)
            return keys.private_for(key_id)
        raise unknown_key(key_id)

    def _sign_export(self, text: str, who: str, peer: str) -> bytes:
        manifest = requests.parse_manifest(text)
        device = load_device_key(self._dir)
        if manifest.box != load_box_id(self._dir) or manifest.device_key != device.public.hex():
            raise BadInputError("This export manifest is of another box.", hint="Export on the box that recorded it.")
        raw = text.encode()
        named = {"sitting": manifest.sitting, "camera": manifest.camera, "file": manifest.file.name}
        hashes = {"file_sha256": manifest.file.sha256, "manifest_sha256": sha256(raw).hex()}
        self._write("keyring.export_signed", who, {**named, **hashes}, peer)
        return device.sign(export_message(raw))

    def _hold(self, keys: ReviewKeys) -> None:
        with self._state:
            before, self._keys = self._keys, keys
            self._used_us = self._clock.mono_us()
        if before is not None and before is not keys:
            before.wipe()

    def _forget(self, who: str, reason: str) -> None:
        """Lock. The keys go first: a log that cannot be written must not keep the key open."""
        with self._state:
            was_open = self._keys is not None
            if self._keys is not None:
                self._keys.wipe()
            self._keys = None
        if was_open:
            self._write("keyring.locked", who, {"reason": reason})

    def _idle_left_us(self) -> int | None:
        with self._state:
            if self._keys is None or self._settings.unlocks_itself:
                return None
            allowed = self._settings.keys.idle_lock_minutes * 60 * SECOND_US
            return self._used_us + allowed - self._clock.mono_us()

    def _own_passphrase(self) -> str | None:
        """Read the passphrase the box was given; a bare name is a systemd credential."""
        name = self._settings.keys.passphrase_file
        if not name:
            return None
        path = Path(os.environ.get("CREDENTIALS_DIRECTORY", "."), name)
        try:
            with path.open("rb") as file:
                text = file.read(MAX_PASSPHRASE_FILE).decode()
        except (OSError, UnicodeDecodeError) as problem:
            raise MissingKeyError(
                f"The passphrase file {path} cannot be read.", hint="keys.passphrase_file names it; check the unit."
            ) from problem
        return text.rstrip("\r\n") or None

    def _write(self, action: str, who: str, detail: dict[str, Any], peer: str = "") -> None:
        personal = {"account": peer} if peer and peer != who else None
        try:
            with self._writing:
                auditlog.append(self._db, action, clock=self._clock, who=who, detail=detail, personal=personal)
        except (sqlite3.Error, DatabaseError) as problem:
            _LOG.exception("the log cannot be written", action=action)
            raise UnavailableError(
                "The log cannot be written, so no key is used.", hint="`exambox doctor` checks disk and database."
            ) from problem


_UNLOCK_HINT = "Unlock it on the dashboard or with `exambox keys unlock`."
