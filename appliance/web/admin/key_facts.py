"""What the keys page shows: from public files, the keyring's status and the log; no private key is read here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.auditlog.search import Wanted, newest
from appliance.errors import ApplianceError
from appliance.vault.keys import fingerprint, load_box_id, load_device_public, load_recipients
from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.auditlog.line import LogLine
    from appliance.ipc.keyring import Generation, KeyringStatus
    from appliance.vault.recipients import Recipient, RecipientsList
    from appliance.web.services import Services

USES_SHOWN: Final = 12
CHANGES_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who can open what is recorded from now on; ``since_us`` (wall) is None where the log is silent."""

    recipient: Recipient
    fingerprint: str
    since_us: int | None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Everything the page shows; what cannot be read is a problem in its place."""

    box: str = ""
    device: str = ""
    listed: RecipientsList | None = None
    readers: tuple[Reader, ...] = ()
    problem: ApplianceError | None = None
    keyring: KeyringStatus | None = None
    keyring_problem: ApplianceError | None = None
    uses: list[LogLine] = field(default_factory=list)
    changes: list[LogLine] = field(default_factory=list)

    @property
    def room_alone(self) -> bool:
        """Whether nobody but this room can open its recordings."""
        return bool(self.readers) and all(one.recipient.role == "review" for one in self.readers)

    @property
    def generations(self) -> list[dict[str, Any]]:
        """The review key's generations, the newest first."""
        return [dict(one) for one in reversed(_generations(self.keyring))]


def key_facts(box: Services, db: Database) -> KeyFacts:
    """Gather what may be shown."""
    changes = newest(db, Wanted(action="keys"), limit=CHANGES_SHOWN)
    uses = newest(db, Wanted(action="keyring"), limit=USES_SHOWN)
    status, keyring_problem = _asked(box)
    folder = box.settings.keys_dir
    try:
        listed = load_recipients(folder)
        name, device = load_box_id(folder), fingerprint(load_device_public(folder))
    except ApplianceError as problem:
        return KeyFacts(problem=problem, keyring=status, keyring_problem=keyring_problem, uses=uses, changes=changes)
    since = _since(db, status)
    readers = tuple(Reader(one, fingerprint(one.public), since.get(one.key_id)) for one in listed.recipients)
    return KeyFacts(name, device, listed, readers, None, status, keyring_problem, uses, changes)


def _asked(box: Services) -> tuple[KeyringStatus | None, ApplianceError | None]:
    try:
        return box.keyring.status(), None
    except ApplianceError as problem:
        return None, problem


def _generations(status: KeyringStatus | None) -> list[Generation]:
    return status.get("generations", []) if status else []


def _since(db: Database, status: KeyringStatus | None) -> dict[str, int]:
    """Return since when each key counts: generations as the keyring says, others as the log does."""
    found = {one["key_id"]: one["created_us"] for one in _generations(status)}
    for line in newest(db, Wanted(action="keys.recipient_added"), limit=200):
        found.setdefault(str(line.detail.get("key_id")), line.at_us)
    return found


def role_words(role: str) -> str:
    """Return what a recipient is for."""
    return {
        "review": _("Plays back in this room."),
        "auditor": _("Opens recordings elsewhere, with a key file of their own."),
        "escrow": _("Opens recordings if every other key is lost; kept in a safe."),
    }.get(role, role)


def role_name(role: str) -> str:
    """Return a recipient's role."""
    return {"review": _("room"), "auditor": _("auditor"), "escrow": _("escrow")}.get(role, role)


def purpose_words(purpose: str) -> str:
    """Return what a part was opened for."""
    return {
        "playback": _("playback"),
        "export": _("export"),
        "verify": _("verification"),
        "thumbnail": _("small pictures"),
    }.get(purpose, purpose)
