"""Checks of deliveries: the process that delivers is alive, and nothing waits for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.clock import SECOND_US
from appliance.diagnosis.result import Check, Examined, read_database
from appliance.errors import NotFoundError
from appliance.integrations.store import list_stored, stored_integration
from appliance.ipc.beat import read_beat
from appliance.outbox.rows import CENTRE, LMS_PREFIX, lms_target
from appliance.outbox.status import status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.outbox.status import TargetStatus

OLD_US: Final = 3600 * SECOND_US
"""What waits for longer should have somebody look why."""


def target_name(db: Database, target: str) -> str:
    """Return what people call a target: the integration's name, or ``centre``."""
    if not target.startswith(LMS_PREFIX):
        return target
    try:
        return stored_integration(db, target.removeprefix(LMS_PREFIX), removed=True).integration.name
    except NotFoundError:
        return target


def target_of(db: Database, name: str) -> str:
    """Return the target that people call by a name, integrations that were removed included.

    Raises:
        NotFoundError: there is none.
    """
    if name == CENTRE:
        return CENTRE
    for one in [*list_stored(db), *list_stored(db, removed=True)]:
        if name in (one.integration.name, lms_target(one.integration.id)):
            return lms_target(one.integration.id)
    raise NotFoundError(f"There is no integration {name}.", hint="`exambox sync status` shows those that there are.")


def check_sync(examined: Examined) -> list[Check]:
    """The process that delivers runs, and can do what it has to."""
    beat = read_beat(examined.settings.sync_beat, examined.clock, name="sync")
    if beat.version != __version__:
        hint = "Restart the box's processes: `systemctl restart exambox.target`, outside of an exam."
        words = f"running, but of version {beat.version}, while the others are {__version__}."
        return [Check("sync", "warn", words, hint)]
    failing = sorted(name for name, good in beat.duties.items() if not good)
    if failing:
        return [Check("sync", "fail", f"running, but this cannot be done: {', '.join(failing)}.", "See its journal.")]
    return [Check("sync", "ok", "running")]


def check_deliveries(examined: Examined) -> list[Check]:
    """Each LMS takes what it is sent; nothing is parked, nothing waits for long."""
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        now_us = examined.clock.wall_us()
        return [delivery_check(target_name(db, one.target), one, now_us=now_us) for one in status(db).targets]


def delivery_check(name: str, stands: TargetStatus, *, now_us: int) -> Check:
    """Judge the deliveries to one target (pure)."""
    title = f"deliveries {name}"
    page = "Administration, Deliveries, or `exambox sync status` says why."
    if stands.parked:
        words = f"{stands.parked} refused by {name}: a person has to look; waiting in all: {stands.backlog}."
        return Check(title, "fail", words, page)
    hours = 0 if stands.oldest_us is None else (now_us - stands.oldest_us) // OLD_US
    if hours >= 1:
        words = f"{stands.backlog} wait for {name}, the oldest for {hours} h."
        return Check(title, "warn", words, page)
    if stands.silent_since_us is not None:
        return Check(title, "warn", f"{stands.backlog} wait for {name}, which takes nothing at present.", page)
    return Check(title, "ok", f"{name} takes what it is sent; waiting: {stands.backlog}")
