"""List, playback, export and verification of real recordings over HTTP."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import pytest

from appliance import auditlog
from appliance.vault.format import GapReason
from tests.support.waiting import until
from tests.vault.recorded import DEVICE, WALL_US, Recorder, clock_at, movie

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInKeyring

BASE = "/api/recordings/exam/front"


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


def index(browser: Browser, query: str = "") -> dict[str, Any]:
    """Return a recording's index."""
    found = browser.client.get(BASE + query)
    assert found.status_code == 200, found.text
    assert found.json is not None
    return dict(found.json)


def finished(browser: Browser, path: str, **fields: str) -> dict[str, Any]:
    """Order a job, wait for its end, return what the page is told."""
    ordered = browser.call(path, **fields)
    assert ordered.status_code == 202, ordered.text
    number = ordered.json["id"]  # type: ignore[index]

    def state() -> Any:
        job = browser.client.get(f"/api/jobs/{number}").json
        return job if job and job["state"] in {"done", "failed"} else None

    return dict(until(state, what="the job's end"))


def test_the_list_shows_what_is_in_the_vault(person: Callable[[str], Browser], recorded: Recorder) -> None:
    """A recording's line gives its time, state and gaps, also while the key is locked."""
    page = person("reviewer").get("/recordings").text
    assert "Fri 15 Jan 2027" in page
    assert "Sealed" in page
    assert "recording was starting" in page


def test_an_empty_vault_is_said_to_be_empty(person: Callable[[str], Browser]) -> None:
    """Before the first recording the page says so."""
    assert "Nothing has been recorded yet" in person("reviewer").get("/recordings").text


def test_the_index_gives_every_segment_and_gap_by_wall_time(
    person: Callable[[str], Browser], recorded: Recorder
) -> None:
    """Segments follow one another from the first picture to the last; asked again, only what is new comes."""
    browser = person("reviewer")
    whole = index(browser)
    rows = whole["segments"]
    assert whole["open"] is False
    assert whole["gaps"] == [[WALL_US - 2_000_000, WALL_US, "recording was starting"]]
    assert rows[0][2] == WALL_US
    assert rows[0][4] == WALL_US
    assert rows[-1][3] == WALL_US + 6_000_000
    assert all(before[3] == after[2] for before, after in pairwise(rows))
    assert index(browser, f"?after={rows[1][3]}")["segments"] == rows[2:]
    assert index(browser, f"?after={rows[-1][3]}")["segments"] == []


def test_what_is_played_is_what_was_recorded(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """Initialisation and segments joined are a film a decoder shows frame by frame; each key use names the person."""
    browser = person("reviewer")
    init = browser.client.get(f"{BASE}/1/init")
    assert init.headers["X-Exambox-Codecs"].startswith("avc1.")
    data = init.data
    for _, seq, *_ in index(browser)["segments"]:
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
    page = browser.get("/recordings/exam/front").text
    assert "Playback is locked" in page
    assert "data-unlock" in page
    assert "<video" not in page
    assert index(browser)["segments"]
    assert keyring.used == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/recordings/exam/back", 404),
        ("/recordings/exam/UPPER", 422),
        ("/api/recordings/exam/back", 404),
        (f"{BASE}/9/init", 404),
        (f"{BASE}/1/999", 409),
        (f"{BASE}/1/0", 404),
        (f"{BASE}?after=soon", 422),
        (f"{BASE}?after=-5", 422),
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
    job = finished(browser, f"{BASE}/exports", from_us=str(WALL_US + 1_000_000), to_us=str(WALL_US + 4_000_000))
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
    assert person("reviewer").call(f"{BASE}/exports", from_us=first, to_us=last).status_code == 422


@pytest.mark.parametrize("level", ["presence", "chain", "full"])
def test_verification_says_in_words_that_all_is_well(
    person: Callable[[str], Browser], recorded: Recorder, level: str
) -> None:
    """An untouched recording verifies at every level."""
    job = finished(person("reviewer"), f"{BASE}/checks", level=level)
    assert job["state"] == "done", job["problem"]
    assert job["result"]["ok"] is True
    assert job["result"]["findings"] == []


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
    job = finished(person("reviewer"), f"{BASE}/checks", level="chain")
    assert job["result"]["ok"] is False
    assert job["result"]["words"].startswith("Not as it was sealed")
    assert job["result"]["findings"][0]["message"]


def test_full_verification_of_a_locked_box_says_that_it_is_locked(
    person: Callable[[str], Browser], recorded: Recorder, keyring: StandInKeyring
) -> None:
    """Without the key the deepest level cannot run, and says why; the chain can."""
    browser = person("reviewer")
    keyring.locked = True
    job = finished(browser, f"{BASE}/checks", level="full")
    assert (job["state"], job["problem"]["code"]) == ("failed", "keys.locked")
    assert finished(browser, f"{BASE}/checks", level="chain")["result"]["ok"] is True
    assert browser.call(f"{BASE}/checks", level="deeper").status_code == 422
