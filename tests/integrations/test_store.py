"""Integrations: made, changed, switched off, removed and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.auditlog import ACTIONS, show
from appliance.errors import ConflictError, NotFoundError
from appliance.integrations import store
from appliance.integrations.addresses import AddressError, Addresses
from appliance.integrations.secrets import good_secrets

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from appliance.integrations.exchange_key import ExchangeKey

FULL = Addresses(
    review_url="https://lms.example/r",
    schedule_url="https://lms.example/s",
    warning_url="https://lms.example/w",
    agreement_acceptance_url="https://lms.example/a",
)


@pytest.fixture
def moodle(db: Database, clock: ManualClock, keys: ExchangeKey) -> Integration:
    """An integration."""
    return store.add_integration(db, name="moodle", addresses=FULL, clock=clock, who="Ada", keys=keys)[0]


def entries(db: Database) -> list[tuple[str, dict[str, Any]]]:
    """Return the log's actions and details of integrations."""
    return [(line.action, line.detail) for line in show(db) if line.action.startswith("integration.")]


def test_an_integration_is_found_by_its_name_and_by_its_id(db: Database, moodle: Integration) -> None:
    """What was entered comes back, and is active."""
    assert store.find_integration(db, "moodle") == store.get_integration(db, moodle.id) == moodle
    assert moodle.is_active
    assert moodle.review_url == FULL.review_url
    assert store.list_integrations(db) == [moodle]


def test_each_act_is_in_the_log_without_a_secret(db: Database, clock: ManualClock, keys: ExchangeKey) -> None:
    """Adding, changing, switching, removing and restoring leave an entry each, with known actions and no secret."""
    made, secret = store.add_integration(db, name="a", clock=clock, who="Ada", keys=keys)
    store.edit_integration(db, made.id, addresses=FULL, clock=clock, who="Ada")
    store.set_active(db, made.id, active=False, clock=clock, who="Ada")
    store.set_active(db, made.id, active=True, clock=clock, who="Ada")
    store.remove_integration(db, made.id, clock=clock, who="Ada")
    store.restore_integration(db, made.id, clock=clock, who="Ada")
    actions = [action for action, _ in entries(db)]
    assert actions == [
        "integration.added", "integration.edited", "integration.deactivated", "integration.activated",
        "integration.removed", "integration.restored",
    ]  # fmt: skip
    assert set(actions) <= set(ACTIONS)
    assert secret not in str(entries(db))


def test_what_changes_nothing_is_no_entry(db: Database, clock: ManualClock, moodle: Integration) -> None:
    """The same addresses again, or switching on what is on, is neither an entry nor a new version."""
    before = store.stored_integration(db, moodle.id)
    store.edit_integration(db, moodle.id, addresses=FULL, clock=clock, who="Ada")
    store.set_active(db, moodle.id, active=True, clock=clock, who="Ada")
    assert store.stored_integration(db, moodle.id) == before
    assert len(entries(db)) == 1


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "ü", "a/b", "a" * 81, "a?b", ".."])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(
    db: Database, clock: ManualClock, keys: ExchangeKey, name: str
) -> None:
    """Its field is named, and nothing is stored."""
    with pytest.raises(store.IntegrationNameError) as refused:
        store.add_integration(db, name=name, clock=clock, who="Ada", keys=keys)
    assert refused.value.field == "name"
    assert store.list_integrations(db) == []
    assert not entries(db)


@pytest.mark.parametrize("name", ["moodle", "MOODLE"])
def test_a_name_is_given_once_also_in_other_letters(
    db: Database, clock: ManualClock, keys: ExchangeKey, moodle: Integration, name: str
) -> None:
    """While it is there and after it was removed."""
    with pytest.raises(ConflictError, match="already"):
        store.add_integration(db, name=name, clock=clock, who="Ada", keys=keys)
    store.remove_integration(db, moodle.id, clock=clock, who="Ada")
    with pytest.raises(ConflictError, match="never given twice"):
        store.add_integration(db, name=name, clock=clock, who="Ada", keys=keys)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x", "lms.example/x", "https://", "https://u:p@lms.example/", "https://lms.example/#a", "javascript:1",
        "https://lms.example/ü", "https://lms.example/a b", "https://lms.example:x/", "https://-/", "https://[::1",
        "https://" + "a" * 2000, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_refused_and_named(
    db: Database, clock: ManualClock, moodle: Integration, address: str
) -> None:
    """Nothing of the change is kept."""
    wished = Addresses(review_url="https://other.example/", warning_url=address)
    with pytest.raises(AddressError) as refused:
        store.edit_integration(db, moodle.id, addresses=wished, clock=clock, who="Ada")
    assert refused.value.field == "warning_url"
    assert store.get_integration(db, moodle.id) == moodle


def test_an_empty_address_is_none(db: Database, clock: ManualClock, moodle: Integration) -> None:
    """Blanks around an address are taken off, and nothing but blanks is no address."""
    after = store.edit_integration(
        db, moodle.id, addresses=Addresses(review_url=" ", warning_url=" https://x.example/ "), clock=clock, who="Ada"
    )
    assert (after.review_url, after.warning_url, after.schedule_url) == (None, "https://x.example/", None)


def test_two_who_change_it_at_once_do_not_overwrite_each_other(
    db: Database, clock: ManualClock, moodle: Integration
) -> None:
    """The second learns that it has changed, and the first one's addresses stand."""
    version = store.stored_integration(db, moodle.id).version
    first = Addresses(review_url="https://first.example/")
    store.edit_integration(db, moodle.id, addresses=first, clock=clock, who="Ada", version=version)
    with pytest.raises(store.ChangedMeanwhileError):
        store.edit_integration(db, moodle.id, addresses=FULL, clock=clock, who="Bob", version=version)
    assert store.get_integration(db, moodle.id).review_url == "https://first.example/"


def test_a_removed_one_is_not_found_and_comes_back_as_it_was(
    db: Database, clock: ManualClock, keys: ExchangeKey, moodle: Integration
) -> None:
    """With its addresses and the same secret."""
    before = good_secrets(db, moodle.id, now_us=clock.wall_us(), keys=keys)
    store.remove_integration(db, moodle.id, clock=clock, who="Ada")
    with pytest.raises(NotFoundError):
        store.find_integration(db, "moodle")
    with pytest.raises(NotFoundError):
        store.get_integration(db, moodle.id)
    assert [one.integration.id for one in store.list_stored(db, removed=True)] == [moodle.id]
    assert store.restore_integration(db, moodle.id, clock=clock, who="Ada") == moodle
    assert good_secrets(db, moodle.id, now_us=clock.wall_us(), keys=keys) == before


def test_what_belongs_to_the_central_service_is_not_changed_here(
    db: Database, clock: ManualClock, moodle: Integration
) -> None:
    """Neither its addresses nor whether it is on, nor taken away."""
    db.conn.execute("UPDATE integration SET origin = 'centre'")
    with pytest.raises(ConflictError):
        store.edit_integration(db, moodle.id, addresses=Addresses(), clock=clock, who="Ada")
    with pytest.raises(ConflictError):
        store.set_active(db, moodle.id, active=False, clock=clock, who="Ada")
    with pytest.raises(ConflictError):
        store.remove_integration(db, moodle.id, clock=clock, who="Ada")
    assert store.get_integration(db, moodle.id) == moodle
