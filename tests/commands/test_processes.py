"""The entries of the processes: which of them a machine's role has no use for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from appliance.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("process", ["capture", "keyring"])
def test_a_central_service_has_no_use_for_what_records(
    process: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its capture and keyring tell the service manager that they started well, say why they end, and touch nothing."""
    path, state = tmp_path / "notify.sock", tmp_path / "state"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("EXAMBOX_BOX__ROLE", "hub")
    monkeypatch.setenv("EXAMBOX_PATHS__STATE", str(state))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        with pytest.raises(SystemExit) as ended:
            main([process])
        told = manager.recv(1000).decode().splitlines()
    assert ended.value.code == 79
    assert told[0] == "READY=1"
    assert told[1].startswith("STATUS=not needed: a central service has no ")
    assert f"{process} is not needed here" in capsys.readouterr().err
    assert not state.exists()
