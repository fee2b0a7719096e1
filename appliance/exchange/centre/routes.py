"""The protocol's addresses, in one table that both sides and the OpenAPI document are made of (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from appliance.exchange.centre import messages

if TYPE_CHECKING:
    from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the protocol.

    Attributes:
        name: its ``operationId``.
        path: with ``{names}`` in it.
        request: the message of its body; None: raw bytes.
        answer: the message it is answered with.
        summary: what it is for, one line.
    """

    name: str
    method: str
    path: str
    request: type[Struct] | None
    answer: type[Struct]
    summary: str

    def at(self, **names: str | int) -> str:
        """Return the path with its names filled in, quoted.

        Raises:
            KeyError: a name is missing.
        """
        return self.path.format(**{name: quote(str(value), safe="") for name, value in names.items()})


BASE: Final = "/api/centre/v1"
ENROL: Final = Call(
    "enrol",
    "POST",
    f"{BASE}/enrol/",
    messages.EnrolRequest,
    messages.EnrolAnswer,
    "A box joins the centre by a one-time code.",
)
REPORT: Final = Call(
    "report",
    "POST",
    f"{BASE}/report/",
    messages.Report,
    messages.ReportAnswer,
    "A box says how it is, and learns the time and what waits.",
)
PULL: Final = Call(
    "pull",
    "POST",
    f"{BASE}/pull/",
    messages.PullRequest,
    messages.PullAnswer,
    "A box gets what has changed, by cursor, in chunks.",
)
PUSH: Final = Call(
    "push",
    "POST",
    f"{BASE}/push/",
    messages.PushRequest,
    messages.PushAnswer,
    "A box tells what happened, as an idempotent batch.",
)
OFFER: Final = Call(
    "offerMedia",
    "POST",
    f"{BASE}/media/",
    messages.MediaOffer,
    messages.MediaAnswer,
    "A box offers segments that were asked for, and learns which are missing.",
)
SEGMENT: Final = Call(
    "putSegment",
    "PUT",
    f"{BASE}/media/{{request}}/{{part}}/{{seq}}",
    None,
    messages.SegmentAnswer,
    "A box sends one sealed segment.",
)
CALLS: Final = (ENROL, REPORT, PULL, PUSH, OFFER, SEGMENT)
