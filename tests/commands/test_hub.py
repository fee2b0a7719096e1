"""`exambox hub code`, `boxes`, `assign`, `export`, `import`, `revoke`: a hub looked after without its pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.database import open_box_database, write
from appliance.errors import ApplianceError, ConflictError, NotFoundError
from appliance.hub.assigning import boxes_assigned
from appliance.hub.boxes import BoxRefusedError, get_box
from appliance.outbox import CENTRE, put
from appliance.vault.keys import init_keys, load_box_id
from tests.commands.box import run
from tests.support.hub_server import serving_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from appliance.config import Settings
    from tests.support.hub_server import HubServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    """A hub that was started before."""
    with serving_hub(tmp_path / "there", SystemClock()) as served:
        yield served


@pytest.fixture
def box(settings: Settings, server: HubServer) -> str:
    """A box that joined it by a code of the command line."""
    init_keys(settings, passphrase=None, clock=SystemClock())
    made = json.loads(hub(server, "code", "--room", "Hall 2", "--json").stdout)
    joined = run(settings, "sync", "enrol", made["code"], "--address", server.address)
    assert joined.exit_code == 0, joined.exception
    return load_box_id(settings.keys_dir)


def hub(server: HubServer, *arguments: str) -> Result:
    """Run a command of the hub."""
    return run(server.settings, "hub", *arguments)


def refused(result: Result, kind: type[ApplianceError]) -> str:
    """Return what a command was refused with; it has to be of this kind, and say what to do."""
    assert isinstance(result.exception, kind), result
    assert result.exception.hint
    return result.exception.message


def test_an_exam_is_given_to_rooms_and_taken_back(server: HubServer, box: str) -> None:
    """By the LMS's examId and the room's name; again changes nothing; without rooms nobody has it."""
    exam = server.exam(server.lms()[0], "law")
    assert hub(server, "assign", "law", "Hall 2").stdout == "The exam law goes to Hall 2.\n"
    assert boxes_assigned(server.db, "exam", exam) == [box]
    assert hub(server, "assign", exam, box).stdout == "Nothing has changed: it goes to Hall 2.\n"
    assert "in order" in hub(server, "boxes").stdout or "never" in hub(server, "boxes").stdout
    assert hub(server, "assign", "law").stdout == "The exam law goes to no room.\n"
    assert boxes_assigned(server.db, "exam", exam) == []
    assert "no exam or sitting 'physics'" in refused(hub(server, "assign", "physics", "Hall 2"), NotFoundError)
    refused(hub(server, "assign", "law", "Hall 9"), NotFoundError)
    server.exam(server.lms("other")[0], "law")
    assert "Several exams are called law" in refused(hub(server, "assign", "law", "Hall 2"), ConflictError)


def test_a_stick_goes_there_and_back(server: HubServer, box: str, settings: Settings, tmp_path: Path) -> None:
    """A file for a box is taken over there; what it wrote is taken in once, and known the second time."""
    server.give("exam", server.exam(server.lms()[0], "law"), box)
    out = tmp_path / "there.exambox-stick"
    said = hub(server, "export", "--box", "Hall 2", str(out)).stdout
    assert said.startswith(f"{out}: {out.stat().st_size} bytes for Hall 2 ({box}).")
    assert "2 taken over" in run(settings, "sync", "import", str(out)).stdout
    db = open_box_database(settings.database)
    with write(db):
        put(db, target=CENTRE, stream="s", kind="incident", body={"n": 1}, clock=SystemClock())
    db.conn.close()
    back = tmp_path / "back.exambox-stick"
    assert run(settings, "sync", "export", str(back)).exit_code == 0
    assert hub(server, "import", str(back)).stdout == f"{box}: 1 new, 0 known already, 0 not taken.\n"
    told = json.loads(hub(server, "import", str(back), "--json").stdout)
    assert told == {"box": box, "stored": 0, "known": 1, "refused": {}}
    assert server.db.conn.execute("SELECT COUNT(*) FROM hub_item WHERE kind = 'incident'").fetchone() == (1,)


def test_what_of_a_stick_is_not_taken_is_named(server: HubServer, box: str, settings: Settings, tmp_path: Path) -> None:
    """An item the hub refuses is told with its reason, the command fails, and the others are in."""
    db = open_box_database(settings.database)
    with write(db):
        put(db, target=CENTRE, stream="s", kind="review", body={"n": 1}, clock=SystemClock())
        put(db, target=CENTRE, stream="t", kind="incident", body={"n": 2}, clock=SystemClock())
    db.conn.close()
    back = tmp_path / "back.exambox-stick"
    run(settings, "sync", "export", str(back))
    done = hub(server, "import", str(back))
    assert done.exit_code == 1
    assert f"{box}: 1 new, 0 known already, 1 not taken." in done.stdout
    assert "refused: body:" in done.stdout
    back.write_bytes(b"no stick")
    assert "no file of a stick" in str(hub(server, "import", str(back)).exception)
    assert hub(server, "import", str(tmp_path / "missing")).exit_code == 2


def test_a_revoked_box_is_refused_from_then_on(server: HubServer, box: str, settings: Settings, tmp_path: Path) -> None:
    """A reason is asked for and kept; lists say it; no stick is made for it any more, and its own is refused."""
    db = open_box_database(settings.database)
    with write(db):
        put(db, target=CENTRE, stream="s", kind="incident", body={"n": 1}, clock=SystemClock())
    db.conn.close()
    back = tmp_path / "back.exambox-stick"
    run(settings, "sync", "export", str(back))
    assert hub(server, "revoke", "Hall 2").exit_code == 2
    assert hub(server, "revoke", "Hall 2", "--reason", "stolen").stdout == f"The box {box} of Hall 2 is revoked.\n"
    assert get_box(server.db, box).revoked_why == "stolen"
    assert f"Hall 2 ({box}): revoked" in hub(server, "boxes").stdout
    assert "was revoked" in refused(hub(server, "export", "--box", box, str(tmp_path / "x")), BoxRefusedError)
    assert "was revoked" in refused(hub(server, "revoke", box, "--reason", "again"), BoxRefusedError)
    assert not (tmp_path / "x").exists()
    assert isinstance(hub(server, "import", str(back)).exception, ApplianceError)
    assert server.db.conn.execute("SELECT COUNT(*) FROM hub_item").fetchone() == (0,)
    refused(hub(server, "revoke", "Hall 9", "--reason", "stolen"), NotFoundError)


def test_a_hub_that_never_ran_says_how_to_start_it(settings: Settings) -> None:
    """Its commands need its database: what has to be done first is said."""
    assert refused(run(settings, "hub", "boxes"), ApplianceError)
