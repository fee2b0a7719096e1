"""Disk thresholds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import VaultSettings
from appliance.vault.disk import (
    DISK_STATES,
    DiskSpace,
    DiskState,
    bytes_an_hour,
    disk_state,
    minutes_left,
    plan_for_disk,
    read_space,
)
from appliance.vault.retention import HOUR_US, DuePart, PartRow
from tests.vault.part_material import NOW_US, row

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = VaultSettings()
STATES = st.sampled_from(DISK_STATES)


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (1000, "ok"),
        (150, "ok"),
        (149, "warn"),
        (100, "warn"),
        (99, "delete"),
        (30, "delete"),
        (29, "stop"),
        (0, "stop"),
    ],
)
def test_states_begin_below_their_thresholds(free: int, state: DiskState) -> None:
    """15, 10 and 3 percent free are the defaults."""
    assert disk_state(1000, free, SETTINGS) == state


def test_a_state_is_left_only_with_more_room_than_entered_it() -> None:
    """A disk that hovers at a threshold does not flap between recording and not."""
    assert disk_state(1000, 31, SETTINGS, "stop") == "stop"
    assert disk_state(1000, 40, SETTINGS, "stop") == "delete"
    assert disk_state(1000, 500, SETTINGS, "stop") == "ok"
    assert disk_state(1000, 105, SETTINGS, "delete") == "delete"
    assert disk_state(1000, 105, SETTINGS, "warn") == "warn"
    assert disk_state(1000, 155, SETTINGS, "delete") == "warn"
    assert disk_state(1000, 20, SETTINGS, "ok") == "stop"


@given(total=st.integers(1, 10**13), share=st.integers(0, 10_000), before=STATES)
def test_hysteresis_never_hides_a_worse_state(total: int, share: int, before: DiskState) -> None:
    """With whatever past, the state is at least as grave as without one, and no graver than the past."""
    free = total * share // 10_000
    plain, kept = (DISK_STATES.index(disk_state(total, free, SETTINGS, past)) for past in ("ok", before))
    assert plain <= kept <= max(plain, DISK_STATES.index(before))


@given(share=st.integers(0, 10_000), before=STATES)
def test_the_state_is_stable(share: int, before: DiskState) -> None:
    """Asked again with nothing changed, the answer is the same."""
    once = disk_state(10_000, share, SETTINGS, before)
    assert disk_state(10_000, share, SETTINGS, once) == once


def _due(*parts: PartRow) -> list[DuePart]:
    return [DuePart(part, 0, "retention") for part in parts]


def test_only_as_much_goes_as_is_needed_the_oldest_first() -> None:
    """From 8 % free, 30 bytes must go to leave "delete" (11 % of 1000): two parts of 20."""
    parts = [row(n, bytes=20, started_us=n) for n in range(1, 6)]
    plan = plan_for_disk(DiskSpace(1000, 80), _due(*parts), parts, SETTINGS, "ok")
    assert [one.part.number for one in plan] == [1, 2]


def test_nothing_goes_while_there_is_room() -> None:
    """Warning deletes nothing by itself."""
    parts = [row(1, started_us=1), row(2, started_us=2)]
    assert plan_for_disk(DiskSpace(1000, 120), _due(*parts), parts, SETTINGS, "warn") == ()


def test_a_cameras_newest_part_stays_however_full_the_disk() -> None:
    """The newest of each camera is never deleted for room; a deleted one is not the newest."""
    old, new = row(1, started_us=1), row(2, started_us=2)
    other = row(1, camera="back", started_us=1)
    gone = row(3, started_us=3, state="deleted")
    plan = plan_for_disk(DiskSpace(10**6, 0), _due(old, other, new), [old, new, other, gone], SETTINGS, "stop")
    assert [one.part for one in plan] == [old]


PARTS = st.lists(
    st.builds(
        PartRow,
        part_id=st.uuids().map(lambda value: value.hex),
        sitting=st.just("s"),
        camera=st.sampled_from(["a", "b"]),
        number=st.integers(1, 50),
        started_us=st.integers(0, 1000),
        ended_us=st.none(),
        bytes=st.integers(0, 300),
        state=st.just("closed"),
    ),
    max_size=10,
)


@given(parts=PARTS, allowed=st.sets(st.integers(0, 9)), free=st.integers(0, 1000), before=STATES)
def test_a_plan_is_allowed_minimal_and_spares_the_newest(
    parts: list[PartRow], allowed: set[int], free: int, before: DiskState
) -> None:
    """Only due parts, in their order, none more than needed, never a newest; all it may when that is not enough."""
    due = _due(*sorted((part for n, part in enumerate(parts) if n in allowed), key=lambda part: part.started_us))
    plan = plan_for_disk(DiskSpace(1000, free), due, parts, SETTINGS, before)
    state = disk_state(1000, free, SETTINGS, before)
    assert list(plan) == [one for one in due if one in plan]
    for one in plan:
        latest = max(part.started_us for part in parts if part.camera == one.part.camera)
        rivals = [p for p in parts if p.camera == one.part.camera and p.started_us == latest]
        assert one.part.started_us < latest or len(rivals) > 1
    freed = sum(one.part.bytes for one in plan)
    if plan:
        before_last = free + freed - plan[-1].part.bytes
        assert disk_state(1000, before_last, SETTINGS, state) in {"delete", "stop"}
    if disk_state(1000, free + freed, SETTINGS, state) in {"delete", "stop"}:
        spared = [one for one in due if one not in plan]
        assert len(spared) <= len({part.camera for part in parts})


def test_rate_and_time_left() -> None:
    """Two cameras of 100 bytes an hour fill 170 usable bytes in 51 minutes; nothing is said without a rate."""
    half_hour = NOW_US - HOUR_US // 2
    parts = [row(n, state="open", started_us=half_hour, ended_us=None, bytes=50) for n in (1, 2)]
    rate = bytes_an_hour([*parts, row(3)], NOW_US)
    assert rate == 200
    assert minutes_left(DiskSpace(1000, 200), SETTINGS, rate) == 51
    assert minutes_left(DiskSpace(1000, 10), SETTINGS, rate) == 0
    assert bytes_an_hour([row(1)], NOW_US) is None
    assert minutes_left(DiskSpace(1000, 200), SETTINGS, None) is None


def test_blocks_reserved_for_root_are_neither_total_nor_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Recording runs without root: what only root may use is not room."""
    facts = os.statvfs_result((4096, 4096, 1000, 300, 250, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: facts)
    assert read_space(tmp_path) == DiskSpace(950 * 4096, 250 * 4096)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A vault that is not mounted is not taken for an empty disk."""
    with pytest.raises(FileNotFoundError):
        read_space(tmp_path / "missing")
