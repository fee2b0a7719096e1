"""How checks are called on the health page, where they stand there, and where a person goes from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from babel.numbers import format_decimal

from appliance.clock import parse_utc
from appliance.diagnosis.result import Check
from appliance.web.admin.health_book import Seen
from appliance.web.language import current_language, ngettext
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.moments import shown_zone
from appliance.web.words import local_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.diagnosis.result import State

Verdict = Literal["good", "warn", "bad"]
_STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_MEASURED = frozenset({"disk", "load"})
"""Checks whose messages hold measured values, and no name or version that looks like one."""
_DECIMAL = re.compile(r"(?<![\w.])\d+\.\d(?![\w.])")
_FOLDERS = ("folders", "folder")
_RANK = {"fail": 0, "warn": 1, "unseen": 2, "ok": 3}
_WHERE = {
    "camera": "admin.cameras",
    "cameras": "admin.cameras",
    "centre key": "admin.centre",
    "deliveries": "admin.deliveries",
    "disk": "admin.storage",
    "retention": "admin.holds",
    "keys": "admin.keys",
    "key modes": "admin.keys",
    "recipients": "admin.keys",
    "keyring": "admin.keys",
    "log": "admin.log",
    "checkpoint": "admin.log",
    "certificate": "admin.certificates",
    "announcement": "admin.certificates",
    "mail": "admin.users",
    "second factors": "admin.users",
    "sync": "admin.deliveries",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One check as the page shows it; ``kind`` is the colour, ``endpoint`` the page that goes with it or nothing."""

    seen: Seen
    title: str
    kind: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Group:
    """Checks under one heading."""

    title: str
    rows: tuple[Row, ...]


def family(name: str) -> str:
    """Return what a check is about: ``camera`` for ``camera front`` (pure)."""
    first = name.partition(" ")[0]
    return first if first in {"camera", "deliveries", "folder"} else name


def title_of(name: str) -> str:
    """Return a check's name in the reader's language."""
    known = {
        "access": _("Access"),
        "announcement": _("Name on the network"),
        "camera": _("Camera"),
        "cameras": _("Cameras"),
        "capture": _("Recording process"),
        "centre key": _("Key towards the central service"),
        "certificate": _("Certificate"),
        "checkpoint": _("Signature of the log"),
        "clock": _("Clock"),
        "database": _("Database"),
        "deliveries": _("Deliveries"),
        "devices": _("USB process"),
        "disk": _("Disk"),
        "folder": _("Folder"),
        "folders": _("Folders"),
        "journal": _("Journal"),
        "key modes": _("Key files"),
        "keyring": _("Keyring"),
        "keys": _("Keys"),
        "load": _("Processor load"),
        "log": _("Log"),
        "mail": _("E-mail"),
        "memory": _("Memory"),
        "power": _("Power supply"),
        "recipients": _("Recipients"),
        "retention": _("Retention"),
        "second factors": _("Second factors"),
        "software": _("Software"),
        "sync": _("Delivery process"),
        "temperature": _("Temperature"),
        "usb": _("USB"),
        "web": _("Dashboard"),
    }
    about = family(name)
    found = known.get(about, about)
    return f"{found} {name.removeprefix(about).strip()}".strip()


def message_words(check: Check) -> str:
    """Return what a check saw in the reader's language, its times and numbers as their pages show them."""
    said = _STAMP.sub(lambda found: local_words(parse_utc(found[0]), shown_zone()), problem_words(check.message))
    if check.name in _MEASURED:
        said = _DECIMAL.sub(lambda found: format_decimal(found[0], "0.0", current_language()), said)
    return said


def groups_of(seen: Iterable[Seen]) -> list[Group]:
    """Return the checks by subject, in the order of an exam day's worries."""
    seen = folded(seen)
    rows = [Row(one, title_of(one.check.name), kind_of(one.check.state), endpoint_of(one.check.name)) for one in seen]
    subjects = (
        (_("Recording"), ("capture", "cameras", "camera", "disk", "retention", "clock")),
        (_("Keys and log"), ("keys", "key modes", "recipients", "keyring", "log", "checkpoint")),
        (_("USB devices"), ("devices", "usb")),
        (_("Deliveries"), ("sync", "deliveries", "centre key")),
        (_("People and network"), ("web", "certificate", "announcement", "mail", "second factors")),
        (
            _("Machine"),
            ("power", "temperature", "memory", "load", "journal", "database", "software", *_FOLDERS),
        ),
    )
    placed = {about: title for title, abouts in subjects for about in abouts}
    order = [about for _title, abouts in subjects for about in abouts]
    made = []
    for title in [*dict.fromkeys(placed.values()), _("Other")]:
        own = [row for row in rows if placed.get(family(row.seen.check.name), _("Other")) == title]
        if own:
            made.append(Group(title, tuple(sorted(own, key=lambda row: _place(row, order)))))
    return made


def folded(seen: Iterable[Seen]) -> list[Seen]:
    """Return the checks with all folders that are in order as one (pure)."""
    every = list(seen)
    good = [one for one in every if family(one.check.name) == "folder" and one.check.state == "ok"]
    if len(good) <= 1:
        return every
    count = len(good)
    since = max(one.since_us for one in good)
    whole = Check("folders", "ok", f"{count} folders are there, and closed to whom they should be.")
    return [*(one for one in every if one not in good), Seen(whole, since, "quick")]


def _place(row: Row, order: list[str]) -> int:
    about = family(row.seen.check.name)
    return order.index(about) if about in order else len(order)


def worst_first(groups: Iterable[Group]) -> list[Row]:
    """Return what is not in order, the worst first."""
    found = [row for group in groups for row in group.rows if row.seen.check.state in {"fail", "warn"}]
    return sorted(found, key=lambda row: _RANK[row.seen.check.state])


def kind_of(state: State) -> str:
    """Return the colour of a state."""
    return {"ok": "good", "warn": "warn", "fail": "bad"}.get(state, "")


def endpoint_of(name: str) -> str:
    """Return the page that goes with a check, or nothing."""
    return _WHERE.get(family(name), "")


def verdict_of(seen: Iterable[Seen]) -> Verdict:
    """Return how the box stands as a whole (pure)."""
    states = {one.check.state for one in seen}
    return "bad" if "fail" in states else "warn" if "warn" in states else "good"


def verdict_words(seen: Iterable[Seen]) -> str:
    """Return the verdict as a headline."""
    states = [one.check.state for one in seen]
    failed, warned = states.count("fail"), states.count("warn")
    if failed:
        return ngettext(
            "Not fit: %(num)s thing must be put right.",
            "Not fit: %(num)s things must be put right.",
            failed,
        )
    if warned:
        return ngettext("Fit, with %(num)s thing to look at.", "Fit, with %(num)s things to look at.", warned)
    return _("Fit for tomorrow.")


def state_words(state: State | None) -> str:
    """Return a state in the reader's language."""
    return {
        "ok": _("in order"),
        "warn": _("look at it"),
        "fail": _("must be put right"),
        "unseen": _("not seen from here"),
    }.get(state or "", _("not there"))
