"""Starts the announcement in the process that serves, and gives pages what it hears."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from flask import current_app

from appliance import log
from appliance.errors import ApplianceError
from appliance.vault.keys import load_box_id
from appliance.web.lan.neighbours import Announcer
from appliance.web.services import of

if TYPE_CHECKING:
    from flask import Flask

    from appliance.web.lan.announcement import Neighbour

_KEY = "exambox-announcer"
_LOG = log.get(__name__)


def start(app: Flask) -> None:
    """Announce the box where its settings wish it."""
    settings = of(app).settings
    if not (settings.web.lan and settings.web.announce):
        return
    try:
        box = load_box_id(settings.keys_dir)
    except (ApplianceError, OSError) as problem:
        _LOG.warning("the box is not announced: its id is missing", reason=str(problem))
        return
    announcer = Announcer(
        room=settings.box.room,
        box=box.removeprefix("box-"),
        host=socket.gethostname().split(".")[0].lower(),
        port=settings.web.https_port,
        interfaces=[settings.web.lan_address] if settings.web.lan_address else None,
    )
    app.extensions[_KEY] = announcer
    announcer.start()


def stop(app: Flask) -> None:
    """Take the announcement back."""
    announcer: Announcer | None = app.extensions.pop(_KEY, None)
    if announcer is not None:
        announcer.stop()


def is_announced(app: Flask) -> bool:
    """Return whether this process announces the box."""
    return _KEY in app.extensions


def neighbours() -> list[Neighbour]:
    """Return the boxes that are heard on the network; none where this one does not take part."""
    announcer: Announcer | None = current_app.extensions.get(_KEY)
    return announcer.heard() if announcer is not None else []
