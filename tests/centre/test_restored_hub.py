"""A hub that was brought back from a backup is told again what it had acknowledged since."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appliance.outbox.pruning import prune
from tests.centre.box import Box, held_items
from tests.support.hub_server import HubServer, serving_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def back_up(server: HubServer, to: Path) -> None:
    """Back the hub up: its database and its keys."""
    server.hub.reports.flush(server.db)
    shutil.copytree(server.settings.state_dir, to / "hub", ignore=shutil.ignore_patterns("exambox.db*"))
    (to / "hub" / server.settings.database.relative_to(server.settings.state_dir)).parent.mkdir(exist_ok=True)
    backup = to / "hub" / server.settings.database.relative_to(server.settings.state_dir)
    server.db.conn.execute("VACUUM INTO ?", (str(backup),))


@contextmanager
def restored(server: HubServer, backup: Path) -> Iterator[HubServer]:
    """Let the hub that is in a backup answer at the address of the one that is lost."""
    with serving_hub(backup, server.clock) as again:

        def instead(_: Any, environ: dict[str, Any], start: Any) -> Any:
            return again.app(environ, start)

        server.between = instead
        yield again


def tell(box: Box, *numbers: int, stream: str = "s") -> None:
    """Let things happen on the box and be told."""
    for n in numbers:
        box.put(n, stream=stream)
    box.round()


def test_an_idle_box_offers_again_what_a_restored_hub_has_lost(box: Box, server: HubServer, tmp_path: Path) -> None:
    """Without anything new the next reports show it; what was acknowledged since the backup is there again, once."""
    tell(box, 1, 2)
    back_up(server, tmp_path / "backup")
    tell(box, 3, 4, 5)
    with restored(server, tmp_path / "backup") as hub:
        assert [n for _, n in held_items(hub, box.id)] == [1, 2]
        for _ in range(3):
            box.round()
        assert [n for _, n in held_items(hub, box.id)] == [1, 2, 3, 4, 5]
        assert box.states().get("waiting", 0) == 0
        (logged,) = box.logged("centre.offered_again")
        assert logged["items"] >= 3
        for _ in range(3):
            box.round()
        assert len(box.logged("centre.offered_again")) == 1


def test_what_is_told_first_after_the_restore_hides_nothing(box: Box, server: HubServer, tmp_path: Path) -> None:
    """Where something new arrives before a report shows the loss, the answer to it does; also after a start anew."""
    tell(box, 1, 2)
    back_up(server, tmp_path / "backup")
    tell(box, 3, 4)
    box.close()
    box.open()
    with restored(server, tmp_path / "backup") as hub:
        tell(box, 5)
        box.round()
        found = [n for _, n in held_items(hub, box.id)]
        assert sorted(found) == [1, 2, 3, 4, 5]
        assert box.states().get("waiting", 0) == 0


def test_a_hub_from_before_the_boxs_epoch_gets_all_that_is_kept(box: Box, server: HubServer, tmp_path: Path) -> None:
    """A backup that knows nothing of this box's items yet gets those of its earlier epochs too."""
    back_up(server, tmp_path / "backup")
    tell(box, 1, 2)
    box.backup(tmp_path / "yesterday.db")
    tell(box, 3)
    box.restore(tmp_path / "yesterday.db")
    tell(box, 4)
    assert len(box.db.conn.execute("SELECT name FROM epoch").fetchall()) == 2
    with restored(server, tmp_path / "backup") as hub:
        for _ in range(3):
            box.round()
        assert sorted(n for _, n in held_items(hub, box.id)) == [1, 2, 4]  # 3 was lost with the box's own disk


def test_what_is_forgotten_is_not_offered(box: Box, server: HubServer, tmp_path: Path) -> None:
    """Of what the box forgot after its time there is nothing to tell, and nothing is tried for ever."""
    tell(box, 1)
    back_up(server, tmp_path / "backup")
    tell(box, 2, 3)
    prune(box.db, before_us=box.clock.wall_us() + 1)
    with restored(server, tmp_path / "backup") as hub:
        tell(box, 4)
        for _ in range(3):
            box.round()
        assert [n for _, n in held_items(hub, box.id)] == [1, 4]
        assert box.states().get("waiting", 0) == 0


def test_a_hub_that_lost_nothing_is_told_nothing_again(box: Box, server: HubServer) -> None:
    """Day after day of reports and pushes no item is sent twice."""
    for n in range(6):
        tell(box, n)
        box.round()
    assert box.logged("centre.offered_again") == []
    attempts = box.db.conn.execute("SELECT MAX(attempts) FROM delivery WHERE target = 'centre'").fetchone()
    assert attempts == (1,)
    assert len(held_items(server, box.id)) == 6
