"""Refusals that may be somebody trying doors: the journal tells them, by the account's number, with no name."""

from __future__ import annotations

from typing import Final

from flask import request

from appliance import log
from appliance.web.services import address, person_or_none

_LOG = log.get(__name__)
_TOLD: Final = frozenset({400, 403, 413, 422, 429})


def note_refusal(status: int, code: str) -> None:
    """Write a refused request to the journal, if its status may tell of somebody who tries what is not theirs."""
    if status not in _TOLD:
        return
    person = person_or_none()
    _LOG.warning(
        "request refused", status=status, code=code, endpoint=request.endpoint or "", address=address(),
        account=person.account if person else None,
    )  # fmt: skip
