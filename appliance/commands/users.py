"""`exambox users`: accounts of the dashboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from appliance.clock import SystemClock, format_utc
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.errors import ConflictError
from appliance.web.access import ADMINISTRATOR, ROLES, role_words
from appliance.web.account import accounts, changes, passwords, people, reset, second_factor, sessions
from appliance.web.account.first_run import ensure_first_password

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.web.account.people import Standing

_WHERE = "command line"


@click.group("users", cls=CommandGroup)
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
    """List the accounts: role, state, second factor, open sessions, last sign-in."""
    settings = settings_of(ctx)
    found = people.list_people(database_of(settings), clock=SystemClock(), settings=settings.web)
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found], indent=2))
        return
    if not found:
        click.echo("No accounts yet. `exambox users first-password` begins the first run.")
    for one in found:
        click.echo(_as_line(one))


@users_command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=ADMINISTRATOR, show_default=True, help="What they may do.")
@click.option("--email", default="", help="Where links for a forgotten password go.")
@click.option("--code", is_flag=True, help="Print a one-time code instead, with which they choose their password.")
@click.pass_context
def add(ctx: click.Context, name: str, role: str, email: str, *, code: bool) -> None:
    """Create an account with a generated password, printed once and replaced at the first sign-in."""
    settings, db, password = settings_of(ctx), _database(ctx), passwords.generate_password()
    account = accounts.create_account(
        db, name, role, password, clock=SystemClock(), who=person(), where=_WHERE, email=email, must_change=True
    )
    if code:
        hours = settings.accounts.reset_code_hours
        printed = reset.make_code(db, name, hours=hours, clock=SystemClock(), who=person(), where=_WHERE)
        click.echo(f"{account.name} ({role_words(account.role)}), one-time code: {printed}")
        click.echo(f"Shown only this once; good for {hours} hours, at “Forgotten your password” on the sign-in page.")
        return
    click.echo(f"{account.name} ({role_words(account.role)}), password: {password}")
    click.echo("It is shown only this once, and replaced by one of their own at the first sign-in.")


@users_command.command("reset-password")
@click.argument("name")
@click.pass_context
def reset_password(ctx: click.Context, name: str) -> None:
    """Give an account a generated password, printed once, and end all its sessions."""
    password = passwords.generate_password()
    changes.set_password(
        _database(ctx), name, password, clock=SystemClock(), who=person(), where=_WHERE, must_change=True
    )
    click.echo(f"New password: {password}")
    click.echo("It is shown only this once and replaced at the next sign-in. All sessions of this account were ended.")


@users_command.command("reset-code")
@click.argument("name")
@click.pass_context
def reset_code(ctx: click.Context, name: str) -> None:
    """Print a one-time code with which the person chooses a new password; the present one works until then."""
    hours = settings_of(ctx).accounts.reset_code_hours
    code = reset.make_code(_database(ctx), name, hours=hours, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"One-time code: {code}")
    click.echo(f"Shown only this once; good for {hours} hours, at “Forgotten your password” on the sign-in page.")


@users_command.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.pass_context
def role_(ctx: click.Context, name: str, role: str) -> None:
    """Give an account another role and end its sessions."""
    changes.set_role(_database(ctx), name, role, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"{name} is {role_words(role)} now.")


@users_command.command("email")
@click.argument("name")
@click.argument("address")
@click.pass_context
def email_(ctx: click.Context, name: str, address: str) -> None:
    """Give an account another e-mail address; '' takes it away."""
    changes.set_email(_database(ctx), name, address, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"The address of {name} is {'saved' if address.strip() else 'taken away'}.")


@users_command.command("disable")
@click.argument("name")
@click.pass_context
def disable(ctx: click.Context, name: str) -> None:
    """Refuse an account from now on and end its sessions; what it did stays in the log."""
    changes.disable_account(_database(ctx), name, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"{name} can no longer sign in.")


@users_command.command("enable")
@click.argument("name")
@click.pass_context
def enable(ctx: click.Context, name: str) -> None:
    """Let a disabled account sign in again."""
    changes.enable_account(_database(ctx), name, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"{name} can sign in again.")


@users_command.command("sessions")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def sessions_(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """List where an account is signed in."""
    settings, db = settings_of(ctx), _database(ctx)
    account = accounts.get_account(db, name)
    found = sessions.list_sessions(db, account.id, clock=SystemClock(), settings=settings.web)
    if as_json:
        rows = [
            {"browser": one.browser, "address": one.address, "since": format_utc(one.created_us),
             "last_used": format_utc(one.seen_us)}
            for one in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo(f"{account.name} is not signed in.")
    for one in found:
        browser = one.browser or "unknown browser"
        click.echo(
            f"{browser:<28} {one.address:<20} since {format_utc(one.created_us)}, last {format_utc(one.seen_us)}"
        )


@users_command.command("end-sessions")
@click.argument("name")
@click.pass_context
def end_sessions(ctx: click.Context, name: str) -> None:
    """Sign an account out everywhere; it can sign in again."""
    ended = changes.end_sessions(_database(ctx), name, clock=SystemClock(), who=person(), where=_WHERE)
    click.echo(f"{ended} ended.")


@users_command.command("remove-second-factor")
@click.argument("name")
@click.pass_context
def remove_second_factor(ctx: click.Context, name: str) -> None:
    """Take an account's second factor and recovery codes away, for a lost phone."""
    db = _database(ctx)
    account = accounts.get_account(db, name)
    if not second_factor.remove(db, account, clock=SystemClock(), who=person(), where=_WHERE):
        raise ConflictError(f"{account.name} has no second factor.", hint="There is nothing to remove.")
    click.echo(f"{account.name} signs in with the password alone now.")


def _database(ctx: click.Context) -> Database:
    return database_of(settings_of(ctx))


def _as_json(one: Standing) -> dict[str, Any]:
    account = one.account
    return {
        "name": account.name,
        "role": account.role,
        "email": account.email,
        "created": format_utc(account.created_us),
        "disabled": format_utc(account.disabled_us) if account.disabled_us is not None else None,
        "second_factor": one.second_factor,
        "sessions": one.sessions,
        "last_sign_in": format_utc(account.last_sign_in_us) if account.last_sign_in_us is not None else None,
        "code_until": format_utc(one.code_until_us) if one.code_until_us is not None else None,
    }


def _as_line(one: Standing) -> str:
    account = one.account
    state = f"disabled since {format_utc(account.disabled_us)}" if account.disabled_us is not None else "active"
    seen = format_utc(account.last_sign_in_us) if account.last_sign_in_us is not None else "never"
    factor = "second factor" if one.second_factor else "password only"
    role = role_words(account.role)
    return f"{account.name:<24} {role:<15} {factor:<14} sessions {one.sessions:<3} last {seen}  {state}"
