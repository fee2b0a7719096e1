"""Cameras that were tried: what came of it waits here until the person decides. In memory, for half an hour.

A trial belongs to the account that made it. The password in it is sealed to capture: nothing here can read it.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from appliance.cameras.store import told_the_password
from appliance.clock import SECOND_US
from appliance.errors import NotFoundError

if TYPE_CHECKING:
    from appliance.cameras.model import Camera
    from appliance.clock import Clock
    from appliance.errors import ApplianceError

KEPT_US: Final = 30 * 60 * SECOND_US
UNCOVERED_US: Final = 5 * 60 * SECOND_US
"""A picture without masks is for drawing them, and goes soon."""
MAX_TRIALS: Final = 24
Aim = Literal["add", "edit", "look", "streams", "uncovered"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One camera that was tried.

    Attributes:
        aim: what for: a new camera, another connection of a stored one, a look, an ONVIF device's streams, or the
            picture without masks.
        camera: as it was tried.
        sealed: its user and password, sealed to capture for its id.
        user: the user name, to be shown in the form again.
        facts: what it delivers; of an ONVIF device what it offers.
        picture: a JPEG of what it saw.
        problem: why it does not work, where it does not.
        version: of the stored camera when the person began.
        target: where an ONVIF device is asked.
    """

    aim: Aim
    camera: Camera
    sealed: bytes | None = None
    user: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""
    problem: ApplianceError | None = None
    version: int | None = None
    target: dict[str, Any] = field(default_factory=dict)

    def password_for(self, kind: str, address: str, user: str) -> bytes | None:
        """Return the sealed password if it may be told to an address: the same host, the same user."""
        same = told_the_password(self.camera.kind, self.camera.address) == told_the_password(kind, address)
        return self.sealed if same and user in {"", self.user} else None


class Trials:
    """All of them, by an unguessable name; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, int, Trial]] = OrderedDict()

    def keep(self, account: int, trial: Trial) -> str:
        """Keep a trial and return its name; the oldest of all goes when there are too many."""
        name = secrets.token_hex(16)
        with self._lock:
            self._drop_old()
            while len(self._kept) >= MAX_TRIALS:
                self._kept.popitem(last=False)
            self._kept[name] = (account, self._clock.mono_us(), trial)
        return name

    def find(self, account: int, name: str) -> Trial:
        """Return a trial of this account.

        Raises:
            NotFoundError: there is none of this name, it is somebody else's, or it was long ago.
        """
        with self._lock:
            self._drop_old()
            owner, _, trial = self._kept.get(name, (None, 0, None))
        if trial is None or owner != account:
            raise NotFoundError("This trial of a camera is no longer here.", hint="Try the camera again.")
        return trial

    def forget(self, name: str) -> None:
        """Let one go."""
        with self._lock:
            self._kept.pop(name, None)

    def _drop_old(self) -> None:
        now = self._clock.mono_us()
        for name, (_, made_us, trial) in list(self._kept.items()):
            if now - made_us > (UNCOVERED_US if trial.aim == "uncovered" else KEPT_US):
                del self._kept[name]
