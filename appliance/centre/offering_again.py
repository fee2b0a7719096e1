"""A central service that was restored from a backup holds less than it acknowledged: what is kept is offered again.

The hub says of each epoch the highest number it holds: in the answer to a report, and, as it was before the batch, in
the answer to a push. Where the box remembers a higher one as acknowledged, what it keeps of those numbers waits again
(`sync.keep_days`; 30 days unless set). What the hub has after all it knows by its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.outbox.rows import CENTRE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock

EPOCHS: Final = 20
"""Of so many of its newest epochs a box compares; a hub says it of at least as many."""
SETTLED_US: Final = 4 * SECOND_US
"""The answer to a report may be of some moments ago: only what was acknowledged before that is compared."""
REASON: Final = "forgotten"
_ACKNOWLEDGED: Final = (
    "SELECT epoch, MAX(seq) FROM delivery WHERE target = ? AND state = 'delivered' AND epoch IN"
    " (SELECT name FROM epoch ORDER BY begun_us DESC LIMIT ?) GROUP BY epoch"
)
_AGAIN: Final = (
    "UPDATE delivery SET state = 'waiting', settled_us = NULL, next_try_us = 0, reason = ?"
    " WHERE epoch = ? AND seq > ? AND target = ? AND state = 'delivered'"
)
_LOG: Final = log.get(__name__)


class Acknowledged:
    """The highest numbers the hub has acknowledged, by epoch; for one thread.

    Args:
        db: the box's database.
        clock: the box's.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._highest = {str(epoch): int(seq) for epoch, seq in db.conn.execute(_ACKNOWLEDGED, (CENTRE, EPOCHS))}
        self._settled = dict(self._highest)
        self._settled_mono_us = clock.mono_us()
        self._offered: dict[str, int] = {}

    def note(self, arrived: Iterable[tuple[str, int]]) -> None:
        """Remember keys (epoch and number) as acknowledged."""
        for epoch, seq in arrived:
            self._highest[epoch] = max(seq, self._highest.get(epoch, 0))

    def reported(self, held: Mapping[str, int] | None) -> int:
        """Compare with what the answer to a report says; None where this hub says nothing. Returns how many wait again.

        An epoch the hub does not name, it holds nothing of.
        """
        now_us = self._clock.mono_us()
        if held is None or now_us - self._settled_mono_us < SETTLED_US:
            return 0
        before, self._settled, self._settled_mono_us = self._settled, dict(self._highest), now_us
        return self._compare({epoch: held.get(epoch, 0) for epoch in before}, before)

    def pushed(self, before: Mapping[str, int] | None) -> int:
        """Compare with what the answer to a push says was held before it; returns how many wait again."""
        return self._compare(before or {}, self._highest)

    def _compare(self, held: Mapping[str, int], known: Mapping[str, int]) -> int:
        lost = {}
        for epoch, seq in held.items():
            if seq >= known.get(epoch, 0):
                self._offered.pop(epoch, None)
            elif self._offered.get(epoch) != seq:  # else it was offered, and this hub counts otherwise
                lost[epoch] = seq
        return self._offer(lost) if lost else 0

    def _offer(self, lost: Mapping[str, int]) -> int:
        with write(self._db):
            found = {
                epoch: self._db.conn.execute(_AGAIN, (REASON, epoch, seq, CENTRE)).rowcount
                for epoch, seq in lost.items()
            }
            count = sum(found.values())
            if count:
                append(self._db, "centre.offered_again", clock=self._clock, detail={"items": count, "epochs": found})
        for epoch, seq in lost.items():
            self._offered[epoch] = seq
            self._highest[epoch] = self._settled[epoch] = seq
        if count:
            _LOG.warning("the centre holds less than it acknowledged: it is told again", items=count)
        return count
