"""`exambox keys recipients`: to whom recordings are sealed besides this room's review key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.clock import SystemClock
from appliance.commands.common import CommandGroup, settings_of
from appliance.commands.key_log import logged
from appliance.errors import BadInputError
from appliance.vault import keys
from appliance.vault.recipient_files import load_public_file, new_key_pair

if TYPE_CHECKING:
    from appliance.vault.crypto import Suite
    from appliance.vault.recipients import Recipient, Role

_ROLES = {
    "review": "plays back in this room",
    "auditor": "opens recordings elsewhere, with a key file of their own",
    "escrow": "opens recordings if every other key is lost; kept in a safe",
}


@click.group("recipients", cls=CommandGroup)
def recipients_group() -> None:
    """Who can open what is recorded: list, add and remove; make key pairs for auditors."""


@recipients_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """List who can open what is recorded from now on."""
    listed = keys.load_recipients(settings_of(ctx).keys_dir)
    if as_json:
        rows = [
            {"key_id": one.key_id, "label": one.label, "role": one.role, "suite": one.suite}
            for one in listed.recipients
        ]
        click.echo(json.dumps({"version": listed.version, "recipients": rows}, indent=1))
    else:
        say_recipients(listed.version, listed.recipients)


@recipients_group.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--label", help="Who it is [default: as the file says].")
@click.option(
    "--role",
    type=click.Choice(["auditor", "escrow"]),
    default="auditor",
    show_default=True,
    help="What this recipient is for.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def add(ctx: click.Context, file: Path, label: str | None, role: Role, *, yes: bool) -> None:
    """Let whoever holds the private half of the public key in FILE open recordings from now on."""
    settings = settings_of(ctx)
    recipient = load_public_file(file, label=label, role=role)
    click.echo(f"{recipient.label}: key {recipient.key_id}, {recipient.suite}")
    click.echo(f"Fingerprint: {keys.fingerprint(recipient.public)} (compare it with the owner's)")
    if not yes:
        click.confirm("May this key open everything that is recorded from now on?", abort=True)
    with logged(settings, "keys.recipient_added", personal={"label": recipient.label}) as detail:
        keys.add_recipient(settings.keys_dir, recipient, clock=SystemClock())
        detail |= {"key_id": recipient.key_id, "role": recipient.role, "suite": recipient.suite}
    click.echo("Added. It counts for parts that begin from now on.")


@recipients_group.command("remove")
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(ctx: click.Context, key_id: str, *, yes: bool) -> None:
    """Seal nothing more to KEY_ID. What was recorded before stays readable for it."""
    settings = settings_of(ctx)
    present = keys.load_recipients(settings.keys_dir).recipients
    label = next((one.label for one in present if one.key_id == key_id), "")
    if label and not yes:
        click.confirm(f"Seal nothing more to {label}?", abort=True)
    with logged(settings, "keys.recipient_removed", personal={"label": label}) as detail:
        keys.remove_recipient(settings.keys_dir, key_id, clock=SystemClock())
        detail["key_id"] = key_id
    click.echo("Removed. It counts for parts that begin from now on.")


@recipients_group.command("new")
@click.argument("name")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the two files."
)
@click.option("--suite", type=click.Choice(["MLKEM768-X25519", "X25519"]), help="[default: as this box seals]")
@click.pass_context
def new(ctx: click.Context, name: str, out: Path, suite: Suite | None) -> None:
    """Make a key pair for NAME, an auditor or an escrow; best done on another computer than the box."""
    settings = settings_of(ctx)
    if out.resolve().is_relative_to(settings.state_dir.resolve()):
        raise BadInputError(
            f"--out: {out} is on the box, where the private key must not stay.", hint="Give a folder on a USB stick."
        )
    pair = new_key_pair(out, name, suite or settings.vault.suite)
    click.echo(f"Private key {pair.private_file}: keep it offline, in two places. Whoever has it can open recordings.")
    click.echo(f"Public key  {pair.public_file}: give it to the box: `exambox keys recipients add FILE`.")
    public = load_public_file(pair.public_file, label=None, role="auditor").public
    click.echo(f"Fingerprint {keys.fingerprint(public)}")


def say_recipients(version: int, recipients: tuple[Recipient, ...]) -> None:
    """Print who can open recordings, in plain words."""
    click.echo(f"What is recorded from now on can be opened by (list version {version}):")
    for one in recipients:
        click.echo(f"  {one.label} - {_ROLES[one.role]}")
        click.echo(f"    {one.role}, key {one.key_id}, {one.suite}, fingerprint {keys.fingerprint(one.public)}")
