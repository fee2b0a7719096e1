"""Camera rows in ``exambox.db``: what is watched, for what purpose, kept how long.

A removed camera keeps its row (``removed_us``), because recordings and the log go on naming it; its id
is never given again, and its sealed password is destroyed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance import auditlog
from appliance.cameras.credentials import split_address
from appliance.cameras.model import Camera, camera_from
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, DatabaseError, NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

MAX_SEALED_BYTES = 4096
_SLUG_LENGTH = 32


class ChangedMeanwhileError(ConflictError):
    """What a person began to change was changed by somebody else since."""

    code = "conflict.changed"


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""For `edit_camera`: the stored credential stays as it is."""


def list_cameras(db: Database, *, removed: bool = False) -> list[Camera]:
    """Return all cameras by name; with ``removed`` also those that were taken away."""
    where = "1" if removed else "removed_us IS NULL"
    return [_camera(row) for row in db.query(f"SELECT * FROM camera WHERE {where} ORDER BY name, id")]  # noqa: S608  constant text


def get_camera(db: Database, camera: str) -> Camera:
    """Return one camera.

    Raises:
        NotFoundError: there is none of this id, or it was removed.
    """
    return _camera(_row(db, camera))


def camera_version(db: Database, camera: str) -> int:
    """Return what changes with every change of the camera's settings, for `edit_camera`'s ``version``.

    Raises:
        NotFoundError: there is no such camera.
    """
    version: int = _row(db, camera)["updated_us"]
    return version


def removed_cameras(db: Database) -> list[tuple[Camera, int]]:
    """Return the cameras that were taken away and when (wall time), the last first."""
    rows = db.query("SELECT * FROM camera WHERE removed_us IS NOT NULL ORDER BY removed_us DESC, id")
    return [(_camera(row), row["removed_us"]) for row in rows]


def sealed_credential(db: Database, camera: str) -> bytes | None:
    """Return the camera's sealed user name and password, None where it has none.

    Raises:
        NotFoundError: there is no such camera.
    """
    sealed: bytes | None = _row(db, camera)["credential"]
    return sealed


def new_camera_id(db: Database, name: str) -> str:
    """Return an id for a new camera made from its name, one that no camera ever had."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-") or "camera"
    used = {row["id"] for row in db.query("SELECT id FROM camera")}
    if slug not in used:
        return slug
    return next(f"{slug}-{number}" for number in range(2, len(used) + 3) if f"{slug}-{number}" not in used)


def add_camera(db: Database, camera: Camera, credential_sealed: bytes | None, *, clock: Clock, who: str) -> Camera:
    """Store a new camera and return it.

    Args:
        db: the box's database.
        camera: checked settings; its id usually from `new_camera_id`.
        credential_sealed: user and password sealed to the capture key for `credential_context`.
        clock: dates the row.
        who: the person, for the log.

    Raises:
        ConflictError: the id was used before, or a camera of this name exists.
        BadInputError: the address holds a password, or a field is not usable.
    """
    camera = _checked(camera)
    _check_sealed(credential_sealed)
    now = clock.wall_us()
    with write(db):
        if list(db.query("SELECT 1 FROM camera WHERE id = ?", [camera.id])):
            raise ConflictError(
                f"The camera id {camera.id} is or was in use; ids are never given twice.",
                hint="Leave the id out, and one is made from the name.",
            )
        _refuse_same_name(db, camera)
        row = {**_columns(camera), "credential": credential_sealed, "created_us": now, "updated_us": now}
        db.table("camera").insert(row)
        detail = {"camera": camera.id, "kind": camera.kind, "role": camera.role}
        auditlog.append(db, "camera.added", clock=clock, who=who, detail=detail)
    return camera


def edit_camera(
    db: Database,
    camera: Camera,
    *,
    clock: Clock,
    who: str,
    credential_sealed: bytes | Keep | None = KEEP,
    version: int | None = None,
) -> Camera:
    """Replace the settings of the camera with this id and return it.

    Args:
        db: the box's database.
        camera: the new settings.
        clock: dates the row.
        who: the person, for the log.
        credential_sealed: new sealed bytes, None to forget the password, `KEEP` to leave it. A new host gets
            no old password: it is forgotten when the address's host changes and nothing else is given.
        version: what `camera_version` said when the person began; None overwrites whatever there is.

    Raises:
        NotFoundError: there is no such camera.
        ConflictError: another camera has this name, or somebody changed this one since ``version``.
        BadInputError: the address holds a password, or a field is not usable.
    """
    camera = _checked(camera)
    if credential_sealed is not KEEP:
        _check_sealed(credential_sealed)
    with write(db):
        before = _row(db, camera.id)
        if version is not None and before["updated_us"] != version:
            raise ChangedMeanwhileError(
                "Somebody else has changed this camera in the meantime.",
                hint="Compare with what is there now, and save again if yours is right.",
            )
        _refuse_same_name(db, camera)
        columns = _columns(camera)
        changed = sorted(key for key, value in columns.items() if before[key] != value)
        if credential_sealed is KEEP and told_the_password(before["kind"], before["address"]) != told_the_password(
            camera.kind, camera.address
        ):
            credential_sealed = None
        if credential_sealed is not KEEP and credential_sealed != before["credential"]:
            columns["credential"] = credential_sealed
            changed.append("credential")
        if changed:
            now = max(clock.wall_us(), before["updated_us"] + 1)  # a version is never had twice
            db.table("camera").update(camera.id, {**columns, "updated_us": now})
            detail = {"camera": camera.id, "fields": changed}
            auditlog.append(db, "camera.edited", clock=clock, who=who, detail=detail)
    return camera


def remove_camera(db: Database, camera: str, *, clock: Clock, who: str) -> None:
    """Take a camera away: it is watched no longer, its password is destroyed; its recordings stay.

    Raises:
        NotFoundError: there is no such camera.
    """
    now = clock.wall_us()
    with write(db):
        _row(db, camera)
        db.table("camera").update(camera, {"removed_us": now, "updated_us": now, "credential": None, "enabled": 0})
        auditlog.append(db, "camera.removed", clock=clock, who=who, detail={"camera": camera})


def restore_camera(db: Database, camera: str, *, clock: Clock, who: str) -> Camera:
    """Bring a removed camera back and return it.

    Its password was destroyed when it was removed: a network camera comes back switched off, others on.

    Raises:
        NotFoundError: no camera of this id was removed.
        ConflictError: another camera has its name by now.
    """
    with write(db):
        rows = list(db.query("SELECT * FROM camera WHERE id = ? AND removed_us IS NOT NULL", [camera]))
        if not rows:
            raise NotFoundError(f"No camera {camera[:60]!r} was removed.")
        found = msgspec.structs.replace(_camera(rows[0]), enabled=rows[0]["kind"] != "rtsp")
        _refuse_same_name(db, found)
        now = max(clock.wall_us(), rows[0]["updated_us"] + 1)
        db.table("camera").update(camera, {**_columns(found), "removed_us": None, "updated_us": now})
        auditlog.append(db, "camera.restored", clock=clock, who=who, detail={"camera": camera})
    return found


def _row(db: Database, camera: str) -> dict[str, Any]:
    for row in db.query("SELECT * FROM camera WHERE id = ? AND removed_us IS NULL", [camera]):
        return dict(row)
    raise NotFoundError(f"There is no camera {camera[:60]!r}.", hint="`exambox cameras list` shows them.")


def _camera(row: dict[str, Any]) -> Camera:
    names = Camera.__struct_fields__
    values = {name: row[name] for name in names}
    try:
        values |= {"masks": json.loads(row["masks"]), "audio": bool(row["audio"]), "enabled": bool(row["enabled"])}
        return msgspec.convert(values, Camera)
    except (ValueError, msgspec.ValidationError) as problem:
        raise DatabaseError(
            f"The stored settings of camera {row['id']} are not usable: {problem}.",
            hint="Remove this camera and add it again.",
        ) from problem


def _columns(camera: Camera) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(camera)
    return {**values, "masks": json.dumps(values["masks"]), "audio": int(camera.audio), "enabled": int(camera.enabled)}


def _checked(camera: Camera) -> Camera:
    """Struct constructors check nothing: run the edge's checks here too, so that no caller can skip them."""
    camera = camera_from(msgspec.to_builtins(camera))
    if camera.kind == "rtsp" and split_address(camera.address)[1] is not None:
        raise BadInputError(
            "address: holds a user name or password.",
            hint="They are stored sealed, apart from the address: give them when you are asked.",
        )
    return camera


def _check_sealed(sealed: bytes | Keep | None) -> None:
    if isinstance(sealed, bytes) and not 0 < len(sealed) <= MAX_SEALED_BYTES:
        raise BadInputError(f"credential: {len(sealed)} bytes cannot be a sealed password.")


def _refuse_same_name(db: Database, camera: Camera) -> None:
    sql = "SELECT id FROM camera WHERE name = ? AND id <> ? AND removed_us IS NULL"
    for row in db.query(sql, [camera.name, camera.id]):
        raise ConflictError(
            f"A camera is already called {camera.name!r} (id {row['id']}).", hint="Give this one another name."
        )


def told_the_password(kind: str, address: str) -> str:
    """Return who would be told the password: it is good for a camera as long as this stays the same."""
    if kind != "rtsp":
        return kind
    return re.sub(r"^(rtsps?://[^/?]*).*$", r"\1", address.lower())
