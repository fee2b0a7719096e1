"""A box full of marked personal data, in every place there is: none of it is in its bundle, in any common encoding."""

from __future__ import annotations

import base64
import html
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest

from appliance import auditlog
from appliance.config import AccountsSettings, BoxSettings, Settings, WebSettings, flatten
from appliance.database import write
from appliance.diagnosis import CHECKS, look
from appliance.diagnosis.machine import Machine
from appliance.diagnosis.result import Check, Examined
from appliance.errors import UnavailableError, VaultError
from appliance.support import known
from appliance.support.bundle import UNSURE, BundleFile, Sources, collect, write_bundle
from appliance.support.settings_facts import LEFT_OUT, NOT_SET, settings_facts
from appliance.vault.crypto import public_of
from appliance.vault.keys import add_recipient, init_keys
from appliance.vault.recipients import make_recipient
from tests.commands.box import run
from tests.vault.recorded import PRIVATE

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock

SIGN_IN_SECRETS = "Zgeheim"


class Marks:
    """Makes values nobody else uses and remembers each."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, what: str) -> str:
        """Return one as people write."""
        value = f"Zq{what}{len(self.made)}ß"
        self.made.append(value)
        return value

    def plain(self, what: str) -> str:
        """Return one of small letters and digits, as names in paths have to be."""
        value = f"zq{what}{len(self.made)}x"
        self.made.append(value)
        return value


@pytest.fixture
def marks() -> Marks:
    """The personal values of the box."""
    return Marks()


@pytest.fixture
def full(settings: Settings, db: Database, clock: ManualClock, marks: Marks) -> Settings:
    """A box whose every text column, setting, key label, folder and log entry holds a marked value."""
    sitting, camera = marks.plain("sitting"), marks.plain("camera")
    made = msgspec.structs.replace(
        settings,
        box=BoxSettings(room=marks("room"), trial=True),
        vault=msgspec.structs.replace(settings.vault, suite="X25519"),
        web=WebSettings(names=(f"{marks.plain('host')}.school.example",)),
        accounts=AccountsSettings(
            smtp_host=f"{marks.plain('smtp')}.example", smtp_user=marks("smtpuser"), smtp_password_file=marks("file"),
            mail_from=f"{marks.plain('from')}@{marks.plain('domain')}.example",
            public_address=f"https://{marks.plain('public')}.example",
        ),
    )  # fmt: skip
    init_keys(made, passphrase=None, clock=clock)
    public = public_of("X25519", PRIVATE)
    add_recipient(
        made.keys_dir,
        make_recipient(suite="X25519", public=public, label=marks("auditor"), role="auditor"),
        clock=clock,
    )
    (made.vault_dir / marks.plain("unknownsitting") / marks.plain("unknowncamera")).mkdir(parents=True)
    # Marks stand where keys of other tables and words of ours would: what is asked is whether they are redacted.
    db.conn.execute("PRAGMA foreign_keys=OFF")
    db.conn.execute("PRAGMA ignore_check_constraints=ON")
    with write(db):
        _fill(db, marks, sitting, camera)
    who, where = marks("who"), "203.0.113.77"
    marks.made.append(where)
    auditlog.append(
        db, "keys.recipient_added", clock=clock, who=who, where=where, detail={"sitting": sitting, "camera": camera},
        personal={"label": marks("personal")},
    )  # fmt: skip
    return made


def _fill(db: Database, marks: Marks, sitting: str, camera: str) -> None:
    """Put a row into every table, a mark into every column of text that is not harmless."""
    fixed: dict[str, Any] = {
        "camera.id": camera, "camera.role": "room", "camera.kind": "rtsp", "camera.masks": "[]",
        "camera.address": f"rtsp://{marks.plain('cameraaddress')}.lan/{marks.plain('path')}",
        "camera.credential": f"{SIGN_IN_SECRETS}".encode(), "part.state": "closed", "part_deletion.file_state": "whole",
        "part.sitting": sitting, "part.camera": camera, "recording_wish.sitting": sitting,
        "part_deletion.part_id": "p" * 32, "bookmark.until_us": None,
        "part.part_id": "p" * 32, "account.role": "administrator", "camera_event.camera": camera,
        "account.email": f"{marks.plain('local')}@{marks.plain('maildomain')}.example", "camera_event.state": "lost",
        "password_reset.kind": "code", "camera_event.reason": "timeout", "setting.key": "k",
    }  # fmt: skip
    order = ["account", "camera"]
    tables = [name for name in db.table_names() if not name.startswith(("sqlite_", "_sqlite", "log_"))]
    for table in sorted(tables, key=lambda name: (name not in order, name)):
        row: dict[str, Any] = {}
        for column in db.table(table).columns:
            place = f"{table}.{column.name}"
            row[column.name] = fixed.get(place) if place in fixed else _value(column.type, place, marks)
        row |= {name: 1 for name in row if name in {"account", "id"} and isinstance(row[name], int)}
        db.table(table).insert({name: value for name, value in row.items() if name != "certificate"})


def _value(kind: str, place: str, marks: Marks) -> Any:
    if place in known.HARMLESS:
        return "word"
    if kind == "TEXT":
        return marks(re.sub(r"\W|_", "", place))
    if kind == "BLOB":
        return b"x" * 32
    return 1 if place.split(".")[1] in {"audio", "enabled", "must_change", "keys_destroyed", "second_factor"} else 2


def _sources(settings: Settings, clock: ManualClock, marks: Marks, **changes: Any) -> Sources:
    """Everything free text can come from says the marks: errors, capture, figures, journal, history."""
    said = " and ".join(marks.made)
    coded = [said, quote(said), json.dumps(said), html.escape(said), said.upper(), said.lower(), said.encode().hex(),
             base64.b64encode(said.encode()).decode(), *map(quote, marks.made)]  # fmt: skip
    checks = [Check(f"camera {marks.made[0]}", "fail", text, text) for text in coded]
    line = {"MESSAGE": f'event="{said}" level=info who="{said}"', "_SYSTEMD_UNIT": "exambox-web.service"}
    journal = "\n".join(json.dumps(one) for one in (line, {"MESSAGE": said}, {"MESSAGE": f'event=x File "{said}"'}))
    values: dict[str, Any] = {
        "settings": settings,
        "clock": clock,
        "checks": lambda: [*look(CHECKS, Examined(settings, clock)), *checks],
        "status": lambda: {"cameras": [{"camera": marks.made[1], "state": said, "reason": said, "codecs": said}]},
        "metrics": lambda: "".join(f'exambox_cameras{{camera="{mark}"}} 1\n' for mark in marks.made),
        "history": [{"at_us": 1, "name": f"camera {mark}", "message": mark} for mark in marks.made],
        "machine": Machine(ask=lambda words: journal if "journalctl" in words[0] else None),
    }
    return Sources(**(values | changes))


def _spelled(mark: str) -> set[str]:
    raw = mark.encode()
    return {
        mark, quote(mark), json.dumps(mark)[1:-1], html.escape(mark), raw.decode("latin-1"), raw.hex(),
        mark.encode("utf-16-le").hex(), base64.b64encode(raw).decode().rstrip("="),
    }  # fmt: skip


def _found(texts: list[str], marks: Marks) -> list[tuple[str, str]]:
    everything = "\n".join(texts).lower()
    return [(mark, one) for mark in marks.made for one in _spelled(mark) if one.lower() in everything]


def test_no_personal_value_is_in_the_bundle(
    full: Settings, db: Database, clock: ManualClock, marks: Marks, tmp_path: Path
) -> None:
    """Not in a file's text, not in its name, not in the zip; while what helps is there."""
    assert len(marks.made) >= 49
    files = collect(_sources(full, clock, marks))
    target = tmp_path / "bundle.zip"
    write_bundle(target, files, clock)
    with zipfile.ZipFile(target) as packed:
        texts = [packed.read(name).decode() for name in packed.namelist()]
        names = packed.namelist()
    assert _found([*texts, *names], marks) == []
    assert _found([target.read_bytes().decode("latin-1")], marks) == []
    assert SIGN_IN_SECRETS not in "".join(texts)
    told = {file.name: file.text for file in files}
    cameras = json.loads(told["cameras.json"])
    assert [(one["camera"], one["kind"]) for one in cameras] == [("camera 1", "rtsp")]
    recordings = json.loads(told["recordings.json"])["recordings"]
    assert [(one["camera"], one["states"]) for one in recordings] == [("camera 1", {"closed": 1})]
    assert re.fullmatch(r"sitting \d", recordings[0]["sitting"])
    assert "<camera 1>" in told["metrics.txt"]
    assert "keys.recipient_added" in told["log.json"]


def test_the_test_itself_finds_what_is_not_redacted(full: Settings, clock: ManualClock, marks: Marks) -> None:
    """Every mark would be found if nothing were taken out: the search can fail."""
    raw = [" ".join(marks.made)]
    assert {mark for mark, _ in _found(raw, marks)} == set(marks.made)


def test_every_column_of_text_is_covered(full: Settings, db: Database) -> None:
    """What is stored as text is known as personal or listed as harmless; a new table cannot be forgotten."""
    names = known.known_values(db, full)
    for table in db.table_names():
        for column in db.table(table).columns:
            place = f"{table}.{column.name}"
            if column.type != "TEXT" or place in known.HARMLESS:
                continue
            for (value,) in db.conn.execute(f'SELECT "{column.name}" FROM "{table}"'):  # noqa: S608  the schema's own names
                assert value in names or value.lower() in known.NOBODY, place


def test_no_private_key_is_in_the_bundle(full: Settings, clock: ManualClock, marks: Marks) -> None:
    """Neither as bytes nor in hexadecimal nor base64."""
    text = "\n".join(file.text for file in collect(_sources(full, clock, marks)))
    for name in ("device.key", "capture.key"):
        raw = (full.keys_dir / name).read_bytes()
        assert raw.hex() not in text
        assert base64.b64encode(raw).decode() not in text
    for long in re.findall(r"[0-9a-f]{64,}", (full.keys_dir / "review.key").read_text()):
        assert long not in text


def test_a_damaged_database_takes_every_free_text_with_it(
    full: Settings, db: Database, clock: ManualClock, marks: Marks
) -> None:
    """What cannot be known to be personal is left out; the states stay."""
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.conn.close()
    raw = full.database.read_bytes()
    full.database.write_bytes(raw[:100] + bytes(len(raw) - 100))
    files = {file.name: file.text for file in collect(_sources(full, clock, marks))}
    assert _found(list(files.values()), marks) == []
    assert UNSURE in files["journal.json"]
    assert {check["state"] for check in json.loads(files["doctor.json"])} >= {"ok", "fail"}
    assert json.loads(files["hardware.json"])["cores"] > 0


def test_a_part_that_cannot_be_gathered_costs_only_itself(full: Settings, clock: ManualClock, marks: Marks) -> None:
    """Capture and dashboard do not run: the rest is there."""

    def dead() -> Any:
        raise UnavailableError(f"{marks.made[0]} does not answer")

    files = {file.name: file.text for file in collect(_sources(full, clock, marks, status=dead, metrics=dead))}
    assert files["metrics.txt"] == "(could not be gathered: UnavailableError)"
    assert json.loads(files["cameras.json"])[0]["state"] == "unknown"
    assert _found(list(files.values()), marks) == []


def test_settings_tell_numbers_and_choices_only() -> None:
    """Each text is only set or not; a new setting of text is left out until somebody decides otherwise."""
    made = Settings(box=BoxSettings(room="Aula"), web=WebSettings(port=81, lan_address="192.0.2.4"))
    facts = settings_facts(made)
    assert facts.keys() == flatten(made).keys()
    assert facts["box.room"] == {"value": LEFT_OUT, "default": False}
    assert facts["web.port"] == {"value": 81, "default": False}
    assert facts["accounts.smtp_host"] == {"value": NOT_SET, "default": True}
    assert "192.0.2.4" not in json.dumps(facts)


def test_an_existing_file_is_never_overwritten(clock: ManualClock, tmp_path: Path) -> None:
    """The person is told to give a new name."""
    target = tmp_path / "there.zip"
    target.write_text("mine")
    with pytest.raises(VaultError, match="cannot be written"):
        write_bundle(target, [BundleFile("a", "b")], clock)
    assert target.read_text() == "mine"


def test_the_command_writes_a_bundle_and_enters_it(settings: Settings, db: Database, tmp_path: Path) -> None:
    """`exambox support-bundle FILE`, also where nothing else runs."""
    target = tmp_path / "b.zip"
    result = run(settings, "support-bundle", str(target), "--show")
    assert result.exit_code == 0, result.output
    assert "--- doctor.json" in result.output
    with zipfile.ZipFile(target) as packed:
        assert "exambox-support/README.txt" in packed.namelist()
    assert [line.action for line in auditlog.show(db)] == ["support.bundle_made"]
