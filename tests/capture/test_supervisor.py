"""What the box still hears of a camera's process that ends because it was asked to: real processes, a test picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.auditlog.search import Wanted, each
from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera, edit_camera, get_camera
from appliance.cameras.wishes import start_recording
from appliance.capture.recovery import Recovery
from appliance.capture.supervisor import Supervisor
from appliance.clock import SystemClock
from appliance.vault.keys import init_keys
from appliance.vault.recording import list_recordings
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

    from appliance.config import Settings

CAMERA = "door"


@pytest.fixture
def supervisor(settings: Settings, db: Database) -> Iterator[Supervisor]:
    """The parent of one camera that is to be recorded."""
    clock = SystemClock()
    init_keys(settings, passphrase=None, clock=clock)
    camera = Camera(id=CAMERA, name="Door", role="room", kind="pattern", address="320x240@15")
    add_camera(db, camera, None, clock=clock, who="t")
    start_recording(db, clock=clock, who="t")
    settings.vault_dir.mkdir(parents=True, exist_ok=True)
    parent = Supervisor(settings, db, clock, Recovery(settings, db, clock))
    yield parent
    parent.close()


def parts(db: Database) -> list[str]:
    """Return the states of the camera's parts, the oldest first."""
    return [row[0] for row in db.conn.execute("SELECT state FROM part WHERE camera = ? ORDER BY number", (CAMERA,))]


def closings(db: Database) -> int:
    """Return how many closed parts the log tells of."""
    return sum(1 for _ in each(db, Wanted(action="vault.part_closed")))


def come_to(supervisor: Supervisor, db: Database, states: list[str]) -> None:
    """Let the parent work until the parts are as given."""

    def there() -> bool:
        supervisor.tick()
        return parts(db) == states

    until(there, 30, f"parts {states}")


def test_a_camera_that_is_changed_leaves_no_part_open(supervisor: Supervisor, db: Database) -> None:
    """The part that ends because masks were drawn is closed in the database and in the log at once."""
    come_to(supervisor, db, ["open"])
    masked = msgspec.structs.replace(get_camera(db, CAMERA), masks=[[(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)]])
    edit_camera(db, masked, clock=SystemClock(), who="t")
    come_to(supervisor, db, ["closed", "open"])
    assert closings(db) == 1


def test_a_camera_that_was_changed_on_purpose_was_paused(
    supervisor: Supervisor, settings: Settings, db: Database
) -> None:
    """The stretch while it begins anew is no interruption by process or power; a death afterwards is one."""
    come_to(supervisor, db, ["open"])
    edit_camera(db, msgspec.structs.replace(get_camera(db, CAMERA), enabled=False), clock=SystemClock(), who="t")
    come_to(supervisor, db, ["closed"])
    edit_camera(db, msgspec.structs.replace(get_camera(db, CAMERA), enabled=True), clock=SystemClock(), who="t")
    come_to(supervisor, db, ["closed", "open"])

    def stated() -> bool:
        supervisor.tick()
        (recording,) = list_recordings(settings.vault_dir)
        return "paused" in [gap.reason for gap in recording.gaps]

    # The gap is a record of the new part, written after the part's row; only then the death is one afterwards.
    until(stated, 30, "the stated pause")
    supervisor._children[CAMERA].kill()
    come_to(supervisor, db, ["closed", "recovered", "open"])
    supervisor.close()
    (recording,) = list_recordings(settings.vault_dir)
    reasons = [gap.reason for gap in recording.gaps]
    assert reasons[0] == "starting"
    assert reasons[1] == "paused"
    assert set(reasons[2:]) == {"interrupted"}


def test_a_stop_of_capture_leaves_no_part_open(supervisor: Supervisor, db: Database) -> None:
    """The part that ends with the recording process is closed in the database and in the log."""
    come_to(supervisor, db, ["open"])
    supervisor.close()
    assert parts(db) == ["closed"]
    assert closings(db) == 1
