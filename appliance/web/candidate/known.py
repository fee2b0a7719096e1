"""Which origins a session knows: its candidate may come from them, and be sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.integrations.store import stored_integration
from appliance.web.candidate.addresses import origins_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Integration
    from appliance.sittings.values import StoredSession


def origins_known(db: Database, session: StoredSession) -> frozenset[str]:
    """Return the origins of a session's addresses and of its integration's."""
    return origins_of((session.session_url, session.finish_url)) | origins_of_lms(integration_of(db, session))


def integration_of(db: Database, session: StoredSession) -> Integration:
    """Return the integration of a session, also one that was removed since."""
    return stored_integration(db, session.integration, removed=True).integration


def origins_of_lms(known: Integration) -> frozenset[str]:
    """Return the origins of the addresses an integration has (pure)."""
    return origins_of((known.review_url, known.schedule_url, known.warning_url, known.agreement_acceptance_url))
