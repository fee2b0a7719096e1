"""Who may stand before the gate, and what lies behind it, for `test_gate.py`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.web.account import changes, half_sessions, sessions
from appliance.web.account.accounts import create_account
from appliance.web.services import of
from tests.vault.recorded import DEVICE, Recorder, clock_at
from tests.web.conftest import PASSWORD, Browser
from tests.web.gate_table import VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.web.account.accounts import Account
    from appliance.web.jobs import Job

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
WITHOUT_A_SESSION = (
    "nobody", "forged", "half", "half as whole", "handle as session", "disabled", "ended", "idle", "too old",
    "from the future", "role changed", "password changed", "case changed",
)  # fmt: skip
"""Those whom no route that is not public may let in; `World.intruder` makes each of them."""


@dataclass(frozen=True)
class Route:
    """One address: a path, and the endpoint that takes each method; ``arguments`` are its variable parts."""

    path: str
    takes: dict[str, str]
    arguments: frozenset[str]

    @property
    def is_file(self) -> bool:
        """Whether it serves the files of a static folder."""
        return all(endpoint.rpartition(".")[2] == "static" for endpoint in self.takes.values())


def routes(app: Flask) -> list[Route]:
    """Return every address of the application; a variable part without a value in the table fails."""
    found: dict[str, Route] = {}
    with app.test_request_context(base_url="http://localhost/"):
        for rule in app.url_map.iter_rules():
            path = url_for(rule.endpoint, **{name: VALUES[name] for name in rule.arguments})
            route = found.setdefault(path, Route(path, {}, frozenset(rule.arguments)))
            for method in rule.methods or ():
                route.takes.setdefault(method, rule.endpoint)
    return list(found.values())


def furnish(app: Flask, db: Database, clock: ManualClock, settings: Settings, film: bytes) -> World:
    """Return a dashboard with a recording of sitting ``exam`` by camera ``front``, and one administrator."""
    Recorder(settings.vault_dir, clock_at()).part(film)
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    (settings.keys_dir / "device.pub").write_bytes(DEVICE.public)
    made = World(app, db, clock)
    made.account("First", "administrator")
    return made


@dataclass
class World:
    """A dashboard with people in it."""

    app: Flask
    db: Database
    clock: ManualClock

    def account(self, name: str, role: str) -> Account:
        """Make an account."""
        return create_account(self.db, name, role, PASSWORD, clock=self.clock, who="test")

    def browser(self) -> Browser:
        """Return a browser nobody has signed in with; it holds a visitor's form token."""
        return Browser(self.app.test_client())

    def person(self, name: str, role: str) -> Browser:
        """Sign somebody new in."""
        return self.signed_in(self.account(name, role))

    def signed_in(self, account: Account) -> Browser:
        """Sign an account in once more."""
        browser = self.browser()
        assert browser.sign_in(account.name).status_code == 302
        return browser

    def job(self, owner: str) -> Job:
        """Give somebody a finished export of one file."""

        def work(job: Job) -> dict[str, Any]:
            (job.folder / "clip.mp4").write_bytes(b"clip")
            return {"files": [{"name": "clip.mp4"}]}

        jobs = of(self.app).jobs
        job = jobs.start("export", owner, work)
        jobs.find(job.id, owner)
        return job

    def intruder(self, kind: str) -> Browser:
        """Return the browser of somebody who was, is not yet, or never will be signed in as an administrator."""
        account = self.account("Was Here", "administrator")
        token = sessions.open_session(self.db, account.id, address="127.0.0.1", clock=self.clock)
        browser = self.browser()
        browser.client.set_cookie("exambox_session", self._cookie(kind, account, token, browser))
        return browser

    def _cookie(self, kind: str, account: Account, token: str, browser: Browser) -> str:
        now, changed = self.clock.wall_us(), {"clock": self.clock, "who": "test"}
        if kind == "nobody":
            return ""
        if kind == "forged":
            return "A" * len(token)
        if kind.startswith("half"):
            half = half_sessions.open_half(self.db, account.id, clock=self.clock)
            browser.client.set_cookie("exambox_half", half, path="/")
            return half if kind == "half as whole" else ""
        if kind == "handle as session":
            return hashlib.sha256(token.encode()).hexdigest()[: len(token)]
        if kind == "case changed":
            return token.swapcase()
        undone: dict[str, Callable[[], Any]] = {
            "disabled": lambda: self._set("UPDATE account SET disabled_us = ? WHERE name = 'Was Here'", now),
            "ended": lambda: changes.end_sessions(self.db, account.name, **changed),
            "idle": lambda: self._set("UPDATE web_session SET seen_us = ?", now - 31 * 60 * SECOND_US),
            "too old": lambda: self._set("UPDATE web_session SET created_us = ?", now - 13 * 3600 * SECOND_US),
            "from the future": lambda: self._set("UPDATE web_session SET created_us = ?", now + 3600 * SECOND_US),
            "role changed": lambda: changes.set_role(self.db, account.name, "reviewer", **changed),
            "password changed": lambda: changes.set_password(self.db, account.name, f"New-{PASSWORD}", **changed),
        }
        if kind == "role changed":
            self.account("Another", "administrator")
        undone[kind]()
        return token

    def _set(self, statement: str, value: int) -> None:
        with write(self.db):
            self.db.conn.execute(statement, (value,))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of the database: what a refused request must leave as it is."""
        tables = [row[0] for row in self.db.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: self.db.conn.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}  # noqa: S608


def asked(
    browser: Browser, token: str, route: Route, methods: tuple[str, ...] = METHODS
) -> Iterator[tuple[str, int, str]]:
    """Ask for a route by each method with a form token; yield method, status and the refusal's code."""
    headers = {"X-CSRFToken": token, "Accept": "application/json", "X-HTTP-Method-Override": "GET"}
    for method in methods:
        with browser.client.open(route.path, method=method, headers=headers) as response:
            told = response.get_json(silent=True) if response.status_code >= 400 and method != "HEAD" else None
            yield method, response.status_code, (told or {}).get("code", "")
