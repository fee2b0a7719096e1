"""What reaches the block device for what was recorded, and how fast sealing is."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.clock import boot_id
from appliance.vault.crypto import choose_aead
from appliance.vault.keys import load_box_id, load_device_key, load_recipients
from appliance.vault.part import Anchor, PartOpening, PartWriter, WriterKeys
from bench.rig import CLOCK, BenchBox, Farm

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTOR = 512
# As large as a box's disk is at least, and with nothing left for the kernel to initialise during the measurement.
DISK_MEGABYTES = 8192
MAKE_EXT4 = ("mkfs.ext4", "-q", "-F", "-T", "largefile4", "-E", "lazy_itable_init=0,lazy_journal_init=0")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[tuple[Path, str]]:
    """Yield a fresh ext4 on a loop device and the device's name; raises OSError where that cannot be had."""
    image, mount = folder / "disk.img", folder / "disk"
    mount.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        os.truncate(file.fileno(), megabytes * 1024 * 1024)  # sparse: only what is written takes room
    for command in ([*MAKE_EXT4, str(image)], ["mount", "-o", "loop", str(image), str(mount)]):
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise OSError(f"{command[0]} is not possible here")
    try:
        device = subprocess.run(
            ["findmnt", "-n", "-o", "SOURCE", str(mount)], check=True, capture_output=True, text=True
        ).stdout.strip()
        yield mount, Path(device).name
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)
        image.unlink(missing_ok=True)


def written(device: str) -> int:
    """Return the bytes ever written to a block device."""
    return int(Path(f"/sys/block/{device}/stat").read_text(encoding="ascii").split()[6]) * SECTOR


def amplification(farm: Farm, folder: Path, *, runs: int, seconds: float) -> dict[str, Any]:
    """Record all cameras onto a small real disk and count what its device is told to write."""
    ratios, payloads, devices = [], [], []
    figure: dict[str, Any] = {
        "value": None,
        "goal": 1.10,
        "what": "bytes written to the block device (its own counter in /sys/block, after sync) / bytes of the sealed "
        "segments' pictures; the whole state folder (vault, database, log) lies on that ext4; 4 cameras at 4 Mbit/s",
        "peer": "the payload itself",
    }
    for run in range(runs):
        place = folder / f"amplification-{run}"
        try:
            with small_disk(place, DISK_MEGABYTES) as (mount, device):
                payload, total = _record_on(farm, mount, device, seconds)
        except OSError as problem:
            return {**figure, "why_null": str(problem)}
        ratios.append(total / payload)
        payloads.append(payload)
        devices.append(total)
    figure |= {
        "value": round(statistics.median(ratios), 4),
        "runs": [round(ratio, 4) for ratio in ratios],
        "spread": round(max(ratios) - min(ratios), 4),
        "payload_bytes": payloads,
        "device_bytes": devices,
    }
    return figure


def _record_on(farm: Farm, mount: Path, device: str, seconds: float) -> tuple[int, int]:
    box = BenchBox(mount / "state", farm.addresses)
    box.record()
    box.start("capture")
    try:
        box.wait_sealing(3)
        os.sync()
        before, had = written(device), payload_of(box)
        time.sleep(seconds)
        os.sync()
        return payload_of(box) - had, written(device) - before
    finally:
        box.stop()


def payload_of(box: BenchBox) -> int:
    """Return the bytes of all committed segments before sealing, from the parts' headers."""
    from appliance.vault.format import Kind, parse_header
    from appliance.vault.part_files import recording_files, recordings
    from appliance.vault.reader import PartReader

    total = 0
    for sitting, camera in recordings(box.settings.vault_dir):
        for file in recording_files(box.settings.vault_dir, sitting, camera):
            with PartReader(file.path) as reader:
                headers = (parse_header(bytes(record.header)) for record in reader.records())
                total += sum(header.length for header in headers if header.kind is Kind.SEGMENT)
    return total


def seal_speed(folder: Path, *, runs: int) -> dict[str, Any]:
    """Seal and commit 1 MB segments as fast as the disk takes them; the peer writes and syncs plain bytes."""
    rates, plain = [], []
    box = BenchBox(folder / "seal-box", [])
    keys = box.settings.keys_dir
    writer_keys = WriterKeys(
        box=load_box_id(keys), device=load_device_key(keys), recipients=load_recipients(keys).recipients
    )
    data = os.urandom(1_000_000)
    count = 200
    for run in range(runs):
        opening = PartOpening(
            sitting="bench", camera="camera", part=run + 1, opened="start", previous=None, masked=False, audio=False,
            masks_sha256=None, anchor=Anchor(CLOCK.wall_us(), CLOCK.mono_us(), boot_id(), trusted=False),
            aead=choose_aead("auto"),
        )  # fmt: skip
        path = box.settings.vault_dir / "bench" / "camera" / f"{run + 1:04d}.sqlite"
        writer = PartWriter.create(path, opening, writer_keys, stream={}, init=b"init", clock=CLOCK)
        began = time.perf_counter()
        for number in range(count):
            writer.append_segment(
                start_us=number, duration_us=1, media_us=0, keyframe=True, key_us=number, key_offset=0,
                discontinuity=False, plaintext=data,
            )  # fmt: skip
        rates.append(count * len(data) / 1e6 / (time.perf_counter() - began))
        writer.close()
        plain.append(_plain(folder / f"plain-{run}", data, count))
    box.stop()
    return {
        "value": round(statistics.median(rates), 1),
        "goal": None,
        "what": "MB/s sealed, chained and committed with FULL, 1 MB segments, one camera's writer",
        "peer": "the same bytes appended to a plain file with fdatasync after each",
        "peer_value": round(statistics.median(plain), 1),
        "ratio": round(statistics.median(a / b for a, b in zip(rates, plain, strict=True)), 3),
        "runs": [round(rate, 1) for rate in rates],
        "spread": round(max(rates) - min(rates), 1),
    }


def _plain(path: Path, data: bytes, count: int) -> float:
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(data)
            os.fdatasync(file.fileno())
    return count * len(data) / 1e6 / (time.perf_counter() - began)
