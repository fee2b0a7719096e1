"""Checks of the box itself: software, folders, disk, clock, database, retention."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
import sys
import tempfile
from typing import TYPE_CHECKING

from appliance import __version__
from appliance.clock import SECOND_US, clock_is_trusted, format_utc, parse_utc
from appliance.database.migrations import KNOWN, MIGRATIONS
from appliance.diagnosis.result import Check, Examined, closed, read_database
from appliance.vault.disk import bytes_an_hour, disk_state, minutes_left, read_space
from appliance.vault.part_rows import due_now, list_parts, open_parts, unknown_files

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.diagnosis.result import State

# STRICT tables need 3.37.
OLDEST_SQLITE = (3, 37, 0)
# Cameras are opened and encoded through these.
DECODERS = ("h264", "hevc", "mjpeg")
ENCODERS = ("libx264", "aac")
SLOW_SYNC_MS = 500
EXAM_DAY_MINUTES = 10 * 60
"""An exam day: a disk that does not last so long at the present rate is worth a word."""
LATE_US = 3600 * SECOND_US
_PROBE_BYTES = 256 * 1024
_OLDEST_CLOCK_US = parse_utc("2026-01-01")


def check_software(_examined: Examined) -> list[Check]:
    """Versions that belong together."""
    versions = (
        f"exambox {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} "
        f"on {platform.machine()}"
    )
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return [Check("software", "fail", f"{versions}: SQLite is too old.", "Install Debian 12 or newer.")]
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return [Check("software", "warn", f"{versions}: this Python is not tested.", "Use Python 3.11 to 3.13.")]
    return [Check("software", "ok", versions)]


def check_codecs(_examined: Examined) -> list[Check]:
    """The libraries have what recording needs."""
    import av  # noqa: PLC0415  slow to load; only this check needs it

    missing = ", ".join(_missing_codecs())
    if missing:
        hint = "Install PyAV from its wheel, which has them: pip install --force-reinstall av."
        return [Check("codecs", "fail", f"PyAV {av.__version__} lacks {missing}.", hint)]
    return [Check("codecs", "ok", f"PyAV {av.__version__}")]


def _missing_codecs() -> list[str]:
    from av.codec import Codec  # noqa: PLC0415  as above

    missing = []
    for name in DECODERS:
        try:
            Codec(name, "r")
        except ValueError:  # PyAV's UnknownCodecError is one
            missing.append(name)
    for name in ENCODERS:
        try:
            Codec(name, "w")
        except ValueError:
            missing.append(name)
    return missing


def check_folders(examined: Examined) -> list[Check]:
    """Every folder is there, and nobody may use it who should not."""
    settings = examined.settings
    folders = {
        "state": settings.state_dir,
        "database": settings.database.parent,
        **({} if settings.is_hub else {"vault": settings.vault_dir}),
        "keys": settings.keys_dir,
        "sockets": settings.run_dir,
    }
    return [_folder(name, path, privileged=examined.privileged) for name, path in folders.items()]


def _folder(name: str, path: Path, *, privileged: bool) -> Check:
    label = f"folder {name}"
    try:
        facts = path.stat()
    except FileNotFoundError:
        return Check(label, "warn", f"{path} is not there yet.", "It is made at the first start: `exambox run`.")
    if not stat.S_ISDIR(facts.st_mode):
        return Check(label, "fail", f"{path} is no folder.", "Move it away; the box makes a folder there.")
    return _folder_mode(name, path, stat.S_IMODE(facts.st_mode), privileged=privileged)


def _folder_mode(name: str, path: Path, mode: int, *, privileged: bool) -> Check:
    label = f"folder {name}"
    forbidden = 0o007 if name == "keys" else 0o002
    if mode & forbidden and name == "keys":
        return Check(label, "fail", f"{path} is open to every user ({mode:04o}).", f"chmod o-rwx {path}")
    if mode & forbidden:
        return Check(label, "fail", f"{path} is writable for every user ({mode:04o}).", f"chmod o-w {path}")
    if not os.access(path, os.R_OK | os.X_OK):
        if not privileged:
            return closed(label)
        return Check(label, "warn", f"{path} ({mode:04o}) is not open to this user.", "Run the doctor as root.")
    return Check(label, "ok", f"{path} ({mode:04o})")


def check_disk(examined: Examined) -> list[Check]:
    """How much room there is, and for how long."""
    settings = examined.settings.vault
    space = read_space(_existing(examined.settings.vault_dir))
    state = disk_state(space.total, space.free, settings)
    left = None
    if examined.settings.database.exists():
        with read_database(examined) as db:
            rate = bytes_an_hour(open_parts(db, examined.settings.vault_dir), examined.clock.wall_us())
            left = minutes_left(space, settings, rate)
    percent = space.free * 100 // max(1, space.total)
    free, total = f"{space.free / 1e9:.1f}", f"{space.total / 1e9:.1f}"
    stands: State = "ok"
    hint = ""
    if state == "stop":
        stands, hint = "fail", "Recording stops for want of room. Free space or fit a larger disk now."
    elif state == "delete":
        stands, hint = "warn", "What retention allows is being deleted. Release holds or fit a larger disk."
    elif state == "warn" or (left is not None and left < EXAM_DAY_MINUTES):
        stands, hint = "warn", "Shorten the retention of cameras, release holds, or fit a larger disk."
    if left is None:
        return [Check("disk", stands, f"{free} GB of {total} GB free ({percent} %)", hint)]
    told = f"{free} GB of {total} GB free ({percent} %), enough for {left // 60} h {left % 60} min at the present rate"
    return [Check("disk", stands, told, hint)]


def check_disk_speed(examined: Examined) -> list[Check]:
    """One durable write of 256 KiB where recordings go."""
    folder = _existing(examined.settings.vault_dir)
    if not os.access(folder, os.W_OK):
        if not examined.privileged:
            return [closed("disk speed")]
        return [Check("disk speed", "warn", f"{folder} is not writable for this user.", "Run the doctor as root.")]
    began = examined.clock.mono_us()
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(os.urandom(_PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())
    took = (examined.clock.mono_us() - began) // 1000
    state: State = "warn" if took > SLOW_SYNC_MS else "ok"
    hint = "A worn or slow card loses recordings under load: use an SSD." if took > SLOW_SYNC_MS else ""
    return [Check("disk speed", state, f"256 KiB written and synced in {took} ms", hint)]


def check_clock(examined: Examined) -> list[Check]:
    """Whether recordings get the right time."""
    now = examined.clock.wall_us()
    if now < _OLDEST_CLOCK_US:
        hint = "Set it (`timedatectl set-time`) or give the box a time server."
        return [Check("clock", "fail", f"The clock says {format_utc(now)}, which is long past.", hint)]
    if clock_is_trusted():
        return [Check("clock", "ok", f"{format_utc(now)}, synchronised")]
    hint = "Recordings say that their time was not proven. Set up a time server: `timedatectl`."
    return [Check("clock", "warn", f"{format_utc(now)}, not synchronised", hint)]


def check_database(examined: Examined) -> list[Check]:
    """The database is whole and of this software's version."""
    path = examined.settings.database
    if not path.exists():
        return [Check("database", "warn", f"{path} is not there yet.", "It is made at the first start: `exambox run`.")]
    with read_database(examined) as db:
        damage = [row[0] for row in db.conn.execute("PRAGMA quick_check(5)") if row[0] != "ok"]
        done = {one.name for one in MIGRATIONS.applied(db)}
    if damage:
        hint = "Stop the box, keep a copy of the file, and restore it from the last backup."
        return [Check("database", "fail", f"{path} is damaged: {damage[0]}", hint)]
    if done - KNOWN:
        hint = "Install the version that wrote it, or a later one."
        return [Check("database", "fail", "The database is newer than this software.", hint)]
    if KNOWN - done:
        return [Check("database", "warn", "The database awaits a migration.", "It is done at the next start.")]
    return [Check("database", "ok", f"{path}, whole, migrated to {max(done)}")]


def check_retention(examined: Examined) -> list[Check]:
    """Nothing is overdue, and nothing is stuck."""
    if not examined.settings.database.exists():
        return []
    now, hours = examined.clock.wall_us(), examined.settings.vault.retention_hours
    vault = examined.settings.vault_dir
    with read_database(examined) as db:
        due = due_now(db, default_hours=hours, now_us=now, grace_us=examined.settings.vault.release_grace_us)
        late = [one for one in due if now - one.due_us > LATE_US]
        stuck = sum(part.state == "deleting" for part in list_parts(db))
        unknown = unknown_files(db, vault) if vault.is_dir() else []
        held = db.conn.execute("SELECT count(*) FROM legal_hold WHERE released_us IS NULL").fetchone()[0]
    if late or stuck:
        hint = "Is the capture process running, and the disk writable? It deletes once a minute."
        return [Check("retention", "warn", f"{len(late)} parts are overdue, {stuck} half deleted.", hint)]
    if unknown:
        hint = "Retention does not see them: was the database lost or restored? Decide what happens to these files."
        return [Check("retention", "warn", f"{len(unknown)} part files are unknown, such as {unknown[0]}.", hint)]
    return [Check("retention", "ok", f"nothing overdue; legal holds: {held}")]


def _existing(path: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next((folder for folder in [path, *path.parents] if folder.is_dir()), path)
