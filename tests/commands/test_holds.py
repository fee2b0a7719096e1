"""`exambox holds`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from appliance.auditlog import show
from appliance.errors import ConflictError, NotFoundError
from tests.commands.box import run
from tests.vault.part_material import row, store

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


def test_place_list_and_release(settings: Settings, db: Database) -> None:
    """A hold's whole life at the command line, logged under the person's name."""
    store(db, row())
    assert run(settings, "holds", "list").output == "No legal holds.\n"
    placed = run(settings, "holds", "place", "exam", "--camera", "front", "--reason", "appeal 7", SUDO_USER="ann")
    assert placed.exit_code == 0
    assert placed.output.startswith("1: exam/front, placed ")
    assert run(settings, "holds", "list").output == placed.output
    assert json.loads(run(settings, "holds", "list", "--json").output)[0]["reason"] == "appeal 7"
    released = run(settings, "holds", "release", "1", "--reason", "decided")
    assert released.output.rstrip().endswith(": decided")
    assert run(settings, "holds", "list").output == "No legal holds.\n"
    assert run(settings, "holds", "list", "--all").output == released.output
    assert [line.action for line in show(db, action="hold")] == ["hold.placed", "hold.released"]
    assert next(show(db, action="hold.placed")).who.startswith("ann")


def test_wrong_holds_are_refused(settings: Settings, db: Database) -> None:
    """An unknown sitting or hold, a second release, a missing reason."""
    store(db, row())
    assert isinstance(run(settings, "holds", "place", "nothing", "--reason", "a").exception, NotFoundError)
    assert isinstance(run(settings, "holds", "release", "5", "--reason", "a").exception, NotFoundError)
    assert run(settings, "holds", "place", "exam").exit_code == 2
    run(settings, "holds", "place", "exam", "--reason", "a")
    run(settings, "holds", "release", "1", "--reason", "a")
    assert isinstance(run(settings, "holds", "release", "1", "--reason", "a").exception, ConflictError)
