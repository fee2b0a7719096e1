"""List, playback, export and verification of real recordings over HTTP."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import pytest

from appliance import auditlog
from appliance.database import write
from appliance.vault.format import GapReason
from appliance.web.review import work
from tests.support.waiting import until
from tests.vault.recorded import DEVICE, WALL_US, Recorder, clock_at, movie
from tests.web.bad_fields import bad_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInKeyring

SITTING = "/api/recordings/exam"
BASE = f"{SITTING}/front"


@pytest.fixture(scope="module")
def film() -> bytes:
    """Six seconds of H.264."""
    return movie(6)


@pytest.fixture
def recorded(settings: Settings, film: bytes) -> Recorder:
    """A closed recording of one part, with the box's public key beside it."""
    recorder = Recorder(settings.vault_dir, clock_at())
    recorder.part(film, gap_before=(2, GapReason.STARTING))
    settings.keys_dir.mkdir(parents=True)
    (settings.keys_dir / "device.pub").write_bytes(DEVICE.public)
    return recorder


@pytest.fixture
def sealed_row(recorded: Recorder, db: Database) -> Recorder:
    """The recording with the row the box has of its part."""
    with write(db):
        db.conn.execute(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
            " VALUES ('a', 'exam', 'front', 1, ?, ?, 'closed')",
            (WALL_US - 2_000_000, WALL_US + 6_000_000),
        )
    return recorded


def asked(browser: Browser, path: str) -> dict[str, Any]:
    """Return what an address tells."""
    found = browser.client.get(path)
    assert found.status_code == 200, found.text
    assert found.json is not None
    return dict(found.json)


def segments(browser: Browser, from_us: int = WALL_US, to_us: int = WALL_US + 60_000_000) -> list[list[Any]]:
    """Return the segments of a stretch."""
    return list(asked(browser, f"{BASE}/segments?from_us={from_us}&to_us={to_us}")["segments"])


def finished(browser: Browser, path: str, **fields: str) -> dict[str, Any]:
    """Order a job, wait for its end, return what the page is told."""
    ordered = browser.call(path, **fields)
    assert ordered.status_code == 202, ordered.text
    number = ordered.json["id"]  # type: ignore[index]

    def state() -> Any:
        job = browser.client.get(f"/api/jobs/{number}").json
        return job if job and job["state"] in {"done", "failed", "cancelled"} else None

    return dict(until(state, what="the job's end"))


def test_the_list_shows_what_is_in_the_vault(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """A sitting's line gives its time, state and gaps, also while the key is locked."""
    page = person("reviewer").get("/recordings").text
    assert "Fri 15 Jan 2027" in page
    assert "Sealed" in page
    assert "/recordings/exam" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=exam", True),
        ("q=FRONT", True),
        ("q=nothing", False),
        ("camera=front", True),
        ("camera=back", False),
        ("state=sealed", True),
        ("state=damaged", False),
        ("from=2027-01-15", True),
        ("from=2027-01-16", False),
        ("to=2027-01-15", True),
        ("to=2027-01-14", False),
        ("page=99", True),
    ],
)
def test_the_list_is_narrowed(person: Callable[[str], Browser], sealed_row: Recorder, query: str, found: bool) -> None:
    """Search, camera, state and days narrow the list; a page beyond the last is the last."""
    assert ('href="/recordings/exam"' in person("reviewer").get(f"/recordings?{query}").text) is found


@pytest.mark.parametrize(
    "query", ["from=" + "x" * 26, "state=odd", "page=0", "page=x", "q=" + "x" * 101, "role=administrator"]
)
def test_wrong_filters_are_refused_in_words(person: Callable[[str], Browser], query: str) -> None:
    """A filter that cannot be is an error that names it."""
    assert person("reviewer").get(f"/recordings?{query}").status_code == 422


@pytest.mark.parametrize(("field", "typed"), [("from", "21.11.2026"), ("to", "2026-02-30"), ("to", "the day before")])
def test_a_day_that_is_none_is_told_at_its_field(
    person: Callable[[str], Browser], sealed_row: Recorder, field: str, typed: str
) -> None:
    """What was typed stays, the other filters too, and the list is there."""
    answer = person("reviewer").get(f"/recordings?q=exam&{field}={typed}")
    assert answer.status_code == 422
    assert bad_fields(answer.text) == {field: "This is no day. It looks like 2026-11-21."}
    assert f'value="{typed}"' in answer.text
    assert 'value="exam"' in answer.text
    assert 'href="/recordings/exam"' in answer.text


def test_an_empty_vault_is_said_to_be_empty(person: Callable[[str], Browser]) -> None:
    """Before the first recording the page says so."""
    assert "Nothing has been recorded yet" in person("reviewer").get("/recordings").text


def test_the_overview_tells_a_sittings_cameras_and_gaps(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """One answer tells which cameras there are, from when to when, and every gap; no key is needed."""
    whole = asked(person("reviewer"), SITTING)
    assert (whole["start_us"], whole["end_us"], whole["open"]) == (WALL_US - 2_000_000, WALL_US + 6_000_000, False)
    assert [(one["camera"], one["state"], one["damaged"]) for one in whole["cameras"]] == [("front", "sealed", 0)]
    assert whole["gaps"] == {"front": [[WALL_US - 2_000_000, WALL_US, "recording was starting"]]}
    assert whole["bookmarks"] == []


def test_the_page_of_one_camera_leads_to_its_sitting(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """An address that names a camera opens the sitting with that camera."""
    answer = person("reviewer").get("/recordings/exam/front?at=17")
    assert answer.headers["Location"] == "/recordings/exam?camera=front&at=17"


def test_windows_give_every_segment_by_wall_time(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """Segments follow one another from the first picture to the last; a window begins with its keyframe's segment."""
    browser = person("reviewer")
    rows = segments(browser)
    assert rows[0][2] == WALL_US
    assert rows[0][4] == WALL_US
    assert rows[-1][3] == WALL_US + 6_000_000
    assert all(before[3] == after[2] for before, after in pairwise(rows))
    late = segments(browser, rows[-1][2] + 1, rows[-1][3])
    assert late == rows[-len(late) :]
    assert late[0][4] is not None
    assert late[0][4] <= rows[-1][2] + 1
    assert segments(browser, WALL_US - 9_000_000, WALL_US - 8_000_000) == []


def test_seeking_gives_the_keyframe_before(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """The last keyframe at or before a time is found, and none where no picture is that old."""
    browser = person("reviewer")
    found = asked(browser, f"{BASE}/seek?at_us={WALL_US + 3_500_000}")
    assert found["part"] == 1
    assert WALL_US <= found["key_us"] <= WALL_US + 3_500_000
    assert browser.client.get(f"{BASE}/seek?at_us={WALL_US - 1}").status_code == 404


def test_thumbnails_are_small_pictures_and_kept(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """A small picture of the moment comes as JPEG, again from memory, and not again to a browser that has it."""
    browser = person("reviewer")
    first = browser.client.get(f"{BASE}/thumbnail?at_us={WALL_US + 3_000_000}&width=160")
    assert first.status_code == 200, first.text
    with av.open(io.BytesIO(first.data), format="jpeg_pipe") as picture:
        assert next(picture.decode(video=0)).width == 64
    used = len(keyring.used)
    assert browser.client.get(f"{BASE}/thumbnail?at_us={WALL_US + 3_000_001}&width=160").data == first.data
    assert len(keyring.used) == used
    again = browser.client.get(
        f"{BASE}/thumbnail?at_us={WALL_US + 3_000_000}&width=160", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    keyring.locked = True
    assert browser.client.get(f"{BASE}/thumbnail?at_us={WALL_US + 3_000_000}&width=160").status_code == 423
    keyring.locked = False
    assert browser.client.get(f"{BASE}/thumbnail?at_us={WALL_US + 3_000_000}&width=160").status_code == 200
    assert len(keyring.used) == used + 1, "what was kept is forgotten when the key is locked"


def test_what_is_played_is_what_was_recorded(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """Initialisation and segments joined are a film a decoder shows frame by frame; each key use names the person."""
    browser = person("reviewer")
    init = browser.client.get(f"{BASE}/1/init")
    assert init.headers["X-Exambox-Codecs"].startswith("avc1.")
    data = init.data
    for _, seq, *_ in segments(browser):
        segment = browser.client.get(f"{BASE}/1/{seq}")
        assert segment.content_type == "video/mp4"
        assert int(segment.headers["X-Exambox-Media-Us"]) >= 0
        data += segment.data
    with av.open(io.BytesIO(data)) as film:
        shades = [int(frame.to_ndarray(format="gray").mean()) for frame in film.decode(video=0)]
    assert len(shades) == 60
    assert all(before < after for before, after in pairwise(shades))  # each frame is a little brighter
    assert set(keyring.used) == {("Reviewer", "playback")}


def test_a_locked_key_closes_playback_and_nothing_else(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """Locked: no picture leaves the vault, the page says so and offers to unlock; list and index still answer."""
    browser = person("reviewer")
    keyring.locked = True
    assert browser.client.get(f"{BASE}/1/init").status_code == 423
    assert browser.client.get(f"{BASE}/1/1").status_code == 423
    page = browser.get("/recordings/exam").text
    assert "Playback is locked" in page
    assert "data-unlock" in page
    assert segments(browser)
    assert keyring.used == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/recordings/none", 404),
        ("/recordings/UPPER", 422),
        ("/api/recordings/none", 404),
        ("/api/recordings/exam/back/segments?from_us=1&to_us=2", 404),
        ("/api/recordings/exam/UPPER/seek?at_us=1", 422),
        (f"{BASE}/9/init", 404),
        (f"{BASE}/1/999", 409),
        (f"{BASE}/1/0", 404),
        (f"{BASE}/segments", 422),
        (f"{BASE}/segments?from_us=soon&to_us=5", 422),
        (f"{BASE}/segments?from_us=-5&to_us=5", 422),
        (f"{BASE}/seek?at_us=99999999999999999999999", 422),
        (f"{BASE}/thumbnail?at_us={WALL_US}&width=161", 422),
        (f"{BASE}/1/99999999999999999999999", 409),
        ("/api/recordings/..%2F..%2Fetc/passwd", 404),
        ("/api/jobs/none", 404),
        ("/exports/none/clip.mp4", 404),
    ],
)
def test_wrong_addresses_get_an_error_in_words(
    person: Callable[[str], Browser], recorded: Recorder, path: str, status: int
) -> None:
    """Whatever is not there is refused plainly, never with a fault."""
    response = person("reviewer").client.get(path)
    assert response.status_code == status, response.text


def test_an_export_can_be_downloaded_by_its_maker_and_checked(
    person: Callable[[str], Browser], recorded: Recorder, db: Database
) -> None:
    """The clip plays, its hash is the one shown, its sidecars are there; it is logged; nobody else can fetch it."""
    browser = person("reviewer")
    job = finished(browser, f"{SITTING}/exports", from_us=str(WALL_US + 1_000_000), to_us=str(WALL_US + 4_000_000))
    assert job["state"] == "done", job["problem"]
    kinds = [file["kind"] for file in job["result"]["files"]]
    assert kinds == ["clip", "manifest", "signature", "device key"]
    clip, *beside = [browser.client.get(link) for link in job["links"]]
    assert clip.status_code == 200
    assert "attachment" in clip.headers["Content-Disposition"]
    assert hashlib.sha256(clip.data).hexdigest() == job["result"]["files"][0]["sha256"]
    with av.open(io.BytesIO(clip.data)) as film:
        assert 30 <= sum(1 for _ in film.decode(video=0)) <= 41
    assert len(beside[1].data) == 64
    assert person("administrator").client.get(job["links"][0]).status_code == 404
    assert "recording.exported" in [line.action for line in auditlog.show(db)]
    assert browser.call(f"/api/jobs/{job['id']}/discard").status_code == 200
    assert browser.client.get(job["links"][0]).status_code == 404


@pytest.mark.parametrize(
    ("first", "last"),
    [("", ""), ("x", "1"), ("5", "5"), ("1", "2"), (str(WALL_US), str(WALL_US + 10**12)), ("-1", "9")],
)
def test_exports_that_make_no_sense_are_refused(
    person: Callable[[str], Browser], recorded: Recorder, first: str, last: str
) -> None:
    """An empty, foreign or endless stretch is refused before any work begins."""
    assert person("reviewer").call(f"{SITTING}/exports", from_us=first, to_us=last).status_code == 422


@pytest.mark.parametrize("level", ["presence", "chain", "full"])
def test_verification_says_in_words_that_all_is_well(
    person: Callable[[str], Browser], recorded: Recorder, level: str
) -> None:
    """An untouched recording verifies at every level."""
    job = finished(person("reviewer"), f"{SITTING}/checks", level=level)
    assert job["state"] == "done", job["problem"]
    assert job["result"]["ok"] is True
    assert [(one["camera"], one["findings"]) for one in job["result"]["cameras"]] == [("front", [])]


def test_verification_finds_one_changed_byte(
    person: Callable[[str], Browser], recorded: Recorder, settings: Settings
) -> None:
    """A single flipped byte in the file is a finding, in words."""
    path = settings.vault_dir / "exam" / "front" / "0001.sqlite"
    with sqlite3.connect(path) as conn:
        data = bytearray(conn.execute("SELECT data FROM record WHERE seq = 3").fetchone()[0])
        data[10] ^= 1
        conn.execute("UPDATE record SET data = ? WHERE seq = 3", (bytes(data),))
    conn.close()
    job = finished(person("reviewer"), f"{SITTING}/checks", level="chain")
    assert job["result"]["ok"] is False
    told = job["result"]["cameras"][0]
    assert told["words"].startswith("Not as it was sealed")
    assert told["findings"][0]["message"]


def test_full_verification_of_a_locked_box_says_that_it_is_locked(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """Without the key the deepest level cannot run, and says why; the chain can."""
    browser = person("reviewer")
    keyring.locked = True
    job = finished(browser, f"{SITTING}/checks", level="full")
    assert (job["state"], job["problem"]["code"]) == ("failed", "keys.locked")
    assert finished(browser, f"{SITTING}/checks", level="chain")["result"]["ok"] is True
    assert browser.call(f"{SITTING}/checks", level="deeper").status_code == 422


def test_an_auditor_verifies_and_sees_no_picture(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """Auditors read when what was recorded and verify it; pictures, bookmarks and exports are not theirs."""
    browser = person("auditor")
    assert asked(browser, SITTING)["bookmarks"] == []
    assert segments(browser)
    assert finished(browser, f"{SITTING}/checks", level="chain")["result"]["ok"] is True
    assert browser.call(f"{SITTING}/checks", level="full").status_code == 403
    assert browser.client.get(f"{BASE}/1/1").status_code == 403
    assert browser.client.get(f"{BASE}/thumbnail?at_us={WALL_US}").status_code == 403
    assert browser.call(f"{SITTING}/exports", from_us="1", to_us="2").status_code == 403


def test_an_export_covers_the_cameras_that_recorded_then(
    person: Callable[[str], Browser], recorded: Recorder, settings: Settings, film: bytes
) -> None:
    """Several cameras go into one order, each with its own clip and manifest; one without pictures then is named."""
    Recorder(settings.vault_dir, clock_at(), camera="side").part(film)
    late = clock_at()
    late.advance(3_600_000_000)
    Recorder(settings.vault_dir, late, camera="late").part(film)
    browser = person("centre_manager")
    job = finished(browser, f"{SITTING}/exports", from_us=str(WALL_US), to_us=str(WALL_US + 3_000_000))
    assert job["state"] == "done", job["problem"]
    clips = [file for file in job["result"]["files"] if file["kind"] == "clip"]
    assert sorted(file["camera"] for file in clips) == ["front", "side"]
    assert len({file["name"] for file in job["result"]["files"]}) == len(job["links"]) == 8
    assert job["result"]["left_out"] == ["late"]
    only = finished(browser, f"{SITTING}/exports", from_us=str(WALL_US), to_us=str(WALL_US + 3_000_000), cameras="side")
    assert {file["camera"] for file in only["result"]["files"]} == {"side"}


def test_an_order_that_is_given_up_stops(
    person: Callable[[str], Browser], recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up while it runs, an order ends at its next step, keeps no file, and says so."""
    browser = person("reviewer")
    began, go = threading.Event(), threading.Event()
    real = work._clip

    def slow(*arguments: Any) -> Any:
        began.set()
        go.wait(10)
        return real(*arguments)

    monkeypatch.setattr(work, "_clip", slow)
    ordered = browser.call(f"{SITTING}/exports", from_us=str(WALL_US), to_us=str(WALL_US + 3_000_000))
    assert ordered.json is not None
    number = ordered.json["id"]
    assert began.wait(10)
    assert browser.call(f"/api/jobs/{number}/discard").status_code == 200
    go.set()

    def ended() -> Any:
        job = browser.client.get(f"/api/jobs/{number}").json
        return job if job and job["state"] == "cancelled" else None

    assert dict(until(ended, what="the order's end"))["result"] == {}
