"""`exambox keys`: create, show, protect, rotate, lock and unlock the box's keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.clock import SECOND_US, SystemClock
from appliance.commands.common import CommandGroup, person, settings_of
from appliance.commands.key_log import logged
from appliance.commands.key_recipients import recipients_group, say_recipients
from appliance.errors import BadInputError, UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.vault import keys
from appliance.vault.review_key import MAX_PASSPHRASE, change_passphrase, check_passphrase, review_facts

if TYPE_CHECKING:
    from appliance.config import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_PASSPHRASE_FILE = click.option(
    "--passphrase-file", type=_FILE, help="Read the passphrase from this file's first line instead of asking."
)


@click.group("keys", cls=CommandGroup)
def keys_command() -> None:
    """Create, show, lock, unlock and rotate keys; manage recipients.

    Recordings are sealed to public keys. Whoever holds a matching private key can open them: this
    room's review key, and the auditors and escrow that were added as recipients.
    """


keys_command.add_command(recipients_group)


@keys_command.command("init")
@_PASSPHRASE_FILE
@click.pass_context
def init(ctx: click.Context, passphrase_file: Path | None) -> None:
    """Create the keys this box lacks; what is there is never overwritten.

    A provisioned box's review key is protected by a passphrase, asked for twice. A trial box has none.
    """
    settings = settings_of(ctx)
    passphrase = None
    if passphrase_file:
        passphrase = _from_file(passphrase_file)
    elif not settings.unlocks_itself and not keys.has_review_key(settings.keys_dir):
        passphrase = _ask_new()
    clock = SystemClock()
    summary = keys.init_keys(settings, passphrase=passphrase, clock=clock)
    if not summary.created:
        click.echo("Every key is here already; nothing was changed.")
    else:
        with logged(settings, "keys.created") as detail:
            detail["files"] = list(summary.created)
        click.echo(f"Created in {settings.keys_dir}: {', '.join(summary.created)}.")
    _say_summary(settings, summary)


@keys_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """Show fingerprints, and who can open what is recorded from now on."""
    settings = settings_of(ctx)
    summary = keys.key_summary(settings.keys_dir)
    if as_json:
        click.echo(json.dumps(_as_json(settings, summary), indent=1))
    else:
        _say_summary(settings, summary)


@keys_command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Say whether the review key is locked."""
    found = _client(settings_of(ctx)).status()
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    if found["locked"]:
        click.echo("The review key is locked: the box records and shows live, but plays nothing back.")
        return
    click.echo("The review key is unlocked: recordings can be played back.")
    if found["unlocks_itself"]:
        click.echo("This box unlocks itself at each start: anybody who has the box has its recordings.")
    elif found["idle_lock_us"] is not None:
        click.echo(f"It locks itself in {-(-found['idle_lock_us'] // (60 * SECOND_US))} min if nothing is played back.")


@keys_command.command("unlock")
@_PASSPHRASE_FILE
@click.pass_context
def unlock(ctx: click.Context, passphrase_file: Path | None) -> None:
    """Unlock the review key, so that recordings can be played back."""
    client = _client(settings_of(ctx))
    found = client.status()
    if not found["locked"]:
        click.echo("The review key is unlocked already.")
        return
    passphrase = None
    if passphrase_file:
        passphrase = _from_file(passphrase_file)
    elif found["protected"] and not found["unlocks_itself"]:
        passphrase = _ask("Passphrase of the review key")
    client.unlock(passphrase, person())
    click.echo("The review key is unlocked.")


@keys_command.command("lock")
@click.pass_context
def lock(ctx: click.Context) -> None:
    """Lock the review key. Recording and live pictures go on."""
    _client(settings_of(ctx)).lock(person())
    click.echo("The review key is locked.")


@keys_command.command("rotate")
@_PASSPHRASE_FILE
@_YES
@click.pass_context
def rotate(ctx: click.Context, passphrase_file: Path | None, *, yes: bool) -> None:
    """Replace the review key: parts that begin from now on are sealed to a new one.

    The old private key stays, so that older recordings can still be played back here.
    """
    settings = settings_of(ctx)
    if not yes:
        click.confirm("Replace this room's review key?", abort=True)
    passphrase = _present_passphrase(settings, passphrase_file)
    suite, label = settings.vault.suite, keys.REVIEW_LABEL
    with logged(settings, "keys.review_rotated") as detail:
        review = keys.rotate_review(
            settings.keys_dir, suite=suite, passphrase=passphrase, label=label, clock=SystemClock()
        )
        detail |= {"key_id": review.key_id, "suite": review.suite}
    click.echo(f"The review key is now {review.key_id}. It counts for parts that begin from now on.")
    if not settings.unlocks_itself and _lock_if_running(settings):
        click.echo("The keyring has locked; `exambox keys unlock` opens old and new recordings.")


@keys_command.command("passphrase")
@_PASSPHRASE_FILE
@click.option("--new-passphrase-file", type=_FILE, help="Read the new one from this file's first line.")
@click.option("--remove", is_flag=True, help="Protect the key by no passphrase (only where the box unlocks itself).")
@_YES
@click.pass_context
def passphrase_(
    ctx: click.Context,
    passphrase_file: Path | None,
    new_passphrase_file: Path | None,
    *,
    remove: bool,
    yes: bool,
) -> None:
    """Set, change or remove the review key's passphrase."""
    settings = settings_of(ctx)
    if remove and not settings.unlocks_itself:
        raise BadInputError(
            "--remove: only a box that unlocks itself may have a review key without a passphrase.",
            hint="Set keys.auto_unlock = true first, if that is really meant.",
        )
    if remove and not yes:
        click.confirm("Leave the review key without protection on this disk?", abort=True)
    old = _present_passphrase(settings, passphrase_file)
    new = None
    if not remove:
        new = _from_file(new_passphrase_file) if new_passphrase_file else _ask_new()
    with logged(settings, "keys.passphrase_changed") as detail:
        change_passphrase(settings.keys_dir, old=old, new=new)
        detail["protected"] = not remove
    click.echo("The passphrase was removed." if remove else "The passphrase was set.")


def _present_passphrase(settings: Settings, passphrase_file: Path | None) -> str | None:
    if not review_facts(settings.keys_dir).protected:
        return None
    return _from_file(passphrase_file) if passphrase_file else _ask("Passphrase of the review key")


def _ask(prompt: str) -> str:
    return str(click.prompt(prompt, hide_input=True, err=True))


def _ask_new() -> str:
    """Ask twice. The rules are checked before the second time, so that nobody types a bad one twice."""
    click.echo("Choose a passphrase for the review key. Without it nobody can play back here: keep it safe.", err=True)
    prompt = "New passphrase (12 characters or more)"
    value: str = click.prompt(
        prompt, hide_input=True, confirmation_prompt="Again", err=True, value_proc=_checked_while_asking
    )
    return value


def _checked_while_asking(text: str) -> str:
    try:
        return check_passphrase(text)
    except BadInputError as problem:
        raise click.UsageError(problem.message) from problem


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MAX_PASSPHRASE + 2)
        return raw.decode().splitlines()[0]
    except OSError as problem:
        raise BadInputError(f"{path}: cannot be read: {problem.strerror}.") from problem
    except (UnicodeDecodeError, IndexError) as problem:
        raise BadInputError(
            f"{path}: holds no passphrase.", hint="Its first line is the passphrase, UTF-8."
        ) from problem


def _client(settings: Settings) -> KeyringClient:
    return KeyringClient(settings.keyring_socket)


def _lock_if_running(settings: Settings) -> bool:
    try:
        _client(settings).lock(person())
    except UnavailableError:
        return False
    return True


def _say_summary(settings: Settings, summary: keys.KeySummary) -> None:
    click.echo(f"Box                      {summary.box}")
    click.echo(f"Device key (signs)       {keys.fingerprint(summary.device_public)}")
    say_recipients(summary.list_version, summary.recipients)
    if summary.protected is False:
        click.echo(
            "The review key is not protected by a passphrase: anybody who has this disk can open its recordings."
            if settings.unlocks_itself
            else "The review key is not protected by a passphrase, though this box does not unlock itself. "
            "Set one: `exambox keys passphrase`."
        )
    elif summary.protected:
        click.echo("The review key is protected by a passphrase: a stolen box gives away no recordings.")


def _as_json(settings: Settings, summary: keys.KeySummary) -> dict[str, Any]:
    return {
        "box": summary.box,
        "device_key": summary.device_public.hex(),
        "device_fingerprint": keys.fingerprint(summary.device_public),
        "recipients_version": summary.list_version,
        "recipients": [
            {"key_id": one.key_id, "label": one.label, "role": one.role, "suite": one.suite, "public": one.public.hex()}
            for one in summary.recipients
        ],
        "review_key_protected": summary.protected,
        "unlocks_itself": settings.unlocks_itself,
    }
