"""`exambox sync`: deliveries to the LMS: how they stand, and what a person may do about them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from appliance import log
from appliance.clock import SECOND_US, SystemClock, format_utc
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.commands.moments import say_length
from appliance.commands.sync_centre import centre_as_json, register, tell_centre
from appliance.diagnosis.deliveries import target_name, target_of
from appliance.errors import UnavailableError
from appliance.ipc.beat import read_beat
from appliance.outbox import acts, list_deliveries, retry_now, status, unpark
from appliance.outbox.reasons import in_words
from appliance.outbox.rows import get_delivery

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.outbox import Delivery, TargetStatus

_SHOWN_PARKED = 50


@click.group("sync", cls=CommandGroup)
def sync_command() -> None:
    """Deliveries to the LMS and the central service: how they stand, try now, give up; join one, carry sticks."""


@sync_command.command("run")
@click.pass_context
def run_process(ctx: click.Context) -> None:
    """PROCESS: deliver to the LMS (started by systemd)."""
    from appliance.sync.main import main  # noqa: PLC0415  each process loads only its own half of the box

    settings = settings_of(ctx)
    log.configure(settings.log, "sync")
    main(settings)


@sync_command.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def status_command(ctx: click.Context, *, as_json: bool) -> None:
    """Show how the central service is, and what waits for it and each LMS: since when, when it is tried again, why."""
    settings = settings_of(ctx)
    db = database_of(settings)
    stands, parked = status(db), list_deliveries(db, ["parked"], limit=_SHOWN_PARKED)
    running = _is_running(settings)
    if as_json:
        targets = [{"name": target_name(db, one.target), **asdict(one)} for one in stands.targets]
        told: dict[str, Any] = {"running": running, "targets": targets, "parked": [_as_json(one) for one in parked]}
        told["centre"] = centre_as_json(db, settings)
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    if not running:
        click.secho("The sync process does not run: nothing is delivered.", fg="yellow", err=True)
    belongs = tell_centre(db, settings)
    for target in stands.targets:
        _tell(db, target, SystemClock().wall_us())
    if not stands.targets and not belongs:
        click.echo("Nothing was to be delivered yet.")
    for one in parked:
        click.echo(f"  parked {one.id}: {_line(db, one)}: {in_words(one.reason)}")
    if parked:
        click.echo("`exambox sync retry ID` lets one go on, `exambox sync discard ID --reason …` gives it up.")


@sync_command.command("now")
@click.argument("target", required=False)
@click.pass_context
def now_command(ctx: click.Context, target: str | None) -> None:
    """Try what waits at once, for TARGET (an integration's name, or centre) or for all. Parked ones stay parked."""
    db = database_of(settings_of(ctx))
    targets = [target_of(db, target)] if target else [one.target for one in status(db).targets]
    count = sum(retry_now(db, one) for one in targets)
    click.echo(f"{count} to be tried now." if count else "Nothing waits.")


@sync_command.command("retry")
@click.argument("delivery", type=int)
@click.pass_context
def retry_command(ctx: click.Context, delivery: int) -> None:
    """Try one delivery now; a parked one is let go on, and with it those behind it."""
    db = database_of(settings_of(ctx))
    if get_delivery(db, delivery).state == "parked":
        unpark(db, delivery, who=person(), clock=SystemClock())
    else:
        retry_now(db, delivery)
    click.echo(f"{delivery} is tried now.")


@sync_command.command("discard")
@click.argument("delivery", type=int)
@click.option("--reason", required=True, help="Why it is never to be delivered; it enters the log.")
@click.pass_context
def discard_command(ctx: click.Context, delivery: int, *, reason: str) -> None:
    """Give one delivery up: it is not sent any more, and those behind it go on."""
    db = database_of(settings_of(ctx))
    gone = acts.discard(db, delivery, who=person(), why=reason, clock=SystemClock())
    click.echo(f"Given up: {_line(db, gone)}.")


register(sync_command)


def _is_running(settings: Settings) -> bool:
    try:
        read_beat(settings.sync_beat, SystemClock(), name="sync")
    except UnavailableError:
        return False
    except PermissionError:
        return True  # closed to this user; that it is there is all they may know
    return True


def _tell(db: Database, stands: TargetStatus, now_us: int) -> None:
    click.secho(target_name(db, stands.target), bold=True)
    last = "none yet" if stands.last_success_us is None else format_utc(stands.last_success_us)
    click.echo(f"  last success: {last}")
    if not stands.backlog:
        click.echo("  nothing waits")
        return
    age = say_length(now_us - (stands.oldest_us or now_us))
    more = f"; parked: {stands.parked}, behind them: {stands.blocked}" if stands.parked else ""
    click.echo(f"  waiting: {stands.backlog}, the oldest for {age}{more}")
    if stands.next_try_us is not None:
        wait_us = max(0, stands.next_try_us - now_us)
        click.echo(f"  next try: {f'in {say_length(wait_us)}' if wait_us >= SECOND_US else 'now'}")
    if stands.last_error:
        click.echo(f"  why: {in_words(stands.last_error)}")


def _line(db: Database, one: Delivery) -> str:
    stream = f" of {one.stream}" if one.stream else ""
    return f"{one.kind}{stream} to {target_name(db, one.target)}, of {format_utc(one.cause_us)}"


def _as_json(one: Delivery) -> dict[str, Any]:
    told = asdict(one)
    del told["text"]  # a body holds a candidate's results
    return told
