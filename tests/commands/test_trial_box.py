"""The port, sockets and state folder of a trial box."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.commands import trial_box
from appliance.config import PathSettings, Settings
from appliance.errors import ApplianceError, ConfigError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on loopback where another program listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_usual_port_is_used_when_it_is_free(taken: int) -> None:
    """A free port is taken as it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert trial_box.choose_port("127.0.0.1", free, asked=None) == free
    assert trial_box.choose_port("127.0.0.1", taken, asked=free) == free


def test_another_port_is_chosen_and_said_when_the_usual_one_is_taken(
    taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A taken port is no reason not to start."""
    port = trial_box.choose_port("127.0.0.1", taken, asked=None)
    assert port not in {0, taken}
    assert f"Port {taken} is taken by another program; using port {port}." in capsys.readouterr().out


def test_a_port_that_was_asked_for_is_not_replaced(taken: int) -> None:
    """Who asks for a certain port gets that one or a plain error."""
    with pytest.raises(ConflictError, match=f"Port {taken}") as problem:
        trial_box.choose_port("127.0.0.1", 0, asked=taken)
    assert "--port" in problem.value.hint


def test_port_zero_means_any(taken: int) -> None:
    """``--port 0`` takes any free port."""
    assert trial_box.choose_port("127.0.0.1", taken, asked=0) not in {0, taken}


def test_one_state_folder_has_one_box(tmp_path: Path) -> None:
    """A second box on the same folder is refused with the first one's process number; later it may start."""
    state = tmp_path / "state"
    with trial_box.box_lock(state):
        other = subprocess.run(
            [
                sys.executable,
                "-c",
                (
                    "import sys, pathlib\nfrom appliance.commands.trial_box import box_lock\n"
                    "from appliance.errors import ConflictError\n"
                    "try:\n  with box_lock(pathlib.Path(sys.argv[1])): print('got it')\n"
                    "except ConflictError as problem: print(problem.message)"
                ),
                str(state),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Another box runs on" in other.stdout
        assert (state / "box.lock").read_text() in other.stdout
    with trial_box.box_lock(state):
        assert state.stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    """A file where the folder should be gets a message with a way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ApplianceError, match="cannot be used") as problem, trial_box.box_lock(tmp_path / "file" / "x"):
        pass
    assert "EXAMBOX_PATHS__STATE" in problem.value.hint


def test_sockets_too_long_for_the_kernel_are_refused_in_time(tmp_path: Path) -> None:
    """A run folder whose sockets could not be made is refused before anything starts."""
    trial_box.check_socket_paths(Settings(paths=PathSettings(run="/tmp/short")))
    with pytest.raises(ConfigError, match="107 bytes"):
        trial_box.check_socket_paths(Settings(paths=PathSettings(run=f"/tmp/{'x' * 100}")))
