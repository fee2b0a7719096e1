"""What a change of the centre does on the box, by kind; each in the open transaction of who takes it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from appliance.centre import of_exams, of_extra_time, of_media, of_rosters, of_sessions, of_sittings
from appliance.centre.context import NotYetError, Taking
from appliance.exchange.centre.kinds import ChangeKind

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change

__all__ = ["NotYetError", "Taking", "apply_change"]


class _Apply(Protocol):
    def __call__(self, db: Database, change: Change, taking: Taking, /) -> str:
        """Take a change over and return what the thing is here; empty: nothing of its own."""


def apply_change(db: Database, change: Change, taking: Taking) -> str:
    """Take one change over in the open transaction, and return what its thing is called here.

    Raises:
        NotYetError: something it needs is not here yet.
        ApplianceError: it cannot be taken over; the transaction, or a savepoint in it, must be rolled back.
    """
    return _BY_KIND[ChangeKind(change.kind)](db, change, taking)


_BY_KIND: Final[dict[ChangeKind, _Apply]] = {
    ChangeKind.INTEGRATION: of_exams.take_integration,
    ChangeKind.EXAM: of_exams.take_exam,
    ChangeKind.SITTING: of_sittings.take_sitting,
    ChangeKind.ROSTER: of_rosters.take_roster_of,
    ChangeKind.SEATING: of_rosters.take_seating_of,
    ChangeKind.SESSION: of_sessions.take_session,
    ChangeKind.EXTRA_TIME: of_extra_time.take_extra_time,
    ChangeKind.MEDIA_REQUEST: of_media.take_media_request,
    ChangeKind.RECEIPT: of_media.take_receipt,
}
