"""What a bundle tells of database, cameras, recordings, machine and units: counts, states and versions, no texts."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sqlite3
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from appliance import __version__
from appliance.database.migrations import KNOWN, MIGRATIONS
from appliance.diagnosis.computer import UNITS
from appliance.vault.disk import bytes_an_hour, read_space
from appliance.vault.part_rows import list_parts, open_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.diagnosis.machine import Machine
    from appliance.support.pseudonyms import Pseudonyms

EVENTS_A_CAMERA: Final = 50
_WORD = re.compile(r"[a-z][a-z_-]{0,40}")
_STATUS_NUMBERS: Final = (
    "since_us", "recording", "last_segment_us", "last_segment_age_ms", "segments", "gaps", "dropped", "bytes",
    "fps_milli", "kbit", "width", "height", "masked", "audio", "viewers", "restarts",
)  # fmt: skip
_UNIT_FACTS: Final = (
    "ActiveState", "SubState", "Result", "NRestarts", "ExecMainStatus", "ActiveEnterTimestampMonotonic",
    "MemoryCurrent", "CPUUsageNSec", "TasksCurrent", "UnitFileState",
)  # fmt: skip


def word(value: Any) -> str:
    """Return a stable word of ours (a reason, a state), or ``other`` for anything that could be more than that."""
    text = str(value or "")
    return text if not text or _WORD.fullmatch(text) else "other"


def version_facts() -> dict[str, Any]:
    """Return the versions of software that matters."""
    try:
        release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        release = ""
    return {
        "exambox": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release(),
        "system": release,
        "machine": platform.machine(),
        "packages": _packages(),
    }


def _packages() -> dict[str, str]:
    found = {}
    for requirement in importlib.metadata.requires("exambox") or _installed_names():
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
    return found


def _installed_names() -> list[str]:
    return sorted({name for name in sys.modules if "." not in name} & {"av", "cryptography", "flask", "gunicorn"})


def hardware_facts(machine: Machine, settings: Settings) -> dict[str, Any]:
    """Return what the machine is and how it fares; no serial numbers, no addresses."""
    memory, throttled = machine.memory(), machine.throttled()
    try:
        space = read_space(settings.vault_dir)
        disk: dict[str, Any] = {"total": space.total, "free": space.free}
    except OSError:
        disk = {}
    return {
        "model": machine.model(),
        "processor": machine.processor(),
        "cores": machine.cores(),
        "memory_total": memory.total if memory else None,
        "memory_available": memory.available if memory else None,
        "load_five_minutes": machine.load(),
        "up_seconds": machine.up_seconds(),
        "temperature_celsius": machine.temperature(),
        "throttled_bits": throttled.bits if throttled else None,
        "vault_disk": disk,
    }


def unit_facts(machine: Machine) -> list[dict[str, Any]]:
    """Return how systemd sees the box's units; empty where there is no systemd."""
    found: list[dict[str, Any]] = []
    for unit in UNITS:
        said = machine.ask(["systemctl", "show", f"{unit}.service", f"--property={','.join(_UNIT_FACTS)}"])
        pairs: dict[str, str] = {}
        for line in (said or "").splitlines():
            name, _, value = line.partition("=")
            pairs[name] = value
        if pairs:
            kept: dict[str, Any] = {name: pairs[name] for name in _UNIT_FACTS if name in pairs}
            found.append({"unit": unit, **kept})
    return found


def database_facts(db: Database) -> dict[str, Any]:
    """Return migrations, sizes, row counts and how the log stands."""
    tables = [name for name in db.table_names() if not name.startswith("sqlite_")]
    applied = [one.name for one in MIGRATIONS.applied(db)]
    newest = db.conn.execute("SELECT max(seq) FROM log_entry").fetchone()[0]
    signed = db.conn.execute("SELECT max(seq) FROM log_checkpoint").fetchone()[0]
    return {
        "quick_check": [word(row[0]) for row in db.conn.execute("PRAGMA quick_check(5)")],
        "journal_mode": word(db.conn.execute("PRAGMA journal_mode").fetchone()[0]),
        "page_count": db.conn.execute("PRAGMA page_count").fetchone()[0],
        "page_size": db.conn.execute("PRAGMA page_size").fetchone()[0],
        "migrations": [name for name in applied if name in KNOWN],
        "migrations_missing": sorted(KNOWN - set(applied)),
        "migrations_unknown": len(set(applied) - KNOWN),
        "rows": [{"table": name, "rows": db.table(name).count} for name in tables],
        "log": {"newest_entry": newest, "signed_up_to": signed},
        "accounts": [
            {"role": word(role), "active": active, "disabled": disabled}
            for role, active, disabled in db.conn.execute(
                "SELECT role, sum(disabled_us IS NULL), sum(disabled_us IS NOT NULL) FROM account GROUP BY role"
            )
        ],
        "second_factors": db.conn.execute(
            "SELECT count(*) FROM second_factor WHERE confirmed_us IS NOT NULL"
        ).fetchone()[0],
    }


def camera_facts(db: Database, status: Mapping[str, Any] | None, names: Pseudonyms) -> list[dict[str, Any]]:
    """Return each camera under a made-up name: kind, rules, what capture says of it, its last changes."""
    told = {str(one.get("camera")): one for one in (status or {}).get("cameras", []) if isinstance(one, dict)}
    found = []
    for row in db.query("SELECT * FROM camera ORDER BY created_us, id"):
        own = told.get(row["id"], {})
        found.append(
            {
                "camera": names.word(row["id"], "camera"),
                "kind": word(row["kind"]),
                "role": word(row["role"]),
                "enabled": bool(row["enabled"]),
                "removed": row["removed_us"] is not None,
                "audio": bool(row["audio"]),
                "masks": row["masks"].count("[[") if isinstance(row["masks"], str) else 0,
                "retention_hours": row["retention_hours"],
                "retention_reason_given": bool(row["retention_reason"]),
                "credential": row["credential"] is not None,
                "state": word(own.get("state")) or "unknown",
                "reason": word(own.get("reason")),
                "alarm": bool(own.get("alarm")),
                "codecs": own.get("codecs") if re.fullmatch(r"[\w.,]{0,60}", str(own.get("codecs") or "")) else "other",
                **{name: own[name] for name in _STATUS_NUMBERS if isinstance(own.get(name), (int, float))},
                "changes": _changes(db, row["id"]),
            }
        )
    return found


def _changes(db: Database, camera: str) -> list[dict[str, Any]]:
    rows = db.conn.execute(
        "SELECT at_us, state, reason FROM camera_event WHERE camera = ? ORDER BY id DESC LIMIT ?",
        (camera, EVENTS_A_CAMERA),
    )
    return [{"at_us": at, "state": word(state), "reason": word(reason)} for at, state, reason in rows]


def recording_facts(db: Database, vault: Path, names: Pseudonyms, now_us: int) -> dict[str, Any]:
    """Return how many parts of which state and size each recording has, under made-up names."""
    parts = list_parts(db)
    groups: dict[tuple[str, str], list[Any]] = {}
    for part in parts:
        groups.setdefault((part.sitting, part.camera), []).append(part)
    holds = db.conn.execute("SELECT count(*) FROM legal_hold WHERE released_us IS NULL").fetchone()[0]
    return {
        "bytes_an_hour_now": bytes_an_hour(open_parts(db, vault), now_us),
        "holds": holds,
        "recordings": [
            {
                "sitting": names.word(sitting, "sitting"),
                "camera": names.word(camera, "camera"),
                "parts": len(own),
                "states": _counted(part.state for part in own),
                "bytes": sum(part.bytes for part in own),
                "first_us": min(part.started_us for part in own),
                "last_us": max((part.ended_us or part.started_us) for part in own),
            }
            for (sitting, camera), own in sorted(groups.items())
        ],
    }


def log_facts(db: Database) -> list[dict[str, Any]]:
    """Return how often each action is in the newest ten thousand entries of the log."""
    rows = db.conn.execute("SELECT body FROM log_entry ORDER BY seq DESC LIMIT 10000")
    actions = (re.search(rb'"action":"([a-z0-9_]+\.[a-z0-9_]+)"', bytes(row[0])) for row in rows)
    return [
        {"action": action, "entries": count}
        for action, count in Counter(found[1].decode() for found in actions if found).most_common()
    ]


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(map(word, values)).items()))
