"""The policies a box had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import ManualClock
from appliance.database import open_box_database
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb import policies
from appliance.usb.policies import history, keep_policy, policy_in_force, restore_policy, version_in_force
from appliance.usb.policy_file import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

OURS = "# ours\n[[rule]]\nid = 'all'\nverdict = 'block'\n"
THEIRS = OURS.replace("ours", "theirs")


@pytest.fixture
def db(tmp_path: Path) -> Database:
    """A box's new database."""
    return open_box_database(tmp_path / "exambox.db")


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


def test_without_a_policy_the_default_is_in_force(db: Database) -> None:
    """A box on which nobody changed anything has the default exam policy, as version 0."""
    found = policy_in_force(db)
    assert (found.version, found.policy, found.problem) == (0, policies.default_policy(), "")
    assert version_in_force(db) == 0


def test_kept_policy_is_in_force_as_it_was_written(db: Database, clock: ManualClock) -> None:
    """A policy that is kept is in force with its remarks, who wrote it, when and why."""
    version = keep_policy(db, OURS, clock=clock, who="ada", why="exam week")
    found = policy_in_force(db)
    assert (found.version, found.text, found.made_by, found.why) == (version, OURS, "ada", "exam week")
    assert found.made_us == clock.wall_us()
    assert [rule.id for rule in found.policy.rule] == ["all"]
    assert version_in_force(db) == version


def test_change_is_logged_and_the_reason_can_be_erased(db: Database, clock: ManualClock) -> None:
    """A change is in the log with its version; who and why are personal values, which can be erased."""
    keep_policy(db, OURS, clock=clock, who="ada", where="10.0.0.7", why="Löwe's headset")
    body, personal = _logged(db)
    assert '"action":"usb.policy_changed"' in body
    assert "Löwe" not in body
    assert personal == {"who": "ada", "where": "10.0.0.7", "why": "Löwe's headset"}


def _logged(db: Database) -> tuple[str, dict[str, str]]:
    seq, body = db.conn.execute("SELECT seq, body FROM log_entry ORDER BY seq DESC LIMIT 1").fetchone()
    values = db.conn.execute("SELECT field, value FROM log_personal WHERE seq = ?", (seq,)).fetchall()
    return (body.decode() if isinstance(body, bytes) else body), dict(values)


def test_wrong_policy_is_not_kept(db: Database, clock: ManualClock) -> None:
    """A wrong file, or a reason that is too long, changes nothing."""
    with pytest.raises(PolicyError):
        keep_policy(db, "rule = 1", clock=clock, who="ada")
    with pytest.raises(BadInputError, match="why"):
        keep_policy(db, OURS, clock=clock, who="ada", why="x" * 501)
    assert version_in_force(db) == 0


def test_nobody_overwrites_anothers_change(db: Database, clock: ManualClock) -> None:
    """Who changed an older version is told so, and nothing is kept."""
    first = keep_policy(db, OURS, clock=clock, who="ada", after=0)
    with pytest.raises(ConflictError, match=f"version {first}"):
        keep_policy(db, THEIRS, clock=clock, who="ben", after=0)
    assert policy_in_force(db).text == OURS


def test_same_text_is_no_new_version(db: Database, clock: ManualClock) -> None:
    """The policy in force, kept again, makes no version and no entry of the log."""
    first = keep_policy(db, OURS, clock=clock, who="ada")
    assert keep_policy(db, OURS, clock=clock, who="ada") == first
    assert db.conn.execute("SELECT count(*) FROM log_entry").fetchone()[0] == 1


def test_earlier_policy_can_be_had_again(db: Database, clock: ManualClock) -> None:
    """Every version the box had is listed, and can be put in force again, the default one too."""
    first = keep_policy(db, OURS, clock=clock, who="ada")
    second = keep_policy(db, THEIRS, clock=clock, who="ben")
    assert [one.version for one in history(db)] == [second, first, 0]
    assert [one.version for one in history(db, limit=1)] == [second]
    assert [one.version for one in history(db, before=second, limit=1)] == [first]
    third = restore_policy(db, first, clock=clock, who="ada")
    assert (policy_in_force(db).text, policy_in_force(db).why) == (OURS, f"version {first} again")
    assert third > second
    restore_policy(db, 0, clock=clock, who="ada")
    assert policy_in_force(db).policy == policies.default_policy()
    for missing in (99, -1, 1 << 70):
        with pytest.raises(NotFoundError):
            restore_policy(db, missing, clock=clock, who="ada")


def test_policy_of_newer_software_falls_back_to_the_default(db: Database, clock: ManualClock) -> None:
    """A kept policy this software cannot read is told, the default exam policy judges, and the text is still there."""
    db.conn.execute("INSERT INTO usb_policy (text, made_us, made_by) VALUES ('format = 2', 1, 'ada')")
    db.conn.commit()
    found = policy_in_force(db)
    assert found.policy == policies.default_policy()
    assert "format" in found.problem
    assert found.text == "format = 2"
    assert keep_policy(db, policies.default_text(), clock=clock, who="ada") > found.version
    assert policy_in_force(db).problem == ""
