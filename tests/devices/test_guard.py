"""Ports the system hangs on: never taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.devices.guard import MOUNTS, SystemParts

if TYPE_CHECKING:
    from pathlib import Path

DISK = "devices/pci0000:00/usb4/4-1/4-1.2/4-1.2:1.0/host0/target0:0:0/0:0:0:0/block/sda"
LINE = "52 1 8:0 / {point} rw,relatime shared:1 - ext4 /dev/sda rw\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A machine with one USB disk behind a hub."""
    root = tmp_path / "system"
    disk = root / "sys" / DISK
    disk.mkdir(parents=True)
    for folder, name in (("dev/block", "8:0"), ("class/block", "sda")):
        (root / "sys" / folder).mkdir(parents=True)
        (root / "sys" / folder / name).symlink_to(disk)
    (root / "proc/self").mkdir(parents=True)
    return root


@pytest.mark.parametrize("below", ["", "/vault", "/db", "/exports/today"])
def test_the_disk_of_the_boxs_own_folder_or_of_a_part_of_it_is_guarded(
    system: Path, tmp_path: Path, below: str
) -> None:
    """A USB disk mounted at the box's folder or below it is never taken out, nor the hub it hangs on."""
    state = tmp_path / "state"
    (system / "proc/self/mountinfo").write_text(LINE.format(point=f"{state}{below}"), encoding="utf-8")
    assert SystemParts(state, system).ports() == {"4-1", "4-1.2"}


def test_what_is_mounted_on_the_machine_counts_and_not_in_the_sandbox(system: Path, tmp_path: Path) -> None:
    """A disk for recordings that the process's sandbox does not show is guarded, as the machine's own list names it."""
    state = tmp_path / "state"
    state.mkdir()
    (system / "proc/self/mountinfo").write_text("1 0 0:41 / / ro - tmpfs tmpfs ro\n", encoding="utf-8")
    assert SystemParts(state, system).ports() == frozenset()
    (state / MOUNTS).write_text(LINE.format(point=f"{state}/vault"), encoding="utf-8")
    assert SystemParts(state, system).ports() == {"4-1", "4-1.2"}


def test_a_stick_that_somebody_mounted_elsewhere_is_not_guarded(system: Path, tmp_path: Path) -> None:
    """A stick mounted at a place that is neither the system's nor the box's can be taken out."""
    (system / "proc/self/mountinfo").write_text(LINE.format(point="/mnt/stick"), encoding="utf-8")
    assert SystemParts(tmp_path / "state", system).ports() == frozenset()
