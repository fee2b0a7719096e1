"""The journal's lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import structlog

from appliance import log
from appliance.config import LogSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _fresh_structlog() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what was written to standard error so far, once."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    return lambda: capsys.readouterr().err


def test_json_lines_carry_process_module_time_and_level(output: Callable[[], str]) -> None:
    """One object a line, for machines."""
    log.configure(LogSettings(format="json"), "capture")
    log.get("appliance.x").warning("camera lost", camera="front", seconds=3)
    event = json.loads(output())
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "camera lost",
        "level": "warning",
        "process": "capture",
        "module": "appliance.x",
        "camera": "front",
        "seconds": 3,
    }


@pytest.mark.parametrize(("level", "number"), [("info", 6), ("warning", 4), ("error", 3), ("critical", 2)])
def test_journal_lines_begin_with_their_priority(output: Callable[[], str], level: str, number: int) -> None:
    """sd-daemon(3): the journal takes the priority from the line and the time from itself."""
    log.configure(LogSettings(format="journal"), "web")
    getattr(log.get("m"), level)("something happened", count=2)
    line = output()
    assert line.startswith(f'<{number}>event="something happened"')
    assert "count=2" in line
    assert "timestamp" not in line
    assert line.count("\n") == 1


def test_under_systemd_the_format_is_chosen_by_itself(
    output: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOURNAL_STREAM means journal; a pipe without it means JSON."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    log.configure(LogSettings(), "web")
    log.get("m").info("x")
    assert output().startswith("<6>")


def test_less_than_the_level_is_not_written(output: Callable[[], str]) -> None:
    """Debug lines cost nothing unless asked for."""
    log.configure(LogSettings(level="warning", format="json"), "web")
    log.get("m").info("x")
    assert not output()


@pytest.mark.parametrize("key", ["password", "Passphrase", "camera_password", "token", "private_key", "credential"])
@pytest.mark.parametrize("form", ["json", "journal"])
def test_values_under_secret_names_are_hidden(output: Callable[[], str], key: str, form: str) -> None:
    """Whoever logs a secret by mistake logs stars."""
    log.configure(LogSettings(format=form), "web")  # type: ignore[arg-type]
    log.get("m").info("x", **{key: "hunter2"})
    written = output()
    assert "hunter2" not in written
    assert "***" in written


def test_a_value_cannot_forge_a_line(output: Callable[[], str]) -> None:
    """Line breaks from outside stay inside their value, in both machine formats."""
    for form in ("json", "journal"):
        log.configure(LogSettings(format=form), "web")  # type: ignore[arg-type]
        log.get(form).info("sign-in failed", name="x\n<2>event=forged")
    assert len(output().splitlines()) == 2


def test_exceptions_are_written_with_their_trace(output: Callable[[], str]) -> None:
    """A crash is found in the journal."""
    log.configure(LogSettings(format="json"), "web")
    try:
        int("broken")
    except ValueError:
        log.get("m").exception("failed")
    assert "ValueError: invalid literal" in json.loads(output())["exception"]
