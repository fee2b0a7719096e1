"""What happens when somebody asks for another person's object: a trial for every route that names one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import url_for

from appliance.web.account import sessions
from appliance.web.review import bookmarks
from appliance.web.services import of
from tests.support.waiting import until

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.web.conftest import Browser
    from tests.web.gate_world import World

Trial = Callable[["World", str], None]
OWNED = frozenset({"number", "handle", "bookmark", "account", "trial"})
"""Variable parts of addresses that name something a person owns; all others name what the room owns."""
AT = 1_800_000_000_000_000


def path(world: World, endpoint: str, **values: Any) -> str:
    """Return a route's path."""
    with world.app.test_request_context(base_url="http://localhost/"):
        return url_for(endpoint, **values)


def post(browser: Browser, where: str, **fields: str) -> TestResponse:
    """Post with a good form token."""
    headers = {"X-CSRFToken": browser.token("/account"), "Accept": "application/json"}
    return browser.client.post(where, data=fields, headers=headers)


def session_of_another(world: World, endpoint: str) -> None:
    """A session's handle ends it for its owner alone."""
    ada = world.account("Ada", "administrator")
    owner, other = world.signed_in(ada), world.person("Bob", "administrator")
    world.signed_in(ada)
    own = sessions.list_sessions(world.db, ada.id, clock=world.clock, settings=of(world.app).settings.web)
    assert len(own) == 2
    for one in own:
        assert post(other, path(world, endpoint, handle=one.handle)).status_code == 404
    assert owner.get("/account").status_code == 200
    token = owner.token("/account")
    answers = [
        owner.client.post(path(world, endpoint, handle=one.handle), headers={"X-CSRFToken": token}).status_code
        for one in own
    ]
    assert sorted(answers) == [302, 422], answers


def job_of_another(world: World, endpoint: str) -> None:
    """An export is its maker's alone: no state, no files and no end for anybody else, not even an administrator."""
    owner = world.person("Ada", "reviewer")
    job = world.job("Ada")
    until(lambda: job.state == "done", 10, "the export")
    values = {"number": job.id} | ({"name": "clip.mp4"} if endpoint == "review.download" else {})
    where = path(world, endpoint, **values)
    ask = post if endpoint == "review.discard" else lambda who, there: who.client.get(there)
    for name, role in (("Bob", "reviewer"), ("Eve", "administrator")):
        assert ask(world.person(name, role), where).status_code == 404
    assert (job.folder / "clip.mp4").exists()
    assert ask(owner, where).status_code == 200


def bundle_of_another(world: World, endpoint: str) -> None:
    """A support bundle is looked at and taken by its maker alone; another administrator makes another."""
    owner = world.person("Ada", "administrator")
    number = post(owner, "/admin/support").headers["Location"].rpartition("/")[2]
    jobs = of(world.app).jobs
    until(lambda: jobs.find(number, "Ada").state == "done", 30, "the bundle")
    where = path(world, endpoint, number=number, **({"name": "README.txt"} if endpoint.endswith("_file") else {}))
    assert world.person("Eve", "administrator").client.get(where).status_code == 404
    assert world.person("Bob", "centre_manager").client.get(where).status_code == 403
    assert owner.client.get(where).status_code == 200


def log_check_of_another(world: World, endpoint: str) -> None:
    """What a check of the log found is shown to whoever asked for it; another administrator asks anew."""
    owner = world.person("Ada", "administrator")
    where = post(owner, "/admin/log/checks").headers["Location"]
    assert where == path(world, endpoint, number=where.rpartition("/")[2])
    assert world.person("Eve", "administrator").client.get(where).status_code == 404
    assert owner.client.get(where).status_code == 200


def bookmark_of_another(world: World, endpoint: str) -> None:
    """A bookmark is changed by its maker and by those who manage; another reviewer is refused."""
    owner = world.person("Ada", "reviewer")
    account = world.db.conn.execute("SELECT id FROM account WHERE name = 'Ada'").fetchone()[0]
    marking = bookmarks.Marking(AT, None, None, "hers")
    number = bookmarks.add_bookmark(world.db, "exam", marking, account=account, clock=world.clock)
    if endpoint == "review.restore_bookmark":
        bookmarks.remove_bookmark(world.db, number, clock=world.clock)
    fields = {"at_us": str(AT), "note": "changed"} if endpoint == "review.edit_bookmark" else {}
    where = path(world, endpoint, sitting="exam", bookmark=number)
    before = world.everything()["bookmark"]
    assert post(world.person("Bob", "reviewer"), where, **fields).status_code == 403
    assert world.everything()["bookmark"] == before
    elsewhere = path(world, endpoint, sitting="another", bookmark=number)
    assert post(owner, elsewhere, **fields).status_code == 404
    assert world.everything()["bookmark"] == before
    assert post(owner, where, **fields).status_code == 200


def account_beyond_the_role(world: World, endpoint: str) -> None:
    """A centre manager changes nothing about an administrator, and nobody's number is anybody else's."""
    target = world.account("Ada", "administrator")
    manager = world.person("Mia", "centre_manager")
    where = path(world, endpoint, account=target.id)
    before = world.everything()
    if endpoint == "admin.user":
        page = manager.get(where)
        assert page.status_code == 200
        assert "<form" not in page.text.split("<main", 1)[1], "no way to change anything is offered"
        return
    answer = post(manager, where, role="administrator", email="mia@example.org")
    assert answer.status_code == 403
    assert world.everything() == before
    lower = world.account("Bea", "reviewer")
    raised = path(world, endpoint, account=lower.id)
    answer = post(manager, raised, role="administrator", email="bea@example.org")
    assert "administrator" not in {
        row[0] for row in world.db.conn.execute("SELECT role FROM account WHERE name IN ('Bea', 'Mia')")
    }
    assert answer.status_code == (422 if endpoint == "admin.user_role" else answer.status_code)


def trial_of_another(world: World, endpoint: str) -> None:
    """A camera that somebody tried, with its picture, is nobody else's, not even another administrator's."""
    from appliance.cameras.model import Camera
    from appliance.web.admin.camera_trials import Trial as CameraTrial
    from appliance.web.services import of

    ada = world.account("Ada", "administrator")
    camera = Camera(id="new", name="New", role="room", kind="pattern", address="160x96@5")
    aim = "streams" if endpoint == "admin.camera_streams" else "add"
    name = of(world.app).camera_trials.keep(ada.id, CameraTrial(aim, camera, picture=b"jpeg"))  # type: ignore[arg-type]
    where = path(world, endpoint, trial=name)
    assert world.person("Bob", "administrator").get(where).status_code == 404
    assert world.signed_in(ada).get(where).status_code == 200


TRIALS: dict[str, Trial] = {
    "account.end_session": session_of_another,
    "review.job_state": job_of_another,
    "review.discard": job_of_another,
    "review.download": job_of_another,
    "admin.support_bundle": bundle_of_another,
    "admin.support_file": bundle_of_another,
    "admin.support_download": bundle_of_another,
    "review.edit_bookmark": bookmark_of_another,
    "review.remove_bookmark": bookmark_of_another,
    "review.restore_bookmark": bookmark_of_another,
    "admin.camera_tried": trial_of_another,
    "admin.camera_trial_picture": trial_of_another,
    "admin.camera_streams": trial_of_another,
    "admin.log_check": log_check_of_another,
    "admin.user": account_beyond_the_role,
    "admin.user_role": account_beyond_the_role,
    "admin.user_email": account_beyond_the_role,
    "admin.user_disable": account_beyond_the_role,
    "admin.user_enable": account_beyond_the_role,
    "admin.user_end_sessions": account_beyond_the_role,
    "admin.user_reset_code": account_beyond_the_role,
    "admin.user_remove_second_factor": account_beyond_the_role,
}
