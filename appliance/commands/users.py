"""`exambox users`: accounts of the dashboard."""

from __future__ import annotations

import json

import click

from appliance.clock import SystemClock, format_utc
from appliance.commands.common import database_of, person, settings_of
from appliance.errors import ConflictError
from appliance.web.access import ADMINISTRATOR, ROLES
from appliance.web.account import accounts, changes, passwords
from appliance.web.account.first_run import ensure_first_password


@click.group("users")
def users_command() -> None:
    """Accounts of the dashboard."""


@users_command.command("first-password")
@click.pass_context
def first_password(ctx: click.Context) -> None:
    """Print a new one-time password for the first run; only while there is no account."""
    password = ensure_first_password(database_of(settings_of(ctx)), SystemClock())
    if password is None:
        raise ConflictError(
            "This box has an account already.", hint="`exambox users reset-password NAME` gives a new password."
        )
    click.echo(f"One-time password: {password}")
    click.echo("Good for 24 hours and one account. Earlier ones no longer work.")


@users_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """List the accounts."""
    found = accounts.list_accounts(database_of(settings_of(ctx)))
    if as_json:
        rows = [
            {
                "name": account.name,
                "role": account.role,
                "created": format_utc(account.created_us),
                "disabled": format_utc(account.disabled_us) if account.disabled_us is not None else None,
            }
            for account in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo("No accounts yet. `exambox users first-password` begins the first run.")
    for account in found:
        state = f"disabled since {format_utc(account.disabled_us)}" if account.disabled_us is not None else "active"
        click.echo(f"{account.name:<24} {account.role:<14} {state}")


@users_command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=ADMINISTRATOR, show_default=True, help="What they may do.")
@click.pass_context
def add(ctx: click.Context, name: str, role: str) -> None:
    """Create an account with a generated password, printed once."""
    password = passwords.generate_password()
    account = accounts.create_account(
        database_of(settings_of(ctx)), name, role, password, clock=SystemClock(), who=person(), where="command line"
    )
    click.echo(f"{account.name} ({account.role}), password: {password}")
    click.echo("It is shown only this once.")


@users_command.command("reset-password")
@click.argument("name")
@click.pass_context
def reset_password(ctx: click.Context, name: str) -> None:
    """Give an account a generated password, printed once, and end all its sessions."""
    db = database_of(settings_of(ctx))
    password = passwords.generate_password()
    changes.set_password(db, name, password, clock=SystemClock(), who=person(), where="command line")
    click.echo(f"New password: {password}")
    click.echo("It is shown only this once. All sessions of this account were ended.")


@users_command.command("disable")
@click.argument("name")
@click.pass_context
def disable(ctx: click.Context, name: str) -> None:
    """Refuse an account from now on; what it did stays in the log."""
    changes.disable_account(database_of(settings_of(ctx)), name, clock=SystemClock(), who=person())
    click.echo(f"{name} can no longer sign in.")


@users_command.command("enable")
@click.argument("name")
@click.pass_context
def enable(ctx: click.Context, name: str) -> None:
    """Let a disabled account sign in again."""
    changes.enable_account(database_of(settings_of(ctx)), name, clock=SystemClock(), who=person())
    click.echo(f"{name} can sign in again.")
