"""`exambox rosters`: looks at a roster or a seating plan before it is taken over, and hands out templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from appliance.commands.common import CommandGroup
from appliance.commands.roster_report import roster_report, seating_report
from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.exams.roster import COLUMNS as ROSTER_COLUMNS
from appliance.exams.roster import draft_roster, exams_named
from appliance.exams.seating import COLUMNS as SEATING_COLUMNS
from appliance.exams.seating import cameras_named, draft_seating
from appliance.rosters.sheets import read_table
from appliance.rosters.table import MAX_BYTES, shown_name
from appliance.rosters.template_words import Language, Subject
from appliance.rosters.templates import Form, template

if TYPE_CHECKING:
    from appliance.commands.roster_report import Report
    from appliance.exams.model import Roster

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ONLY = "exam"
"""What the one exam is called where the table names none and nobody says which."""


@click.group("rosters", cls=CommandGroup)
def rosters_command() -> None:
    """Check a roster or a seating plan before it is taken over; write templates.

    CSV (UTF-8, UTF-16 or Windows-1252; separated by comma, semicolon or tabulator) and XLSX are read. The first row
    holds the heads, in English or German, in any order.
    """


@rosters_command.command("check")
@click.argument("file", type=_FILE)
@click.option(
    "--exam", "exams", multiple=True, metavar="ID", help="An exam rows may name; may be given again [default: any]."
)
@click.option("--sheet", metavar="NAME", help="Which sheet of a workbook [default: the first that is not hidden].")
@click.option("--seating", "plan", type=_FILE, help="Check this seating plan as well, against the roster.")
@click.option("--seating-sheet", "plan_sheet", metavar="NAME", help="Which sheet of the seating plan's workbook.")
@click.option(
    "--camera",
    "cameras",
    multiple=True,
    metavar="ID",
    help="A camera the plan may name; may be given again [default: any].",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def check_command(
    ctx: click.Context,
    *,
    file: Path,
    exams: tuple[str, ...],
    sheet: str | None,
    plan: Path | None,
    plan_sheet: str | None,
    cameras: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what a roster would become, and each row's problem with its row and column. Nothing is stored.

    With --seating also what a seating plan would become; it is looked at once the roster has no problem. Exits with 2
    if there is a problem.
    """
    reports = []
    roster, report = _check_roster(file, sheet, exams)
    reports.append(report)
    if plan is not None and roster is not None:
        reports.append(_check_plan(plan, plan_sheet, roster, cameras))
    problems = sum(len(one.problems) for one in reports)
    if as_json:
        click.echo(json.dumps([one.as_json() for one in reports], ensure_ascii=False, indent=1))
        ctx.exit(BadInputError.exit_code if problems else 0)
    for one in reports:
        _show(one)
    if plan is not None and roster is None:
        click.secho(f"{shown_name(plan.name)}: not looked at; mend the roster first.", fg="yellow")
    if problems:
        raise BadInputError(
            f"Problems found: {problems}. Nothing would be taken over.",
            hint="Mend the rows named above and check the file again.",
        )
    click.secho("No problems. Nothing was stored.", fg="green")


@rosters_command.command("template")
@click.argument("subject", type=click.Choice(get_args(Subject)))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--language", type=click.Choice(get_args(Language)), default="en", show_default=True, help="Of the heads."
)
@click.option("--example", is_flag=True, help="With example rows.")
def template_command(*, subject: Subject, file: Path, language: Language, example: bool) -> None:
    """Write an empty roster or seating plan to fill in; the file's ending says whether as CSV or XLSX."""
    made = template(subject, _form_of(file), language=language, example=example)
    try:
        with file.open("xb") as new:
            new.write(made.data)
    except FileExistsError as problem:
        raise ConflictError(f"{file} exists already; nothing was replaced.", hint="Give another name.") from problem
    except OSError as problem:
        raise ApplianceError(
            f"{file} cannot be written: {problem.strerror}.", hint="Give a file in a folder you may write."
        ) from problem
    click.echo(f"Written to {file}.")


def _form_of(file: Path) -> Form:
    forms: dict[str, Form] = {f".{form}": form for form in get_args(Form)}
    if file.suffix.lower() not in forms:
        raise BadInputError(f"{file} ends neither in .csv nor in .xlsx.", hint="Give a name with one of these endings.")
    return forms[file.suffix.lower()]


def _check_roster(file: Path, sheet: str | None, exams: tuple[str, ...]) -> tuple[Roster | None, Report]:
    table = read_table(_read(file), name=file.name, sheet=sheet)
    known = exams or exams_named(table.cells) or (_ONLY,)
    draft = draft_roster(table.cells, sitting="dry-run", exams={exam: exam for exam in known})
    report = roster_report(shown_name(file.name), table, draft, ROSTER_COLUMNS)
    return (None if draft.problems else draft.roster()), report


def _check_plan(file: Path, sheet: str | None, roster: Roster, cameras: tuple[str, ...]) -> Report:
    table = read_table(_read(file), name=file.name, sheet=sheet)
    draft = draft_seating(table.cells, roster=roster, cameras=cameras or cameras_named(table.cells))
    return seating_report(shown_name(file.name), table, draft, SEATING_COLUMNS)


def _read(path: Path) -> bytes:
    """Return a file of at most a little more than is ever accepted."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise BadInputError(f"{path} cannot be read: {problem.strerror}.", hint="Check its permissions.") from problem


def _show(report: Report) -> None:
    for line in report.lines():
        click.echo(line)
    for note in report.notes:
        click.secho(f"Note: {note.message} {note.hint}".rstrip(), fg="yellow")
    for problem in report.problems:
        click.secho(f"  {problem.where}: {problem.message}", fg="red")
        if problem.hint:
            click.echo(f"    {problem.hint}")
    click.echo()
