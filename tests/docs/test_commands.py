"""docs/operator/commands.md says what the commands say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import pytest

from appliance.cli import COMMANDS, exambox

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import make_command_docs  # noqa: E402  a tool, not part of the package

DOCUMENT = make_command_docs.TARGET


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The document's text by command."""
    found = re.split(r"(?m)^#{2,4} `(exambox[^`]*)`$", DOCUMENT.read_text(encoding="utf-8"))
    return dict(zip(found[1::2], found[2::2], strict=True))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_subcommand_and_option_is_documented(name: str, sections: dict[str, str]) -> None:
    """Each command, with every option and argument it takes, has its place in the document."""
    command = exambox.get_command(click.Context(exambox), name)
    assert command is not None
    for path, child in make_command_docs.walk(command, ("exambox", name)):
        words = " ".join(path)
        assert words in sections, f"{words} is missing: run `make docs`"
        for parameter in make_command_docs.options_of(child):
            wanted = [*parameter.opts, *parameter.secondary_opts]
            if isinstance(parameter, click.Argument):
                wanted = [parameter.make_metavar(click.Context(child))]
            for text in wanted:
                assert text in sections[words], f"{words} {text} is missing: run `make docs`"


def test_every_command_says_what_it_does() -> None:
    """No command and no option is without a line of help."""
    for path, command in make_command_docs.walk(exambox):
        assert command.help, f"{' '.join(path)} has no help"
        for parameter in make_command_docs.options_of(command):
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{' '.join(path)} {parameter.opts[0]} has no help"


def test_the_document_is_current() -> None:
    """The document is exactly what `make docs` would write."""
    assert DOCUMENT.read_text(encoding="utf-8") == make_command_docs.document(), "run `make docs`"
