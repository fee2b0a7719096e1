"""Trying a camera for a person: sealed password, capture's answer, an entry in the log, and a trial that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.cameras.credentials import Credential, credential_context, pack_credential
from appliance.cameras.store import told_the_password
from appliance.errors import BadInputError, CameraError, MissingKeyError, UnavailableError
from appliance.vault.capture_key import seal_for_capture
from appliance.web.admin.camera_trials import Trial
from appliance.web.services import note, person, services

if TYPE_CHECKING:
    from appliance.cameras.model import Camera
    from appliance.web.admin.camera_input import Connection
    from appliance.web.admin.camera_trials import Aim

WORKS = "works"


def seal(camera: str, address: str, secret: Credential) -> bytes:
    """Return a password as only capture can read it, bound to the camera's id and to the host it is for.

    Raises:
        MissingKeyError: the box has no keys yet.
    """
    keys_dir = services().settings.keys_dir
    return seal_for_capture(keys_dir, pack_credential(secret), context=credential_context(camera, address))


def sealed_for(camera: str, entered: Connection, kept: Trial | None) -> bytes | None:
    """Return the password to sign in with: the one entered, else the kept one if it was for the same host and user."""
    if entered.secret:
        return seal(camera, entered.address, entered.secret)
    if kept and kept.camera.id == camera:
        found = kept.password_for(entered.kind, entered.address, entered.user)
        if found:
            return found
    return seal(camera, entered.address, Credential(entered.user, "")) if entered.user else None


def try_camera(aim: Aim, camera: Camera, sealed: bytes | None, *, user: str = "", version: int | None = None) -> str:
    """Try a camera, enter it in the log, keep what came of it, and return the trial's name.

    Raises:
        UnavailableError: capture does not run, or tries others at this moment.
        MissingKeyError, BadInputError: the sealed password or the camera is not usable.
    """
    facts: dict[str, Any] = {}
    picture, problem = b"", None
    try:
        facts, picture = services().live.probe(msgspec.to_builtins(camera), sealed)
    except CameraError as refused:
        problem = refused
    note("camera.tested", camera=camera.id, kind=camera.kind, at=told_the_password(camera.kind, camera.address),
         outcome=problem.reason if problem else WORKS)  # fmt: skip
    trial = Trial(aim, camera, sealed, user, facts, picture, problem, version)
    return services().camera_trials.keep(person().account, trial)


def find_trial(name: str | None) -> Trial:
    """Return the signed-in person's trial.

    Raises:
        NotFoundError: it is not theirs, or no longer there.
    """
    return services().camera_trials.find(person().account, name or "")


EXPECTED = (BadInputError, MissingKeyError, UnavailableError)
"""What a page says on itself rather than on an error page."""
