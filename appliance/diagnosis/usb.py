"""Checks of USB: the process that watches it is alive, devices are really kept out, and somebody knows which are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.diagnosis.result import Check, Examined, read_database
from appliance.errors import UnavailableError
from appliance.ipc.beat import read_beat
from appliance.usb.state import state_of

if TYPE_CHECKING:
    from appliance.diagnosis.result import State as Seriousness
    from appliance.usb.state import State

_PAGE: Final = "Administration, USB, or `exambox usb status` says more."
_ARM: Final = "Arm it: Administration, USB, or `exambox usb arm`."
_RIGHTS: Final = "Start the process by its unit: `systemctl restart exambox-devices`."


def check_devices(examined: Examined) -> list[Check]:
    """The process that watches USB runs, and writes down what happens."""
    beat = read_beat(examined.settings.devices_beat, examined.clock, name="devices")
    if beat.version != __version__:
        hint = "Restart the box's processes: `systemctl restart exambox.target`, outside of an exam."
        words = f"running, but of version {beat.version}, while the others are {__version__}."
        return [Check("devices", "warn", words, hint)]
    if not beat.duties.get("writing", True):
        hint = "Devices are kept out all the same. Is the disk full, or the database damaged?"
        return [Check("devices", "fail", "running, but the database does not take what happens to USB.", hint)]
    return [Check("devices", "ok", "running")]


def check_usb(examined: Examined) -> list[Check]:
    """Devices are kept out when an exam is on, and those that belong to the room are confirmed."""
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        state = state_of(db)
    return [] if state is None else [usb_check(state, trial=examined.settings.box.trial)]


def usb_check(state: State, *, trial: bool) -> Check:
    """Judge what the process says of itself (pure)."""
    if state.not_enforced == "no_usb":
        return Check("usb", "ok", "This machine has no USB.")
    if state.why == "stood_down":
        return Check("usb", "warn", "USB is stood down: nothing is kept out.", _ARM)
    if not state.enforced:
        hint = _RIGHTS if state.not_enforced == "rights" else _PAGE
        return Check("usb", "warn" if trial else "fail", f"USB devices are not kept out: {state.problem}", hint)
    if state.unconfirmed:
        return Check("usb", "warn", "Nobody has confirmed the USB devices that were there at the first start.", _PAGE)
    is_open = state.mode == "maintenance"
    return Check("usb", "ok", "ready, open while no exam is on" if is_open else "armed, what is forbidden is kept out")


def usb_findings(examined: Examined, state: State | None) -> list[Check]:
    """Return what of USB is not as it is to be while a sitting is on: ``fail`` keeps people from being admitted.

    On a trial box, where nothing is kept out unless somebody asks for it, that is worth knowing and no more.
    """
    try:
        read_beat(examined.settings.devices_beat, examined.clock, name="devices")
    except PermissionError:
        pass  # closed to who looks: what it wrote down counts
    except UnavailableError as problem:
        return [Check("usb", _grade(examined, state), problem.message, problem.hint)]
    if state is None:
        return [Check("usb", _grade(examined, state), "USB has not been watched yet.", _PAGE)]
    found = usb_check(state, trial=examined.settings.box.trial)
    if state.why == "stood_down":
        return [Check("usb", _grade(examined, state), found.message, found.hint)]
    if found.state == "ok" and state.mode == "maintenance" and state.not_enforced != "no_usb":
        hint = "It is armed by the readiness check; look again in a moment."
        return [Check("usb", _grade(examined, state), "USB is not armed yet.", hint)]
    return [] if found.state == "ok" else [found]


def _grade(examined: Examined, state: State | None) -> Seriousness:
    strict = not examined.settings.box.trial or (state is not None and state.enforced)
    return "fail" if strict else "warn"
