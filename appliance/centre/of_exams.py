"""Integrations and exams of the centre on the box."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.centre.context import NotYetError, Taking, body_of
from appliance.centre.things import local_of
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exams.model import Integration
from appliance.exchange.centre.bodies import ExamBody, IntegrationBody
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.sealed_secret import open_secret
from appliance.exchange.exam_parameters import parse_exam
from appliance.integrations.secrets import good_secrets
from appliance.integrations.store import insert_integration, stored_integration
from appliance.sittings.exams import get_exam, remove_exam, set_choices, upsert_exam
from appliance.sittings.values import ExamChoices

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change
    from appliance.integrations.store import StoredIntegration

_ID_BYTES: Final = 6


def take_integration(db: Database, change: Change, taking: Taking) -> str:
    """Know an LMS that speaks to the centre, with the secrets its hand-overs are signed with; or know it no more.

    Raises:
        ConflictError: an integration of this name was made on the box itself.
        SealedSecretError: a secret is not sealed to this box's present key.
    """
    local = local_of(db, change.hub, ChangeKind.INTEGRATION, change.id)
    if change.deleted:
        if local:
            _end(db, local, change, taking)
        return local
    body = body_of(IntegrationBody, change)
    known = _known(db, local, body.name)
    if known is None:
        try:
            values = {"id": f"int-{secrets.token_hex(_ID_BYTES)}", "name": body.name, "is_active": body.is_active}
            made = msgspec.convert(values, Integration)
        except msgspec.ValidationError as problem:
            raise BadInputError(f"The name {body.name!r} cannot be part of an address.") from problem
        insert_integration(db, made, origin="centre", clock=taking.clock)
        local = made.id
        taking.cause(change).log(db, "integration.taken_over", {"integration": body.name, "new": True})
    else:
        local = known.integration.id
        _edit(db, known, body, change, taking)
    _keep_secrets(db, local, body, taking)
    return local


def take_exam(db: Database, change: Change, taking: Taking) -> str:
    """Make or change an exam; a sitting that has frozen it goes on with what it has. Or remove it from the lists.

    Raises:
        NotYetError: its integration has not arrived.
        ParametersError: its parameters are not an exam's.
        ConflictError: it is gone at the centre, but a sitting here that is not closed holds it.
    """
    cause = taking.cause(change)
    local = local_of(db, change.hub, ChangeKind.EXAM, change.id)
    if change.deleted:
        if local:
            remove_exam(db, local, clock=cause.clock, who=cause.who, where=cause.where)
        return local
    body = body_of(ExamBody, change)
    integration = integration_named(db, body.integration)
    parameters = parse_exam(body.parameters)
    if (parameters.account_id.text, parameters.exam_id.text) != (body.account, body.exam_id):
        raise BadInputError("The exam is named otherwise in its parameters than beside them.")
    upserted = upsert_exam(
        db, integration, parameters, clock=cause.clock, who=cause.who, where=cause.where, origin="centre"
    )
    choices = msgspec.convert(body.choices, ExamChoices)
    set_choices(db, upserted.exam.id, choices, clock=cause.clock, who=cause.who, where=cause.where)
    return get_exam(db, upserted.exam.id).id


def integration_named(db: Database, name: str, *, taken_away: bool = False) -> Integration:
    """Return the centre's integration of a name; with ``taken_away`` also one that the box has no more.

    Raises:
        NotYetError: it has not arrived, or one of this name belongs to the box itself.
    """
    known = _named(db, name)
    if known is None or known.origin != "centre" or (known.removed_us is not None and not taken_away):
        raise NotYetError(
            f"The integration {name} of the central service is not on this box.",
            hint="It is taken over once it is; see the changes that are held.",
        )
    return known.integration


def _known(db: Database, local: str, name: str) -> StoredIntegration | None:
    known = _stored(db, local) if local else _named(db, name)
    if known is not None and known.origin != "centre":
        raise ConflictError(
            f"This box has an integration {name} of its own; the central service's cannot be taken over.",
            hint="An LMS speaks either to the box or to the central service: give one of the two another name.",
        )
    return known


def _stored(db: Database, integration: str) -> StoredIntegration | None:
    try:
        return stored_integration(db, integration, removed=True)
    except NotFoundError:
        return None


def _named(db: Database, name: str) -> StoredIntegration | None:
    row = db.conn.execute("SELECT id FROM integration WHERE name = ? COLLATE NOCASE", (name,)).fetchone()
    return None if row is None else _stored(db, str(row[0]))


def _edit(db: Database, known: StoredIntegration, body: IntegrationBody, change: Change, taking: Taking) -> None:
    before = known.integration
    if before.is_active == body.is_active and known.removed_us is None:
        return
    db.conn.execute(
        "UPDATE integration SET is_active = ?, removed_us = NULL, updated_us = ?, version = version + 1 WHERE id = ?",
        (body.is_active, taking.clock.wall_us(), before.id),
    )
    detail = {"integration": before.name, "new": False, "active": body.is_active}
    taking.cause(change).log(db, "integration.taken_over", detail)


def _end(db: Database, local: str, change: Change, taking: Taking) -> None:
    known = _stored(db, local)
    if known is None or known.removed_us is not None:
        return
    now = taking.clock.wall_us()
    db.conn.execute(
        "UPDATE integration SET removed_us = ?, updated_us = ?, version = version + 1 WHERE id = ?", (now, now, local)
    )
    db.conn.execute("DELETE FROM integration_secret WHERE integration = ?", (local,))
    taking.cause(change).log(db, "integration.removed", {"integration": known.integration.name})


def _keep_secrets(db: Database, local: str, body: IntegrationBody, taking: Taking) -> None:
    """Have just the secrets the centre has, the newest with the highest number, sealed with this box's own key."""
    if taking.keys is None:
        raise NotYetError("The keys towards the central service cannot be read here.")
    now = taking.clock.wall_us()
    told = [
        (open_secret(one.sealed, integration=body.name, box=taking.box, private=taking.keys.seal_private), one.ends_us)
        for one in body.secrets
    ]
    ends = dict(db.conn.execute("SELECT id, ends_us FROM integration_secret WHERE integration = ?", (local,)))
    here = [(one.text, ends[one.id]) for one in good_secrets(db, local, now_us=now, keys=taking.exchange)]
    if here == told:
        return
    db.conn.execute("DELETE FROM integration_secret WHERE integration = ?", (local,))
    db.conn.executemany(
        "INSERT INTO integration_secret (integration, sealed, created_us, ends_us) VALUES (?, ?, ?, ?)",
        [(local, taking.exchange.seal(local, text), now, ends_us) for text, ends_us in reversed(told)],
    )
