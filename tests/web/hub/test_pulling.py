"""Boxes pull what their room gets: in chunks, by cursor, with deletions, and nothing of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US
from appliance.exams.timing import SittingTiming
from appliance.exchange.centre.bodies import IntegrationBody
from appliance.exchange.centre.messages import PullRequest, message_of, write_message
from appliance.exchange.centre.routes import PULL
from appliance.exchange.centre.sealed_secret import SealedSecretError, open_secret
from appliance.exchange.exam_parameters import parse_exam
from appliance.hub.assigning import assign
from appliance.hub.extra_time import grant_extra_time, withdraw_extra_time
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.secrets import rotate_secret
from appliance.sittings.exams import remove_exam, upsert_exam
from appliance.sittings.planning import plan_sitting, remove_sitting
from appliance.sittings.values import SittingPlan
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from tests.support.hub_box import HubBox


@pytest.fixture
def exam(db: Database, lms: tuple[Integration, str], clock: ManualClock) -> Callable[[str], str]:
    """Send an exam as the LMS does; return its id here."""

    def send(name: str, **more: object) -> str:
        body = {**EXAMPLE, "examId": name, "examName": name, **more}
        return upsert_exam(db, lms[0], parse_exam(body), clock=clock, who="LMS").exam.id

    return send


def _assign(db: Database, clock: ManualClock, exam: str, *boxes: HubBox) -> None:
    assign(db, "exam", exam, [one.box for one in boxes], clock=clock, who="test")


def test_a_box_gets_the_exams_of_its_room_alone(
    new_box: Callable[..., HubBox], exam: Callable[[str], str], db: Database, clock: ManualClock
) -> None:
    """An assigned exam comes with its integration; a box that has none assigned gets nothing."""
    box, other = new_box(), new_box("box-other", room="Hall 3")
    law = exam("law")
    exam("chemistry")
    _assign(db, clock, law, box)
    held = box.pull_all()
    assert {kind for kind, _ in held} == {"integration", "exam"}
    assert held["exam", law].content()["exam_id"] == "law"
    assert other.pull_all() == {}
    assert box.pull_all() == {}


def test_a_change_comes_as_the_newest_alone(
    new_box: Callable[..., HubBox], exam: Callable[..., str], db: Database, clock: ManualClock
) -> None:
    """Of an exam that changed twice before the next pull the box gets the newest, with a higher version."""
    box = new_box()
    law = exam("law")
    _assign(db, clock, law, box)
    first = box.pull_all()["exam", law]
    exam("law", duration=90)
    exam("law", duration=100)
    changed = box.pull_all()
    assert list(changed) == [("exam", law)]
    assert changed["exam", law].version > first.version
    assert changed["exam", law].content()["parameters"]["duration"] == 100  # type: ignore[index,call-overload]  # an object
    exam("law", duration=100)
    assert box.pull_all() == {}


def test_what_is_taken_away_or_removed_is_told_as_gone(
    new_box: Callable[..., HubBox], exam: Callable[[str], str], db: Database, clock: ManualClock
) -> None:
    """Un-assigning and removing each make a tombstone of a higher version, and so does what hangs on it."""
    box = new_box()
    law, chemistry = exam("law"), exam("chemistry")
    _assign(db, clock, law, box)
    _assign(db, clock, chemistry, box)
    before = box.pull_all()
    _assign(db, clock, law)
    gone = box.pull_all()
    assert {key: one.deleted for key, one in gone.items()} == {("exam", law): True}
    assert gone["exam", law].version > before["exam", law].version
    remove_exam(db, chemistry, clock=clock, who="test")
    gone = box.pull_all()
    assert gone["exam", chemistry].deleted
    _assign(db, clock, law, box)
    again = box.pull_all()["exam", law]
    assert not again.deleted
    assert again.version > before["exam", law].version + 1


def test_many_changes_come_in_chunks_by_cursor(
    new_box: Callable[..., HubBox], exam: Callable[[str], str], db: Database, clock: ManualClock
) -> None:
    """Seven things pulled three at a time come once each, and the cursor goes on where the last chunk ended."""
    box = new_box()
    for number in range(6):
        _assign(db, clock, exam(f"exam-{number}"), box)
    chunks = [[one.key for one in box.pull(3)] for _ in range(4)]
    assert [len(chunk) for chunk in chunks] == [3, 3, 1, 0]
    assert len({key for chunk in chunks for key in chunk}) == 7
    assert chunks[0][0][0] == "integration"


@pytest.mark.parametrize("cursor", ["nonsense", "ffffffff.0123", "-1.a", "7fffffffffffffffffff.aa"])
def test_a_cursor_of_somebody_else_begins_from_the_start(
    new_box: Callable[..., HubBox], exam: Callable[[str], str], db: Database, clock: ManualClock, cursor: str
) -> None:
    """A cursor that this hub did not give to this box gets everything again, never an error and never less."""
    box = new_box()
    _assign(db, clock, exam("law"), box)
    answer = box.call(PULL, write_message(PullRequest(cursor=cursor)))
    assert (answer.status, len(answer.json()["changes"])) == (200, 2)


def test_an_lmss_secret_reaches_just_this_box(  # noqa: PLR0917  fixtures
    new_box: Callable[..., HubBox],
    exam: Callable[[str], str],
    lms: tuple[Integration, str],
    db: Database,
    clock: ManualClock,
    settings: Settings,
) -> None:
    """The secret in an integration's change opens with the box's own key alone; a rotated one follows by itself."""
    box, other = new_box(), new_box("box-other", room="Hall 3")
    integration, secret = lms
    _assign(db, clock, exam("law"), box, other)
    change = box.pull_all()["integration", integration.id]
    assert secret not in change.body
    body = message_of(IntegrationBody, change.content())
    sealed = body.secrets[0].sealed
    assert open_secret(sealed, integration="campus", box=box.box, private=box.seal_private) == secret
    with pytest.raises(SealedSecretError):
        open_secret(sealed, integration="campus", box=other.box, private=other.seal_private)
    assert body.centre == "https://exams.example"
    new = rotate_secret(
        db, integration.id, overlap_us=3600 * SECOND_US, clock=clock, who="test", keys=exchange_key(settings)
    )
    again = message_of(IntegrationBody, box.pull_all()["integration", integration.id].content())
    opened = [
        open_secret(one.sealed, integration="campus", box=box.box, private=box.seal_private) for one in again.secrets
    ]
    assert opened == [new, secret]
    assert again.secrets[1].ends_us == clock.wall_us() + 3600 * SECOND_US


def test_a_sitting_brings_its_exams_and_takes_them_along(
    new_box: Callable[..., HubBox], exam: Callable[[str], str], db: Database, clock: ManualClock
) -> None:
    """An assigned sitting comes with its exam; removed, both are told as gone, the sitting before what it used."""
    box = new_box()
    law = exam("law")
    start = parse_exam(EXAMPLE).start.us + 60 * SECOND_US
    plan = SittingPlan(name="Law", room="Hall 2", exams=(law,), timing=SittingTiming(start_us=start))
    sitting = plan_sitting(db, plan, clock=clock, who="test").id
    assign(db, "sitting", sitting, [box.box], clock=clock, who="test")
    held = box.pull_all()
    assert {"integration", "exam", "sitting"} == {kind for kind, _ in held}
    assert held["sitting", sitting].content()["exams"] == [law]
    grant = grant_extra_time(db, sitting, minutes=10, why="fire alarm", clock=clock, who="test")
    assert box.pull_all()["extra_time", grant].sitting == sitting
    withdraw_extra_time(db, grant, clock=clock, who="test")
    assert box.pull_all()["extra_time", grant].deleted
    remove_sitting(db, sitting, clock=clock, who="test")
    gone = [one.key[0] for one in box.pull(50)]
    assert gone == ["sitting", "exam", "integration"]
