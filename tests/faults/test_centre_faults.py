"""A hub, its boxes and an LMS, as processes over HTTP, while networks, machines and clocks fail at random."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults import tally
from tests.faults.centre_checks import Findings, bodies, examine, marks_in, reading, unsettled
from tests.faults.centre_driver import BoxDriver, HubDriver
from tests.faults.centre_world import Box, Hub
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.lms_receiver import LmsReceiver, Reply
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from tests.support.lms_receiver import Arrived

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]

SEED: Final = int(os.environ.get("FAULTS_SEED", "20261129"))
FAULTS: Final = 10_000
LONGEST_S: Final = 900.0
"""The faults have to be injected within this, on however slow a machine."""
SETTLED_S: Final = 240.0
"""After the last fault everything has to agree within this."""
BOXES: Final = 4
IMPATIENT_S: Final = 0.3
_NO_STALE: Final = tuple(one for one in Fault if one is not Fault.LATE)
"""What happens to an LMS's calls: one that arrives late would rightly be its last word."""


class Chaos:
    """All of it: machines, proxies between them, drivers; and what happens to them."""

    def __init__(self, folder: Path, stack: ExitStack, *, boxes: int, seed: int, pause_s: float) -> None:
        self.random = random.Random(seed)  # noqa: S311  a test's
        self.counts: Counter[str] = Counter()
        self.folder = folder
        self._stack = stack
        self.lms = stack.enter_context(LmsReceiver(self._lms_answers))
        self.to_lms = stack.enter_context(FaultProxy(self.lms.port, seed=seed + 1))
        self.hub = Hub.make(folder / "hub", lms_address=self.to_lms.address)
        stack.callback(self.hub.stop)
        self.hub.start()
        self.to_hub = [stack.enter_context(FaultProxy(self.hub.port, seed=seed + 10 + n)) for n in range(boxes)]
        self.api = stack.enter_context(FaultProxy(self.hub.port, seed=seed + 2, kinds=_NO_STALE))
        self.boxes = [Box.make(f"b{n}", folder / f"b{n}") for n in range(boxes)]
        for box in self.boxes:
            stack.callback(box.sync.stop)
        self.rooms = [BoxDriver(box, n, seed + n, pause_s) for n, box in enumerate(self.boxes)]
        self.copies: list[BoxDriver] = []
        self.centre = HubDriver(
            self.hub, self.boxes, port=self.api.port, seed=seed, callers=3, pause_s=pause_s / 2
        )  # fmt: skip
        self.lms_fails = 0.0
        self.gone_with_disk = 0
        self.last_left: list[str] = []
        stack.callback(self.end_drivers)  # first of all: what they drive ends after them
        self._stop = threading.Event()
        self._impatience = threading.Thread(target=self._push_on, daemon=True)

    @property
    def proxies(self) -> list[FaultProxy]:
        """All that stands between two machines."""
        return [*self.to_hub, self.api, self.to_lms]

    @property
    def faults(self) -> Counter[str]:
        """How often each kind was injected."""
        return sum((Counter({str(k): n for k, n in one.counts.items()}) for one in self.proxies), Counter(self.counts))

    def begin(self, share: float, kinds: Collection[Fault] = tuple(Fault)) -> None:
        """Let boxes join, and everybody begin."""
        for proxy in self.proxies:
            proxy.kinds = tuple(kind for kind in kinds if proxy is not self.api or kind in _NO_STALE) or (Fault.DELAY,)
            proxy.share = share
        for box, proxy in zip(self.boxes, self.to_hub, strict=True):
            box.enrol(self.hub, proxy.address)
            box.sync.start()
        for loop in (*self.centre.loops, *(room.loop for room in self.rooms)):
            loop.start()
        self._impatience.start()

    def settle(self) -> float:
        """End all faults and drivers; return how many seconds it took until all agreed."""
        for proxy in self.proxies:
            proxy.heal()
        self.lms_fails = 0.0
        self.end_drivers()
        for machine in (self.hub.machine, *(box.machine for box in self.boxes)):
            machine.clock.set(0)
        self.hub.wait_answering()
        for room in self.rooms:
            room.finish()
        began = time.monotonic()
        for room in (*self.rooms, *self.copies):
            room.impatient()
        self.centre.impatient(self.hub.db)
        copies = [one.box for one in self.copies]
        left: list[str] = []

        def agreed() -> bool:
            self.last_left = left[:5] or self.last_left
            left[:] = unsettled(self.hub, self.boxes, copies)
            for room in self.rooms:
                room.finish()
            time.sleep(0.5)
            return not left

        try:
            until(agreed, SETTLED_S, "agreement of all")
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {left[:40]}") from problem
        return time.monotonic() - began

    def end_drivers(self) -> None:
        """Let nobody do anything any more."""
        for loop in (*self.centre.loops, *(room.loop for room in (*self.rooms, *self.copies))):
            loop.stop()
        self._stop.set()
        if self._impatience.is_alive():
            self._impatience.join(30)

    def examine(self) -> Findings:
        """Compare everything with everything."""
        loops = [*self.centre.loops, *(room.loop for room in (*self.rooms, *self.copies))]
        assert [one for loop in loops for one in loop.wrong] == []
        return examine(self.hub, self.rooms, self.copies, self.centre, self.lms)

    def kill_box(self) -> None:
        """Kill what speaks to the hub on one box."""
        self.random.choice(self.boxes).sync.kill()
        self.counts["box killed"] += 1

    def kill_hub(self) -> None:
        """Kill what answers boxes and the LMS."""
        self.hub.web.kill()
        self.counts["hub killed"] += 1

    def kill_hub_sync(self) -> None:
        """Kill what tells the LMS."""
        self.hub.sync.kill()
        self.counts["hub's deliveries killed"] += 1

    def step_clock(self) -> None:
        """Set the clock of a box by minutes, or the hub's."""
        if self.random.random() < 0.15:
            self.hub.machine.clock.set(self.random.randrange(-120, 121))
        else:
            self.random.choice(self.boxes).machine.clock.set(self.random.randrange(-600, 601))
        self.counts["clock set"] += 1

    def back_up(self) -> None:
        """Take a backup of a box."""
        self.random.choice(self.boxes).back_up()

    def restore(self) -> None:
        """Bring a box back to its last backup, the witness not; sometimes people act before it speaks."""
        room = self.random.choice(self.rooms)
        if room.box.backup is None:
            room.box.back_up()
            return
        with room.loop.busy:
            room.box.sync.kill()
            room.box.sync.stop()
            room.db.conn.close()
            room.box.restore()
            room.reopen()
            held = marks_in([*bodies(self.hub, room.box.id), *_outbox(room.box)])
            kept = {mark: kind for mark, kind in room.done.items() if mark in held}
            self.gone_with_disk += len(room.done) - len(kept)
            room.done = kept
            if self.random.random() < 0.5:
                for _ in range(self.random.randrange(60)):
                    room.step()
            room.box.sync.start()
        self.counts["box restored"] += 1

    def copy(self) -> None:
        """Copy a box to another computer, where it speaks beside the first; people there note things too."""
        if len(self.copies) >= 2:
            return
        room = self.random.choice(self.rooms)
        with room.loop.busy:
            twin = room.box.copy(f"copy{len(self.copies)}", self.folder / f"copy{len(self.copies)}")
        other = BoxDriver(twin, 50 + len(self.copies), self.random.randrange(2**30), 0.5)
        other.loop.step = other.note_only
        self._stack.callback(twin.sync.stop)
        twin.sync.start()
        other.loop.start()
        self.copies.append(other)
        self.counts["box copied"] += 1

    def _lms_answers(self, _: Arrived) -> Reply:
        roll = self.random.random()
        if roll >= self.lms_fails:
            return Reply()
        self.counts["LMS failed"] += 1
        choices = (Reply(0), Reply(500), Reply(503, headers={"Retry-After": "1"}), Reply(200, b"{}", promised=50))
        return choices[int(roll * 1000) % len(choices)]

    def _push_on(self) -> None:
        """People who try at once: without them most of a run would be waits after failures."""
        db = self.hub.machine.open()
        while not self._stop.wait(IMPATIENT_S):
            for room in (*self.rooms, *self.copies):
                if room.loop.busy.acquire(timeout=1):
                    try:
                        room.impatient()
                    finally:
                        room.loop.busy.release()
            self.centre.impatient(db)
        db.conn.close()


def _outbox(box: Box) -> list[tuple[str, str]]:
    with reading(box.machine) as db:
        rows = db.conn.execute("SELECT kind, body FROM delivery WHERE target = 'centre'")
        return [(str(kind), str(body)) for kind, body in rows]


def _report(chaos: Chaos, found: Findings, took_s: float, settled_s: float) -> None:
    faults = chaos.faults
    print(f"\n{sum(faults.values())} faults in {took_s:.0f} s; all agreed {settled_s:.1f} s after the last")  # noqa: T201  figures
    for kind, count in sorted(faults.items(), key=lambda one: -one[1]):
        print(f"  {count:6} {kind}")  # noqa: T201  as above
    print(f"  last to agree: {chaos.last_left}")  # noqa: T201  as above
    print(f"  looked at: {dict(found.looked)}")  # noqa: T201  as above
    asked, again = sum(one.passed for one in chaos.proxies), sum(chaos.lms.repeated().values())
    print(  # noqa: T201  as above
        f"  requests: {asked}; repeated at the LMS: {again}; acts nothing was left of after a restore: "
        f"{chaos.gone_with_disk}"
    )
    tally.count(
        tally.Line(
            what="a hub, its boxes and an LMS",
            faults=dict(faults),
            acknowledged=found.looked["acts"] + found.looked["deliveries"] + found.looked["exams"],
            lost=len(found.lost),
            worst_resume=settled_s,
        )
    )


def _run(chaos: Chaos, faults: int, happen: list[tuple[Callable[[], None], float]]) -> float:
    """Let things happen until there were enough faults; return the seconds it took."""
    began = time.monotonic()
    due = [began + every_s for _, every_s in happen]
    while sum(chaos.faults.values()) < faults:
        assert time.monotonic() - began < LONGEST_S, f"only {chaos.faults} in {LONGEST_S} s"
        time.sleep(0.1)
        for number, (what, every_s) in enumerate(happen):
            if time.monotonic() >= due[number]:
                what()
                due[number] = time.monotonic() + every_s * (0.5 + chaos.random.random())
    return time.monotonic() - began


def test_whatever_fails_all_arrives_once_and_all_agree(tmp_path: Path) -> None:
    """No acknowledged item is lost, none doubled, order is kept, all converge, deletions win, the logs are whole."""
    with ExitStack() as stack:
        chaos = Chaos(tmp_path, stack, boxes=BOXES, seed=SEED, pause_s=0.04)
        chaos.begin(share=0.5)
        chaos.lms_fails = 0.2
        happen = [
            (chaos.kill_box, 4.0),
            (chaos.kill_hub, 25.0),
            (chaos.kill_hub_sync, 12.0),
            (chaos.step_clock, 5.0),
            (chaos.back_up, 12.0),
            (chaos.restore, 18.0),
            (chaos.copy, 40.0),
        ]
        took_s = _run(chaos, FAULTS, happen)
        settled_s = chaos.settle()
        found = chaos.examine()
        _report(chaos, found, took_s, settled_s)
        assert not found.all, "\n".join(found.all)


@pytest.mark.parametrize("kind", list(Fault))
def test_one_kind_of_fault_alone(tmp_path: Path, kind: Fault) -> None:
    """Each kind of fault alone loses, doubles and disorders nothing."""
    with ExitStack() as stack:
        chaos = Chaos(tmp_path, stack, boxes=1, seed=SEED, pause_s=0.04)
        chaos.begin(share=0.3, kinds=(kind,))
        _run(chaos, 100, [])
        chaos.settle()
        found = chaos.examine()
        assert not found.all, "\n".join(found.all)
