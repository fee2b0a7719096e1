"""What taking changes over needs beside the database, and why one may have to wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from appliance.centre.keys import CentreKeys  # noqa: TC001  in a dataclass
from appliance.centre.things import local_of
from appliance.clock import Clock  # noqa: TC001  in a dataclass
from appliance.config import Settings  # noqa: TC001  in a dataclass
from appliance.errors import ApplianceError
from appliance.exchange.centre.messages import message_of
from appliance.integrations.exchange_key import ExchangeKey  # noqa: TC001  in a dataclass
from appliance.sittings.rows import Cause

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change
    from appliance.exchange.centre.kinds import ChangeKind

Body = TypeVar("Body", bound=Struct)


class NotYetError(ApplianceError):
    """A change cannot be taken over as long as something it needs is not here; it is tried again."""

    code = "centre.not_yet"
    status = 409


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes over, in whose name.

    Attributes:
        settings: of the box.
        clock: dates what happens.
        box: the box's name, to which secrets are sealed.
        keys: what they are opened with; None where only what holds no secret is taken over.
        exchange: what they are sealed with here.
        accepted_by: who of the room accepted the change; empty where nobody had to.
        where: from where they did.
    """

    settings: Settings
    clock: Clock
    box: str
    exchange: ExchangeKey = field(repr=False)
    keys: CentreKeys | None = field(repr=False, default=None)
    accepted_by: str = ""
    where: str = ""

    def cause(self, change: Change) -> Cause:
        """Return who is named in log and history: the hub."""
        return Cause(self.clock, change.hub, self.where)


def body_of(kind: type[Body], change: Change) -> Body:
    """Return a change's body.

    Raises:
        MessageError, JsonError: it does not have its form.
    """
    return message_of(kind, change.content())


def need_local(db: Database, change: Change, kind: ChangeKind, id: str) -> str:  # noqa: A002  the model's word
    """Return what a thing that a change names is here.

    Raises:
        NotYetError: it has not arrived.
    """
    found = local_of(db, change.hub, kind, id)
    if not found:
        raise NotYetError(f"The {kind} {id} it belongs to has not arrived yet.", hint="It is taken over after that.")
    return found
