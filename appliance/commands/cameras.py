"""`exambox cameras`: add, list, test, edit, remove and discover cameras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cameras import store
from appliance.cameras.credentials import Credential, credential, credential_context, pack_credential, unpack_credential
from appliance.cameras.events import latest_events
from appliance.cameras.masks import masks_from
from appliance.cameras.model import Camera, camera_from
from appliance.cameras.states import states
from appliance.clock import SystemClock
from appliance.commands import camera_views
from appliance.commands.camera_input import default_name, kind_and_address, read_password
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.errors import BadInputError, CameraError, NotFoundError, UnavailableError
from appliance.ipc.live import LiveClient
from appliance.vault import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)


def _fields(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that `add` and `edit` share."""
    options = [
        click.option("--name", help="What people call it."),
        click.option("--role", type=click.Choice(["room", "auxiliary"]), help="Room camera or auxiliary camera."),
        click.option("--audio/--no-audio", default=None, help="Record sound [default: no]."),
        click.option("--purpose", help="Why this camera records; stands in notices."),
        click.option("--lawful-basis", help="On which legal ground."),
        click.option("--retention-hours", type=int, help="How long recordings are kept [default: as configured]."),
        click.option("--retention-reason", help="Needed for more than 72 hours."),
        click.option(
            "--mask", "mask", multiple=True, help='Blank an area: its corners "x,y x,y x,y" in 0..1; may be repeated.'
        ),
        click.option("--user", help="User at the camera; the password is asked for."),
        click.option("--password-file", type=_FILE, help="Read the password from this file's first line."),
        click.option("--no-test", is_flag=True, help="Do not try the camera first."),
        click.option("--force", is_flag=True, help="Store it even if trying it fails."),
        click.option("--snapshot", type=_FILE, help="Write what the camera sees to this JPEG file."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group("cameras", cls=CommandGroup)
def cameras_command() -> None:
    """Add, list, test, edit and remove cameras.

    A camera's address is an rtsp:// address, a name under /dev/v4l/by-id, picamera:0, a video file, or
    pattern:1280x720@15 for a test picture.
    """


@cameras_command.command("add")
@click.argument("address")
@click.option("--id", "camera_id", help="Its short name in paths [default: made from the name].")
@_fields
@click.pass_context
def add(ctx: click.Context, /, address: str, *, camera_id: str | None, **given: Any) -> None:
    """Add the camera at ADDRESS, after trying it.

    A password is never given on the command line, where every user of this machine could read it.
    """
    settings = settings_of(ctx)
    kind, place, user = kind_and_address(address)
    secret = _credential(given["user"] or user, given["password_file"], kind)
    db = database_of(settings)
    name = given["name"] or default_name(kind, place)
    values = {
        "id": camera_id or store.new_camera_id(db, name),
        "name": name,
        "role": given["role"] or "room",
        "kind": kind,
        "address": place,
        "retention_hours": settings.vault.retention_hours,
        **_changes(given),
    }
    camera = camera_from(values)
    _try(camera, secret, settings, given, saved="Nothing was stored.")
    sealed = _sealed(settings, camera, secret) if secret else None
    store.add_camera(db, camera, sealed, clock=SystemClock(), who=person())
    click.echo(f"Added {camera.name} as `{camera.id}`; capture takes it up by itself.")


@cameras_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """List the cameras with the state last known of each."""
    settings = settings_of(ctx)
    db = database_of(settings)
    cameras = store.list_cameras(db)
    known = states(_live_status(settings), latest_events(db))
    if as_json:
        secret = {camera.id: store.sealed_credential(db, camera.id) is not None for camera in cameras}
        click.echo(json.dumps(camera_views.as_json(cameras, known, secret), indent=1))
    elif cameras:
        click.echo(camera_views.table(cameras, known))
    else:
        click.echo("There are no cameras. Add one: exambox cameras add rtsp://192.168.1.20/stream1")


@cameras_command.command("test")
@click.argument("camera")
@click.option("--user", help="User at the camera, for an address; the password is asked for.")
@click.option("--password-file", type=_FILE, help="Read the password from this file's first line.")
@click.option("--snapshot", type=_FILE, help="Write what the camera sees to this JPEG file.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def test(
    ctx: click.Context,
    camera: str,
    *,
    user: str | None,
    password_file: Path | None,
    snapshot: Path | None,
    as_json: bool,
) -> None:
    """Try a camera by its id, or an address that is not stored; answers within 5 seconds."""
    settings = settings_of(ctx)
    db = database_of(settings)
    try:
        subject = store.get_camera(db, camera)
        secret = _stored_credential(db, settings, subject)
    except NotFoundError:
        if not _is_address(camera):
            raise
        kind, place, named = kind_and_address(camera)
        subject = camera_from({"id": "test", "name": "Test", "role": "room", "kind": kind, "address": place})
        secret = _credential(user or named, password_file, kind)
    from appliance.capture.probe import probe  # noqa: PLC0415  brings FFmpeg along

    result = probe(subject, secret, settings)
    if snapshot:
        snapshot.write_bytes(result.jpeg)
    click.echo(json.dumps(camera_views.probe_json(result)) if as_json else camera_views.probe_words(result, snapshot))


@cameras_command.command("edit")
@click.argument("camera")
@click.option("--address", help="Where it is now; a stored password is forgotten when the host changes.")
@click.option("--no-masks", is_flag=True, help="Blank nothing any more.")
@click.option("--no-password", is_flag=True, help="Forget user and password.")
@click.option("--enable/--disable", "enabled", default=None, help="Watch it, or leave it alone for now.")
@_fields
@click.pass_context
def edit(
    ctx: click.Context, /, camera: str, *, address: str | None, no_masks: bool, no_password: bool, **given: Any
) -> None:
    """Change settings of the camera with this id; what is not named stays."""
    settings = settings_of(ctx)
    db = database_of(settings)
    before = store.get_camera(db, camera)
    values: dict[str, Any] = {**msgspec.to_builtins(before), **_changes(given)}
    user = given["user"]
    if address:
        values["kind"], values["address"], named = kind_and_address(address)
        user = user or named
    if no_masks:
        values["masks"] = []
    if given["enabled"] is not None:
        values["enabled"] = given["enabled"]
    after = camera_from(values)
    secret = _credential(user, given["password_file"], after.kind)
    if after.enabled and _needs_test(before, after, secret):
        # A new address is never told the old password.
        known = None if no_password or address else _stored_credential(db, settings, before)
        _try(after, secret or known, settings, given, saved="Nothing was changed.")
    sealed: Any = _sealed(settings, after, secret) if secret else None if no_password else store.KEEP
    store.edit_camera(db, after, clock=SystemClock(), who=person(), credential_sealed=sealed)
    click.echo(f"Changed {after.name}.")


@cameras_command.command("remove")
@click.argument("camera")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(ctx: click.Context, camera: str, *, yes: bool) -> None:
    """Take a camera away; its recordings stay as long as their retention says."""
    db = database_of(settings_of(ctx))
    subject = store.get_camera(db, camera)
    if not yes:
        click.confirm(f"Remove {subject.name}? It is recorded no longer", abort=True)
    store.remove_camera(db, camera, clock=SystemClock(), who=person())
    click.echo(f"Removed {subject.name}; its recordings stay.")


@cameras_command.command("discover")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--network", is_flag=True, help="Look for ONVIF cameras on the network instead (4 seconds).")
@click.pass_context
def discover(ctx: click.Context, *, as_json: bool, network: bool) -> None:
    """List the USB cameras plugged in by names that stay the same, or the ONVIF cameras on the network."""
    if network:
        _discover_on_network(settings_of(ctx), as_json=as_json)
        return
    from appliance.capture.sources import v4l2_names  # noqa: PLC0415  a process's module, only where it is used

    found = v4l2_names.discover()
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo("\n".join(found) if found else "No USB camera is plugged in.")


def _discover_on_network(settings: Settings, *, as_json: bool) -> None:
    from appliance.capture.inquiries import look_around  # noqa: PLC0415  a process's module, only where it is used

    devices = look_around(settings)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(devices)))
    elif devices:
        # What a device calls itself is without control characters, but may be anything else.
        click.echo("\n".join(f"{one.host}  {one.name or one.hardware or '-'}" for one in devices))
    else:
        click.echo("No camera answered. Switch ONVIF on in it; the question does not pass routers.")


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """Return the camera fields among the given options."""
    names = ("name", "role", "audio", "purpose", "lawful_basis", "retention_hours", "retention_reason")
    changes = {name: given[name] for name in names if given[name] is not None}
    if given["mask"]:
        changes["masks"] = masks_from(given["mask"])
    return changes


def _needs_test(before: Camera, after: Camera, secret: Credential | None) -> bool:
    seen = ("kind", "address", "audio", "masks", "enabled")
    return secret is not None or any(getattr(before, name) != getattr(after, name) for name in seen)


def _try(camera: Camera, secret: Credential | None, settings: Settings, given: dict[str, Any], *, saved: str) -> None:
    if given["no_test"]:
        return
    from appliance.capture.probe import probe  # noqa: PLC0415  brings FFmpeg along

    try:
        result = probe(camera, secret, settings)
    except CameraError as problem:
        if not given["force"]:
            problem.hint = f"{problem.hint} {saved} --force stores it all the same."
            raise
        click.secho(f"{problem.message} {problem.hint} Stored all the same.", fg="yellow", err=True)
        return
    if given["snapshot"]:
        given["snapshot"].write_bytes(result.jpeg)
    click.echo(camera_views.probe_words(result, given["snapshot"]))


def _credential(user: str | None, password_file: Path | None, kind: str) -> Credential | None:
    if user is None:
        if password_file:
            raise BadInputError("A password needs a user.", hint="Give it with --user.")
        return None
    if kind != "rtsp":
        raise BadInputError("Only network cameras have a user and a password.", hint="Leave --user out.")
    return credential(user, read_password(password_file, user))


def _sealed(settings: Settings, camera: Camera, secret: Credential) -> bytes:
    if settings.unlocks_itself and not keys.has_keys(settings.keys_dir):
        keys.init_keys(settings, passphrase=None, clock=SystemClock())
    return keys.seal_for_capture(
        settings.keys_dir, pack_credential(secret), context=credential_context(camera.id, camera.address)
    )


def _stored_credential(db: Database, settings: Settings, camera: Camera) -> Credential | None:
    sealed = store.sealed_credential(db, camera.id)
    if sealed is None:
        return None
    context = credential_context(camera.id, camera.address)
    return unpack_credential(keys.open_for_capture(settings.keys_dir, sealed, context=context))


def _is_address(text: str) -> bool:
    return any(sign in text for sign in "/:@.")


def _live_status(settings: Settings) -> dict[str, Any]:
    """Return what capture says of its cameras now, or nothing when it does not run."""
    try:
        return LiveClient(settings.live_socket).status()
    except UnavailableError:
        return {}
