"""The way back in without a keyboard: a file on the boot partition, or a word on the kernel's command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.clock import boot_id
from appliance.errors import ConflictError
from appliance.usb.orders import RECOVERY, stand_down, was_recovered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock

WORD: Final = "exambox.usb=open"
CMDLINE: Final = Path("/proc/cmdline")
_MOST_BYTES: Final = 16 * 1024
_LOG = log.get(__name__)


def recovery_asked(files: Iterable[str], cmdline: Path = CMDLINE) -> str:
    """Return how somebody asks for USB to be opened, in words; empty where nobody does."""
    for name in files:
        if Path(name).exists():
            return f"the file {name} was there at the start"
    try:
        with cmdline.open("rb") as file:
            words = file.read(_MOST_BYTES).decode("utf-8", "replace").split()
    except OSError:
        return ""
    return f"the kernel was started with {WORD}" if WORD in words else ""


def recover(db: Database, files: Iterable[str], *, clock: Clock, cmdline: Path = CMDLINE, boot: str = "") -> bool:
    """Stand USB down where somebody asks for it, once a boot; return whether that was asked at this boot.

    A process that is only started again in the same boot changes nothing: a person may have armed USB meanwhile.
    """
    boot = boot or boot_id()
    if was_recovered(db, boot):
        return True
    why = recovery_asked(files, cmdline)
    if not why:
        return False
    _LOG.warning("USB is opened by recovery until a person arms it again", why=why)
    try:
        stand_down(db, who=RECOVERY, why=why, clock=clock, boot=boot)
    except ConflictError:  # it is stood down already, by a person
        return True
    return True
