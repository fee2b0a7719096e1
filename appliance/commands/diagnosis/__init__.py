"""The doctor's checks, in the order a support person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance import config
from appliance.clock import SystemClock
from appliance.commands.diagnosis import box, keys, processes
from appliance.commands.diagnosis.result import Check, Examined, run
from appliance.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock

CHECKS = (
    box.check_software,
    box.check_folders,
    box.check_disk,
    box.check_disk_speed,
    box.check_clock,
    keys.check_keys,
    keys.check_key_modes,
    keys.check_recipients,
    box.check_database,
    keys.check_log,
    box.check_retention,
    processes.check_capture,
    processes.check_cameras,
    processes.check_keyring,
    processes.check_web,
)


def examine(config_file: Path | None, *, clock: Clock | None = None) -> list[Check]:
    """Run every check and return what each saw; one that breaks is a failure of its own, never of the others.

    Wrong settings are the only finding then: nothing else can be looked for without them.
    """
    try:
        loaded = config.load_with_origins(config_file)
    except ConfigError as problem:
        return [Check("settings", "fail", problem.message, problem.hint)]
    read = ", ".join(loaded.read) or "built-in defaults only"
    kind = "trial box" if loaded.settings.box.trial else "provisioned box"
    found = [Check("settings", "ok", f"{read}; {kind}")]
    examined = Examined(loaded.settings, clock or SystemClock())
    for check in CHECKS:
        found.extend(run(check, examined))
    return found
