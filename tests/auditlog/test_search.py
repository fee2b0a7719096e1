"""Finding entries of the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.auditlog import append, erase_person, verify
from appliance.auditlog.search import Wanted, each, newest, oldest
from appliance.auditlog.show import ERASED, UNREADABLE

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

ACTIONS = ("hold.placed", "hold.released", "holdings.x", "camera.added", "vault.checkpoint")
PEOPLE = ("Ann", "ÄNNE", "box", '<b>"x"\\', "100%_")
WORDS = st.sampled_from(["", "ann", "änne", "ÄN", "hold", "%", "_", '"', "\\", "<B>", "front", "c-1", "zz", "straße"])
BATCH = 500


@pytest.fixture
def varied(db: Database, clock: ManualClock) -> Database:
    """Sixty entries of several people, with a clock that is set back in their midst."""
    with db.atomic():
        for number in range(60):
            append(
                db, ACTIONS[number % 5], clock=clock, who=PEOPLE[number % 4 if number % 7 else 4],
                where=f"10.0.0.{number % 3}",
                detail={"camera": f'c-{number % 4} Straße "front"', "n": number},
                personal={"reason": PEOPLE[number % 5]} if number % 2 else None,
            )  # fmt: skip
            clock.step(-45 if number == 30 else 1)
    return db


def _expected(db: Database, wanted: Wanted) -> list[int]:
    """Every entry that fits, by looking at each one's own JSON: slow, and nothing to do with the search."""
    found = []
    for seq, raw in db.conn.execute("SELECT seq, body FROM log_entry ORDER BY seq"):
        body: dict[str, Any] = json.loads(raw)
        personal = dict(db.conn.execute("SELECT field, value FROM log_personal WHERE seq = ?", (seq,)).fetchall())
        text = [body["action"], *personal.values(), json.dumps(body["detail"], ensure_ascii=False)]
        fits = (
            (not wanted.action or body["action"] == wanted.action or body["action"].split(".")[0] == wanted.action)
            and body["action"] not in wanted.without
            and (not wanted.who or personal.get("who") == wanted.who)
            and (wanted.from_us is None or body["at_us"] >= wanted.from_us)
            and (wanted.to_us is None or body["at_us"] < wanted.to_us)
            and (body["action"] in wanted.text_actions or any(wanted.text.casefold() in one.casefold() for one in text))
        )
        found += [seq] if fits else []
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    action=st.sampled_from(["", "hold", "camera", "hold.placed", "vault.checkpoint", "no", "no.such"]),
    without=st.frozensets(st.sampled_from(ACTIONS), max_size=2),
    who=st.sampled_from(["", *PEOPLE, "nobody"]),
    times=st.tuples(st.none() | st.integers(-50, 70), st.none() | st.integers(-50, 70)),
    words=st.tuples(WORDS, st.frozensets(st.sampled_from(ACTIONS), max_size=1)),
)
def test_every_search_finds_what_fits_and_nothing_else(
    varied: Database,
    *,
    action: str,
    without: frozenset[str],
    who: str,
    times: tuple[int | None, int | None],
    words: tuple[str, frozenset[str]],
) -> None:
    """All narrowings together agree with looking at each entry; both orders and every page size join without loss."""
    start = json.loads(varied.conn.execute("SELECT body FROM log_entry WHERE seq = 1").fetchone()[0])["at_us"]
    from_us, to_us = (None if second is None else start + second * 1_000_000 for second in times)
    wanted = Wanted(action, without, who, from_us, to_us, *words)
    expected = _expected(varied, wanted)
    assert [line.seq for line in each(varied, wanted)] == expected
    assert [line.seq for line in newest(varied, wanted, limit=100)] == expected[::-1]
    paged: list[int] = []
    while page := newest(varied, wanted, limit=7, before=paged[-1] if paged else None):
        paged += [line.seq for line in page]
    assert paged == expected[::-1]
    assert [line.seq for line in oldest(varied, wanted, limit=5, after=20)] == [n for n in expected if n > 20][:5]
    assert [line.seq for line in each(varied, wanted, limit=9)] == expected[:9]


def _plans(db: Database, wanted: Wanted) -> list[str]:
    """How SQLite goes about each query of a search."""
    seen: list[str] = []
    db.conn.set_trace_callback(seen.append)
    newest(db, wanted, limit=10)
    db.conn.set_trace_callback(None)
    return [
        " ".join(str(row[3]) for row in db.conn.execute(f"EXPLAIN QUERY PLAN {query}"))
        for query in seen
        if "FROM log_entry" in query
    ]


def test_searches_go_by_the_indexes(varied: Database) -> None:
    """Actions and times are found by their indexes, not by reading the whole log."""
    for wanted in (Wanted(action="hold.placed"), Wanted(action="hold")):
        plans = _plans(varied, wanted)
        assert plans
        assert all("log_entry_action" in plan for plan in plans), plans
    assert "log_entry_at" in _plans(varied, Wanted(from_us=1, to_us=2))[0]


def test_an_erased_person_is_found_no_more(varied: Database, clock: ManualClock) -> None:
    """Erased values read so, neither a name nor a text finds them, and the log still verifies."""
    assert list(each(varied, Wanted(who="Ann")))
    erase_person(varied, "Ann", clock=clock)
    assert list(each(varied, Wanted(who="Ann"))) == []
    assert not [line for line in each(varied, Wanted(text="Ann")) if "ann" in line.who.casefold()]
    assert ERASED in {line.who for line in each(varied, Wanted())}
    assert verify(varied, None).ok


def test_what_cannot_be_read_is_shown_as_such(varied: Database) -> None:
    """A damaged entry does not hide behind a filter for routine, and breaks no search."""
    varied.conn.execute("INSERT INTO log_entry VALUES (61, ?, zeroblob(32))", (b"\xff{not json",))
    assert newest(varied, Wanted(without=frozenset({"box.started"})), limit=1)[0].action == UNREADABLE
    assert [line.seq for line in each(varied, Wanted(action="hold", from_us=0))] == _expected_holds(varied)


def _expected_holds(db: Database) -> list[int]:
    query = 'SELECT seq FROM log_entry WHERE seq < 61 AND CAST(body AS TEXT) LIKE \'%"action":"hold.%\' ORDER BY seq'
    return [seq for (seq,) in db.conn.execute(query)]


def test_a_search_longer_than_a_batch_is_whole(db: Database, clock: ManualClock) -> None:
    """A rare text far back in a long log is found, and a long answer is not cut between two reads."""
    with db.atomic():
        for number in range(2 * BATCH + 300):
            append(db, "box.started", clock=clock, detail={"note": "needle" if number in {3, 700} else "hay"})
    assert [line.seq for line in newest(db, Wanted(text="NEEDLE"), limit=10)] == [701, 4]
    assert [line.seq for line in each(db, Wanted(text="hay"))][-1] == 2 * BATCH + 300
    assert len(list(each(db, Wanted(text="hay"), limit=BATCH + 1))) == BATCH + 1


def test_a_check_tells_how_far_it_is(db: Database, clock: ManualClock) -> None:
    """Progress counts entries of all; what it raises ends the check and lets go of the snapshot."""
    with db.atomic():
        for _ in range(1200):
            append(db, "box.started", clock=clock)
    told: list[tuple[int, int]] = []
    assert verify(db, None, progress=lambda done, total: told.append((done, total))).ok
    assert told == [(500, 1200), (1000, 1200)]

    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        verify(db, None, progress=stop)
    assert not db.conn.in_transaction
