"""The sync process itself, as systemd starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings


class SyncProcess:
    """A running ``exambox sync run``.

    Args:
        settings: of the box.
        environ: further settings, by their variables.
    """

    def __init__(self, settings: Settings, **environ: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("EXAMBOX_")}
        env |= {"EXAMBOX_PATHS__STATE": str(settings.state_dir), "EXAMBOX_PATHS__RUN": str(settings.run_dir), **environ}
        self.journal = settings.state_dir / "sync.journal"
        with self.journal.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", "sync", "run"], env=env, stdout=out, stderr=out
            )

    def kill(self) -> None:
        """End it at once, as a power cut does (SIGKILL)."""
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        """End it in order and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def syncing(settings: Settings, **environ: str) -> Iterator[SyncProcess]:
    """Run the process; make sure that it has ended afterwards."""
    running = SyncProcess(settings, **environ)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()
