"""Every personal or secret value the box knows of, with the word that stands for it in a bundle."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from appliance.certificates.host import machine_names
from appliance.certificates.store import CertificateStore
from appliance.config import Settings, flatten
from appliance.errors import ApplianceError
from appliance.support.pseudonyms import Pseudonyms
from appliance.support.settings_facts import SHOWN
from appliance.vault.keys import REVIEW_LABEL, load_box_id, load_recipients

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

# Text columns that hold words of ours, numbers or ids, never anything a person chose.
HARMLESS: Final = frozenset(
    {
        "account.role", "camera.role", "camera.kind", "camera.masks", "camera_event.reason", "camera_event.state",
        "log_personal.field", "one_time_password.purpose", "part.part_id", "part.state", "part_deletion.part_id",
        "part_deletion.rule", "part_deletion.file_state", "part_deletion.chain", "part_deletion.checkpoint_sha256",
        "password_reset.kind", "setting.key", "_sqlite_migrations.migration_set", "_sqlite_migrations.name",
        "_sqlite_migrations.applied_at", "epoch.name", "epoch.reason", "delivery.epoch", "delivery.kind",
        "delivery.state", "integration.origin", "exam.origin", "sitting.opening", "sitting.origin", "sitting.status",
        "sitting_event.name", "session.status", "warning.kind", "incident.category", "incident.severity",
        "review.status", "review_event.name", "hub_dirty.kind",
    }
)  # fmt: skip
NOBODY: Final = frozenset(
    {
        "box", "root", "exambox", "exambox-web", "exambox-capture", "exambox-keyring", "exambox-sync",
        "exambox-devices", "exambox-sign", "exambox-exchange",
        "localhost", "127.0.0.1", "::1", "as", "nobody", "", "exam room", "linux", "debian",
        "raspberrypi",
        REVIEW_LABEL.lower(), "invigilation of examinations", "public task (examination regulations)",
    }
)  # fmt: skip
_FIRST_USER = 1000
_WORD_OF_A_NAME: Final = 4
_PERSONS = ("account.name", "log_personal.value", "recording_wish.wished_by", "recording_wish.stopped_by",
            "legal_hold.placed_by", "legal_hold.released_by", "part_deletion.applied_by")  # fmt: skip


def known_values(db: Database | None, settings: Settings) -> Pseudonyms:
    """Return every value that must not be in a bundle; a new box has no database yet.

    Every text column of every table counts unless it is listed as harmless, so that a table of a later version is
    covered before anybody thinks of it.

    Raises:
        sqlite3.Error: the database cannot be read; then nothing is known, and no free text may go into a bundle.
    """
    names = Pseudonyms(NOBODY)
    if db is not None:
        _cameras(db, names)
        _sittings(db, settings.vault_dir, names)
        _people(db, names)
    _machine(settings, names)
    _keys(settings, names)
    _settings(settings, names)
    if db is not None:
        _every_text(db, names)
    return names


def _cameras(db: Database, names: Pseudonyms) -> None:
    for number, (camera, name, address) in enumerate(
        db.conn.execute("SELECT id, name, address FROM camera ORDER BY created_us, id").fetchall(), 1
    ):
        names.add(camera, f"<camera {number}>")
        names.add(name, f"<camera {number}>")
        for part in _parts_of(address):
            _host(part, f"<address of camera {number}>", names)


def _parts_of(address: str) -> set[str]:
    """Return an address and its telling pieces: host, user, path (pure)."""
    found = {address}
    with contextlib.suppress(ValueError):
        split = urlsplit(address)
        found |= {split.hostname or "", split.username or "", split.password or "", split.path.strip("/"), split.query}
    if address.startswith("/"):
        found.add(address.rpartition("/")[2])
    return {part for part in found if len(part) > 1 and not part.isdigit()}


def _sittings(db: Database, vault: Path, names: Pseudonyms) -> None:
    found = [
        row[0]
        for row in db.conn.execute(
            "SELECT sitting FROM recording_wish UNION SELECT sitting FROM part UNION SELECT sitting FROM legal_hold"
            " UNION SELECT sitting FROM bookmark ORDER BY 1"
        )
    ]
    with contextlib.suppress(OSError):
        found += sorted(folder.name for folder in vault.iterdir() if folder.name not in found)
    for number, sitting in enumerate(found, 1):
        names.add(sitting, f"<sitting {number}>")
        with contextlib.suppress(OSError):
            for folder in (vault / sitting).iterdir():
                names.add(folder.name, "<camera>")


def _people(db: Database, names: Pseudonyms) -> None:
    for number, (name, email) in enumerate(db.conn.execute("SELECT name, email FROM account ORDER BY id"), 1):
        _person(name, f"<person {number}>", names)
        _mail(email, f"<e-mail {number}>", names)
    for place in _PERSONS[1:]:
        table, _, column = place.partition(".")
        for (value,) in db.conn.execute(f"SELECT DISTINCT {column} FROM {table}"):  # noqa: S608  names from above
            if isinstance(value, str):
                _person(value, "<private>", names)


def _person(name: str, word: str, names: Pseudonyms) -> None:
    names.add(name, word)
    for piece in re.split(r"[\s,;/@._-]+", name):
        if len(piece) >= _WORD_OF_A_NAME and not piece.isdigit():
            names.add(piece, word)


def _mail(address: str, word: str, names: Pseudonyms) -> None:
    names.add(address, word)
    local, _, domain = address.partition("@")
    names.add(local, word)
    _host(domain, "<mail domain>", names)


def _host(name: str, word: str, names: Pseudonyms) -> None:
    """Enter a host's name with its own first part and its domain; top-level domains alone are no secret."""
    names.add(name, word)
    labels = name.split(".")
    if not name.replace(".", "").isdigit() and ":" not in name:
        names.add(labels[0], word)
        for at in range(1, len(labels) - 1):
            names.add(".".join(labels[at:]), word)


def _machine(settings: Settings, names: Pseudonyms) -> None:
    host = socket.gethostname()
    words = {host, host.partition(".")[0], settings.box.room if settings.box.room != Settings().box.room else ""}
    with contextlib.suppress(OSError, ApplianceError):
        words |= set(machine_names().words())
    with contextlib.suppress(OSError, ApplianceError):
        words |= set(CertificateStore(settings.tls_dir).facts().names.words())
    for word in words:
        _host(word, "<this box>", names)
    for user in pwd.getpwall():
        if user.pw_uid >= _FIRST_USER and user.pw_name != "nobody":
            _person(user.pw_name, "<account>", names)
            _person(user.pw_gecos.partition(",")[0], "<account>", names)
    for variable in ("SUDO_USER", "USER", "LOGNAME"):
        names.add(os.environ.get(variable, ""), "<account>")


def _keys(settings: Settings, names: Pseudonyms) -> None:
    with contextlib.suppress(OSError, ApplianceError):
        names.add(load_box_id(settings.keys_dir), "<box>")
    with contextlib.suppress(OSError, ApplianceError):
        for number, one in enumerate(load_recipients(settings.keys_dir).recipients, 1):
            _person(one.label, f"<recipient {number}>", names)
            names.add(one.key_id, f"<key {number}>")


def _settings(settings: Settings, names: Pseudonyms) -> None:
    for folder, word in ((settings.state_dir, "<state>"), (settings.run_dir, "<run>")):
        names.add(str(folder), word)
    defaults = flatten(Settings())
    for key, value in flatten(settings).items():
        if key in SHOWN or value == defaults[key]:
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, str):
                _setting(one, f"<{key}>", names)


def _setting(value: str, word: str, names: Pseudonyms) -> None:
    if "@" in value:
        _mail(value, word, names)
    elif "://" in value:
        for part in _parts_of(value):
            _host(part, word, names)
    elif "." in value and " " not in value and "/" not in value:
        _host(value, word, names)
    names.add(value, word)


def _every_text(db: Database, names: Pseudonyms) -> None:
    for table in db.table_names():
        for column in db.table(table).columns:
            if column.type.upper() == "TEXT" and f"{table}.{column.name}" not in HARMLESS:
                for (value,) in db.conn.execute(f'SELECT DISTINCT "{column.name}" FROM "{table}"'):  # noqa: S608
                    if isinstance(value, str):
                        names.add(value, "<private>")
