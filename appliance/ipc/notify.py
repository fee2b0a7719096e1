"""Telling systemd how a process is (sd_notify(3)): ready, alive, ending. Nothing happens outside systemd."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Speaks to the service manager named by ``NOTIFY_SOCKET``; safe to use from several threads.

    A message that cannot be delivered is dropped: the service manager then acts on its own time-outs,
    and the process's real work goes on.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_us = _watchdog_us(env)

    @property
    def watchdog_seconds(self) -> float | None:
        """How often to call `watchdog` (half of what the unit allows), None where nobody waits for it."""
        return self._watchdog_us / 2_000_000 if self._watchdog_us else None

    def ready(self, status: str = "") -> None:
        """Say that the process serves."""
        self._send("READY=1", *([_status(status)] if status else []))

    def watchdog(self) -> None:
        """Say that the process is alive; call it only from where the real work would notice a hang."""
        if self._watchdog_us:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Set the line that ``systemctl status`` shows."""
        self._send(_status(text))

    def stopping(self) -> None:
        """Say that the process is ending on purpose."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)  # noqa: FBT003  the socket module's signature
            out.sendto("\n".join(lines).encode(), self._address)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())[:500]


def _watchdog_us(env: Mapping[str, str]) -> int:
    """Return WATCHDOG_USEC if it is meant for this process (WATCHDOG_PID), else 0."""
    try:
        microseconds = int(env.get("WATCHDOG_USEC", "0"))
        meant_for = int(env.get("WATCHDOG_PID", str(os.getpid())))
    except ValueError:
        return 0
    return microseconds if microseconds > 0 and meant_for == os.getpid() else 0
