"""`exambox config`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance import cli
from appliance.config import flatten
from tests.commands.box import run

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings


def test_check_lists_what_was_read(settings: Settings, tmp_path: Path) -> None:
    """Files and variables in order, then what kind of box it is."""
    file = tmp_path / "box.toml"
    file.write_text("[box]\nroom = 'Hall 2'\n")
    lines = run(settings, "--config", str(file), "config", "check").output.splitlines()
    assert lines == [
        f"read {file}",
        "read environment variable EXAMBOX_PATHS__RUN",
        "read environment variable EXAMBOX_PATHS__STATE",
        f"The settings are right. This is a provisioned box; its state lies in {settings.state_dir}.",
    ]


def test_check_names_file_key_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A typo: exit code 2, one sentence, one hint."""
    file = tmp_path / "box.toml"
    file.write_text("[vault]\nretention_days = 3\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["--config", str(file), "config", "check"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"exambox: {file}: vault.retention_days: unknown key.\n")
    assert len(told.splitlines()) == 2


def test_show_prints_every_key_with_its_origin(settings: Settings) -> None:
    """Nothing is left out, and each value's source is beside it."""
    lines = run(settings, "config", "show", EXAMBOX_WEB__PORT="99").output.splitlines()
    assert [line.split()[0] for line in lines] == list(flatten(settings))
    port = next(line for line in lines if line.startswith("web.port"))
    assert port.split(maxsplit=2)[1:] == ["99", "environment variable EXAMBOX_WEB__PORT"]
    assert next(line for line in lines if line.startswith("vault.suite")).endswith("default")


def test_show_speaks_json(settings: Settings) -> None:
    """Value and origin by key."""
    tree = json.loads(run(settings, "config", "show", "--json").output)
    assert tree["web.port"] == {"value": 8480, "origin": "default"}
    assert tree["paths.state"]["value"] == str(settings.state_dir)
