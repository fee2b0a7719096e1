"""A virtual machine whose power is cut: QEMU without acceleration, a disk image that outlives it.

Kernel and initial file system come from the virtual exam room's ``build-image.sh`` (``EXAMBOX_VM_KIT``, or the folder
``../shared/vm`` beside the project); the root is the tree of ``make test-vm`` with the box installed in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.vm import container

KIT = Path(os.environ.get("EXAMBOX_VM_KIT") or container.ROOT.parent / "shared/vm")
QEMU = "qemu-system-x86_64"
PLACE = container.BUILD / "power-cut"
GUEST = Path(__file__).with_name("power_cut_guest.py")
DATA_MEBIBYTES = 128


def why_no_machine() -> str:
    """Return why no machine can be made here, or nothing."""
    if not (KIT / "build-image.sh").exists():
        return f"the virtual exam room is not at {KIT} (EXAMBOX_VM_KIT)"
    missing = [*container.missing_tools(), *(tool for tool in (QEMU, "mke2fs", "mount") if not shutil.which(tool))]
    return f"needs {', '.join(missing)}" if missing else ""


def kernel() -> tuple[Path, Path]:
    """Return kernel and initial file system, made if they are missing."""
    found = PLACE / "vmlinuz", PLACE / "initrd"
    if not all(path.exists() for path in found):
        PLACE.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, "OUT": str(PLACE), "SIZE": "1500M"}
        _run(["bash", str(KIT / "build-image.sh")], environ)
        shutil.rmtree(PLACE / "root", ignore_errors=True)
        (PLACE / "base.ext4").unlink(missing_ok=True)
    return found


def root_image() -> Path:
    """Return a fresh root image with this source installed."""
    tree = container.installed_tree(container.BUILD / "power-box")
    (tree / "data").mkdir(exist_ok=True)
    shutil.copy(GUEST, tree / "opt/power_cut_guest.py")
    start = tree / "opt/start"
    start.write_text("#!/bin/sh\nexec /opt/exambox/venv/bin/python /opt/power_cut_guest.py\n", encoding="ascii")
    start.chmod(0o755)
    PLACE.mkdir(parents=True, exist_ok=True)
    image = PLACE / "root.ext4"
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(3 * 1024**3)
    _run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), "-E", "lazy_itable_init=1", str(image)])
    shutil.rmtree(tree)
    return image


class DataDisk:
    """The disk that survives the cuts. `mounted` shows it to this machine between two lives of the other."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "data.ext4"
        self.mounted = folder / "data"
        self.mounted.mkdir()
        with self.image.open("wb") as file:
            file.truncate(DATA_MEBIBYTES * 1024 * 1024)
        _run(["mkfs.ext4", "-q", str(self.image)])

    def __enter__(self) -> Self:
        _run(["mount", "-o", "loop", str(self.image), str(self.mounted)])
        return self

    def __exit__(self, *_: object) -> None:
        _run(["umount", str(self.mounted)])


class Machine:
    """One life of the machine; leaving the context is the power cut."""

    def __init__(self, root: Path, data: Path, serial: Path) -> None:
        vmlinuz, initrd = kernel()
        self._serial = serial
        self._command = [QEMU, "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem-v1"]
        self._command += ["-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none"]
        self._command += ["-serial", f"file:{serial}", "-kernel", str(vmlinuz), "-initrd", str(initrd)]
        words = "root=/dev/vda ro console=ttyS0 quiet mitigations=off audit=0 tsc=reliable panic=-1 init=/opt/start"
        self._command += ["-append", words, "-rtc", "base=utc", "-no-reboot"]
        for path, more in ((root, ",snapshot=on"), (data, ",cache=none")):
            self._command += ["-drive", f"file={path},if=virtio,format=raw{more}"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(30)

    @property
    def said(self) -> list[list[str]]:
        """What the guest has said so far: whole lines, as words."""
        text = self._serial.read_text(errors="replace") if self._serial.exists() else ""
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    def sealed(self) -> list[list[str]]:
        """Return what was said to be committed."""
        return [words[1:] for words in self.said if words[:1] == ["SEALED"] and len(words) == 8]

    def alive_us(self) -> int:
        """Return the latest monotonic time the guest has told."""
        return max(int(words[1]) for words in self.said if words[:1] == ["ALIVE"] and len(words) == 2)


def _run(command: list[str], environ: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode:
        raise container.ContainerError(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-3000:]}")
