"""Exports and checks in the background."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import LockedError, NotFoundError, UnavailableError
from appliance.web.jobs import KEEP_US, MAX_JOBS, Job, Jobs
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from appliance.clock import ManualClock


@pytest.fixture
def jobs(tmp_path: Path, clock: ManualClock) -> Iterator[Jobs]:
    """Jobs in a folder of their own."""
    made = Jobs(tmp_path / "exports", clock)
    yield made
    made.close()


def write_clip(job: Job) -> dict[str, Any]:
    """Make one file."""
    job.progress(1, 2)
    (job.folder / "clip.mp4").write_bytes(b"readable")
    return {"files": [{"name": "clip.mp4"}]}


def ended(jobs: Jobs, job: Job) -> Job:
    """Wait for a job's end."""
    return until(lambda: job if jobs.find(job.id, job.owner).ended_us is not None else None, what="the job's end")


def test_a_job_ends_with_its_result_and_only_its_owner_sees_it(jobs: Jobs) -> None:
    """The result is there for who asked, and for nobody else."""
    job = ended(jobs, jobs.start("export", "Ada", write_clip))
    until(lambda: job.state == "done")
    assert job.as_dict()["result"] == {"files": [{"name": "clip.mp4"}]}
    assert (job.done, job.total) == (1, 2)
    with pytest.raises(NotFoundError):
        jobs.find(job.id, "Eve")


def test_clips_do_not_stay(jobs: Jobs, clock: ManualClock) -> None:
    """An hour after its end a readable clip is deleted with its folder."""
    job = ended(jobs, jobs.start("export", "Ada", write_clip))
    clock.advance(KEEP_US / 1e6 - 1)
    assert jobs.find(job.id, "Ada").folder.exists()
    clock.advance(1)
    with pytest.raises(NotFoundError):
        jobs.find(job.id, "Ada")
    assert not job.folder.exists()


def test_a_start_deletes_what_an_earlier_process_left(tmp_path: Path, clock: ManualClock) -> None:
    """After a crash no readable clip is left on the disk."""
    old = tmp_path / "exports" / "x"
    old.mkdir(parents=True)
    (old / "clip.mp4").write_bytes(b"readable")
    Jobs(tmp_path / "exports", clock).close()
    assert not old.exists()


def test_a_failure_is_told_in_its_own_words_and_leaves_no_file(jobs: Jobs) -> None:
    """A known error keeps its words; an unknown one tells no internals; half a clip is deleted."""

    def locked(job: Job) -> dict[str, Any]:
        write_clip(job)
        raise LockedError("Playback is locked.", hint="Unlock it.")

    job = ended(jobs, jobs.start("export", "Ada", locked))
    until(lambda: job.state == "failed")
    assert job.problem["message"] == "Playback is locked."
    assert not job.folder.exists()
    other = ended(jobs, jobs.start("export", "Ada", lambda _: {"x": 1 // 0}))
    assert "division" not in str(other.problem)


def test_too_many_jobs_are_refused(jobs: Jobs) -> None:
    """A bounded number may wait; the next is told to come later, and is served when there is room."""
    go = threading.Event()
    waiting = [jobs.start("check", "Ada", lambda _: {"went": go.wait(20)}) for _ in range(MAX_JOBS)]
    with pytest.raises(UnavailableError):
        jobs.start("check", "Ada", lambda _: {})
    go.set()
    for job in waiting:
        ended(jobs, job)
    jobs.start("check", "Ada", lambda _: {})


def test_discarding_deletes_at_once(jobs: Jobs) -> None:
    """Who made a clip can delete it from the box."""
    job = ended(jobs, jobs.start("export", "Ada", write_clip))
    jobs.discard(job.id, "Ada")
    assert not job.folder.exists()
