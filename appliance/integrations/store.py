"""Integrations in ``exambox.db``: which LMS may speak to the box, and where it wants to be told.

A removed one keeps its row, because exams and the log go on naming it; its name is never given to another.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from appliance import auditlog
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exams.model import Integration
from appliance.integrations.addresses import ADDRESS_NAMES, Addresses, checked_addresses
from appliance.integrations.secrets import keep_secret, new_secret

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.integrations.exchange_key import ExchangeKey

Origin = Literal["local", "centre"]
_SELECT: Final = (
    "SELECT id, name, is_active, review_url, schedule_url, warning_url, agreement_acceptance_url,"
    " origin, version, created_us, updated_us, removed_us FROM integration"
)
_ID_BYTES: Final = 6


class IntegrationNameError(BadInputError):
    """An integration's name cannot be part of an address; ``field`` is ``name``."""

    code = "integration.name"
    field = "name"

    def __init__(self) -> None:
        self.reason = "has 1 to 80 letters, digits, dots, hyphens and underscores, and begins with a letter or digit."
        super().__init__(f"name: {self.reason}", hint="It is part of the API's addresses: moodle-main, for example.")


class ChangedMeanwhileError(ConflictError):
    """What a person began to change was changed by somebody else since."""

    code = "conflict.changed"


@dataclass(frozen=True, slots=True)
class StoredIntegration:
    """An integration with what is known about its row; ``removed_us`` is None while it is there."""

    integration: Integration
    origin: Origin
    version: int
    created_us: int
    updated_us: int
    removed_us: int | None


def add_integration(
    db: Database,
    *,
    name: str,
    addresses: Addresses = Addresses(),  # noqa: B008  frozen
    clock: Clock,
    who: str,
    keys: ExchangeKey,
    where: str = "",
    is_active: bool = True,
) -> tuple[Integration, str]:
    """Add an integration; return it and its secret, which is shown this once and never again.

    Raises:
        BadInputError: the name or an address is not usable; names the field.
        ConflictError: the name is or was in use.
        UnavailableError: the key file can be neither read nor made.
    """
    given = checked_addresses(addresses)
    made = _made(f"int-{secrets.token_hex(_ID_BYTES)}", name.strip(), given, is_active=is_active)
    secret = new_secret()
    with write(db):
        insert_integration(db, made, origin="local", clock=clock)
        keep_secret(db, made.id, secret, clock=clock, keys=keys)
        detail = {"integration": made.name, "addresses": sorted(given.given()), "active": made.is_active}
        auditlog.append(db, "integration.added", clock=clock, who=who, where=where, detail=detail)
    return made, secret


def insert_integration(db: Database, made: Integration, *, origin: Origin, clock: Clock) -> None:
    """Add the row of a checked integration, without a secret and without an entry in the log.

    A central service's integrations are known to the box in this way: it answers for them, not the LMS.

    Raises:
        ConflictError: the name is or was in use.
    """
    now = clock.wall_us()
    with write(db):
        _refuse_same_name(db, made.name)
        db.conn.execute(
            "INSERT INTO integration (id, name, is_active, origin, review_url, schedule_url, warning_url,"
            " agreement_acceptance_url, created_us, updated_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (made.id, made.name, made.is_active, origin, *_addresses_of(made), now, now),
        )


def get_integration(db: Database, integration: str) -> Integration:
    """Return one integration by its id.

    Raises:
        NotFoundError: there is none of this id, or it was removed.
    """
    return stored_integration(db, integration).integration


def stored_integration(db: Database, integration: str, *, removed: bool = False) -> StoredIntegration:
    """Return one integration with its row's facts; with ``removed`` also one that was removed.

    Raises:
        NotFoundError: there is none of this id, or it was removed.
    """
    row = db.conn.execute(f"{_SELECT} WHERE id = ?", (integration,)).fetchone()
    if row is None or (row[-1] is not None and not removed):
        raise NotFoundError("There is no such integration.", hint="`exambox integrations list` shows them.")
    return _stored(row)


def find_integration(db: Database, name: str) -> Integration:
    """Return the integration of a name, active or not.

    Raises:
        NotFoundError: there is none, or it was removed.
    """
    row = db.conn.execute(f"{_SELECT} WHERE name = ? AND removed_us IS NULL", (name,)).fetchone()
    if row is None:
        raise NotFoundError(
            "There is no integration of this name on this box.",
            hint="Compare the name in the address with the one on the box's page of integrations.",
        )
    return _stored(row).integration


def list_integrations(db: Database) -> list[Integration]:
    """Return all integrations by name."""
    return [one.integration for one in list_stored(db)]


def list_stored(db: Database, *, removed: bool = False) -> list[StoredIntegration]:
    """Return all integrations by name with their rows' facts; with ``removed`` only those that were removed."""
    rows = db.conn.execute(
        f"{_SELECT} WHERE (removed_us IS NOT NULL) = ? ORDER BY name COLLATE NOCASE, id",
        (removed,),
    )
    return [_stored(row) for row in rows]


def edit_integration(
    db: Database,
    integration: str,
    *,
    addresses: Addresses,
    clock: Clock,
    who: str,
    where: str = "",
    version: int | None = None,
) -> Integration:
    """Replace the addresses of an integration and return it. Its name stays: the LMS calls it by that.

    Raises:
        NotFoundError: there is no such integration.
        BadInputError: an address is not usable; names the field.
        ChangedMeanwhileError: somebody changed it since ``version``.
        ConflictError: it is the central service's.
    """
    given = checked_addresses(addresses)
    with write(db):
        before = _own(db, integration)
        if version is not None and before.version != version:
            raise ChangedMeanwhileError(
                "Somebody else has changed this integration in the meantime.",
                hint="Compare with what is there now, and save again if yours is right.",
            )
        changed = [one for one in ADDRESS_NAMES if getattr(before.integration, one) != getattr(given, one)]
        if changed:
            _update(db, integration, {one: getattr(given, one) for one in changed}, clock)
            detail = {"integration": before.integration.name, "fields": changed}
            auditlog.append(db, "integration.edited", clock=clock, who=who, where=where, detail=detail)
        return get_integration(db, integration)


def set_active(db: Database, integration: str, *, active: bool, clock: Clock, who: str, where: str = "") -> Integration:
    """Let an LMS speak to the box, or answer it 403 from now on; return the integration.

    Raises:
        NotFoundError: there is no such integration.
        ConflictError: it is the central service's.
    """
    with write(db):
        before = _own(db, integration)
        if before.integration.is_active != active:
            _update(db, integration, {"is_active": active}, clock)
            action = "integration.activated" if active else "integration.deactivated"
            detail = {"integration": before.integration.name}
            auditlog.append(db, action, clock=clock, who=who, where=where, detail=detail)
        return get_integration(db, integration)


def remove_integration(db: Database, integration: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Take an integration away: its LMS is answered 404. Its exams, sessions and sealed secret stay.

    Raises:
        NotFoundError: there is no such integration.
        ConflictError: it is the central service's.
    """
    with write(db):
        before = _own(db, integration)
        _update(db, integration, {"removed_us": clock.wall_us()}, clock)
        detail = {"integration": before.integration.name}
        auditlog.append(db, "integration.removed", clock=clock, who=who, where=where, detail=detail)


def restore_integration(db: Database, integration: str, *, clock: Clock, who: str, where: str = "") -> Integration:
    """Bring a removed integration back as it was, secret and all, and return it.

    Raises:
        NotFoundError: there never was one of this id.
    """
    with write(db):
        before = stored_integration(db, integration, removed=True)
        if before.removed_us is not None:
            _update(db, integration, {"removed_us": None}, clock)
            detail = {"integration": before.integration.name}
            auditlog.append(db, "integration.restored", clock=clock, who=who, where=where, detail=detail)
        return get_integration(db, integration)


def _own(db: Database, integration: str) -> StoredIntegration:
    found = stored_integration(db, integration)
    if found.origin != "local":
        raise ConflictError(
            "This integration belongs to the central service.",
            hint="It is changed there; the box learns of it when it next asks.",
        )
    return found


def _update(db: Database, integration: str, columns: dict[str, Any], clock: Clock) -> None:
    columns = {**columns, "updated_us": clock.wall_us()}
    sets = ", ".join(f"{column} = ?" for column in columns)
    db.conn.execute(
        f"UPDATE integration SET {sets}, version = version + 1 WHERE id = ?",  # noqa: S608  our own words
        (*columns.values(), integration),
    )


def _refuse_same_name(db: Database, name: str) -> None:
    row = db.conn.execute("SELECT id, removed_us FROM integration WHERE name = ? COLLATE NOCASE", (name,)).fetchone()
    if row is None:
        return
    if row[1] is not None:
        raise ConflictError(
            f"The name {name} belonged to an integration that was removed; names are never given twice.",
            hint="Bring the removed one back, or choose another name.",
        )
    raise ConflictError(f"There is an integration {name} already.", hint="Choose another name.")


def _made(integration: str, name: str, given: Addresses, *, is_active: bool) -> Integration:
    values = {"id": integration, "name": name, "is_active": is_active, **msgspec.structs.asdict(given)}
    try:
        return msgspec.convert(values, Integration)
    except msgspec.ValidationError as problem:
        raise IntegrationNameError from problem


def _addresses_of(made: Integration) -> tuple[str | None, ...]:
    return tuple(getattr(made, one) for one in ADDRESS_NAMES)


def _stored(row: tuple[Any, ...]) -> StoredIntegration:
    number, name, active, review, schedule, warning, agreement, *facts = row
    found = Integration(
        id=number,
        name=name,
        is_active=bool(active),
        review_url=review,
        schedule_url=schedule,
        warning_url=warning,
        agreement_acceptance_url=agreement,
    )
    return StoredIntegration(found, *facts)
