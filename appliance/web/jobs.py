"""Work that takes longer than a request: exports and verifications, in a few threads, with progress.

Jobs live in memory and their files in one folder. An exported clip is readable, so it does not stay:
it goes an hour after it was made, when its maker discards it, and with every start of the process.
"""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from appliance import log
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.clock import Clock

KEEP_US = 3600 * SECOND_US
MAX_JOBS = 16
WORKERS = 2
State = Literal["waiting", "running", "done", "failed", "cancelled"]
_LOG = log.get(__name__)


class GivenUpError(ApplianceError):
    """The job's owner does not want it any more."""

    code = "job.given_up"
    status = 409


@dataclass
class Job:
    """One piece of work; read it through `Jobs.find`, which gives a consistent copy of its facts."""

    id: str
    kind: str
    owner: str
    folder: Path
    made_us: int
    state: State = "waiting"
    done: int = 0
    total: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, str] = field(default_factory=dict)
    ended_us: int | None = None
    given_up: bool = False

    def progress(self, done: int, total: int) -> None:
        """Note how far the work has come.

        Raises:
            GivenUpError: its owner does not want it any more; the work lets go of what it has.
        """
        self.done, self.total = done, total
        if self.given_up:
            raise GivenUpError("This was given up.")

    def as_dict(self) -> dict[str, Any]:
        """Return what the page is told."""
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "done": self.done, "total": self.total,
            "result": self.result, "problem": self.problem,
        }  # fmt: skip


class Jobs:
    """All jobs of this process."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        shutil.rmtree(folder, ignore_errors=True)

    def start(self, kind: str, owner: str, work: Callable[[Job], dict[str, Any]]) -> Job:
        """Begin a job; ``work`` gets it, may call `Job.progress`, and returns the result.

        Raises:
            UnavailableError: too many jobs are unfinished, or the folder cannot be made.
        """
        self.discard_old()
        with self._lock:
            if sum(job.ended_us is None for job in self._jobs.values()) >= MAX_JOBS:
                raise UnavailableError("Too many exports and checks are running.", hint="Wait until one has finished.")
            number = uuid4().hex
            job = Job(number, kind, owner, self._folder / number, self._clock.wall_us())
            self._make_folder(job)
            self._jobs[number] = job
            # Threads are made in the process that serves, never before it forks.
            self._pool = self._pool or ThreadPoolExecutor(WORKERS, thread_name_prefix="job")
            self._pool.submit(self._run, job, work)
        return job

    def find(self, number: str, owner: str) -> Job:
        """Return a person's own job.

        Raises:
            NotFoundError: there is none, it is somebody else's, or it was discarded.
        """
        self.discard_old()
        with self._lock:
            job = self._jobs.get(number)
        if job is None or job.owner != owner:
            raise NotFoundError("That export or check is gone.", hint="Files are kept for an hour; start it again.")
        return job

    def discard(self, number: str, owner: str) -> None:
        """Delete a finished job and its files, or have one that is not finished stop at its next step.

        Raises:
            NotFoundError: as `find`.
        """
        job = self.find(number, owner)
        job.given_up = True
        if job.ended_us is not None:
            self._drop(job)

    def discard_old(self) -> None:
        """Delete what has been kept for long enough."""
        now = self._clock.wall_us()
        with self._lock:
            old = [
                job for job in self._jobs.values() if job.ended_us is not None and abs(now - job.ended_us) >= KEEP_US
            ]
        for job in old:
            self._drop(job)

    def close(self) -> None:
        """Wait for running work, then delete every file."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_folder(self, job: Job) -> None:
        try:
            job.folder.mkdir(mode=0o700, parents=True)
        except OSError as problem:
            raise UnavailableError(
                f"There is no room for the export: {problem.strerror}.", hint="`exambox doctor` checks the disk."
            ) from problem

    def _drop(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _run(self, job: Job, work: Callable[[Job], dict[str, Any]]) -> None:
        job.state = "running"
        try:
            job.progress(0, 0)
            job.result = work(job)
            state: State = "done"
        except GivenUpError:
            state = "cancelled"
        except ApplianceError as problem:
            job.problem = problem.as_dict()
            state = "failed"
        except Exception as problem:  # noqa: BLE001  the end of a job's thread
            _LOG.error("job failed", kind=job.kind, exc_info=problem)
            job.problem = ApplianceError("Something went wrong in the box.", hint="See the journal.").as_dict()
            state = "failed"
        if state != "done":
            shutil.rmtree(job.folder, ignore_errors=True)
        job.ended_us = self._clock.wall_us()
        job.state = state
