"""Writes and syncs that fail at the n-th call, injected into the kernel's answers by strace."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.vault.part import Anchor
from appliance.vault.part_files import part_path
from appliance.vault.recover import recover_vault
from appliance.vault.verify import verify_recording
from tests.vault.part_writing import BOOT, CAMERA, DEVICE, KEYS, SITTING, plaintexts

ROOT = Path(__file__).resolve().parent.parent.parent
ONCE = [str(number) for number in (*range(1, 16), 20, 25, 31)]
FROM_THEN_ON = [f"{number}+" for number in (1, 2, 4, 8, 13, 21)]


def run_with_faults(vault: Path, calls: str, error: str, when: str) -> list[list[str]]:
    """Record while the n-th call fails; return the process's lines as words."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:error={error}:when={when}"]
    command += [sys.executable, "-m", "tests.vault.write_faults_process", str(vault)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def check_vault(vault: Path, lines: list[list[str]]) -> None:
    """What was acknowledged is there and opens; after recovery a verifier finds nothing."""
    clock = SystemClock()
    report = recover_vault(vault, KEYS, now=Anchor(clock.wall_us(), clock.mono_us(), BOOT, trusted=True))
    assert report.damaged == report.failed == []
    for _, part, seq, digest in (line for line in lines if line[0] == "wrote"):
        found = plaintexts(part_path(vault, SITTING, CAMERA, int(part)))
        assert hashlib.sha256(found[int(seq)]).hexdigest() == digest
    if any(line[0] == "wrote" for line in lines):
        result = verify_recording(vault, SITTING, CAMERA, "chain", device_key=DEVICE.public, ended=True)
        assert result.findings == ()


@pytest.mark.faults
@pytest.mark.parametrize(
    ("calls", "error", "reason"),
    [("fsync,fdatasync", "EIO", "io"), ("pwrite64", "ENOSPC", "disk_full"), ("pwrite64", "EIO", "io")],
)
def test_failing_calls_lose_nothing_that_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], calls: str, error: str, reason: str
) -> None:
    """Whichever call fails, once or from then on, acknowledged records are there and the vault is sound afterwards."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    seen: Counter[str] = Counter()
    for when in ONCE + FROM_THEN_ON:
        vault = tmp_path / when
        lines = run_with_faults(vault, calls, error, when)
        seen.update(line[0] for line in lines)
        seen.update(line[2] for line in lines if line[0] == "failed")
        check_vault(vault, lines)
    assert seen["failed"] >= len(ONCE)
    assert seen[reason] > 0
    assert set(seen) <= {"wrote", "closed", "failed", reason}
    with capsys.disabled():
        runs = len(ONCE) + len(FROM_THEN_ON)
        print(  # noqa: T201  the count is the point
            f"\nvault writer, {calls} -> {error}: {runs} runs, {seen['failed']} failures, {seen['wrote']} records kept"
        )
