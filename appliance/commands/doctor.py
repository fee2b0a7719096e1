"""`exambox doctor`: what a support person would ask for, at a glance. It changes nothing and prints no secret."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from appliance.diagnosis import examine

if TYPE_CHECKING:
    from appliance.diagnosis.result import Check

_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "unseen": ("?   ", "white")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a support ticket.")
@click.pass_context
def doctor_command(ctx: click.Context, *, as_json: bool) -> None:
    """Check settings, machine, disk, clock, keys, database, log, processes and cameras; exit 1 if anything fails."""
    checks = examine(ctx.find_root().obj)
    failed = sum(check.state == "fail" for check in checks)
    if as_json:
        answer = {"ok": failed == 0, "checks": [asdict(check) for check in checks]}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        _print(checks)
    if failed:
        sys.exit(1)


def _print(checks: list[Check]) -> None:
    for check in checks:
        mark, colour = _MARKS[check.state]
        click.echo(f"{click.style(mark, fg=colour)}  {check.name}: {check.message}")
        if check.hint:
            click.echo(f"      {check.hint}")
    warned = sum(check.state == "warn" for check in checks)
    failed = sum(check.state == "fail" for check in checks)
    click.echo(f"{len(checks)} checks: {failed} failed, {warned} warnings.")
