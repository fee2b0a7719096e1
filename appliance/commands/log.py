"""`exambox log`: who did what, and whether the log is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from appliance import auditlog
from appliance.auditlog.actions import words
from appliance.clock import format_utc, parse_utc
from appliance.commands.common import CommandGroup, database_of, settings_of
from appliance.errors import BadInputError, IntegrityError
from appliance.vault.keys import load_device_public

if TYPE_CHECKING:
    from appliance.auditlog import LogLine, LogReport


@click.group("log", cls=CommandGroup)
def log_command() -> None:
    """Show and verify who did what."""


@log_command.command("show")
@click.option("--since", help="Only entries since this time (ISO 8601, UTC unless it says otherwise).")
@click.option("--action", help='Only this action, or all of a noun: "camera.added", "camera".')
@click.option("--who", help="Only what this person or part of the box did.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="The newest that many.")
@click.option("--all", "everything", is_flag=True, help="No limit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def show_command(
    ctx: click.Context,
    *,
    since: str | None,
    action: str | None,
    who: str | None,
    limit: int,
    everything: bool,
    as_json: bool,
) -> None:
    """Show entries, the oldest first."""
    since_us = None if since is None else _moment(since)
    db = database_of(settings_of(ctx))
    for line in auditlog.show(db, since_us=since_us, action=action, who=who, limit=None if everything else limit):
        click.echo(json.dumps(line.as_dict(), ensure_ascii=False, sort_keys=True) if as_json else _as_text(line))


@log_command.command("verify")
@click.option("--witness", help="A head somebody else kept: SEQ:CHAIN, as `log head` printed it.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def verify_command(ctx: click.Context, *, witness: str | None, as_json: bool) -> None:
    """Check the chain, the commitments, the signatures, and that nothing was cut off."""
    kept = None if witness is None else _witness(witness)
    settings = settings_of(ctx)
    report = auditlog.verify(database_of(settings), load_device_public(settings.keys_dir), witness=kept)
    click.echo(json.dumps(_report_json(report), sort_keys=True) if as_json else _report_text(report))
    if not report.ok:
        raise IntegrityError(
            f"The log is not what was written: {len(report.findings)} findings.",
            hint="Keep a copy of exambox.db as it is now, and compare it with the last backup.",
        )


@log_command.command("head")
@click.pass_context
def head_command(ctx: click.Context) -> None:
    """Print the log's head, for a witness to keep: SEQ:CHAIN."""
    seq, chain = auditlog.open_log_head(database_of(settings_of(ctx)))
    click.echo(f"{seq}:{chain.hex()}")


def _moment(text: str) -> int:
    try:
        return parse_utc(text)
    except ValueError as problem:
        raise BadInputError(
            f"--since: {text[:60]!r} is no date and time.", hint="For example 2026-11-21 or 2026-11-21T09:30:00+01:00."
        ) from problem


def _witness(text: str) -> tuple[int, bytes]:
    seq, _, chain = text.strip().partition(":")
    try:
        kept = (int(seq), bytes.fromhex(chain))
    except ValueError:
        kept = (0, b"")
    if len(kept[1]) != 32:  # noqa: PLR2004  SHA-256
        raise BadInputError("--witness: must be SEQ:CHAIN.", hint="As `exambox log head` printed it.")
    return kept


def _as_text(line: LogLine) -> str:
    place = f" from {_printable(line.where)}" if line.where else ""
    facts = {**line.detail, **line.personal}
    more = ", ".join(f"{key}={_value(value)}" for key, value in facts.items() if value is not None)
    about = f" ({more})" if more else ""
    return f"{line.seq:>6}  {format_utc(line.at_us)}  {_printable(line.who)}{place}: {words(line.action)}{about}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{len(value)}]"
    return _printable(value if isinstance(value, str) else json.dumps(value))


def _printable(text: str) -> str:
    """Return text that cannot steer a terminal: names in the log came from outside."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _report_json(report: LogReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "covered": report.covered,
        "erased": report.erased,
        "head": report.head.hex(),
        "findings": [
            {"code": finding.code, "seq": finding.seq, "message": finding.message} for finding in report.findings
        ],
    }


def _report_text(report: LogReport) -> str:
    lines = [f"{finding.code}: {finding.message}" for finding in report.findings]
    state = "verified" if report.ok else "NOT verified"
    lines.append(
        f"{state}: {report.entries} entries, {report.checkpoints} checkpoints, signed up to entry {report.covered}, "
        f"{report.erased} personal values erased."
    )
    lines.append(f"Head: {report.entries}:{report.head.hex()}" if report.ok else "")
    return "\n".join(lines).rstrip()
