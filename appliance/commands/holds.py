"""`exambox holds`: keep recordings beyond their retention, for a stated reason."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from appliance.clock import SystemClock, format_utc
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.vault.holds import list_holds, place_hold, release_hold

if TYPE_CHECKING:
    from appliance.vault.holds import LegalHold


@click.group("holds", cls=CommandGroup)
def holds_command() -> None:
    """Place and release legal holds: what is under one is not deleted."""


@holds_command.command("list")
@click.option("--all", "everything", is_flag=True, help="The released ones, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_command(ctx: click.Context, *, everything: bool, as_json: bool) -> None:
    """List the holds that stand."""
    holds = list_holds(database_of(settings_of(ctx)), released=everything)
    if as_json:
        click.echo(json.dumps([asdict(hold) for hold in holds], ensure_ascii=False, indent=1))
        return
    for hold in holds:
        click.echo(_line(hold))
    if not holds:
        click.echo("No legal holds.")


@holds_command.command("place")
@click.argument("sitting")
@click.option("--camera", help="Only this camera's recordings [default: every camera's].")
@click.option("--reason", required=True, help="Who asked for it and why; it enters the log.")
@click.pass_context
def place_command(ctx: click.Context, sitting: str, *, camera: str | None, reason: str) -> None:
    """Keep a sitting's recordings until the hold is released."""
    db = database_of(settings_of(ctx))
    click.echo(_line(place_hold(db, sitting, camera, reason=reason, clock=SystemClock(), who=person())))


@holds_command.command("release")
@click.argument("hold", type=int)
@click.option("--reason", required=True, help="Why it is no longer needed; it enters the log.")
@click.pass_context
def release_command(ctx: click.Context, hold: int, *, reason: str) -> None:
    """End a hold; what is overdue is deleted once its grace is over (vault.release_grace_minutes)."""
    db = database_of(settings_of(ctx))
    click.echo(_line(release_hold(db, hold, reason=reason, clock=SystemClock(), who=person())))


def _line(hold: LegalHold) -> str:
    what = f"{hold.sitting}/{hold.camera}" if hold.camera else f"{hold.sitting} (every camera)"
    line = f"{hold.id}: {what}, placed {format_utc(hold.placed_us)} by {hold.placed_by}: {hold.reason}"
    if hold.released_us is None:
        return line
    return f"{line}; released {format_utc(hold.released_us)} by {hold.released_by}: {hold.release_reason}"
