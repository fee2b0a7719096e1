"""What the list tells is read ahead, so that nobody waits for it after a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.vault import facts
from appliance.web.review.warm import Warmer
from tests.vault.recorded import Recorder, movie

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_every_part_is_read_once(settings: Settings, db: Database, clock: ManualClock) -> None:
    """Afterwards what a part tells is known without opening it; what is no part is passed over."""
    recorder = Recorder(settings.vault_dir, clock)
    recorder.part(movie(1))
    recorder.part(movie(1))
    (settings.vault_dir / "exam" / "front" / "0003.sqlite").write_bytes(b"no part")
    facts._facts.cache_clear()
    warmer = Warmer(settings.database, settings.vault_dir, pause_s=0)
    warmer.run()
    assert warmer.parts == 3
    before = facts._facts.cache_info()
    assert len(facts.survey(settings.vault_dir, "exam", "front")[0]) == 2
    assert facts._facts.cache_info().hits == before.hits + 2


def test_it_stops_when_told(settings: Settings, db: Database, clock: ManualClock) -> None:
    """The process's end does not wait for the rest of a month."""
    Recorder(settings.vault_dir, clock).part(movie(1))
    warmer = Warmer(settings.database, settings.vault_dir)
    warmer.stop()
    warmer.run()
    assert warmer.parts == 0


def test_a_vault_that_is_not_there_ends_it(settings: Settings, tmp_path: Path) -> None:
    """Without a database or vault there is nothing to read, and nothing fails."""
    warmer = Warmer(settings.database, tmp_path / "nothing", pause_s=0)
    warmer.run()
    assert warmer.parts == 0
