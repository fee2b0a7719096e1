"""What views share: settings, clock, the other processes' clients, and the request's own database connection."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from flask import current_app, g, has_request_context, request

from appliance import auditlog
from appliance.certificates.store import CertificateStore
from appliance.database import connect
from appliance.errors import ApplianceError
from appliance.web.access import SignedOutError
from appliance.web.hosts import plain_address, plain_host

if TYPE_CHECKING:
    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.ipc.keyring import KeyringClient
    from appliance.ipc.live import LiveClient
    from appliance.web.account.sessions import Person
    from appliance.web.admin.camera_trials import Trials
    from appliance.web.jobs import Jobs
    from appliance.web.lasting import LastingAnswers
    from appliance.web.review.thumbnails import Thumbnails
    from appliance.web.room.fan import Fan
    from appliance.web.room.watch import RoomWatch
    from appliance.web.slots import StreamSlots

_KEY = "exambox"


@dataclass(frozen=True)
class Services:
    """One for the process, made by `create_app`."""

    settings: Settings
    clock: Clock
    live: LiveClient
    keyring: KeyringClient
    slots: StreamSlots
    jobs: Jobs
    keeper: Database
    """Held open for the process's life: without it each request's close would checkpoint the WAL."""
    thumbnails: Thumbnails
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process is asked to end; streams end then."""

    @functools.cached_property
    def lasting(self) -> LastingAnswers:
        """Answers that go on: live pictures, events."""
        from appliance.web.lasting import LastingAnswers  # noqa: PLC0415  it needs what needs this module

        return LastingAnswers(self.slots, self.stopping)

    @functools.cached_property
    def fan(self) -> Fan:
        """The cameras that are watched at present."""
        from appliance.web.room.fan import Fan  # noqa: PLC0415  as above

        return Fan(self.live.relay)

    @functools.cached_property
    def room(self) -> RoomWatch:
        """Who looks at the room for everybody."""
        from appliance.web.room.watch import RoomWatch  # noqa: PLC0415  as above

        return RoomWatch(self)

    @functools.cached_property
    def camera_trials(self) -> Trials:
        """Cameras that were tried and not yet decided about."""
        from appliance.web.admin.camera_trials import Trials  # noqa: PLC0415  as above

        return Trials(self.clock)

    def box_names(self) -> frozenset[str]:
        """Return the names and addresses the box is reached by on its network, in lower case."""
        store = CertificateStore(self.settings.tls_dir)
        try:
            changed = store.certificate_file.stat().st_mtime_ns
        except OSError:
            changed = 0
        return _covered(store, changed) | frozenset(map(plain_host, self.settings.web.names))

    @property
    def zone(self) -> ZoneInfo:
        """The room's time zone."""
        return ZoneInfo(self.settings.box.timezone)


@functools.lru_cache(maxsize=4)
def _covered(store: CertificateStore, _changed: int) -> frozenset[str]:
    """Return what the certificate names; read again when its file has changed."""
    try:
        return frozenset(map(str.lower, store.facts().names.words()))
    except ApplianceError:
        return frozenset()


def install(app: Flask, services: Services) -> None:
    """Make the services known to the application."""
    app.extensions[_KEY] = services
    _ = services.lasting, services.fan, services.room  # made before there are threads that could make them twice


def of(app: Flask) -> Services:
    """Return an application's services."""
    return cast("Services", app.extensions[_KEY])


def services() -> Services:
    """Return the services of the application that handles this request."""
    return of(current_app)


def database() -> Database:
    """Return this request's connection; it is closed when the request ends."""
    if "database" not in g:
        g.database = connect(services().settings.database)
    return cast("Database", g.database)


def close_database(_problem: BaseException | None = None) -> None:
    """Give the request's connection back."""
    db = g.pop("database", None)
    if db is not None:
        db.conn.close()


def address() -> str:
    """Return where the request comes from."""
    return plain_address(request.remote_addr or "") if has_request_context() else ""


def person_or_none() -> Person | None:
    """Return who is signed in, or None."""
    return cast("Person | None", g.get("person"))


def person() -> Person:
    """Return who is signed in.

    Raises:
        SignedOutError: nobody is.
    """
    found = person_or_none()
    if found is None:
        raise SignedOutError("Please sign in first.")
    return found


def note(action: str, **detail: Any) -> None:
    """Enter what the signed-in person did in the log."""
    auditlog.append(
        database(), action, clock=services().clock, who=person().name, where=address(), detail=detail or None
    )
