"""The log in the reader's language: actions, their groups, findings of a check, the fields of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.auditlog import ACTIONS
from appliance.diagnosis.processes import LOST_WORDS
from appliance.web.admin.camera_words import kind_words
from appliance.web.admin.key_facts import purpose_words
from appliance.web.language import gettext
from appliance.web.language import lazy_gettext as _
from appliance.web.language.problems import problem_words

if TYPE_CHECKING:
    from typing import Any

GROUPS: Final[dict[str, Any]] = {
    "account": _("Accounts and sign-ins"),
    "bookmark": _("Bookmarks"),
    "box": _("Recording service"),
    "camera": _("Cameras"),
    "centre": _("Central service of this box"),
    "certificate": _("Certificates"),
    "clock": _("Clock"),
    "delivery": _("Deliveries"),
    "disk": _("Disk"),
    "epoch": _("Epochs of deliveries"),
    "exam": _("Exams"),
    "hold": _("Legal holds"),
    "hub": _("Boxes of this centre"),
    "incident": _("Incidents"),
    "integration": _("Integrations with LMSs"),
    "keyring": _("Opening of recordings"),
    "keys": _("Keys"),
    "log": _("Log itself"),
    "person": _("Erasure of persons"),
    "recording": _("Recordings"),
    "review": _("Reviews"),
    "seat": _("Seat agents"),
    "session": _("Sessions of candidates"),
    "sitting": _("Sittings"),
    "support": _("Support"),
    "usb": _("USB"),
    "vault": _("Part files and deletions"),
    "warning": _("Warnings"),
}
ROUTINE: Final = frozenset({"vault.checkpoint", "vault.part_opened", "vault.part_closed"})
"""What the box enters every minute by itself; left out unless it is asked for."""
_FINDINGS: Final[dict[str, Any]] = {
    "checkpoint.chain": _("The log up to here is not what the box signed."),
    "checkpoint.malformed": _("A signed checkpoint cannot be read."),
    "checkpoint.missing": _("A signed checkpoint is missing or was renumbered."),
    "checkpoint.order": _("Signed checkpoints are out of order."),
    "checkpoint.previous": _("A signed checkpoint does not follow the one before it."),
    "checkpoint.seq": _("A signed checkpoint was made for another entry."),
    "checkpoint.signature": _("A checkpoint is not signed with this box's key."),
    "entry.chain": _("This entry, or one before it, was changed."),
    "entry.malformed": _("This entry cannot be read."),
    "entry.missing": _("Entries are missing from here on."),
    "entry.seq": _("This entry was written with another number."),
    "log.cut": _("The end of the log was cut off."),
    "log.unguarded": _("A guard against changes was removed from the database."),
    "personal.changed": _("A name or another personal value of this entry was changed."),
    "personal.orphan": _("There are personal values of an entry that does not exist."),
    "personal.removed": _("Personal values were removed without an erasure that is in the log."),
    "witness.chain": _("The log is not the one that a witness has seen."),
}
_FIELDS: Final[dict[str, Any]] = {
    "account": _("account"),
    "action": _("action"),
    "at": _("at"),
    "before": _("before"),
    "bytes": _("size"),
    "camera": _("camera"),
    "certificate": _("certificate"),
    "ended": _("ended"),
    "entries": _("entries"),
    "free": _("free"),
    "from": _("from"),
    "hold": _("hold"),
    "kind": _("kind"),
    "level": _("depth"),
    "name": _("name"),
    "ok": _("found right"),
    "part": _("part"),
    "parts_already_gone": _("parts already deleted before"),
    "purpose": _("purpose"),
    "reason": _("reason"),
    "role": _("role"),
    "rule": _("rule"),
    "sitting": _("sitting"),
    "started": _("started"),
    "state": _("state"),
    "to": _("to"),
    "total": _("in all"),
    "until": _("until"),
}


_VALUES: Final[dict[str, dict[str, Any]]] = {
    "level": {"presence": _("presence"), "chain": _("seals and signatures"), "full": _("every picture")},
    "opened": {
        "clock_step": _("the clock was set"),
        "error": _("a failure to write"),
        "found": _("found in the vault"),
        "restart": _("a new beginning of recording"),
        "rollover": _("the part before was full"),
        "start": _("beginning of the recording"),
        "stream_changed": _("the camera's stream changed"),
    },
    "outcome": {"answered": _("it answered"), "works": _("it works")},
    "state": {
        "abandoned": _("given up"),
        "closed": _("closed"),
        "delete": _("so full that recordings go early"),
        "ok": _("in order"),
        "open": _("open"),
        "recovered": _("recovered"),
        "stop": _("full"),
        "warn": _("little room left"),
    },
}


def action_words(action: str) -> str:
    """Return an action as the reader's language names it; an unknown one (of newer software) as it is."""
    return gettext(ACTIONS[action]) if action in ACTIONS else action


def actions_named(text: str) -> frozenset[str]:
    """Return the actions whose words, as this reader sees them, hold a text."""
    needle = text.casefold()
    return frozenset(action for action in ACTIONS if needle and needle in action_words(action).casefold())


def group_words(noun: str) -> str:
    """Return what a group of actions is called; one of newer software by its noun."""
    return str(GROUPS.get(noun, noun))


def groups() -> list[tuple[str, str]]:
    """Return every group there can be with its words, in the order of the words."""
    nouns = {action.partition(".")[0] for action in ACTIONS}
    return sorted(((noun, group_words(noun)) for noun in nouns), key=lambda pair: pair[1].casefold())


def finding_words(code: str, message: str) -> str:
    """Return what a check found, in plain words; an unknown finding as it was told."""
    return str(_FINDINGS.get(code, message))


def field_words(name: str) -> str:
    """Return what a field of an entry is called; one without words by its name."""
    return str(_FIELDS.get(name.removesuffix("_us"), name.removesuffix("_us").replace("_", " ")))


def value_words(action: str, name: str, value: object) -> str:
    """Return a field's value as the reader's language says it; texts that people wrote stay as they are."""
    text = str(value)
    if name == "kind":
        return kind_words(text)
    if name == "purpose":
        return purpose_words(text)
    if name == "outcome" or (name == "reason" and action.startswith("camera.")):
        text = problem_words(LOST_WORDS.get(text, text))
    return str(_VALUES.get("state" if name == "before" else name, {}).get(text, text))
