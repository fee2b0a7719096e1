"""`exambox sync enrol`, `leave`, `export`, `import`: the central service the box belongs to."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.centre.context import Taking
from appliance.centre.enrolling import KEY_DAYS, enrol
from appliance.centre.keys import load_centre_keys
from appliance.centre.status import centre_status, keys_problem
from appliance.centre.sticks import export_items, import_changes
from appliance.centre.store import leave_centre
from appliance.centre.words import EPOCH_REASONS, clock_words
from appliance.clock import SystemClock, format_utc
from appliance.commands.common import database_of, person, settings_of
from appliance.errors import BadInputError, MissingKeyError
from appliance.exchange.centre.bundle import MAX_FILE, SUFFIX
from appliance.integrations.exchange_key import exchange_key
from appliance.vault.key_files import MAX_KEY_FILE_BYTES
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.centre.status import CentreStatus
    from appliance.config import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)
_THERE = click.Path(path_type=Path, dir_okay=False, exists=True, readable=True)


def register(group: click.Group) -> None:
    """Add the commands to `exambox sync`."""
    for command in (enrol_command, leave_command, export_command, import_command):
        group.add_command(command)


@click.command("enrol")
@click.argument("code")
@click.option("--address", required=True, help="Of the central service: https://host:port.")
@click.option(
    "--ca", type=_THERE, help="Certificates (PEM) of who certifies the address [default: the system's, else its own]."
)
@click.option("--days", type=click.IntRange(1, 3650), default=KEY_DAYS, show_default=True, help="The key is good for.")
@click.pass_context
def enrol_command(ctx: click.Context, code: str, *, address: str, ca: Path | None, days: int) -> None:
    """Join a central service by the one-time CODE it shows; doing it again renews the key's time."""
    settings = settings_of(ctx)
    db = database_of(settings)
    pem = "" if ca is None else _text(ca)
    found = enrol(db, settings, code, address=address, clock=SystemClock(), who=person(), ca=pem, days=days)
    click.secho(
        f"This box belongs to {found.name or found.hub} now, as {found.room or 'a room without a name'}.", bold=True
    )
    if found.valid_until_us is not None:
        click.echo(f"Its key is good until {format_utc(found.valid_until_us)}.")
    if found.ca and not pem:
        click.echo(
            "The central service's certificate is of an authority of its own, which its signed answer brought along."
        )
    click.echo(
        "What the central service has for this room is taken over by itself; `exambox sync status` shows how it stands."
    )


@click.command("leave")
@click.confirmation_option(prompt="Leave the central service? What waits for it goes on waiting.")
@click.pass_context
def leave_command(ctx: click.Context) -> None:
    """Belong to no central service any more. Undo it by joining again with a new code."""
    left = leave_centre(database_of(settings_of(ctx)), clock=SystemClock(), who=person())
    click.echo(f"This box does not belong to {left.name or left.hub} any more. What it sent is still here.")
    click.echo("The central service should revoke the box as well, so that its key is good for nothing.")


@click.command("export")
@click.argument("file", type=_FILE)
@click.pass_context
def export_command(ctx: click.Context, file: Path) -> None:
    """Write what waits for the central service to FILE, for a stick: sealed to it, signed by this box."""
    settings = settings_of(ctx)
    db = database_of(settings)
    target = file if file.suffix else file.with_suffix(SUFFIX)
    if target.exists():
        raise BadInputError(f"{target} is there already.", hint="Give another name; each file is written once.")
    written = export_items(db, taking_of(settings), who=person())
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(written.data)
        out.flush()
        os.fsync(out.fileno())
    click.echo(f"{target}: {written.items} items, {len(written.data)} bytes.")
    if written.left:
        click.echo(
            f"{written.left} did not fit: read this file at the central service, take its stick in, and write another."
        )
    click.echo("They wait here until the central service's next stick, or the network, says that they have arrived.")


@click.command("import")
@click.argument("file", type=_THERE)
@click.pass_context
def import_command(ctx: click.Context, file: Path) -> None:
    """Take over what the central service wrote to FILE. Reading a file twice does no harm."""
    settings = settings_of(ctx)
    if file.stat().st_size > MAX_FILE:
        raise BadInputError(f"{file} is larger than a stick's file can be ({MAX_FILE // 1024**2} MiB).")
    read = import_changes(database_of(settings), file.read_bytes(), taking_of(settings), who=person())
    if read.before_us is not None:
        click.echo(f"This file was read before, at {format_utc(read.before_us)}.")
    taken = read.taken
    click.echo(f"{read.changes} changes: {taken.applied} taken over, {taken.known} known already.")
    for count, words in (
        (taken.proposed, "wait for the room: an invigilator accepts or declines them on the sitting's page"),
        (taken.held, "cannot be taken over yet; `exambox sync status` says why"),
        (taken.refused, "refused: not signed by this box's central service, or of a kind this version does not know"),
        (read.receipts, "items that waited here have arrived at the centre"),
    ):
        if count:
            click.echo(f"  {count} {words}")


def taking_of(settings: Settings) -> Taking:
    """Return in whose name changes are taken over.

    Raises:
        MissingKeyError: the keys cannot be read by this user.
    """
    keys = load_centre_keys(settings.keys_dir)
    return Taking(settings, SystemClock(), load_box_id(settings.keys_dir), exchange_key(settings), keys)


def tell_centre(db: Database, settings: Settings) -> bool:
    """Say how box and centre stand; return whether the box belongs to one."""
    clock = SystemClock()
    stands, now_us = centre_status(db, settings, clock), clock.wall_us()
    centre = stands.centre
    if centre is None:
        return False
    click.secho(f"Central service {centre.name} ({centre.hub}) at {centre.address}", bold=True)
    heard = stands.last_heard_us()
    click.echo(
        f"  this box is: {centre.room or 'without a room'}; last heard: {format_utc(heard) if heard else 'not yet'}"
    )
    _tell_key(stands, settings, now_us)
    if stands.epoch is not None:
        why = EPOCH_REASONS.get(stands.epoch.reason, stands.epoch.reason)
        click.echo(f"  epoch: {stands.epoch.name}, since {format_utc(stands.epoch.begun_us)}: {why}")
    click.echo(f"  {clock_words(stands.clock)}")
    for count, words in (
        (stands.proposals, "changes wait for the room"),
        (stands.declined, "changes were declined by the room until its sitting is over"),
        (stands.media, "recordings were asked for and are being sent"),
    ):
        if count:
            click.echo(f"  {count} {words}")
    _tell_held(db, stands)
    return True


def centre_as_json(db: Database, settings: Settings) -> dict[str, Any] | None:
    """Return how box and centre stand as JSON, None where the box belongs to none."""
    stands = centre_status(db, settings, SystemClock())
    centre = stands.centre
    if centre is None:
        return None
    clock = stands.clock
    return {
        "hub": centre.hub,
        "name": centre.name,
        "room": centre.room,
        "address": centre.address,
        "enrolled_us": centre.enrolled_us,
        "valid_until_us": centre.valid_until_us,
        "last_heard_us": stands.last_heard_us(),
        "pulled_us": centre.pulled_us,
        "epoch": None if stands.epoch is None else asdict(stands.epoch),
        "clock": {
            "trusted": clock.trusted,
            "leeway_us": clock.leeway_us,
            "offset_us": None if clock.measured is None else clock.measured.offset_us,
            "bound_us": None if clock.measured is None else clock.measured.bound_us,
        },
        "proposals": stands.proposals,
        "held": stands.held,
        "declined": stands.declined,
        "media": stands.media,
    }


def _tell_key(stands: CentreStatus, settings: Settings, now_us: int) -> None:
    until_us = stands.key_ends(now_us)
    if until_us is not None:
        over = "the box's key is not taken any more" if until_us <= now_us else "the box's key ends soon"
        click.secho(f"  {over} ({format_utc(until_us)}): enrol it again with a new code", fg="yellow")
    elif stands.centre is not None and stands.centre.valid_until_us is not None:
        click.echo(f"  the box's key is good until {format_utc(stands.centre.valid_until_us)}")
    problem = None if stands.centre is None else keys_problem(stands.centre, settings.keys_dir)
    if problem is not None and not (isinstance(problem, MissingKeyError) and os.geteuid() != 0):
        click.secho(f"  {problem.message} {problem.hint}", fg="yellow")


def _tell_held(db: Database, stands: CentreStatus) -> None:
    if not stands.held or stands.centre is None:
        return
    click.echo(f"  {stands.held} changes cannot be taken over yet:")
    rows = db.conn.execute(
        "SELECT kind, id, reason FROM centre_waiting WHERE hub = ? AND state = 'held' ORDER BY number LIMIT 20",
        (stands.centre.hub,),
    )
    for kind, name, reason in rows:
        click.echo(f"    {kind} {name}: {reason}")


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_KEY_FILE_BYTES:
        raise BadInputError(f"{path} is too large to be certificates.")
    text = path.read_text(encoding="utf-8", errors="replace")
    if "BEGIN CERTIFICATE" not in text:
        raise BadInputError(f"{path} holds no certificate.", hint="PEM, as `openssl x509` writes it.")
    return text
