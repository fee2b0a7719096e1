"""The disk of the machine in the USB room: Debian with a kernel, the installed box, and the agent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.vm import container
from tests.vm.container import Base

if TYPE_CHECKING:
    from pathlib import Path

MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
MACHINE = Base(
    "machine",
    ("udev", "kmod", "linux-image-amd64", "initramfs-tools", "zstd", "lz4", "procps", "iproute2"),
    (
        'mkdir -p "$1/etc/initramfs-tools/conf.d"',
        'printf "MODULES=list\\nCOMPRESS=lz4\\nBUSYBOX=n\\n" > "$1/etc/initramfs-tools/conf.d/machine"',
        f'printf "%s\\n" {" ".join(MODULES)} > "$1/etc/initramfs-tools/modules"',
    ),
)
PYTHON = "/opt/exambox/venv/bin/python"
PASSPHRASE = "a long passphrase for the review key"
GIBIBYTE = 1024**3
UNITS = {
    "room-agent.service": f"""[Unit]
Description=Does what the test asks
[Service]
ExecStart={PYTHON} -m tests.vm.guest.agent
WorkingDirectory=/{container.SOURCE}
Environment=PYTHONDONTWRITEBYTECODE=1
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
""",
}
NOT_NEEDED = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service",
              "fstrim.timer", "dpkg-db-backup.timer", "serial-getty@ttyS0.service", "getty@tty1.service")  # fmt: skip


def machine_image() -> tuple[Path, tuple[Path, Path]]:
    """Return a fresh disk image with this source installed, and kernel and initial file system."""
    tree = container.installed_tree(container.BUILD / "usb-room", MACHINE)
    for name, text in UNITS.items():
        (tree / "etc/systemd/system" / name).write_text(text, encoding="utf-8")
    secret = tree / "root/passphrase"
    secret.write_text(PASSPHRASE, encoding="utf-8")
    container.run_in(tree, "exambox", "keys", "init", "--passphrase-file", "/root/passphrase")
    container.run_in(tree, "systemctl", "enable", *UNITS)
    container.run_in(tree, "systemctl", "mask", *NOT_NEEDED)
    # Only this process of the box: the others would take the emulated processor for minutes.
    wants = tree / "etc/systemd/system/multi-user.target.wants/exambox-devices.service"
    wants.symlink_to("/etc/systemd/system/exambox-devices.service")
    kernel = tree.with_suffix(".vmlinuz"), tree.with_suffix(".initrd")
    shutil.copy(next((tree / "boot").glob("vmlinuz-*")), kernel[0])
    shutil.copy(next((tree / "boot").glob("initrd.img-*")), kernel[1])
    image = tree.with_suffix(".ext4")
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(4 * GIBIBYTE)
    container.run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), "-E", "lazy_itable_init=1", str(image)])
    shutil.rmtree(tree)
    return image, kernel
