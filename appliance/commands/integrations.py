"""`exambox integrations`: the LMSs that may speak to the box, their secrets and their addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from appliance.clock import SECOND_US, SystemClock, format_utc
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.errors import BadInputError
from appliance.integrations import store
from appliance.integrations.addresses import ADDRESS_NAMES, Addresses, is_encrypted
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.secrets import end_old_secrets, rotate_secret, secret_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.diagnosis.lms import TriedAddress
    from appliance.exams.model import Integration
    from appliance.integrations.store import StoredIntegration

_WORDS = {
    "review_url": "reviews",
    "schedule_url": "booked times",
    "warning_url": "warnings",
    "agreement_acceptance_url": "agreements",
}


def _address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(ADDRESS_NAMES):
        option = f"--{name.replace('_', '-')}"
        words = f"Where the LMS is told of {_WORDS[name]}; empty: nowhere."
        command = click.option(option, name, metavar="ADDRESS", help=words)(command)
    return command


@click.group("integrations", cls=CommandGroup)
def integrations_command() -> None:
    """Connect learning management systems (LMS) by the proctoring JWT API."""


@integrations_command.command("list")
@click.option("--removed", is_flag=True, help="Those that were removed, instead.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_command(ctx: click.Context, *, removed: bool, as_json: bool) -> None:
    """List the integrations."""
    db = database_of(settings_of(ctx))
    found = store.list_stored(db, removed=removed)
    if as_json:
        click.echo(json.dumps([_as_json(db, one) for one in found], indent=1))
        return
    for one in found:
        told = [_WORDS[name] for name in ADDRESS_NAMES if getattr(one.integration, name)]
        state = "" if one.integration.is_active else " (switched off)"
        click.echo(f"{one.integration.name}{state}: is told of {', '.join(told) if told else 'nothing'}")
    if not found:
        click.echo("None." if removed else "No integrations yet. `exambox integrations add NAME` makes one.")


@integrations_command.command("add")
@click.argument("name")
@_address_options
@click.option("--inactive", is_flag=True, help="Leave it switched off: its calls are answered 403.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, the secret among it.")
@click.pass_context
def add_command(ctx: click.Context, /, name: str, *, inactive: bool, as_json: bool, **addresses: str | None) -> None:
    """Add an integration and print its secret, this once.

    NAME is part of the addresses the LMS calls: letters, digits, dots, hyphens and underscores. It stays.
    """
    settings = settings_of(ctx)
    made, secret = store.add_integration(
        database_of(settings), name=name, addresses=Addresses(**addresses), clock=SystemClock(), who=person(),
        keys=exchange_key(settings), is_active=not inactive,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"name": made.name, "secret": secret}))
        return
    click.echo(f"The integration {made.name} is there.")
    _say_open_addresses(made)
    _say_secret(secret)
    click.echo(f"Addresses for the LMS: https://<this box>/api/v2/integration/simple/{made.name}/ and")
    click.echo(f"https://<this box>/integration/simple/{made.name}/start/ (docs/operator/lms.md).")


@integrations_command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show_command(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Show an integration: its addresses, which secrets are good and when they were last used."""
    db = database_of(settings_of(ctx))
    found = store.stored_integration(db, store.find_integration(db, name).id)
    if as_json:
        click.echo(json.dumps(_as_json(db, found), indent=1))
        return
    click.echo(f"{found.integration.name}: {'active' if found.integration.is_active else 'switched off'}")
    for field in ADDRESS_NAMES:
        click.echo(f"  {_WORDS[field]}: {getattr(found.integration, field) or 'nowhere'}")
    for fact in secret_facts(db, found.integration.id, now_us=SystemClock().wall_us()):
        ends = f", good until {format_utc(fact.ends_us)}" if fact.ends_us is not None else ""
        used = f"last used {format_utc(fact.used_us)}" if fact.used_us is not None else "not used yet"
        click.echo(f"  secret of {format_utc(fact.created_us)}: {used}{ends}")


@integrations_command.command("edit")
@click.argument("name")
@_address_options
@click.pass_context
def edit_command(ctx: click.Context, /, name: str, **addresses: str | None) -> None:
    """Change the addresses that are given, and leave the others; an empty one is taken away."""
    if all(value is None for value in addresses.values()):
        raise BadInputError("Nothing to change was given.", hint="Give at least one address, such as --review-url.")
    db = database_of(settings_of(ctx))
    before = store.find_integration(db, name)
    wished = {one: getattr(before, one) if value is None else value for one, value in addresses.items()}
    after = store.edit_integration(db, before.id, addresses=Addresses(**wished), clock=SystemClock(), who=person())
    click.echo(f"The addresses of {after.name} are changed.")
    _say_open_addresses(after)


@integrations_command.command("rotate")
@click.argument("name")
@click.option(
    "--overlap-hours", type=click.IntRange(0, 90 * 24), default=24, show_default=True,
    help="For so long the former secret stays good; 0: it ends now.",
)  # fmt: skip
@click.option("--end-former", is_flag=True, help="Make none: only end the former ones, once the LMS has the new one.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def rotate_command(ctx: click.Context, name: str, *, overlap_hours: int, end_former: bool, as_json: bool) -> None:
    """Make a new secret and print it, this once; the former one stays good for a while."""
    settings = settings_of(ctx)
    db = database_of(settings)
    found = store.find_integration(db, name)
    if end_former:
        ended = end_old_secrets(db, found.id, clock=SystemClock(), who=person())
        click.echo(json.dumps({"ended": ended}) if as_json else f"Former secrets ended: {ended}.")
        return
    secret = rotate_secret(
        db, found.id, overlap_us=overlap_hours * 3600 * SECOND_US, clock=SystemClock(), who=person(),
        keys=exchange_key(settings),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"name": found.name, "secret": secret}))
        return
    _say_secret(secret)
    click.echo(
        f"The former secret is good for {overlap_hours} h more." if overlap_hours else "The former one has ended."
    )


@integrations_command.command("activate")
@click.argument("name")
@click.pass_context
def activate_command(ctx: click.Context, name: str) -> None:
    """Let the LMS speak to the box."""
    _switch(ctx, name, active=True)


@integrations_command.command("deactivate")
@click.argument("name")
@click.pass_context
def deactivate_command(ctx: click.Context, name: str) -> None:
    """Answer the LMS 403 from now on; its exams and sessions stay."""
    _switch(ctx, name, active=False)


@integrations_command.command("remove")
@click.argument("name")
@click.pass_context
def remove_command(ctx: click.Context, name: str) -> None:
    """Take an integration away: its calls are answered 404. `restore` brings it back."""
    db = database_of(settings_of(ctx))
    store.remove_integration(db, store.find_integration(db, name).id, clock=SystemClock(), who=person())
    click.echo(f"The integration {name} is removed. `exambox integrations restore {name}` brings it back.")


@integrations_command.command("restore")
@click.argument("name")
@click.pass_context
def restore_command(ctx: click.Context, name: str) -> None:
    """Bring a removed integration back as it was, with its secret."""
    db = database_of(settings_of(ctx))
    removed = [one for one in store.list_stored(db, removed=True) if one.integration.name == name]
    if not removed:
        raise BadInputError(
            f"No integration {name} was removed.", hint="`exambox integrations list --removed` shows them."
        )
    store.restore_integration(db, removed[0].integration.id, clock=SystemClock(), who=person())
    click.echo(f"The integration {name} is back.")


@integrations_command.command("test")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def test_command(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Send a sample, marked as a test, to each address that is set, and show what comes back."""
    from appliance.diagnosis.lms import call_rules, try_addresses  # noqa: PLC0415  loads the client of HTTP
    from appliance.outbox.reasons import in_words  # noqa: PLC0415  as above

    settings = settings_of(ctx)
    db = database_of(settings)
    tried = try_addresses(
        db, store.find_integration(db, name), keys=exchange_key(settings), clock=SystemClock(), who=person(),
        rules=call_rules(settings),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps([_tried_json(one) for one in tried], ensure_ascii=False, indent=1))
    for one in () if as_json else tried:
        status = f"{one.status}" if one.status is not None else "no answer"
        click.echo(f"{_WORDS[one.name]}: {status} after {one.took_ms} ms from {one.address}")
        if one.reason:
            click.echo(f"  {in_words(one.reason)}")
        if one.text:
            click.echo("".join(f"  | {line}\n" for line in one.text.splitlines()), nl=False)
    if not tried and not as_json:
        click.echo("No address is set: this LMS is told of nothing. `exambox integrations edit` sets them.")
    if not all(one.accepted for one in tried):
        ctx.exit(1)


def _switch(ctx: click.Context, name: str, *, active: bool) -> None:
    db = database_of(settings_of(ctx))
    found = store.find_integration(db, name)
    store.set_active(db, found.id, active=active, clock=SystemClock(), who=person())
    click.echo(f"The integration {name} is {'active' if active else 'switched off'}.")


def _say_secret(secret: str) -> None:
    click.echo(f"Secret: {secret}")
    click.echo("It is shown this once. Enter it in the LMS now; `exambox integrations rotate` makes another.")


def _say_open_addresses(made: Integration) -> None:
    for field in ADDRESS_NAMES:
        address = getattr(made, field)
        if address and not is_encrypted(address):
            click.echo(f"Attention: {_WORDS[field]} go to {address} unencrypted; use https:// where the LMS has it.")


def _as_json(db: Database, one: StoredIntegration) -> dict[str, Any]:
    facts = secret_facts(db, one.integration.id, now_us=SystemClock().wall_us())
    return {
        "id": one.integration.id,
        "name": one.integration.name,
        "active": one.integration.is_active,
        "origin": one.origin,
        **{name: getattr(one.integration, name) for name in ADDRESS_NAMES},
        "secrets": [
            {"created_us": fact.created_us, "ends_us": fact.ends_us, "used_us": fact.used_us} for fact in facts
        ],
    }


def _tried_json(one: TriedAddress) -> dict[str, Any]:
    return {
        "name": one.name, "address": one.address, "status": one.status, "took_ms": one.took_ms,
        "reason": one.reason, "text": one.text,
    }  # fmt: skip
