"""What the API refuses beside wrong parameters and tokens."""

from __future__ import annotations

from appliance.errors import ApplianceError, BadInputError
from appliance.exchange.token import TokenError


class TooManyError(ApplianceError):
    """Too many calls of one integration, or too many refused tokens; ``wait_seconds`` says when the next is taken."""

    code = "api.too_many"
    status = 429

    def __init__(self, message: str, wait_seconds: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or f"Try again after {wait_seconds} s, as Retry-After says.")
        self.wait_seconds = wait_seconds


class InactiveError(ApplianceError):
    """The integration is known, and switched off."""

    code = "integration.inactive"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This integration is switched off on the box.",
            hint="An administrator switches it on under “Administration, Integrations”, or with"
            " `exambox integrations activate`.",
        )


class ReplayedTokenError(TokenError):
    """A token that is good once (it has a ``jti``) came again."""

    code = "token.replayed"

    def __init__(self) -> None:
        super().__init__(
            "This token has been used before.",
            reason="replayed",
            hint="A token with a jti is good once: sign a new one for each call.",
        )


class BodyKindError(BadInputError):
    """A body is of a kind that is not JSON."""

    code = "body.kind"
    status = 415

    def __init__(self) -> None:
        super().__init__("The body is not JSON.", hint="Send it with “Content-Type: application/json”.")
