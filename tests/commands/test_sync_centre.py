"""`exambox sync enrol`, `leave`, `export`, `import`, and what `status` says of the centre."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.database import open_box_database, write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exchange.centre.enrol_code import EnrolCodeError
from appliance.hub.sticks import export_changes, import_items
from appliance.outbox import CENTRE, put
from appliance.vault.keys import init_keys, load_box_id
from tests.commands.box import run
from tests.support.hub_server import serving_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.config import Settings
    from tests.support.hub_server import HubServer


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[HubServer]:
    """A hub beside a box that has its keys."""
    from appliance.clock import SystemClock

    clock = SystemClock()
    init_keys(settings, passphrase=None, clock=clock)
    with serving_hub(tmp_path / "there", clock) as served:
        yield served


def test_a_box_joins_carries_sticks_and_leaves(settings: Settings, server: HubServer, tmp_path: Path) -> None:
    """Join, see how it stands, a file there, a file back, leave: each says in words what came of it."""
    assert "belongs to no" in str(run(settings, "sync", "export", "x").exception)
    joined = run(settings, "sync", "enrol", server.code(), "--address", server.address)
    assert joined.exit_code == 0, joined.stderr
    assert "belongs to North campus now, as Hall 2." in joined.stdout
    said = run(settings, "sync", "status").stdout
    assert "Central service North campus" in said
    assert "last heard: not yet" in said
    assert "offset to the central service not measured yet" in said
    assert "epoch: 1-" in said
    told = json.loads(run(settings, "sync", "status", "--json").stdout)
    assert told["centre"]["room"] == "Hall 2"
    assert told["centre"]["clock"]["offset_us"] is None
    db = open_box_database(settings.database)
    with write(db):
        put(db, target=CENTRE, stream="s", kind="incident", body={"n": 1}, clock=server.clock)
    out = run(settings, "sync", "export", str(tmp_path / "carry"))
    file = tmp_path / "carry.exambox-stick"
    assert f"{file}: 1 items" in out.stdout
    assert file.stat().st_mode & 0o077 == 0
    assert isinstance(run(settings, "sync", "export", str(tmp_path / "carry")).exception, BadInputError)
    hub = server.hub
    assert import_items(server.db, file.read_bytes(), keys=hub.keys, clock=server.clock, who="cara").stored == 1
    lms, _ = server.lms()
    box = load_box_id(settings.keys_dir)
    server.give("exam", server.exam(lms, "law"), box)
    back = tmp_path / "back.exambox-stick"
    back.write_bytes(
        export_changes(server.db, box, keys=hub.keys, publisher=hub.publisher, clock=server.clock, who="cara")
    )
    read = run(settings, "sync", "import", str(back))
    assert read.stdout.startswith("3 changes: 3 taken over, 0 known already.\n")
    assert "1 items that waited here have arrived at the centre" in read.stdout
    assert "This file was read before" in run(settings, "sync", "import", str(back)).stdout
    assert run(settings, "sync", "now", "centre").exit_code == 0
    assert run(settings, "sync", "leave", "--yes").exit_code == 0
    assert isinstance(run(settings, "sync", "leave", "--yes").exception, NotFoundError)
    db.conn.close()


def test_what_is_wrong_at_the_command_line_is_named(settings: Settings, server: HubServer, tmp_path: Path) -> None:
    """A mistyped code, a file that holds no certificate, nothing to carry: each says what to do instead."""
    wrong = run(settings, "sync", "enrol", "ABCD", "--address", server.address)
    assert isinstance(wrong.exception, EnrolCodeError)
    text = tmp_path / "ca.pem"
    text.write_text("none")
    no_ca = run(settings, "sync", "enrol", server.code(), "--address", server.address, "--ca", str(text))
    assert isinstance(no_ca.exception, BadInputError)
    assert run(settings, "sync", "enrol", server.code(), "--address", server.address).exit_code == 0
    assert isinstance(run(settings, "sync", "export", str(tmp_path / "x")).exception, ConflictError)
    text.write_bytes(b"no stick")
    assert "no file of a stick" in str(run(settings, "sync", "import", str(text)).exception)
