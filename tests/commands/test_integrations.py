"""`exambox integrations`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.secrets import good_secrets
from appliance.integrations.store import find_integration
from tests.commands.box import run
from tests.support.lms_receiver import Arrived, LmsReceiver, Reply

if TYPE_CHECKING:
    from click.testing import Result
    from sqlite_utils import Database

    from appliance.config import Settings


def secrets(settings: Settings, db: Database) -> list[str]:
    """Return the secrets of the integration that are good now."""
    from appliance.clock import SystemClock

    found = find_integration(db, "moodle")
    keys = exchange_key(settings)
    return [one.text for one in good_secrets(db, found.id, now_us=SystemClock().wall_us(), keys=keys)]


def well(result: Result) -> str:
    """Return what a command that went well said."""
    assert result.exception is None, result.exception
    assert result.exit_code == 0
    return result.output


def test_an_integration_s_whole_life(settings: Settings, db: Database) -> None:
    """Added with its secret shown once, listed, switched off and on, removed and brought back; logged by name."""
    assert "No integrations yet" in well(run(settings, "integrations", "list"))
    said = well(run(settings, "integrations", "add", "moodle", "--review-url", "http://lms.example/r", SUDO_USER="ann"))
    (secret,) = secrets(settings, db)
    assert f"Secret: {secret}\n" in said
    assert "unencrypted" in said
    for command in (["list"], ["show", "moodle"], ["list", "--json"], ["show", "moodle", "--json"]):
        said = well(run(settings, "integrations", *command))
        assert secret not in said
        assert "moodle" in said
    assert "switched off" in well(run(settings, "integrations", "deactivate", "moodle"))
    assert "(switched off)" in well(run(settings, "integrations", "list"))
    assert "active" in well(run(settings, "integrations", "activate", "moodle"))
    well(run(settings, "integrations", "remove", "moodle"))
    assert "No integrations yet" in well(run(settings, "integrations", "list"))
    assert "moodle" in well(run(settings, "integrations", "list", "--removed"))
    well(run(settings, "integrations", "restore", "moodle"))
    assert secrets(settings, db) == [secret]
    lines = list(show(db, action="integration"))
    assert len(lines) == 5
    assert lines[0].who.startswith("ann") or lines[-1].who.startswith("ann")
    assert all(secret not in str(line.detail) for line in lines)


def test_editing_leaves_what_is_not_named(settings: Settings, db: Database) -> None:
    """An empty address is taken away; without any there is nothing to do."""
    well(run(settings, "integrations", "add", "moodle", "--review-url", "https://a.example/", "--warning-url",
             "https://b.example/"))  # fmt: skip
    well(run(settings, "integrations", "edit", "moodle", "--warning-url", "", "--schedule-url", "https://c.example/"))
    after = find_integration(db, "moodle")
    assert (after.review_url, after.schedule_url, after.warning_url) == (
        "https://a.example/",
        "https://c.example/",
        None,
    )
    assert isinstance(run(settings, "integrations", "edit", "moodle").exception, BadInputError)


def test_rotating_with_an_overlap_without_one_and_ending_it(settings: Settings, db: Database) -> None:
    """The new secret is printed; the former is good for as long as was said."""
    first = json.loads(well(run(settings, "integrations", "add", "moodle", "--json")))["secret"]
    said = well(run(settings, "integrations", "rotate", "moodle", "--overlap-hours", "2"))
    second = secrets(settings, db)[0]
    assert f"Secret: {second}\n" in said
    assert "2 h more" in said
    assert secrets(settings, db) == [second, first]
    assert "good until" in well(run(settings, "integrations", "show", "moodle"))
    well(run(settings, "integrations", "rotate", "moodle", "--end-former"))
    assert secrets(settings, db) == [second]
    third = json.loads(well(run(settings, "integrations", "rotate", "moodle", "--overlap-hours", "0", "--json")))
    assert secrets(settings, db) == [third["secret"]]


def test_the_trial_sends_marked_samples_and_shows_the_answers(settings: Settings, db: Database) -> None:
    """Each address that is set gets one message, signed; what comes back is shown, at most 500 characters."""

    def answer(asked: Arrived) -> Reply:
        if asked.path == "/r":
            return Reply(200, b'{"status": "ok"}')
        return Reply(401, b"x" * 2000) if asked.path == "/s" else Reply(200, b"Fatal error: no such session")

    with LmsReceiver(answer) as lms:
        well(run(settings, "integrations", "add", "moodle", "--review-url", f"{lms.url}/r", "--schedule-url",
                 f"{lms.url}/s", "--warning-url", f"{lms.url}/w"))  # fmt: skip
        (secret,) = secrets(settings, db)
        result = run(settings, "integrations", "test", "moodle")
        as_json = json.loads(run(settings, "integrations", "test", "moodle", "--json").output)
    assert result.exit_code == 1
    assert "reviews: 200 after" in result.output
    assert "booked times: 401 after" in result.output
    assert "does not accept the box's token" in result.output
    assert "speaks of an error" in result.output
    assert max(len(one["text"]) for one in as_json) == 500
    bodies = {one.path: one.value for one in lms.arrived}
    assert {body["sessionId"] for body in bodies.values()} == {"exambox-test"}
    assert "test of the connection" in bodies["/r"]["comment"]
    assert set(bodies["/w"]) >= {"type", "start", "end", "cyber", "id"}
    for one in lms.arrived:
        from appliance.clock import SystemClock

        assert one.token(secret, SystemClock().wall_us()).expires_us
    assert [line.action for line in show(db, action="integration.tested")] == ["integration.tested"] * 2


def test_a_trial_where_all_is_well_and_one_with_nothing_to_try(settings: Settings) -> None:
    """Both end with 0."""
    with LmsReceiver() as lms:
        well(run(settings, "integrations", "add", "moodle"))
        assert "No address is set" in well(run(settings, "integrations", "test", "moodle"))
        well(run(settings, "integrations", "edit", "moodle", "--agreement-acceptance-url", f"{lms.url}/a"))
        assert "agreements: 200" in well(run(settings, "integrations", "test", "moodle"))


@pytest.mark.parametrize("command", [["show"], ["edit", "--review-url", ""], ["rotate"], ["activate"], ["deactivate"],
                                     ["remove"], ["test"]])  # fmt: skip
def test_an_unknown_integration_is_not_found(settings: Settings, command: list[str]) -> None:
    """By every command that names one."""
    first, *more = command
    assert isinstance(run(settings, "integrations", first, "nobody", *more).exception, NotFoundError)


def test_what_was_not_removed_is_not_restored_and_names_are_given_once(settings: Settings) -> None:
    """Both are refused with what to do."""
    well(run(settings, "integrations", "add", "moodle"))
    assert isinstance(run(settings, "integrations", "restore", "moodle").exception, BadInputError)
    assert isinstance(run(settings, "integrations", "add", "moodle").exception, ConflictError)
