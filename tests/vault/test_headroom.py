"""Disk blocks set aside behind a growing part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from appliance.vault.headroom import CHUNK_BYTES, Headroom, affordable_chunk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file with content."""
    path = tmp_path / "part"
    path.write_bytes(b"sealed" * 1000)
    return path


def blocks(path: Path) -> int:
    """Return the bytes the file takes on the disk."""
    return path.stat().st_blocks * 512


def test_blocks_are_set_aside_and_size_and_content_stay(file: Path) -> None:
    """Nobody who reads the file sees a difference."""
    before = blocks(file)
    headroom = Headroom(file)
    headroom.keep()
    if blocks(file) == before:
        pytest.skip("this file system cannot set blocks aside; recording works without")
    assert blocks(file) >= CHUNK_BYTES
    assert file.read_bytes() == b"sealed" * 1000
    headroom.release(give_back=True)
    assert blocks(file) <= before + 4096


def test_it_is_asked_for_again_only_when_it_is_nearly_used_up(file: Path) -> None:
    """Not every commit pays for it."""
    headroom = Headroom(file)
    headroom.keep()
    first = blocks(file)
    headroom.keep()
    assert blocks(file) == first
    with file.open("ab") as grown:
        grown.write(b"x" * (CHUNK_BYTES - 1000))
    headroom.keep()
    assert blocks(file) > first or first < CHUNK_BYTES
    headroom.release(give_back=False)


def test_a_disk_that_is_nearly_full_is_left_alone(file: Path) -> None:
    """What is scarce is not set aside: thresholds and other cameras need it."""
    real = os.statvfs(file)
    plenty = os.statvfs_result((4096, 4096, *(10**9,) * 3, *real[5:]))
    scarce = os.statvfs_result((4096, 4096, *(10**5,) * 3, *real[5:]))
    assert affordable_chunk(plenty) == CHUNK_BYTES
    assert affordable_chunk(scarce) == 0


def test_released_twice_or_used_afterwards_it_does_nothing(file: Path) -> None:
    """A writer may let go of it more than once."""
    headroom = Headroom(file)
    headroom.release(give_back=True)
    headroom.release(give_back=True)
    headroom.keep()
    assert file.read_bytes() == b"sealed" * 1000
