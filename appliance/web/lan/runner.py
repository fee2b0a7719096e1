"""Starts the announcement in the process that serves, and gives pages what it hears."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from flask import current_app

from appliance import log
from appliance.certificates.host import host_label, local_addresses
from appliance.errors import ApplianceError
from appliance.vault.keys import load_box_id
from appliance.web.certificate_facts import certificate_or_none
from appliance.web.lan.neighbours import Announced, Announcer
from appliance.web.services import of

if TYPE_CHECKING:
    from flask import Flask

    from appliance.config import Settings
    from appliance.web.lan.announcement import Neighbour
    from appliance.web.services import Services

_KEY = "exambox-announcer"
_LOG = log.get(__name__)


def start(app: Flask) -> None:
    """Announce the box where its settings wish it."""
    box = of(app)
    if not (box.settings.web.lan and box.settings.web.announce):
        return
    try:
        box_id = load_box_id(box.settings.keys_dir).removeprefix("box-")
    except (ApplianceError, OSError) as problem:
        _LOG.warning("the box is not announced: its id is missing", reason=str(problem))
        return
    announcer = Announcer(lambda: _told(box, box_id), lambda: _addresses(box.settings))
    app.extensions[_KEY] = announcer
    announcer.start()


def _told(box: Services, box_id: str) -> Announced:
    facts = certificate_or_none(box)
    return Announced(
        room=box.settings.box.room,
        box=box_id,
        host=host_label(),
        port=box.settings.web.https_port,
        fingerprint=(facts.ca_sha256 or facts.sha256) if facts else "",
    )


def _addresses(settings: Settings) -> list[str]:
    """Return where HTTPS is really offered; nothing is announced of an address that is not there."""
    only = settings.web.lan_address
    if only and not ipaddress.ip_address(only).is_unspecified:
        return [only]
    return local_addresses()


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
