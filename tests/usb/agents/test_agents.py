"""Seat agents as rows: codes are good once, agents are placed, revoked, let in again; all of it is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb.agents import codes, store
from appliance.usb.agents.enrolling import SeatEnrolError, enrol
from tests.sittings.a_box import actions

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.usb.agents.store import SeatAgent

KEY = bytes(range(32))
ONE = "seat-0123456789ab"


def code(db: Database, clock: ManualClock, text: str = "SECRET", **more: Any) -> codes.CodeFact:
    """Keep a code."""
    facts: dict[str, Any] = {"seat": "A1", "clock": clock, "who": "Ada"}
    return codes.keep_code(db, text, **facts | more)


def join(db: Database, clock: ManualClock, text: str = "SECRET", agent: str = ONE) -> SeatAgent:
    """Join by a code's secret."""
    return enrol(db, text, agent=agent, name="pc-7", public_key=KEY, clock=clock)


def test_a_code_lets_one_workstation_in_once(db: Database, clock: ManualClock) -> None:
    """The workstation stands at the code's seat; another one is refused, the same one is answered again."""
    code(db, clock)
    agent = join(db, clock)
    assert (agent.seat, agent.name, agent.enrolled_by, agent.heard_us) == ("A1", "pc-7", "Ada", None)
    assert join(db, clock) == agent
    with pytest.raises(SeatEnrolError) as refused:
        join(db, clock, agent="seat-ffffffffffff")
    assert refused.value.reason == "used"
    assert codes.open_codes(db, now_us=clock.wall_us()) == []
    assert actions(db) == ["seat.code_made", "seat.agent_enrolled"]


def test_a_code_ends_by_its_time_or_a_person(db: Database, clock: ManualClock) -> None:
    """An old code and a withdrawn one let nobody in; one that was used cannot be withdrawn."""
    old, withdrawn = code(db, clock, "OLD", hours=1), code(db, clock, "OTHER")
    codes.withdraw_code(db, withdrawn.number, clock=clock, who="Ada")
    codes.withdraw_code(db, withdrawn.number, clock=clock, who="Ada")
    clock.advance(3600)
    for secret, reason in (("OLD", "expired"), ("OTHER", "withdrawn"), ("NONE", "unknown")):
        with pytest.raises(SeatEnrolError) as refused:
            join(db, clock, secret)
        assert refused.value.reason == reason
    assert store.list_agents(db) == []
    used = code(db, clock)
    join(db, clock)
    with pytest.raises(ConflictError):
        codes.withdraw_code(db, used.number, clock=clock, who="Ada")
    with pytest.raises(NotFoundError):
        codes.withdraw_code(db, "0" * 12, clock=clock, who="Ada")
    assert old.is_open(old.made_us)
    assert not old.is_open(old.until_us)
    assert actions(db).count("seat.code_withdrawn") == 1


def test_a_revoked_agent_is_refused_until_it_joins_anew(db: Database, clock: ManualClock) -> None:
    """Revoking needs a reason; a new code lets the same key in again, at the seat it had."""
    code(db, clock)
    join(db, clock)
    with pytest.raises(BadInputError):
        store.revoke_agent(db, ONE, why=" ", clock=clock, who="Ada")
    gone = store.revoke_agent(db, ONE, why="stolen", clock=clock, who="Ada")
    store.revoke_agent(db, ONE, why="again", clock=clock, who="Ada")
    assert store.list_agents(db) == []
    assert store.list_agents(db, revoked=True) == [gone]
    with pytest.raises(store.AgentRefusedError) as refused:
        store.check_good(gone, now_us=clock.wall_us())
    assert refused.value.reason == "revoked"
    with pytest.raises(SeatEnrolError):
        join(db, clock)
    code(db, clock, "NEW", seat="")
    back = join(db, clock, "NEW")
    assert store.check_good(back, now_us=clock.wall_us()).seat == "A1"
    with pytest.raises(store.AgentRefusedError) as ended:
        store.check_good(back, now_us=back.expires_us)
    assert ended.value.reason == "expired"
    assert actions(db).count("seat.agent_revoked") == 1


def test_a_workstation_is_placed_at_a_seat(db: Database, clock: ManualClock) -> None:
    """Its seat may change; the log has each change once, a wrong label changes nothing."""
    code(db, clock)
    join(db, clock)
    assert store.seat_agent_at(db, ONE, seat=" B2 ", clock=clock, who="Ada").seat == "B2"
    store.seat_agent_at(db, ONE, seat="B2", clock=clock, who="Ada")
    for wrong in ("x" * 41, "A\n1"):
        with pytest.raises(BadInputError, match="seat"):
            store.seat_agent_at(db, ONE, seat=wrong, clock=clock, who="Ada")
    assert store.get_agent(db, ONE).seat == "B2"
    assert actions(db).count("seat.agent_placed") == 1


def test_when_agents_were_heard_only_grows(db: Database, clock: ManualClock) -> None:
    """A late note of an earlier moment does not make an agent look silent."""
    code(db, clock)
    join(db, clock)
    store.note_heard(db, {ONE: 500, "seat-unknown": 7})
    store.note_heard(db, {ONE: 400})
    assert store.get_agent(db, ONE).heard_us == 500


@pytest.mark.parametrize("hours", [0, codes.MAX_HOURS + 1])
def test_a_code_is_not_good_for_ever(db: Database, clock: ManualClock, hours: int) -> None:
    """A code is good for hours, two weeks at most."""
    with pytest.raises(BadInputError, match="hours"):
        code(db, clock, hours=hours)
    assert codes.open_codes(db, now_us=clock.wall_us()) == []
