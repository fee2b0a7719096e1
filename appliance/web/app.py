"""The dashboard as a Flask application."""

from __future__ import annotations

import os
import secrets
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect

from appliance import __version__, log
from appliance.clock import format_utc
from appliance.database import open_box_database
from appliance.ipc.keyring import KeyringClient
from appliance.ipc.live import LiveClient
from appliance.web import (
    access,
    admin,
    body_limits,
    candidate,
    compress,
    headers,
    home,
    hosts,
    language,
    metrics,
    openapi,
    preferences,
    problems,
    review,
    vitals,
    words,
)
from appliance.web.account import sessions
from appliance.web.account import views as account
from appliance.web.account.accounts import any_account
from appliance.web.api import state as api_state
from appliance.web.api import views as api
from appliance.web.api.paths import is_machines
from appliance.web.browser_session import BoxSession, BoxSessions
from appliance.web.help import views as help_views
from appliance.web.hub import protocol as hub_protocol
from appliance.web.hub import role as hub_role
from appliance.web.hub import state as hub_state
from appliance.web.hub import views as hub_pages
from appliance.web.jobs import Jobs
from appliance.web.lan import views as lan
from appliance.web.language import views as language_views
from appliance.web.language.catalogue import SOURCE_LANGUAGE, script_module
from appliance.web.language.problems import problem_words
from appliance.web.review.thumbnails import Thumbnails
from appliance.web.room import alert_views
from appliance.web.room import views as room
from appliance.web.seat_api import state as seat_state
from appliance.web.seat_api import views as seat_api
from appliance.web.services import Services, close_database, database, install, of, person_or_none, services
from appliance.web.sittings import views as sittings
from appliance.web.slots import StreamSlots
from appliance.web.tell_next import keep_notice, take_notice
from appliance.web.usb_words import subject_words

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Blueprint, Request
    from werkzeug.wrappers import Response

    from appliance.clock import Clock
    from appliance.config import Settings

MAX_REQUEST_BYTES = 32 * 1024
# A page that only keeps itself fresh says so; that does not count as somebody being there.
BACKGROUND_HEADER = "X-Exambox-Background"
_BLUEPRINTS = (
    home.BLUEPRINT,
    vitals.BLUEPRINT,
    preferences.BLUEPRINT,
    language_views.BLUEPRINT,
    openapi.BLUEPRINT,
    api.BLUEPRINT,
    account.BLUEPRINT,
    alert_views.BLUEPRINT,
    sittings.BLUEPRINT,
    candidate.BLUEPRINT,
    review.BLUEPRINT,
    admin.BLUEPRINT,
    lan.BLUEPRINT,
    help_views.BLUEPRINT,
    seat_api.BLUEPRINT,
)
_OF_A_ROOM = (room.BLUEPRINT, seat_api.BLUEPRINT)
_OF_A_HUB = (hub_pages.BLUEPRINT, hub_protocol.BLUEPRINT)
_LOG = log.get(__name__)
_SECRET_BYTES = 32


def create_app(
    settings: Settings, clock: Clock, *, live: LiveClient | None = None, keyring: KeyringClient | None = None
) -> Flask:
    """Build the dashboard.

    Args:
        settings: the box's settings.
        clock: for sessions, throttling and what is shown.
        live: capture's client; made from the settings if None.
        keyring: the keyring's client; made from the settings if None.

    Raises:
        AccessDeclarationError: a view does not say who may use it.
        DatabaseError: the database cannot be opened.
    """
    app = Flask("appliance.web", template_folder="templates", static_folder="static", static_url_path="/static")
    _configure(app, settings)
    install(app, _services(settings, clock, live, keyring))
    app.session_interface = BoxSessions()
    body_limits.install(app)
    form_tokens = CSRFProtect(app)
    form_tokens.exempt(api.BLUEPRINT)  # its callers have tokens; a cookie is neither read nor set there
    form_tokens.exempt(seat_api.BLUEPRINT)
    app.before_request(_gate)
    app.after_request(headers.add_headers)
    compress.install(app)
    app.teardown_appcontext(close_database)
    api_state.install(app, settings, clock)
    seat_state.install(app, settings, clock)
    problems.install(app)
    metrics.install(app)
    app.after_request(keep_notice)
    for blueprint in _blueprints(settings):
        app.register_blueprint(blueprint)
    if settings.is_hub:
        hub_state.install(app, settings, clock, of(app).keeper)
        hub_role.shape(app)
        form_tokens.exempt(hub_protocol.BLUEPRINT)
    for view in filter(access.has_own_forms, app.view_functions.values()):
        form_tokens.exempt(view)
    language.install(app, default=settings.box.language)
    _teach_templates(app)
    access.check_every_view(app)
    return app


def _blueprints(settings: Settings) -> list[Blueprint]:
    """Return the parts of the dashboard in this role; a hub has no room of its own."""
    if not settings.is_hub:
        return list(_BLUEPRINTS)
    return [*(one for one in _BLUEPRINTS if one not in _OF_A_ROOM), *_OF_A_HUB]


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=_secret(settings.state_dir / "web" / "form.key"),
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_PARTS=50,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session it belongs to
        WTF_CSRF_SSL_STRICT=False,  # our pages send no referrer; the gate looks at whose page asks
        SEND_FILE_MAX_AGE_DEFAULT=None,  # the browser asks each time and is told "not modified"
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _services(settings: Settings, clock: Clock, live: LiveClient | None, keyring: KeyringClient | None) -> Services:
    keeper = open_box_database(settings.database)
    sessions.forget_ended_sessions(keeper, clock=clock, settings=settings.web)
    return Services(
        settings=settings,
        clock=clock,
        live=live or LiveClient(settings.live_socket),
        keyring=keyring or KeyringClient(settings.keyring_socket),
        slots=StreamSlots(settings.web.threads),
        jobs=Jobs(settings.state_dir / "exports", clock),
        keeper=keeper,
        thumbnails=Thumbnails(),
    )


def _secret(path: Path) -> bytes:
    """Return the key that signs form tokens, kept so that a restart does not spoil open pages."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(secrets.token_bytes(_SECRET_BYTES))
    except FileExistsError:
        pass
    except OSError as problem:
        _LOG.warning("form key cannot be kept", path=str(path), reason=problem.strerror)
    try:
        kept = path.read_bytes()
    except OSError:
        kept = b""
    return kept if len(kept) == _SECRET_BYTES else secrets.token_bytes(_SECRET_BYTES)


def _gate() -> Response | None:
    """Default deny: who is it, and does the view let them in? Runs before every view."""
    host = request.headers.get("Host", "")
    # Flask's own TRUSTED_HOSTS cannot name an IPv6 address (Werkzeug cuts at the first colon).
    if not hosts.is_ours(host, services().box_names() if request.is_secure else ()):
        abort(400, "This box does not answer to that name. Open it by the name on its certificate page.")
    if is_machines(request.path):
        # Not for browsers: each view there looks at the token (web/api/authority.py), and no page of another site can
        # send one without having the secret. What that page's browser adds (Origin, Sec-Fetch-Site) says nothing here.
        g.person = None
        return None
    if (
        _is_guarded(request)
        and not _is_brought(request)
        and hosts.is_foreign(
            site=request.headers.get("Sec-Fetch-Site", ""),
            origin=request.headers.get("Origin", ""),
            host=host,
            secure=request.is_secure,
        )
    ):
        abort(403, "Another site's page may not ask this box for anything.")
    g.person = session.person if isinstance(session, BoxSession) else None
    if request.endpoint is None:
        return None  # no such address: a 404 or 405 follows, for everybody alike
    if request.endpoint not in current_app.view_functions:
        abort(404)  # not offered in this role
    roles = access.roles_of(current_app, request.endpoint)
    person = person_or_none()
    if person is None and roles is not None and not any_account(database()):
        if problems.wants_page() and request.method == "GET":
            return redirect(url_for("account.first_run"))
        abort(401)
    access.check(roles, person.role if person else None)
    if person and not _is_background(request):
        sessions.touch_session(database(), person, clock=services().clock)
    return None


def _is_background(asked: Request) -> bool:
    """Whether a page asks by itself, as against somebody who does something; it does not prolong a session."""
    endpoint = asked.endpoint or ""
    return BACKGROUND_HEADER in asked.headers or endpoint in room.BACKGROUND or endpoint.endswith("static")


def _is_guarded(asked: Request) -> bool:
    """Whether a request changes something or gets data; only a link from elsewhere to a page stays possible.

    A page that another site's page shows inside itself or fetches is none that somebody goes to (Fetch Metadata).
    """
    goes_there = asked.headers.get("Sec-Fetch-Dest", "document") == "document" and asked.headers.get(
        "Sec-Fetch-Mode", "navigate"
    ) in {"navigate", "nested-navigate"}
    return asked.method not in {"GET", "HEAD"} or not problems.wants_page() or not goes_there


def _is_brought(asked: Request) -> bool:
    """Whether a browser goes, or a frame of it, to an address other sites' pages lead to; never a script's request."""
    return (
        access.is_brought(current_app, asked.endpoint)
        and asked.headers.get("Sec-Fetch-Mode", "navigate") in {"navigate", "nested-navigate"}
        and asked.headers.get("Sec-Fetch-Dest", "document") in {"document", "iframe"}
    )


def _teach_templates(app: Flask) -> None:
    app.add_template_global(lambda endpoint: endpoint in app.view_functions, "is_page")
    app.add_template_filter(problem_words, "problem_words")
    app.add_template_filter(subject_words, "subject_words")
    app.add_template_filter(words.size_words, "size")
    app.add_template_filter(words.percent_words, "percent")
    app.add_template_filter(words.role_words, "role")
    app.add_template_filter(words.who_words, "who")
    app.add_template_filter(words.length_words, "duration")
    app.add_template_filter(words.hours_words, "hours")
    app.add_template_filter(format_utc, "utc")
    app.add_template_filter(lambda wall_us: words.local_words(wall_us, services().zone), "local")
    app.add_template_filter(lambda wall_us: words.zone_words(wall_us, services().zone), "zone")
    app.add_template_filter(lambda wall_us: words.local_words(wall_us, UTC), "utc_words")

    @app.context_processor
    def _common() -> dict[str, Any]:
        person = person_or_none()
        return {
            "person": person,
            "room": services().settings.box.room,
            "trial": services().settings.box.trial,
            "is_hub": services().settings.is_hub,
            "zone_name": services().settings.box.timezone,
            "version": __version__,
            "may": lambda endpoint: _may(app, endpoint, person.role if person else None),
            "notice": take_notice(),
            "theme": preferences.theme(),
            "times": preferences.times(),
            "language": language.current_language(),
            "languages": language.LANGUAGES,
            "script_words": _script_words(),
            "role_words": words.role_words,
            "admin_groups": lambda: admin.sections.groups(lambda endpoint: _reachable(app, endpoint)),
        }


def _script_words() -> str:
    chosen = language.current_language()
    if chosen == SOURCE_LANGUAGE:
        return ""
    return url_for("language.script_words", language=chosen, version=script_module(chosen)[0])


def _reachable(app: Flask, endpoint: str) -> bool:
    person = person_or_none()
    return endpoint in app.view_functions and _may(app, endpoint, person.role if person else None)


def _may(app: Flask, endpoint: str, role: str | None) -> bool:
    if endpoint not in app.view_functions:
        return False  # not offered in this role
    roles = access.roles_of(app, endpoint)
    return roles is None or role in roles
