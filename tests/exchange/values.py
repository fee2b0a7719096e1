"""Values for the exchange's tests: any JSON, and bodies as clients send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)

EXAMPLE: dict[str, Any] = {
    "accountId": 123,
    "examId": "a3875623",
    "duration": 120,
    "schedule": True,
    "auxiliaryCamera": False,
    "proctoring": "online",
    "identification": "passport",
    "rules": {"allow_to_use_paper": True, "allow_to_use_calculator": False},
    "startDate": "2018-03-27T00:00:00Z",
    "endDate": "2018-03-30T12:55:00Z",
    "scoreConfig": {
        "cheaterLevel": 80,
        "extraUserInFrame": 1.0,
        "substitutionUser": 1.0,
        "noUserInFrame": 1.0,
        "avertEyes": 1.0,
        "changeActiveWindowOnComputer": 1.0,
        "forbiddenDevice": 1.0,
        "voiceDetected": 1.0,
        "phone": 1.0,
    },
    "visibleWarnings": {"warning_extra_user_in_frame": False, "warning_timeout": False},
}
"""The exam that the product was asked for."""

SESSION: dict[str, Any] = {
    "userId": 5,
    "lastName": "Ñandú",
    "firstName": "",
    "sessionId": "828331bda025",
    "sessionUrl": "https://lms.example/quiz?attempt=1",
}
"""What a start token holds besides the exam."""


def changed(body: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return a copy of a body that was changed."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    change(copy)
    return copy
