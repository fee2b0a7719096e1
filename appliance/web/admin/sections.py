"""The sections of the administration, in the order of its navigation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the side navigation; ``icon`` is a symbol of ``static/icons.svg``."""

    endpoint: str
    title: str
    about: str
    icon: str


@dataclass(frozen=True, slots=True)
class Group:
    """Sections under one heading."""

    title: str
    sections: tuple[Section, ...]


def groups(reachable: Callable[[str], bool]) -> list[Group]:
    """Return the groups in the reader's language, with the sections that person may open.

    Args:
        reachable: whether an endpoint is there and open to the person.
    """
    shown = [
        Group(group.title, tuple(section for section in group.sections if reachable(section.endpoint)))
        for group in _all()
    ]
    return [group for group in shown if group.sections]


def _all() -> tuple[Group, ...]:
    return (
        Group(
            _("Recording"),
            (
                Section(
                    "admin.cameras", _("Cameras"), _("Add, test and mask cameras; purpose and retention."), "camera"
                ),
                Section("admin.storage", _("Storage"), _("What fills the disk, and when it will be full."), "disk"),
                Section("admin.holds", _("Retention and holds"), _("What is kept, for how long and why."), "hold"),
            ),
        ),
        Group(
            _("Exams"),
            (
                Section(
                    "admin.integrations",
                    _("Integrations"),
                    _("Which learning management systems send exams, and where they are told."),
                    "network",
                ),
                Section(
                    "admin.deliveries",
                    _("Deliveries"),
                    _("What the LMS was told, what waits, and why."),
                    "upload",
                ),
                Section(
                    "admin.centre",
                    _("Central service"),
                    _("Where this box gets its exams from, and what it tells it; sticks."),
                    "refresh",
                ),
            ),
        ),
        Group(
            _("Devices"),
            (
                Section(
                    "admin.usb",
                    _("USB"),
                    _("Which devices are plugged in, which are kept out, and why."),
                    "warning",
                ),
                Section(
                    "admin.seat_agents",
                    _("Seat agents"),
                    _("Candidates' workstations that report USB devices and active windows."),
                    "network",
                ),
            ),
        ),
        Group(
            _("Access"),
            (
                Section("admin.users", _("Users"), _("Who may sign in, with which role."), "users"),
                Section("admin.keys", _("Keys and recipients"), _("Who can open what is recorded."), "key"),
                Section(
                    "admin.certificates",
                    _("Certificates and network"),
                    _("How browsers know this box, and which boxes are near."),
                    "certificate",
                ),
            ),
        ),
        Group(
            _("Box"),
            (
                Section("admin.health", _("Health"), _("Is this box fit for tomorrow?"), "health"),
                Section("admin.log", _("Log"), _("Who did what, when and from where."), "log"),
                Section(
                    "admin.support", _("Support bundle"), _("Facts for support, without personal data."), "support"
                ),
            ),
        ),
    )
