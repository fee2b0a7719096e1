"""What `exambox doctor` and the dashboard's health page look at, in the order a support person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance import config
from appliance.clock import SystemClock
from appliance.diagnosis import access, box, centre, computer, deliveries, keys, processes, usb
from appliance.diagnosis.result import Check, Examined, run
from appliance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from appliance.clock import Clock

    Look = Callable[[Examined], list[Check]]

QUICK = (
    box.check_software,
    box.check_folders,
    box.check_disk,
    box.check_clock,
    computer.check_power,
    computer.check_temperature,
    computer.check_memory,
    computer.check_load,
    keys.check_keys,
    keys.check_key_modes,
    keys.check_recipients,
    keys.check_checkpoint,
    processes.check_capture,
    processes.check_cameras,
    processes.check_keyring,
    deliveries.check_sync,
    deliveries.check_deliveries,
    centre.check_centre_key,
    usb.check_devices,
    usb.check_usb,
    access.check_certificate,
    access.check_second_factors,
)
"""Take milliseconds: the health page looks at them whenever it is open."""
THOROUGH = (
    box.check_database,
    keys.check_log,
    box.check_retention,
    computer.check_journal,
)
"""Read whole files or ask slow programs: the health page has them done in the background."""
DOCTOR_ALONE = (
    box.check_codecs,
    box.check_disk_speed,
    processes.check_web,
)
"""Load libraries or write where the dashboard may not."""
_OF_A_ROOM = frozenset(
    {
        keys.check_keys, keys.check_key_modes, keys.check_recipients, keys.check_checkpoint, processes.check_capture,
        processes.check_cameras, processes.check_keyring, box.check_retention, box.check_codecs, box.check_disk_speed,
        usb.check_devices, usb.check_usb,
    }
)  # fmt: skip
"""What a hub has nothing of: cameras, recordings, the keys of both, a room's USB devices."""
_ORDER = ("software", "codecs", "folders", "disk", "disk_speed", "clock", "power", "temperature", "memory", "load",
          "keys", "key_modes", "recipients", "database", "log", "checkpoint", "retention", "capture", "cameras",
          "keyring", "devices", "usb",
          "web", "sync", "deliveries", "centre_key", "certificate", "second_factors", "journal")  # fmt: skip
CHECKS = tuple(
    sorted((*QUICK, *THOROUGH, *DOCTOR_ALONE), key=lambda check: _ORDER.index(check.__name__.removeprefix("check_")))
)


def of_role(checks: Iterable[Look], settings: config.Settings) -> list[Look]:
    """Return the checks that make sense in this role."""
    return [check for check in checks if not (settings.is_hub and check in _OF_A_ROOM)]


def look(checks: Iterable[Look], examined: Examined) -> list[Check]:
    """Run checks and return what each saw; one that breaks is a failure of its own, never of the others."""
    return [found for check in checks for found in run(check, examined)]


def examine(config_file: Path | None, *, clock: Clock | None = None) -> list[Check]:
    """Run every check as the doctor does.

    Wrong settings are the only finding then: nothing else can be looked for without them.
    """
    try:
        loaded = config.load_with_origins(config_file)
    except ConfigError as problem:
        return [Check("settings", "fail", problem.message, problem.hint)]
    read = ", ".join(loaded.read) or "built-in defaults only"
    settings = loaded.settings
    kind = f"{'trial' if settings.box.trial else 'provisioned'} {'central service' if settings.is_hub else 'box'}"
    found = look(of_role(CHECKS, settings), Examined(settings, clock or SystemClock()))
    return [Check("settings", "ok", f"{read}; {kind}"), *found]
