"""The archive: an LMS's reviewer sees one session's recordings, and nothing before, after or beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.auditlog import show
from appliance.clock import SECOND_US, ManualClock
from appliance.database import write
from appliance.exchange.token import issue_token
from appliance.integrations.store import set_active
from appliance.web.services import of
from tests.vault.recorded import DEVICE, WALL_US, Recorder, clock_at, movie
from tests.web.candidate.handed import LMS, PAGE, Candidate, Lms

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInKeyring

WHERE = "/integration/simple/moodle/archive/s-4711/"
FROM, TO = WALL_US + 5 * SECOND_US, WALL_US + 9 * SECOND_US
FRAMED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
LINKED = FRAMED | {"Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def film() -> bytes:
    """Fifteen seconds of H.264."""
    return movie(15)


@pytest.fixture
def lms(app: Flask, db: Database, settings: Settings, film: bytes, account: Callable[[str, str], None]) -> Lms:
    """An LMS, two cameras' recordings of a sitting, another sitting's, and a session of four seconds in the first."""
    account("First", "administrator")
    clock = of(app).clock
    assert isinstance(clock, ManualClock)
    found = Lms(app, db, clock, settings).connect()
    for sitting, camera in (("exam", "front"), ("exam", "back"), ("other", "front")):
        Recorder(settings.vault_dir, clock_at(), sitting=sitting, camera=camera).part(film)
        with write(db):
            db.conn.execute(
                "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
                " VALUES (?, ?, ?, 1, ?, ?, 'closed')",
                (f"{sitting}-{camera}", sitting, camera, WALL_US, WALL_US + 15 * SECOND_US),
            )
    (settings.keys_dir / "device.pub").write_bytes(DEVICE.public)
    Candidate(app.test_client(), found).arrive()
    with write(db):
        db.conn.execute("UPDATE session SET begun_us = ?, finished_us = ?", (FROM, TO))
        db.conn.execute(
            "INSERT INTO recording_wish (sitting, wished_us, wished_by, stopped_us) VALUES ('exam', ?, 'x', ?)",
            (WALL_US - SECOND_US, WALL_US + 20 * SECOND_US),
        )
        db.conn.execute("DELETE FROM recording_wish WHERE sitting <> 'exam'")
    clock.advance(60)
    return found


def token(lms: Lms, *, life_s: int = 60, secret: str = "", jti: str | None = None, **said: Any) -> str:
    """A reviewer's token."""
    claims: dict[str, Any] = {
        "userId": 5,
        "firstName": "Rita",
        "lastName": "Ek",
        "sessionId": "s-4711",
        "returnUrl": f"{LMS}/grades",
    }
    return issue_token(secret or lms.secret, now_us=lms.clock.wall_us(), life_s=life_s, claims=claims | said, jti=jti)


def come(client: FlaskClient, text: str, *, framed: bool = False, secure: bool = False) -> TestResponse:
    """Bring a reviewer from the LMS."""
    return client.post(
        WHERE, data={"token": text}, headers=PAGE | (FRAMED if framed else LINKED) | {"Origin": LMS},
        base_url="https://localhost" if secure else "http://localhost",
    )  # fmt: skip


@pytest.fixture
def reviewer(app: Flask, lms: Lms) -> FlaskClient:
    """A browser that came with a token."""
    client = app.test_client()
    answer = come(client, token(lms))
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def place(lms: Lms) -> str:
    """Where the archive of the session is."""
    return f"/archive/{lms.facts().session.id}/"


def told(client: FlaskClient, path: str) -> Any:
    """Return what an address tells."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_token_opens_the_player_at_the_session(reviewer: FlaskClient, place: str, lms: Lms) -> None:
    """The page names the session and who it is for, the log says who came by which integration."""
    page = reviewer.get(place, headers=PAGE)
    assert page.status_code == 200
    assert "Recording of session s-4711" in page.text
    assert "Rita Ek (moodle: 5)" in page.text
    assert f'data-api="{place}api/exam"' in page.text
    for absent in ("data-export", "data-bookmarks", "data-verify", 'href="/recordings'):
        assert absent not in page.text
    entry = next(line for line in show(lms.db, limit=50) if line.action == "review.archive_opened")
    assert entry.who == "Rita Ek (moodle: 5)"


def test_the_overview_is_the_sessions(reviewer: FlaskClient, place: str) -> None:
    """Its cameras, from its beginning to its end, without bookmarks, holds or what was deleted."""
    seen = told(reviewer, f"{place}api/exam")
    assert (seen["start_us"], seen["end_us"]) == (FROM, TO)
    assert sorted(camera["camera"] for camera in seen["cameras"]) == ["back", "front"]
    assert {(one["start_us"], one["end_us"]) for one in seen["cameras"]} == {(FROM, TO)}
    assert (seen["bookmarks"], seen["held"], seen["open"]) == ([], False, False)


def test_the_sessions_pictures_play(reviewer: FlaskClient, place: str, keyring: StandInKeyring) -> None:
    """Every segment of the range, its initialisation and a small picture come, opened for the reviewer by name."""
    base = f"{place}api/exam/front"
    rows = told(reviewer, f"{base}/segments?from_us=0&to_us={2**53}")["segments"]
    assert rows
    assert reviewer.get(f"{base}/1/init").status_code == 200
    for part, seq, *_ in rows:
        assert reviewer.get(f"{base}/{part}/{seq}").status_code == 200
    assert told(reviewer, f"{base}/seek?at_us={FROM + SECOND_US}")["key_us"] <= FROM + SECOND_US
    assert {who for who, _ in keyring.used} == {"Rita Ek (moodle: 5)"}


def test_nothing_outside_of_the_range_is_given(
    reviewer: FlaskClient, place: str, person: Callable[[str], Browser]
) -> None:
    """Of all segments only those of the session, and the ones its first picture hangs on, are opened."""
    own = person("reviewer")
    everything = own.client.get(f"/api/recordings/exam/front/segments?from_us=0&to_us={2**53}").get_json()["segments"]
    key = own.client.get(f"/api/recordings/exam/front/seek?at_us={FROM}").get_json()["seq"]
    allowed = {seq for _, seq, start, end, _ in everything if start < TO and (end > FROM or seq >= key)}
    base = f"{place}api/exam/front"
    given = {seq for _, seq, *_ in everything if reviewer.get(f"{base}/1/{seq}").status_code == 200}
    assert given == allowed
    assert 0 < len(given) < len(everything)
    shown = told(reviewer, f"{base}/segments?from_us=0&to_us={2**53}")["segments"]
    assert {seq for _, seq, *_ in shown} <= allowed
    for at_us in (WALL_US + SECOND_US, TO + SECOND_US, 0, 2**53):
        assert reviewer.get(f"{base}/seek?at_us={at_us}").status_code == 404
        assert reviewer.get(f"{base}/thumbnail?at_us={at_us}").status_code == 404
    for path in ("2/init", "1/99999", "1/0/0"):
        assert reviewer.get(f"{base}/{path}").status_code == 404


def test_nothing_beside_it_is_there(reviewer: FlaskClient, place: str, lms: Lms) -> None:
    """Other sittings, other sessions, other cameras, and every page and endpoint of the dashboard."""
    for path in ("other", "other/front/segments?from_us=0&to_us=1", "exam/none/segments?from_us=0&to_us=1",
                 "other/front/1/init", "other/front/1/1", "other/front/thumbnail?at_us=1"):  # fmt: skip
        assert reviewer.get(f"{place}api/{path}").status_code == 404, path
    Candidate(lms.app.test_client(), lms).arrive(sessionId="s-2", userId="8")
    elsewhere = f"/archive/{lms.facts('s-2').session.id}/"
    for path in (elsewhere, f"{elsewhere}api/exam", f"{elsewhere}api/exam/front/1/init"):
        assert reviewer.get(path).status_code == 403
    for path in ("/recordings", "/recordings/exam", "/api/recordings/exam", "/api/recordings/exam/front/1/init",
                 "/api/recordings/exam/bookmarks", "/live", "/admin", "/account", "/api/status"):  # fmt: skip
        assert reviewer.get(path).status_code == 401, path
    for path in ("/api/recordings/exam/exports", "/api/recordings/exam/checks", "/api/recordings/exam/bookmarks"):
        assert reviewer.post(path).status_code in {400, 401}, path


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"secret": "another secret of at least 32 bytes!!"}, 401),
        ({"life_s": -60}, 401),
        ({"sessionId": "s-2"}, 401),
        ({"userId": None}, 400),
        ({"returnUrl": "javascript:alert(1)"}, 400),
    ],
    ids=["forged", "expired", "other session", "nobody", "javascript"],
)
def test_a_wrong_token_opens_nothing(app: Flask, lms: Lms, place: str, said: dict[str, Any], status: int) -> None:
    """Refused with a reason; no pass is given and nothing is entered in the log."""
    client = app.test_client()
    answer = come(client, token(lms, **said))
    assert answer.status_code == status
    assert "exambox_archive" not in str(answer.headers)
    assert client.get(place).status_code == 403
    assert all(line.action != "review.archive_opened" for line in show(lms.db, limit=50))


def test_a_token_without_an_end_has_to_be_new(app: Flask, lms: Lms) -> None:
    """With an ``iat`` of this moment it is taken, without any time or with an old one it is not."""
    from appliance.exchange.token import _SIGNATURES

    def signed(**claims: Any) -> str:
        import json

        body = {"userId": "5", "sessionId": "s-4711", **claims}
        return str(_SIGNATURES.encode(json.dumps(body).encode(), lms.secret, "HS256"))

    now = lms.clock.wall_us() // SECOND_US
    for claims, status in (({}, 401), ({"iat": now - 3600}, 401), ({"iat": now - 60}, 303)):
        assert come(app.test_client(), signed(**claims)).status_code == status, claims


def test_a_token_with_a_jti_is_good_once(app: Flask, lms: Lms) -> None:
    """A second browser with the same token is refused."""
    once = token(lms, jti="one")
    assert come(app.test_client(), once).status_code == 303
    assert come(app.test_client(), once).status_code == 401


@pytest.mark.parametrize("how", ["idle", "old", "inactive", "closed", "changed", "other kind"])
def test_a_pass_ends(reviewer: FlaskClient, place: str, lms: Lms, how: str) -> None:
    """After an hour unused, a day of use, with the integration, by hand, and never by changing it."""
    if how == "idle":
        lms.clock.advance(3601)
    elif how == "old":
        for _ in range(9):
            lms.clock.advance(3500)
            reviewer.get(f"{place}api/exam")
    elif how == "inactive":
        assert lms.integration is not None
        set_active(lms.db, lms.integration.id, active=False, clock=lms.clock, who="test")
    elif how == "closed":
        page = reviewer.post(f"{place}close", headers=PAGE)
        assert f'href="{LMS}/grades"' in page.text
    else:
        cookie = reviewer.get_cookie("exambox_archive", path=place.rstrip("/"))
        assert cookie is not None
        value = cookie.value[:-2] + "AA" if how == "changed" else cookie.value.replace("s-4711", "s-2")
        if how == "other kind":
            answer = come(lms.app.test_client(), token(lms), framed=True)
            value = answer.headers["Location"].partition("code=")[2]
        reviewer.set_cookie("exambox_archive", value, path=place.rstrip("/"))
    assert reviewer.get(f"{place}api/exam").status_code == 403
    assert reviewer.get(f"{place}api/exam/front/1/init").status_code == 403


def test_a_pass_in_use_lives_on(reviewer: FlaskClient, place: str, lms: Lms) -> None:
    """Watching for three hours needs no second token."""
    for _ in range(6):
        lms.clock.advance(1800)
        assert reviewer.get(f"{place}api/exam").status_code == 200


def test_in_a_frame_by_https_the_cookie_is_partitioned(app: Flask, lms: Lms, place: str) -> None:
    """It is kept apart for the LMS's page, and that page alone may show the player."""
    client = app.test_client()
    answer = come(client, token(lms), framed=True, secure=True)
    cookie = answer.headers["Set-Cookie"]
    for mark in (
        "__Secure-exambox_archive=",
        "Partitioned",
        "SameSite=None",
        "Secure",
        "HttpOnly",
        f"Path={place.rstrip('/')}",
    ):
        assert mark in cookie, cookie
    page = client.get(place, headers=PAGE | FRAMED, base_url="https://localhost")
    assert page.status_code == 200
    assert f"frame-ancestors {LMS};" in page.headers["Content-Security-Policy"] + ";"
    assert "X-Frame-Options" not in page.headers


def test_a_frame_without_cookies_has_a_way_out(app: Flask, lms: Lms, place: str) -> None:
    """The page offers a window of its own, whose code is good for two minutes and for this session."""
    answer = come(app.test_client(), token(lms), framed=True)
    page = app.test_client().get(answer.headers["Location"], headers=PAGE | FRAMED)
    assert "window of its own" in page.text
    code = re.search(r'name="code" value="([^"]+)"', page.text)
    assert code
    window = app.test_client()
    assert window.post(f"{place}window", data={"code": code[1]}, headers=PAGE).status_code == 303
    assert window.get(place, headers=PAGE).status_code == 200
    assert app.test_client().post(f"{place}window", data={"code": code[1][:-2] + "AA"}).status_code == 403
    lms.clock.advance(121)
    assert app.test_client().post(f"{place}window", data={"code": code[1]}).status_code == 403


def test_the_link_without_a_token_is_for_people_of_the_box(
    lms: Lms, browser: Browser, person: Callable[[str], Browser]
) -> None:
    """Signed in, it leads to the session's review with its recording; signed out to the sign-in, known or not."""
    answer = person("reviewer").get(WHERE)
    where = person("auditor").get(answer.headers["Location"], follow_redirects=True)
    assert where.request.path == f"/reviews/{lms.facts().session.id}"
    assert f'data-from="{FROM}" data-to="{TO}"' in where.text
    for path in (WHERE, "/integration/simple/moodle/archive/none/"):
        led = browser.get(browser.get(path).headers["Location"])
        assert led.headers["Location"].startswith("/sign-in")
    assert lms.name == "moodle"


def test_a_session_that_was_not_recorded_says_so(reviewer: FlaskClient, place: str, lms: Lms) -> None:
    """No player, no error: a sentence."""
    with write(lms.db):
        lms.db.conn.execute("DELETE FROM recording_wish")
    page = reviewer.get(place, headers=PAGE)
    assert page.status_code == 200
    assert "Nothing was recorded in this session" in page.text


def test_a_name_full_of_markup_stays_text(app: Flask, lms: Lms, place: str) -> None:
    """What the LMS calls its reviewer becomes no element of the page."""
    client = app.test_client()
    come(client, token(lms, firstName="<script>x</script>", lastName="\u202eevil\n"))
    page = client.get(place, headers=PAGE).text
    assert "<script>x" not in page
    assert "\u202e" not in page


def test_only_a_browser_that_is_brought_comes_from_elsewhere(app: Flask, lms: Lms) -> None:
    """No script, picture or object of another page reaches the entry; its API answers no other page at all."""
    client = app.test_client()
    for mode, dest in (("cors", "empty"), ("no-cors", "image"), ("navigate", "object")):
        headers = PAGE | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert client.post(WHERE, data={"token": token(lms)}, headers=headers).status_code == 403
