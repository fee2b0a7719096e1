"""`exambox usb policy`: look at, try, change and carry over what is let in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from appliance.clock import SystemClock
from appliance.commands import usb_policy_text as text
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.commands.moments import say_moment
from appliance.commands.usb_policy_trial import circumstances, device_at, plugged_in, zone_of
from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.usb.dry_run import Trial, advice, dry_run
from appliance.usb.engine import decide, explain
from appliance.usb.library import library
from appliance.usb.model import Mode, Verdict
from appliance.usb.new_rule import By, rule_for
from appliance.usb.policies import history, keep_policy, policy_in_force, policy_version, restore_policy
from appliance.usb.policy_file import MAX_POLICY_BYTES, add_rule, read_policy, write_policy, write_rule
from appliance.usb.seen import seen
from appliance.usb.usbguard import export_rules, import_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.usb.policy import Policy
    from appliance.usb.usbguard import Note

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
_ASK = "While armed it would keep out what the present policy lets in. Put it in force?"
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def _trial_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--json", "as_json", is_flag=True, help="As JSON.")(command)
    command = click.option("--at", metavar="TIME", help="At this local time, such as 2026-12-01T09:30 [default: now].")(
        command
    )
    return click.option(
        "--mode",
        type=click.Choice(get_args(Mode)),
        default="armed",
        show_default=True,
        help="As in this mode, whichever the box is in.",
    )(command)


@click.group("policy", cls=CommandGroup)
def policy_command() -> None:
    """Look at, try and change the policy: which USB devices are let in, and why.

    A policy is a TOML file; the first rule that matches a device wins (docs/operator/usb.md).
    """


@policy_command.command("show")
@click.option("--version", type=click.IntRange(min=0), help="An earlier one; 0 is the default exam policy.")
@click.pass_context
def show_command(ctx: click.Context, *, version: int | None) -> None:
    """Write the policy in force, as a file to change: `exambox usb policy show > policy.toml`."""
    settings = settings_of(ctx)
    db = database_of(settings)
    if version is not None:
        click.echo(policy_version(db, version).text, nl=False)
        return
    found = policy_in_force(db)
    made = say_moment(found.made_us, zone_of(settings))
    by = f" of {made}, by {found.made_by}" if found.version else ", the default exam policy"
    click.echo(f"Version {found.version}{by}{f': {found.why}' if found.why else ''}", err=True)
    if found.problem:
        click.secho(f"It cannot be read, so the default exam policy is in force: {found.problem}", fg="red", err=True)
    click.echo(found.text, nl=False)


@policy_command.command("check")
@click.argument("file", type=_FILE)
@click.pass_context
def check_command(ctx: click.Context, *, file: Path) -> None:
    """Check a policy file, and say what it would change. Nothing is stored."""
    policy = read_policy(_read(file))
    click.echo(
        f"{text.rules(policy)}; where none matches, a device is {text.said(policy.otherwise.armed)} while armed."
    )
    for one in advice(policy):
        click.secho(f"{f'Rule {one.rule}: ' if one.rule else ''}{one.what}", fg="yellow")
    _show_changes(ctx, policy)
    click.secho("The file can be applied. Nothing was stored.", fg="green")


@policy_command.command("apply")
@click.argument("file", type=_FILE)
@click.option("--why", default="", metavar="TEXT", help="The reason, for the log and the list of versions.")
@click.option("--yes", is_flag=True, help="Do not ask, although it would keep out what is plugged in now.")
@click.pass_context
def apply_command(ctx: click.Context, *, file: Path, why: str, yes: bool) -> None:
    """Put a policy file in force. The former one can be had again with `restore`."""
    content = _read(file)
    policy = read_policy(content)
    db = database_of(settings_of(ctx))
    before = policy_in_force(db)
    if _show_changes(ctx, policy) and not yes:
        click.confirm(_ASK, abort=True)
    version = keep_policy(db, content, clock=SystemClock(), who=person(), why=why, after=before.version)
    same = version == before.version
    click.echo("That is the policy in force already." if same else f"Version {version} is in force.")


@policy_command.command("dry-run")
@click.argument("file", type=_FILE, required=False)
@click.option("--library", "described", is_flag=True, help="Against the library of real devices, instead.")
@click.option("--surprises", is_flag=True, help="Only those treated otherwise than now, or than is expected.")
@_trial_options
@click.pass_context
def dry_run_command(
    ctx: click.Context,
    *,
    file: Path | None,
    described: bool,
    surprises: bool,
    mode: Mode,
    at: str | None,
    as_json: bool,
) -> None:
    """Say what a policy makes of each device that is plugged in. Nothing is stored, nothing is enforced.

    Without FILE the policy in force is tried. Of the library's devices it is known what the default exam policy is
    expected to say.
    """
    settings = settings_of(ctx)
    db = database_of(settings)
    in_force = policy_in_force(db).policy
    trials = [Trial(device=device) for device in plugged_in()]
    if described:
        trials = [Trial(device=one.device, title=one.title, expected=one.expected) for one in library()]
    policy = read_policy(_read(file)) if file is not None else in_force
    now = circumstances(db, settings, mode=mode, at=at)
    rows = dry_run(policy, trials, now, in_force=in_force)
    shown = [row for row in rows if row.changes or row.surprises] if surprises else list(rows)
    if as_json:
        click.echo(json.dumps([text.row_json(row) for row in shown], ensure_ascii=False, indent=1))
        return
    for row in shown:
        for line in text.row_lines(row):
            click.echo(line)
    click.echo(text.total(rows))


@policy_command.command("explain")
@click.argument("port")
@click.option("--file", type=_FILE, help="By this policy file [default: the policy in force].")
@_trial_options
@click.pass_context
def explain_command(
    ctx: click.Context, *, port: str, file: Path | None, mode: Mode, at: str | None, as_json: bool
) -> None:
    """Say of the device at PORT which rule decides, and of every rule why it does or does not match.

    PORT is the kernel's name, such as 1-1.4 (`exambox usb policy dry-run` lists them), or the id of a device of the
    library, such as stick-sandisk-ultra-fit.
    """
    settings = settings_of(ctx)
    db = database_of(settings)
    device = device_at(port)
    policy = read_policy(_read(file)) if file is not None else policy_in_force(db).policy
    now = circumstances(db, settings, mode=mode, at=at)
    if as_json:
        click.echo(json.dumps(text.explanation_json(device, policy, now), ensure_ascii=False, indent=1))
        return
    for line in text.device_lines(device):
        click.echo(line)
    for step in explain(policy, device, now):
        click.secho(text.step_line(step), bold=step.decides)
    click.echo(f"So it is {text.decided(decide(policy, device, now))} in mode {mode}.")


@policy_command.command("add-rule")
@click.argument("port")
@click.option(
    "--verdict", type=click.Choice(get_args(Verdict)), default="allow", show_default=True, help="What it says."
)
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    default="hash",
    show_default=True,
    help="Known by its hash (itself and its twins), its serial number, its model, or where it is plugged in.",
)
@click.option("--why", default="", metavar="TEXT", help="The reason: the rule's comment, and for the log.")
@click.option("--yes", is_flag=True, help="Do not ask, although it would keep out what is plugged in now.")
@click.pass_context
def add_rule_command(ctx: click.Context, *, port: str, verdict: Verdict, by: By, why: str, yes: bool) -> None:
    """Put a rule about the device at PORT before all others, and that policy in force."""
    db = database_of(settings_of(ctx))
    before = policy_in_force(db)
    if before.problem:
        raise ConflictError(f"The policy in force cannot be read: {before.problem}", hint="Apply another one first.")
    rule = rule_for(before.policy, device_at(port), verdict=verdict, by=by, comment=why)
    content = add_rule(before.text, rule)
    click.echo(write_rule(rule))
    if _show_changes(ctx, read_policy(content)) and not yes:
        click.confirm(_ASK, abort=True)
    version = keep_policy(db, content, clock=SystemClock(), who=person(), why=why, after=before.version)
    click.echo(f"Version {version} is in force.")


@policy_command.command("history")
@click.option(
    "--limit", type=click.IntRange(min=1, max=1000), default=50, show_default=True, help="The newest that many."
)
@click.pass_context
def history_command(ctx: click.Context, *, limit: int) -> None:
    """List the policies this box had, the newest first."""
    settings = settings_of(ctx)
    zone = zone_of(settings)
    for one in history(database_of(settings), limit=limit):
        if not one.version:
            click.echo("0  the default exam policy")
            continue
        click.echo(f"{one.version}  {say_moment(one.made_us, zone)}  {one.made_by}{f': {one.why}' if one.why else ''}")


@policy_command.command("restore")
@click.argument("version", type=click.IntRange(min=0))
@click.option("--why", default="", metavar="TEXT", help="The reason, for the log and the list of versions.")
@click.option("--yes", is_flag=True, help="Do not ask, although it would keep out what is plugged in now.")
@click.pass_context
def restore_command(ctx: click.Context, *, version: int, why: str, yes: bool) -> None:
    """Put an earlier policy in force again; 0 is the default exam policy."""
    db = database_of(settings_of(ctx))
    policy = read_policy(policy_version(db, version).text)
    if _show_changes(ctx, policy) and not yes:
        click.confirm(_ASK, abort=True)
    made = restore_policy(db, version, clock=SystemClock(), who=person(), why=why)
    click.echo(f"Version {version} is in force again, as version {made}.")


@policy_command.command("import-usbguard")
@click.argument("file", type=_FILE)
@click.option("--output", type=_NEW_FILE, help="Write the policy to this new file [default: to the screen].")
def import_command(*, file: Path, output: Path | None) -> None:
    """Make a policy file of USBGuard's rules, and name what could not be carried over. Nothing is stored.

    What cannot be carried over never lets in more: `apply` puts the file in force once you have looked at it.
    """
    found = import_rules(_read(file))
    _write(write_policy(found.policy), output)
    _say_notes(found.notes)
    click.echo(f"{text.rules(found.policy)} carried over.", err=True)


@policy_command.command("export-usbguard")
@click.option("--file", type=_FILE, help="Of this policy file [default: the policy in force].")
@click.option("--output", type=_NEW_FILE, help="Write the rules to this new file [default: to the screen].")
@click.option("--confirmed", is_flag=True, help="With the devices that were confirmed, as rules of their own.")
@click.pass_context
def export_command(ctx: click.Context, *, file: Path | None, output: Path | None, confirmed: bool) -> None:
    """Write the policy as rules of USBGuard, and name what could not be carried over."""
    db = database_of(settings_of(ctx))
    policy = read_policy(_read(file)) if file is not None else policy_in_force(db).policy
    ours = [one.device for one in seen(db) if one.confirmed_us is not None] if confirmed else []
    made = export_rules(policy, confirmed=ours)
    _write(made.text, output)
    _say_notes(made.notes)


def _show_changes(ctx: click.Context, policy: Policy) -> bool:
    """Say what a policy changes for what is plugged in; return whether it keeps out something that is let in now."""
    settings = settings_of(ctx)
    db = database_of(settings)
    now = circumstances(db, settings, mode="armed", at=None)
    rows = dry_run(policy, [Trial(device=one) for one in plugged_in()], now, in_force=policy_in_force(db).policy)
    changed = [row for row in rows if row.changes]
    for row in changed:
        for line in text.row_lines(row):
            click.echo(line)
    if not changed and rows:
        click.echo("Nothing that is plugged in now would be treated otherwise.")
    return any(row.decision.verdict != "allow" for row in changed)


def _say_notes(notes: Sequence[Note]) -> None:
    for note in notes:
        place = ", ".join(part for part in (f"line {note.line}" if note.line else "", note.rule) if part)
        words = f"{place}: {'left out. ' if note.left_out else ''}{note.what}" if place else note.what
        click.secho(words, fg="yellow", err=True)


def _read(file: Path) -> str:
    """Return a file of at most a little more than is ever accepted."""
    try:
        with click.open_file(str(file), "rb") as source:
            content: bytes = source.read(MAX_POLICY_BYTES + 1)
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise BadInputError(
            f"{file} is not UTF-8 text (byte {problem.start}).", hint="Save the file with the encoding UTF-8."
        ) from problem
    except OSError as problem:
        raise BadInputError(f"{file} cannot be read: {problem.strerror}.", hint="Check its permissions.") from problem


def _write(content: str, output: Path | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as new:
            new.write(content)
    except FileExistsError as problem:
        raise ConflictError(f"{output} exists already; nothing was replaced.", hint="Give another name.") from problem
    except OSError as problem:
        raise ApplianceError(
            f"{output} cannot be written: {problem.strerror}.", hint="Give a file in a folder you may write."
        ) from problem
    click.echo(f"Written to {output}.", err=True)
