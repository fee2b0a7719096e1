"""The box's key towards its central service: how long it is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.clock import format_utc
from appliance.diagnosis import CHECKS, centre, look, of_role
from appliance.diagnosis.result import Examined
from appliance.vault.keys import init_keys
from tests.support.a_centre import ACentre

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

DAY = 86_400
ENDS_AFTER = 365 * DAY


@pytest.fixture
def joined(db: Database, settings: Settings, clock: ManualClock) -> ACentre:
    """A box whose key is good for a year."""
    init_keys(settings, passphrase=None, clock=clock)
    return ACentre(db, settings, clock)


@pytest.mark.parametrize(
    ("before_s", "state", "words"),
    [
        (30 * DAY + 1, "ok", "for 30 days"),
        (30 * DAY, "ok", "for 30 days"),
        (30 * DAY - 1, "warn", "for 29 more days"),
        (1, "warn", "for 0 more days"),
        (0, "fail", "does not take this box's key"),
        (-DAY, "fail", "does not take this box's key"),
    ],
)
def test_the_end_of_the_key_is_told_a_month_before(
    joined: ACentre, clock: ManualClock, before_s: int, state: str, words: str
) -> None:
    """Good, ending within thirty days, over: its moment is named, and what ends is told what to do about it."""
    until_us = joined.row.valid_until_us
    clock.advance(ENDS_AFTER - before_s)
    (found,) = centre.check_centre_key(Examined(joined.settings, clock))
    assert (found.name, found.state) == ("centre key", state)
    assert words in found.message
    assert until_us is not None
    assert format_utc(until_us) in found.message
    assert ("exambox sync enrol" in found.hint) is (state != "ok")


def test_a_new_code_mends_it(joined: ACentre, clock: ManualClock) -> None:
    """Joining again with the key's time renewed leaves nothing to say; a centre that sets no end has none."""
    clock.advance(ENDS_AFTER)
    assert centre.check_centre_key(Examined(joined.settings, clock))[0].state == "fail"
    again = ACentre(joined.db, joined.settings, clock)
    assert centre.check_centre_key(Examined(joined.settings, clock))[0].state == "ok"
    again.db.execute("UPDATE centre SET valid_until_us = NULL")
    again.db.conn.commit()
    (found,) = centre.check_centre_key(Examined(joined.settings, clock))
    assert (found.state, "until it revokes" in found.message) == ("ok", True)


def test_a_box_without_a_centre_and_a_hub_are_asked_nothing(
    db: Database, settings: Settings, clock: ManualClock
) -> None:
    """A box that was never started, one that belongs to no central service, and a central service say nothing of it."""
    absent = msgspec.structs.replace(
        settings, paths=msgspec.structs.replace(settings.paths, state=settings.paths.state + "-x")
    )
    assert centre.check_centre_key(Examined(absent, clock)) == []
    assert db.conn.execute("SELECT count(*) FROM centre").fetchone() == (0,)
    assert centre.check_centre_key(Examined(settings, clock)) == []
    hub = msgspec.structs.replace(settings, box=msgspec.structs.replace(settings.box, role="hub"))
    assert "centre key" not in {check.name for check in look(of_role(CHECKS, hub), Examined(hub, clock))}
