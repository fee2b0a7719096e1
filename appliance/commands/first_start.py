"""What a trial box needs at its very first start, so that a newcomer sees a picture being sealed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.cameras import store, wishes
from appliance.cameras.model import camera_from
from appliance.vault.keys import init_keys

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

V4L_BY_ID = Path("/dev/v4l/by-id")
PATTERN = {"name": "Test picture", "role": "room", "kind": "pattern", "address": "1280x720@25"}
WHO = "first start"
MAX_FOUND = 8


def prepare(settings: Settings, db: Database, clock: Clock, *, devices: Path = V4L_BY_ID) -> list[str]:
    """Make missing keys; on an untouched box add cameras and start to record.

    A box that ever had a camera or a recording is left as its people set it up.

    Args:
        settings: a trial box's.
        db: its database.
        clock: dates the rows.
        devices: the folder of stable camera names.

    Returns:
        Lines for the person at the terminal about what was done.
    """
    init_keys(settings, passphrase=None, clock=clock)
    told = [] if _ever(db, "camera") else _add_cameras(settings, db, clock, devices)
    if not _ever(db, "recording_wish"):
        wish = wishes.start_recording(db, clock=clock, who=WHO)
        told.append(f"Recording has been started (sitting {wish.sitting}).")
    return told


def _ever(db: Database, table: str) -> bool:
    return bool(db.conn.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0])  # noqa: S608  constant names


def _add_cameras(settings: Settings, db: Database, clock: Clock, devices: Path) -> list[str]:
    found = find_usb_cameras(devices)
    usable = [path for path in found if os.access(path, os.R_OK | os.W_OK)]
    told = [
        f"{path.name} is there, but this user may not open it: join the group `video`."
        for path in found
        if path not in usable
    ]
    wanted = [
        {
            "name": camera_name(path),
            "role": "room" if number == 0 else "auxiliary",
            "kind": "v4l2",
            "address": str(path),
        }
        for number, path in enumerate(usable[:MAX_FOUND])
    ] or [dict(PATTERN)]
    for values in wanted:
        name = _free_name(db, values["name"])
        camera = camera_from(
            {
                **values,
                "name": name,
                "id": store.new_camera_id(db, name),
                # Never longer than the general limit without a person's written reason.
                "retention_hours": min(settings.vault.retention_hours, 72),
            }
        )
        store.add_camera(db, camera, None, clock=clock, who=WHO)
        told.append(f"Camera added: {camera.name} ({camera.kind}).")
    return told


def _free_name(db: Database, name: str) -> str:
    taken = {camera.name for camera in store.list_cameras(db)}
    return name if name not in taken else next(f"{name} ({n})" for n in range(2, 99) if f"{name} ({n})" not in taken)


def find_usb_cameras(devices: Path) -> list[Path]:
    """Return the stable names of capture devices, in order; a camera's metadata nodes are left out."""
    try:
        return sorted(path for path in devices.iterdir() if path.name.endswith("-video-index0"))
    except OSError:
        return []


def camera_name(path: Path) -> str:
    """Return a name for people from udev's.

    ``usb-046d_HD_Pro_Webcam_C920_8A4F5B-video-index0`` becomes ``HD Pro Webcam C920``.
    """
    middle = re.sub(r"^usb-|-video-index\d+$", "", path.name)
    words = [word for word in re.split(r"[_\s]+", middle) if word]
    if len(words) > 1 and re.fullmatch(r"[0-9a-fA-F]{4}", words[0]):
        words = words[1:]  # the maker's number
    if len(words) > 1 and re.fullmatch(r"[0-9a-fA-F]{6,}", words[-1]):
        words = words[:-1]  # the serial number
    return " ".join(words)[:100] or "USB camera"
