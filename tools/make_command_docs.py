"""Writes docs/operator/commands.md from the commands themselves: `make docs`, or `--check` to compare only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli import exambox

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).resolve().parents[1] / "docs" / "operator" / "commands.md"
HEAD = """# Commands

Written by `make docs` from the commands themselves; a test fails when it is not current.
Every command says the same with `--help`.

Exit codes: 0 done; 1 failed; 2 bad input or settings; 3 not found; 4 does not fit the present state;
5 a key is locked or missing; 6 another part of the box is not running; 130 stopped at the keyboard.
A command that has more says so.
"""


def walk(
    command: click.Command, path: tuple[str, ...] = ("exambox",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words, parents before children."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from walk(child, (*path, name))


def options_of(command: click.Command) -> list[click.Parameter]:
    """Return a command's options and arguments in their order, without ``--help``."""
    return [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]


def describe(path: tuple[str, ...], command: click.Command) -> str:
    """Return one command's section."""
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"{'#' * min(len(path) + 1, 4)} `{' '.join(path)}`", f"    {usage}", paragraphs(command.help or "")]
    rows = [row for row in (row_of(parameter, context) for parameter in options_of(command)) if row]
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def paragraphs(text: str) -> str:
    """Return a help text as Markdown: click's own marks removed, paragraphs kept, unindented."""
    blocks = text.split("\f", maxsplit=1)[0].replace("\b\n", "").split("\n\n")
    return "\n\n".join(" ".join(line.strip() for line in block.splitlines()).strip() for block in blocks).strip()


def row_of(parameter: click.Parameter, context: click.Context) -> str:
    """Return an option's row of the table; arguments stand in the usage line and have none."""
    record = parameter.get_help_record(context)
    if record is None or not record[1]:
        return ""
    name, text = (cell.replace("|", "\\|") for cell in record)
    return f"| `{name}` | {text} |"


def document() -> str:
    """Return the whole document."""
    return "\n\n".join([HEAD.rstrip(), *(describe(path, command) for path, command in walk(exambox))]) + "\n"


def main() -> int:
    """Write the document, or with ``--check`` return 1 if it is not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if it is not current")
    if parser.parse_args().check:
        current = TARGET.exists() and TARGET.read_text(encoding="utf-8") == document()
        if not current:
            print(f"{TARGET.name} is not current: run `make docs`.", file=sys.stderr)
        return 0 if current else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(document(), encoding="utf-8")
    print(f"{TARGET} written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
