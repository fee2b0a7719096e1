"""What the pages of integrations show: addresses to paste, what goes where, what an answer means."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import request

from appliance.integrations.addresses import ADDRESS_NAMES, is_encrypted
from appliance.integrations.secrets import SecretFact, secret_facts
from appliance.web import hosts
from appliance.web.api.paths import PREFIX
from appliance.web.api.state import Refusal, api
from appliance.web.language import gettext as _
from appliance.web.services import database, services

if TYPE_CHECKING:
    from appliance.exams.model import Integration
    from appliance.integrations.store import StoredIntegration

# What the kernel answers where systemd lets a process not reach an address (IPAddressDeny=).
NOT_PERMITTED: Final = os.strerror(errno.EPERM)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list."""

    stored: StoredIntegration
    told: list[str]
    used_us: int | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class BoxAddress:
    """What addresses of the box begin with; ``reachable`` is False where other machines cannot use it."""

    base: str
    reachable: bool


def address_words(name: str) -> str:
    """Return what an address is for, in the reader's language."""
    return {
        "review_url": _("Reviews"),
        "schedule_url": _("Booked times"),
        "warning_url": _("Warnings"),
        "agreement_acceptance_url": _("Agreements"),
    }[name]


def listed(stored: StoredIntegration) -> Listed:
    """Gather what the list shows of an integration."""
    facts = secrets_of(stored)
    used = [fact.used_us for fact in facts if fact.used_us is not None]
    told = [address_words(name) for name in ADDRESS_NAMES if getattr(stored.integration, name)]
    return Listed(stored, told, max(used, default=None), api().last_refusal(stored.integration.name))


def secrets_of(stored: StoredIntegration) -> list[SecretFact]:
    """Return what may be shown of the secrets that are good."""
    return secret_facts(database(), stored.integration.id, now_us=services().clock.wall_us())


def open_addresses(made: Integration) -> list[str]:
    """Return what is sent unencrypted, in words."""
    return [
        address_words(name) for name in ADDRESS_NAMES if (address := getattr(made, name)) and not is_encrypted(address)
    ]


def box_address() -> BoxAddress:
    """Return what the LMS's addresses begin with: what is set, else how this page was opened."""
    stated = services().settings.exams.public_address
    base = stated or request.host_url.rstrip("/")
    host = base.partition("://")[2]
    return BoxAddress(base, hosts.host_of(host) not in {None, *hosts.LOOPBACK_NAMES})


def lms_addresses(name: str, base: str) -> list[tuple[str, str]]:
    """Return what is to be entered in an LMS: words and address."""
    return [
        (_("Base address"), base),
        (_("Name of the integration"), name),
        (_("Create or change an exam (POST)"), f"{base}{PREFIX}integration/simple/{name}/exams/"),
        (_("Start of a session (browser)"), f"{base}/integration/simple/{name}/start/?token=…"),
        (_("Finish of a session (POST)"), f"{base}{PREFIX}integration/simple/{name}/sessions/{{sessionId}}/finish/"),
        (_("State of a session (GET)"), f"{base}{PREFIX}integration/simple/{name}/sessions/{{sessionId}}/status/"),
        (_("Recording for reviewers (browser)"), f"{base}/integration/simple/{name}/archive/{{sessionId}}/?token=…"),
    ]
