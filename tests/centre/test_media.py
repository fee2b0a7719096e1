"""Recordings the centre asked for: sealed as they are, resumed where they were cut, behind everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.centre.media import media_asked, sealed
from appliance.clock import SECOND_US, ManualClock
from appliance.database import open_box_database
from appliance.hub.media import ask_media, get_media, segment_path, withdraw_media
from appliance.sync.centre_media import MediaDuty
from appliance.vault.format import parse_header
from appliance.vault.reader import PartReader
from tests.centre.test_taking_over import pull
from tests.vault.recorded import MONO_US, WALL_US, Recorder, movie

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.centre.box import Box
    from tests.support.hub_server import HubServer


@pytest.fixture
def clock() -> ManualClock:
    """A clock of the time of the recording."""
    return ManualClock(wall_us=WALL_US, mono_us=MONO_US)


@pytest.fixture
def recorded(box: Box) -> None:
    """Two parts of six seconds, sealed."""
    recorder = Recorder(box.settings.vault_dir, box.clock)
    recorder.part(movie(6))
    recorder.part(movie(6))


@pytest.fixture
def duty(box: Box) -> Iterator[MediaDuty]:
    """What sends recordings, with a connection of its own."""
    made = MediaDuty(box.settings, open_box_database(box.settings.database), box.clock)
    yield made
    made.close()


def ask(server: HubServer, box: Box, seconds: int = 60) -> str:
    """Ask the box for what its camera recorded from the beginning on."""
    return ask_media(
        server.db, box.id, sitting="exam", camera="front", from_us=WALL_US, to_us=WALL_US + seconds * SECOND_US,
        why="a complaint", clock=box.clock, who="cara",
    ).id  # fmt: skip


def send(box: Box, duty: MediaDuty, rounds: int = 8) -> None:
    """Let the duty work until it has nothing to do at once."""
    for _ in range(rounds):
        box.clock.advance(31)
        duty.run()


def test_only_what_is_asked_for_leaves_and_it_leaves_sealed(
    box: Box, server: HubServer, recorded: None, duty: MediaDuty
) -> None:
    """Nothing is sent unasked; asked for, every segment arrives with the very bytes of the vault, and is complete."""
    pull(box, server)
    send(box, duty, 2)
    assert not [path for path in server.asked if "/media/" in path]
    media = ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    send(box, duty)
    (asked,) = media_asked(box.db, box.centre.hub)
    assert asked.state == "complete"
    found = get_media(server.db, media)
    assert (found.stored, found.offered) == (asked.segments, asked.segments)
    assert found.stored >= 4
    folder = server.hub.media_folder
    for part, seq in server.db.conn.execute("SELECT part, seq FROM hub_segment WHERE media = ?", (media,)).fetchall():
        data = segment_path(folder, media, part, seq).read_bytes()
        with PartReader(box.settings.vault_dir / "exam" / "front" / f"{part:04d}.sqlite") as reader:
            stored = reader.record(seq)
        assert data[4:68] == stored.header
        assert data.endswith(stored.data)
        assert parse_header(data[4:68]).seq == seq


def test_a_cut_goes_on_with_what_is_missing(box: Box, server: HubServer, recorded: None, duty: MediaDuty) -> None:
    """After a cut in the middle the segments that had arrived are not sent again."""
    media = ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    sent: list[str] = []

    def cutting(app: Any, environ: dict[str, Any], start: Any) -> Any:
        if environ["REQUEST_METHOD"] == "PUT":
            sent.append(environ["PATH_INFO"])
            if len(sent) == 3:
                start("503 Busy", [])
                return [b""]
        return app(environ, start)

    server.between = cutting
    send(box, duty)
    assert media_asked(box.db, box.centre.hub)[0].state == "complete"
    assert len(sent) == len(set(sent)) + 1
    assert get_media(server.db, media).complete_us is not None


def test_what_happened_goes_before_recordings(box: Box, server: HubServer, recorded: None, duty: MediaDuty) -> None:
    """As long as an item waits for the centre no segment is sent."""
    ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    box.put(1)
    send(box, duty, 2)
    assert not [path for path in server.asked if "/media/" in path]
    box.round()
    send(box, duty)
    assert media_asked(box.db, box.centre.hub)[0].state == "complete"


def test_a_request_that_is_withdrawn_is_dropped(box: Box, server: HubServer, recorded: None, duty: MediaDuty) -> None:
    """Withdrawn at the centre, nothing more is sent."""
    media = ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    withdraw_media(server.db, media, clock=box.clock, who="cara")
    pull(box, server)
    send(box, duty, 2)
    assert media_asked(box.db, box.centre.hub)[0].state == "withdrawn"
    assert not [path for path in server.asked if path.endswith("/media/")]


def test_a_recording_the_box_does_not_have_is_said_to_be_none(box: Box, server: HubServer, duty: MediaDuty) -> None:
    """Asked for a camera without a recording, the box says that there is nothing, and the request is settled."""
    ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    send(box, duty)
    assert media_asked(box.db, box.centre.hub)[0].state == "nothing"


def test_the_cap_slows_sending_down(
    box: Box, server: HubServer, recorded: None, duty: MediaDuty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two segments so much time passes as the cap gives the first."""
    ask(server, box)
    box.clock.advance(200)
    pull(box, server)
    slept: list[float] = []
    monkeypatch.setattr(box.clock, "sleep", slept.append)
    send(box, duty)
    rate = box.settings.sync.media_kbit_per_second
    assert slept
    size = server.db.conn.execute("SELECT SUM(size) FROM hub_segment").fetchone()[0]
    assert sum(slept) == pytest.approx(size * 8 / 1000 / rate, rel=0.05)


def test_nothing_of_it_can_be_read_on_the_way(box: Box, recorded: None) -> None:
    """What is sent of a segment holds no plain MP4."""
    from appliance.centre.media import Place

    path = box.settings.vault_dir / "exam" / "front" / "0001.sqlite"
    with PartReader(path) as reader:
        last = reader.last_seq()
    for seq in range(last + 1):
        data = sealed(Place(path, 1, seq))
        assert b"moof" not in data
        assert b"ftyp" not in data
