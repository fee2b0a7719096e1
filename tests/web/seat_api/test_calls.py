"""What seat agents may call, and who else may not: by signed tokens that are good once, for one request."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.database import write
from appliance.exchange.seat.messages import MAX_ITEMS
from appliance.exchange.seat.routes import ANCHOR, ENROL, REPORT
from appliance.usb.agents.codes import keep_code
from appliance.usb.agents.store import get_agent, revoke_agent
from appliance.usb.signed import SignedText, keep_signed
from appliance.vault.keys import init_keys, load_box_id
from appliance.web.app import create_app
from appliance.web.services import of
from tests.web.seat_api.seat import Seat, reason

if TYPE_CHECKING:
    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def stranger(app: Flask, settings: Settings, db: Database, clock: ManualClock) -> Seat:
    """A workstation that has not joined; the code SECRET is good."""
    init_keys(settings, passphrase=None, clock=clock)
    keep_code(db, "SECRETSECRET", seat="A1", clock=clock, who="Ada")
    return Seat(app.test_client(), clock, load_box_id(settings.keys_dir))


@pytest.fixture
def seat(stranger: Seat) -> Seat:
    """A workstation that has joined."""
    assert stranger.joins("SECRETSECRET").status_code == 200
    return stranger


def kept(db: Database) -> int:
    """How many items the box has."""
    return int(db.conn.execute("SELECT COUNT(*) FROM seat_event").fetchone()[0])


def test_a_workstation_joins_and_reports(stranger: Seat, db: Database, settings: Settings, clock: ManualClock) -> None:
    """It learns which box it belongs to and whose policies count, and what it tells is acknowledged."""
    told = stranger.joins("SECRETSECRET").get_json()
    assert (told["agent"], told["box"], told["seat"]) == (stranger.id, stranger.box, "A1")
    assert told["usb_public"] == (settings.keys_dir / "usb.pub").read_bytes().hex()
    assert stranger.joins("SECRETSECRET").get_json()["agent"] == stranger.id
    answer = stranger.reports(stranger.item(), stranger.item()).get_json()
    assert (answer["acknowledged"], answer["seat"], answer["at_us"]) == (2, "A1", clock.wall_us())
    assert answer["watched"]["windows"] is False
    assert kept(db) == 2
    assert get_agent(db, stranger.id).heard_us == clock.wall_us()


def test_a_request_that_comes_again_is_refused(seat: Seat, db: Database) -> None:
    """The very same request is good once; nothing of the second is taken."""
    body = seat.report(seat.item())
    token = seat.token(REPORT, body)
    assert seat.send(REPORT, body, token).status_code == 200
    assert reason(seat.send(REPORT, body, token)) == (401, "replayed")
    assert kept(db) == 1


def test_what_was_sent_before_the_box_started_is_not_taken(
    seat: Seat, settings: Settings, clock: ManualClock, db: Database
) -> None:
    """A request that was caught and is sent again to a box that restarted is refused; a fresh one is taken."""
    body = seat.report(seat.item())
    caught = seat.token(REPORT, body)
    clock.advance(5)
    restarted = create_app(settings, clock)
    seat.client = restarted.test_client()
    assert reason(seat.send(REPORT, body, caught)) == (401, "expired")
    assert kept(db) == 0
    assert seat.send(REPORT, body, seat.token(REPORT, body)).status_code == 200
    of(restarted).jobs.close()
    of(restarted).keeper.conn.close()


@pytest.mark.parametrize("change", ["key", "body", "path", "method", "audience", "late", "early", "unknown", "none"])
def test_nobody_else_reports_in_its_name(seat: Seat, db: Database, change: str) -> None:
    """A foreign key, another body, path, method, box or time, and a name that never joined are refused."""
    body = seat.report(seat.item())
    other = Ed25519PrivateKey.generate()
    now = seat.clock.wall_us()
    token, expected = {
        "key": (seat.token(REPORT, body, private=other), "signature"),
        "body": (seat.token(REPORT, body + b" "), "request"),
        "path": (seat.token(ENROL, body), "request"),
        "method": (seat.token(REPORT, body, method="PUT"), "request"),
        "audience": (seat.token(REPORT, body, audience="box-other"), "audience"),
        "late": (seat.token(REPORT, body, now_us=now - 120_000_000), "expired"),
        "early": (seat.token(REPORT, body, now_us=now + 120_000_000), "future"),
        "unknown": (seat.token(REPORT, body, box="seat-ffffffffffff"), "unknown"),
        "none": ("", "malformed"),
    }[change]
    answer = seat.send(REPORT, body, token)
    assert answer.status_code == 401
    if change != "none":
        assert reason(answer) == (401, expected)
    assert answer.get_json()["at_us"] == now
    assert kept(db) == 0


def test_a_revoked_agent_is_told_so(seat: Seat, db: Database, clock: ManualClock) -> None:
    """It hears why, with a word it understands; what it told before stays."""
    seat.reports(seat.item())
    revoke_agent(db, seat.id, why="lost", clock=clock, who="Ada")
    assert reason(seat.reports(seat.item())) == (403, "revoked")
    assert kept(db) == 1


def test_nobody_joins_under_another_name_or_key(stranger: Seat, db: Database) -> None:
    """The name follows from the key, and the key signs: a code cannot be used to take another's place."""
    assert stranger.joins("SECRETSECRET", agent="seat-ffffffffffff").status_code == 401
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert stranger.joins("SECRETSECRET", public=public.hex()).status_code == 401
    assert reason(stranger.joins("OTHERSECRET")) == (403, "unknown")
    assert db.conn.execute("SELECT COUNT(*) FROM seat_agent").fetchone()[0] == 0


def test_guessing_codes_is_slowed_down(stranger: Seat) -> None:
    """After many tries from one address the next is told to wait."""
    answers = [stranger.joins(f"WRONG{number:07}").status_code for number in range(62)]
    assert answers[0] == 403
    assert answers[-1] == 429


def test_a_newer_policy_comes_with_the_answer(seat: Seat, db: Database) -> None:
    """An agent that has the newest gets none; one that has an older one, or none, gets it as it was signed."""
    with write(db):
        keep_signed(db, SignedText(7, '{"any":"text"}', b"s" * 64))
    got = seat.reports().get_json()["policy"]
    assert (got["version"], got["body"], got["signature"]) == (7, '{"any":"text"}', "73" * 64)
    assert seat.reports(policy_version=6).get_json()["policy"]["version"] == 7
    assert seat.reports(policy_version=7).get_json()["policy"] is None
    assert get_agent(db, seat.id).policy_version == 7


def test_reports_in_which_nothing_happened_are_written_together(seat: Seat, db: Database, clock: ManualClock) -> None:
    """When an agent was heard is kept every few seconds, not at each report."""
    seat.reports()
    first = get_agent(db, seat.id).heard_us
    clock.advance(1)
    seat.reports()
    assert get_agent(db, seat.id).heard_us == first
    clock.advance(3)
    seat.reports()
    assert get_agent(db, seat.id).heard_us == clock.wall_us()


def test_broken_and_oversized_reports_change_nothing(seat: Seat, db: Database) -> None:
    """What is no report is refused with the field that is wrong; too much is not read."""
    for body in (b"", b"[]", b"{}", seat.report(epoch=""), seat.report(seat.item(), seat.item())[:-20]):
        answer = seat.send(REPORT, body, seat.token(REPORT, body))
        assert 400 <= answer.status_code < 500, body
    long = b" " * (3 * 1024 * 1024)
    assert seat.send(REPORT, long, seat.token(REPORT, long)).status_code in {400, 413}
    many = seat.report(*(seat.item() for _ in range(MAX_ITEMS + 1)))
    assert seat.send(REPORT, many, seat.token(REPORT, many)).status_code == 400
    assert kept(db) == 0


def test_the_anchor_is_for_everybody(app: Flask, settings: Settings) -> None:
    """Whoever asks gets the certificate; a box that has none says so."""
    client = app.test_client()
    assert client.get(ANCHOR).status_code == 404
    store = CertificateStore(settings.tls_dir)
    store.create("Hall", names_of(["localhost"]), dt.datetime.now(dt.UTC))
    assert client.get(ANCHOR).get_data() == store.ca_file.read_bytes()


@pytest.mark.parametrize("path", [ENROL, REPORT, "/seat/v1/other"])
def test_no_cookie_and_no_page_of_a_browser_counts(app: Flask, path: str) -> None:
    """Browsers get JSON refusals without a cookie, whatever they bring."""
    answer = app.test_client().post(path, headers={"Accept": "text/html", "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code in {400, 401, 404}
    assert answer.content_type == "application/problem+json"
    assert "Set-Cookie" not in answer.headers
