"""The blueprint of the review pages, who may use what of it, and what its views share."""

from __future__ import annotations

from typing import Annotated, Final

from flask import Blueprint
from msgspec import Meta

from appliance.cameras.store import list_cameras
from appliance.cameras.wishes import current_wish
from appliance.errors import ApplianceError
from appliance.vault.holds import list_holds
from appliance.vault.recording import Recording
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, REVIEWER
from appliance.web.services import database, services

BLUEPRINT = Blueprint(
    "review", __name__, template_folder="templates", static_folder="static", static_url_path="/static/review"
)
PLAYERS: Final = (ADMINISTRATOR, CENTRE_MANAGER, REVIEWER)
"""Who may see and export recorded pictures."""
READERS: Final = (*PLAYERS, AUDITOR)
"""Who may see what was recorded when, and verify it."""
JUDGES: Final = (CENTRE_MANAGER, REVIEWER)
"""Who judges warnings and concludes reviews; each act asks the role again."""
Microseconds = Annotated[int, Meta(ge=0, le=2**53)]
"""A wall time; larger ones cannot be told exactly in JSON's usual readers (RFC 8259, 6)."""


def camera_names() -> dict[str, str]:
    """Return the names of all cameras there are and were, by id."""
    return {camera.id: camera.name for camera in list_cameras(database(), removed=True)}


def sitting_now() -> str | None:
    """Return the sitting that is being recorded, if any."""
    wish = current_wish(database())
    return wish.sitting if wish else None


def held_sittings() -> frozenset[str]:
    """Return the sittings of which a legal hold keeps something."""
    return frozenset(hold.sitting for hold in list_holds(database()))


def recording_of(sitting: str, camera: str) -> Recording:
    """Return a recording.

    Raises:
        BadInputError: a name that cannot be one.
        NotFoundError: there is none.
    """
    return Recording(services().settings.vault_dir, sitting, camera)


def is_locked() -> bool:
    """Whether playback has to wait; where the keyring does not answer, it has to as well."""
    try:
        return bool(services().keyring.status()["locked"])
    except ApplianceError:
        return True
