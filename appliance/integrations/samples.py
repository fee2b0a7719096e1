"""What is sent to try an integration's addresses: messages as the LMS will get them, marked as a test (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.exchange.enums import Conclusion, ScheduleEvent, WarningType
from appliance.exchange.messages import (
    Review,
    SessionName,
    WarningFact,
    agreement_body,
    schedule_body,
    warning_body,
)
from appliance.integrations.addresses import ADDRESS_NAMES

if TYPE_CHECKING:
    from appliance.exams.model import Integration
    from appliance.exchange.json_edge import JsonObject

SESSION: Final = "exambox-test"
"""The session of every sample: no LMS chooses that name."""
COMMENT: Final = "This is a test of the connection by exambox. It belongs to no session; please ignore it."
SHOWN_CHARACTERS: Final = 500
"""So much of an answer is shown."""
_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Sample:
    """One message: the name of the address's field, the address, the body."""

    name: str
    address: str
    body: JsonObject


def samples(integration: Integration, *, now_us: int) -> list[Sample]:
    """Return a message for each address that is set."""
    made = _bodies(now_us)
    return [Sample(name, address, made[name]) for name in ADDRESS_NAMES if (address := getattr(integration, name))]


def _bodies(now_us: int) -> dict[str, JsonObject]:
    session = SessionName("", SESSION)
    start_us = now_us - _MINUTES * 60 * SECOND_US
    seen = WarningFact(0, WarningType.AVERT_EYES.value, start_us, start_us + 5 * SECOND_US)
    review = Review(
        session=session,
        conclusion=Conclusion.UNKNOWN,
        comment=COMMENT,
        score=0,
        attention=40,
        rejected=80,
        start_us=start_us,
        end_us=now_us,
        warnings=(seen,),
    )
    return {
        "review_url": review.body(),
        "schedule_url": schedule_body(session, ScheduleEvent.CANCELED, start_us=now_us, cancel_deadline_us=None),
        "warning_url": warning_body(session, seen),
        "agreement_acceptance_url": agreement_body(session, accepted_us=now_us),
    }
