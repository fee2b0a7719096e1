"""Deliveries to an LMS over real HTTP."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from appliance.clock import ManualClock, SystemClock
from appliance.config import ExamsSettings
from appliance.database import write
from appliance.exchange.idempotency import parse_delivery_key
from appliance.integrations.addresses import Addresses
from appliance.integrations.store import set_active, stored_integration
from appliance.outbox import attempts, discard, get_delivery, lms_target, put, retry_now, status, unpark, waiting
from appliance.vault.keys import load_box_id
from tests.support.lms_receiver import Arrived, LmsReceiver, Reply
from tests.sync.delivering import World, add_lms, make_world, quicker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings
    from appliance.exchange.json_edge import JsonObject


@pytest.fixture
def lms() -> Iterator[LmsReceiver]:
    """An LMS that takes everything."""
    with LmsReceiver() as receiver:
        yield receiver


@pytest.fixture
def world(settings: Settings, lms: LmsReceiver) -> Iterator[World]:
    """A box that knows the LMS."""
    made = make_world(settings, lms.url)
    yield made
    made.db.conn.close()


def test_a_delivery_arrives_signed_with_its_key(world: World, lms: LmsReceiver) -> None:
    """The body as it was put, at the address of its kind, with a token of 30 s and ``box:epoch:seq``."""
    for kind in ("review", "schedule", "warning", "agreement"):
        world.put("s1", 1, kind=kind)
    with world.delivering() as duty:
        world.run_until(duty, lambda: len(lms.accepted) == 4 and not waiting(world.db))
    assert [one.path for one in lms.arrived] == ["/review", "/schedule", "/warning", "/agreement"]
    one = lms.arrived[0]
    assert one.value == {"sessionId": "s1", "n": 1}
    assert one.headers["content-type"] == "application/json"
    now_us = SystemClock().wall_us()
    token = one.token(world.secret, now_us)
    assert token.expires_us is not None
    assert token.expires_us - now_us <= 60_000_000
    keys = [parse_delivery_key(each.key) for each in lms.arrived]
    assert {key.box for key in keys} == {load_box_id(world.settings.keys_dir)}
    assert [key.seq for key in keys] == [1, 2, 3, 4]
    (tried,) = attempts(world.db, 1)
    assert (tried.status, tried.body, tried.error) == (200, "{}", "")
    assert status(world.db).targets[0].last_success_us is not None


def test_a_review_names_the_box_by_the_address_it_has_when_it_is_sent(world: World, lms: LmsReceiver) -> None:
    """Addresses of the box begin with its public address, foreign ones and nothing stay as they are."""
    settings = replace(world.settings, exams=ExamsSettings(public_address="https://hall2.example.org:8443"))
    with write(world.db):
        body: JsonObject = {"sessionId": "s1", "archive": "/integration/simple/lms/archive/s1/", "reportUrl": None}
        put(world.db, target=world.target, stream="s1", kind="review", body=body, clock=world.clock)
    with world.delivering(settings) as duty:
        world.run_until(duty, lambda: len(lms.accepted) == 1)
    assert lms.accepted[0].value == {
        "sessionId": "s1",
        "archive": "https://hall2.example.org:8443/integration/simple/lms/archive/s1/",
        "reportUrl": None,
    }


def test_order_is_kept_within_a_session_and_sessions_go_side_by_side(world: World, lms: LmsReceiver) -> None:
    """Several sessions' deliveries are on their way at once, never two of one session."""
    open_now: set[str] = set()
    gate = threading.Event()

    def answer(one: Arrived) -> Reply:
        stream = str(one.value["sessionId"])
        assert stream not in open_now or gate.is_set()
        open_now.add(stream)
        return Reply(wait=gate)

    lms.answer = answer
    for n in range(5):
        for stream in ("a", "b", "c"):
            world.put(stream, n)
    with world.delivering() as duty:
        world.run_until(duty, lambda: len(lms.arrived) == 3)
        duty.run()
        assert sorted(one.value["sessionId"] for one in lms.arrived) == ["a", "b", "c"]
        gate.set()
        world.run_until(duty, lambda: not waiting(world.db))
    for stream in ("a", "b", "c"):
        assert [one.value["n"] for one in lms.accepted if one.value["sessionId"] == stream] == list(range(5))
    assert lms.most_at_once == 3


def test_fifty_sessions_with_five_hundred_warnings_arrive_once_and_in_order(world: World, lms: LmsReceiver) -> None:
    """After a time without network all that waited arrives, each once, in order per session."""
    for n in range(10):
        for stream in range(50):
            world.put(f"s{stream}", n)
    with world.delivering() as duty:
        world.run_until(duty, lambda: not waiting(world.db), 60)
    assert len(lms.arrived) == 500
    assert not lms.repeated()
    for stream in range(50):
        got = [one.value["n"] for one in lms.accepted if one.value["sessionId"] == f"s{stream}"]
        assert got == list(range(10))


ANSWERS = {
    "500": (Reply(status=500, body=b"boom"), "waiting", "status: 500"),
    "401": (Reply(status=401), "waiting", "unauthorised: 401"),
    "404": (Reply(status=404), "waiting", "wrong_address: 404"),
    "302": (
        Reply(status=302, headers={"Location": "https://new.example/"}),
        "waiting",
        "redirect: https://new.example/",
    ),
    "closed": (Reply(status=0), "waiting", "cut"),
    "cut": (Reply(body=b'{"ok":', promised=500), "waiting", "cut"),
    "422": (Reply(status=422, body=b"no such session"), "waiting", "status: 422"),
    "200 with an error": (Reply(body=b'{"error": "unknown session"}'), "delivered", "says_error"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_each_answer_is_kept_and_means_what_it_should(world: World, lms: LmsReceiver, case: str) -> None:
    """A success counts even if its text speaks of an error, no redirect is followed, all else is tried again."""
    reply, state, reason = ANSWERS[case]
    kept_status = None if reason == "cut" else reply.status
    lms.answer = lambda _: reply
    world.put("s1", 1)
    with world.delivering() as duty:
        world.run_until(duty, lambda: attempts(world.db, 1))
    (tried,) = attempts(world.db, 1)
    one = get_delivery(world.db, 1)
    assert (one.state, tried.status, tried.error) == (state, kept_status, reason)
    assert len(lms.arrived) == 1
    if state == "waiting":
        assert one.reason == reason
        assert one.next_try_us > one.cause_us


def test_what_is_refused_for_its_content_is_parked_and_blocks_only_its_session(
    settings: Settings, lms: LmsReceiver
) -> None:
    """After five refusals it waits for a person; let go on, it and those behind it arrive in order."""
    clock = ManualClock()
    world = make_world(settings, lms.url, clock)
    lms.answer = lambda one: Reply(status=422, body=b"no") if one.value == {"sessionId": "bad", "n": 0} else Reply()
    for n in range(2):
        world.put("bad", n)
        world.put("good", n)

    def parked() -> bool:
        clock.advance(5)
        return world.states().get("parked", 0) == 1

    with world.delivering() as duty:
        world.run_until(duty, parked)
        world.run_until(duty, lambda: world.states().get("delivered") == 2)
        assert {one.value["sessionId"] for one in lms.accepted} == {"good"}
        assert len(attempts(world.db, 1)) == 5
        stands = status(world.db).targets[0]
        assert (stands.backlog, stands.parked, stands.blocked, stands.silent_since_us) == (2, 1, 1, None)
        lms.answer = lambda _: Reply()
        unpark(world.db, 1, who="ann", clock=clock)

        def all_there() -> bool:
            clock.advance(1)
            return world.states() == {"delivered": 4}

        world.run_until(duty, all_there)
    assert [one.value["n"] for one in lms.accepted if one.value["sessionId"] == "bad"] == [0, 1]
    assert len({one.key for one in lms.arrived}) == 4
    world.db.conn.close()


def test_a_review_that_is_on_its_way_is_not_superseded(world: World, lms: LmsReceiver) -> None:
    """Its answer is lost, so the LMS may have it or get it yet: a newer one comes after it, and is the last word."""
    held = threading.Event()
    lms.answer = lambda one: Reply(0, wait=held) if one.value["n"] == 1 and not held.is_set() else Reply()

    def review(n: int) -> None:
        with write(world.db):
            put(
                world.db, target=world.target, stream="s1", kind="review", body={"sessionId": "s1", "n": n},
                clock=world.clock, supersedes=True,
            )  # fmt: skip

    review(1)
    with world.delivering() as duty:
        world.run_until(duty, lambda: lms.arrived)
        review(2)
        review(3)
        held.set()
        world.run_until(duty, lambda: len(lms.accepted) == 2)
    assert [one.value["n"] for one in lms.accepted] == [1, 3]
    assert [one.status for one in attempts(world.db, 1)] == [None, 200]


def test_a_discarded_one_lets_those_behind_it_go(world: World, lms: LmsReceiver) -> None:
    """What a person gives up is never sent again, and its session goes on."""
    lms.answer = lambda one: Reply(status=500) if one.value["n"] == 0 else Reply()
    world.put("s1", 0)
    world.put("s1", 1)
    with world.delivering() as duty:
        world.run_until(duty, lambda: attempts(world.db, 1))
        discard(world.db, 1, who="ann", why="the exam was a trial", clock=world.clock)
        world.run_until(duty, lambda: not waiting(world.db))
    assert [one.value["n"] for one in lms.accepted] == [1]
    assert get_delivery(world.db, 1).reason == "the exam was a trial"


def test_a_silent_target_is_tried_one_at_a_time_and_starves_no_other(settings: Settings, lms: LmsReceiver) -> None:
    """Hundreds of sessions of a dead LMS cost one attempt now and then; another LMS's go at once; back, all go."""
    clock = ManualClock()
    world = make_world(settings, lms.url, clock)
    with LmsReceiver() as other:
        second, _ = add_lms(settings, world.db, other.url, clock, name="second")
        lms.answer = lambda _: Reply(status=0)
        for stream in range(200):
            world.put(f"s{stream}", 0)
        world.put("x", 0, target=lms_target(second))
        with world.delivering() as duty:
            world.run_until(duty, lambda: other.accepted and duty.on_their_way == 0)
            first = len(lms.arrived)
            assert first <= settings.sync.at_once_to_one * 2
            stands = {one.target: one for one in status(world.db).targets}
            assert stands[world.target].silent_since_us is not None
            assert stands[world.target].last_error == "cut"
            assert stands[world.target].next_try_us > clock.wall_us()  # type: ignore[operator]  # it waits
            for _ in range(5):
                clock.advance(61)
                before = len(lms.arrived)
                world.run_until(duty, lambda now=before: len(lms.arrived) > now and duty.on_their_way == 0)  # type: ignore[misc]
                assert len(lms.arrived) == before + 1
            lms.answer = lambda _: Reply()
            retry_now(world.db, world.target)

            def all_there() -> bool:
                clock.advance(1)
                return not waiting(world.db)

            world.run_until(duty, all_there, 60)
        assert len(lms.accepted) == 200
        assert status(world.db).targets[0].silent_since_us is None
    world.db.conn.close()


def test_a_receiver_that_answers_slowly_is_given_up_in_time(settings: Settings, lms: LmsReceiver) -> None:
    """The time-out bounds the whole call."""
    never = threading.Event()
    lms.answer = lambda _: Reply(wait=never)
    hasty = quicker(settings, timeout_seconds=1.0)
    world = make_world(hasty, lms.url)
    world.put("s1", 0)
    with world.delivering() as duty:
        world.run_until(duty, lambda: attempts(world.db, 1))
    never.set()
    assert attempts(world.db, 1)[0].error == "timeout"
    world.db.conn.close()


def test_retry_after_is_honoured(settings: Settings, lms: LmsReceiver) -> None:
    """Who asks for two minutes is not asked before."""
    clock = ManualClock()
    world = make_world(settings, lms.url, clock)
    lms.answer = lambda _: Reply(status=503, headers={"Retry-After": "120"})
    world.put("s1", 0)
    with world.delivering() as duty:
        world.run_until(duty, lambda: attempts(world.db, 1))
    assert get_delivery(world.db, 1).next_try_us == clock.wall_us() + 120_000_000
    world.db.conn.close()


def test_what_cannot_be_sent_as_the_box_is_set_up_waits_and_says_why(world: World, lms: LmsReceiver) -> None:
    """An inactive integration is sent nothing; switched on again, what waited goes."""
    stored = stored_integration(world.db, world.integration)
    assert stored.integration.is_active
    set_active(world.db, world.integration, active=False, clock=world.clock, who="ann")
    world.put("s1", 0)
    with world.delivering() as duty:
        world.run_until(duty, lambda: status(world.db).targets[0].last_error == "inactive")
        assert lms.arrived == []
        set_active(world.db, world.integration, active=True, clock=world.clock, who="ann")
        world.run_until(duty, lambda: lms.accepted)
        world.run_until(duty, lambda: status(world.db).targets[0].last_error == "")


def test_an_answer_is_kept_without_secrets_and_names(world: World, lms: LmsReceiver) -> None:
    """Token, secret, e-mail address and the candidate's name are not in the log of attempts."""
    db = world.db
    with write(db):
        db.conn.execute(
            "INSERT INTO exam (id, integration, account, exam_id, name, parameters, window_start_us, window_end_us,"
            " created_us, updated_us) VALUES ('e', ?, '', '1', 'Exam', '{}', 0, 1, 0, 0)",
            (world.integration,),
        )
        db.conn.execute(
            "INSERT INTO candidate (id, integration, user_id, last_name, first_name, email, created_us, updated_us)"
            " VALUES ('c', ?, '77', 'Müller', 'Ada', 'ada@example.org', 0, 0)",
            (world.integration,),
        )
        db.conn.execute(
            "INSERT INTO session (id, integration, account, session_id, exam, candidate, created_us, updated_us)"
            " VALUES ('s1', ?, '', 'x', 'e', 'c', 0, 0)",
            (world.integration,),
        )
    echo = f"{world.secret} ada MÜLLER wrote from other@mail.example; "

    def answer(one: Arrived) -> Reply:
        return Reply(body=(echo + one.headers["authorization"]).encode())

    lms.answer = answer
    world.put("s1", 0)
    with world.delivering() as duty:
        world.run_until(duty, lambda: attempts(db, 1))
    body = attempts(db, 1)[0].body
    for part in (world.secret, "ada", "ller", "mail.example", "eyJ"):
        assert part.lower() not in body.lower()
    assert "wrote from" in body


def test_an_address_that_was_taken_away_postpones_that_kind(world: World, lms: LmsReceiver) -> None:
    """Without an address there is no attempt; the delivery waits and says so."""
    from appliance.integrations.store import edit_integration

    edit_integration(
        world.db,
        world.integration,
        addresses=Addresses(review_url=f"{lms.url}/review"),
        clock=world.clock,
        who="ann",
    )
    world.put("s1", 0, kind="warning")
    world.put("s2", 0, kind="review")
    with world.delivering() as duty:
        world.run_until(duty, lambda: lms.accepted and get_delivery(world.db, 1).reason)
    assert [one.path for one in lms.arrived] == ["/review"]
    assert get_delivery(world.db, 1).reason == "no_address: warning"
    assert attempts(world.db, 1) == []
