"""The one error root, and how the command line translates it."""

from __future__ import annotations

import importlib
import pkgutil
import re

import click
import pytest
from click.testing import CliRunner

import appliance
from appliance import cli
from appliance.errors import ApplianceError, CameraError, NotFoundError


def _all_errors() -> list[type[ApplianceError]]:
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if "picamera" not in module.name:
            importlib.import_module(module.name)
    found, waiting = [], [ApplianceError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_every_error_has_a_stable_code_an_exit_code_and_a_status() -> None:
    """Codes are lower-case and dotted; exit codes fit a shell; statuses are HTTP errors."""
    for kind in _all_errors():
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", kind.code), kind
        assert 1 <= kind.exit_code <= 125, kind
        assert 400 <= kind.status <= 599, kind


def test_an_error_tells_message_and_hint() -> None:
    """As text, and ready for JSON."""
    problem = NotFoundError("There is no camera x.", hint="`exambox cameras list`")
    assert str(problem) == "There is no camera x."
    assert problem.as_dict() == {
        "code": "not_found",
        "message": "There is no camera x.",
        "hint": "`exambox cameras list`",
    }
    assert CameraError("No answer.", reason="timeout").reason == "timeout"


def test_the_command_line_says_it_in_two_lines_and_exits_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, message and hint on standard error, the documented exit code."""

    @click.command()
    def failing() -> None:
        raise NotFoundError("There is no camera x.", hint="List them first.")

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: failing)
    with pytest.raises(SystemExit) as ended:
        cli.main(["anything"])
    assert ended.value.code == 3
    told = capsys.readouterr()
    assert told.err == "exambox: There is no camera x.\n  List them first.\n"
    assert told.out == ""


@pytest.mark.parametrize("problem", [click.UsageError("no such option"), click.Abort()])
def test_clicks_own_errors_are_translated_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], problem: Exception
) -> None:
    """A typo is exit code 2, Ctrl-C is 130."""

    @click.command()
    def failing() -> None:
        raise problem

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: failing)
    with pytest.raises(SystemExit) as ended:
        cli.main(["anything"])
    assert ended.value.code == (130 if isinstance(problem, click.Abort) else 2)
    assert "Traceback" not in capsys.readouterr().err


def test_help_lists_every_command_without_loading_any() -> None:
    """`exambox --help` stays fast on a small board; every listed command can be loaded."""
    result = CliRunner().invoke(cli.exambox, ["--help"])
    assert result.exit_code == 0
    for name in cli.COMMANDS:
        assert re.search(rf"^  {name} ", result.output, re.MULTILINE)
