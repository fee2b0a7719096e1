"""The keyring as a process of its own: ends cleanly on SIGTERM, tells systemd how it is."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from appliance.clock import SystemClock
from appliance.keyring.hardening import harden
from appliance.keyring.server import serve
from appliance.vault.keys import init_keys

if TYPE_CHECKING:
    from appliance.config import Settings


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. A trial box's missing keys are created, a provisioned box's never.

    Raises:
        ApplianceError: the keyring cannot start; the message says why.
    """
    harden()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = SystemClock()
    if settings.box.trial and settings.unlocks_itself:
        init_keys(settings, passphrase=None, clock=clock)
    serve(settings, clock, stop)
