"""Who may manage whose account (pure)."""

from __future__ import annotations

from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, ROLES, ForbiddenError


def manageable_roles(role: str) -> tuple[str, ...]:
    """Return the roles whose accounts somebody of ``role`` may make and change."""
    if role == ADMINISTRATOR:
        return ROLES
    return tuple(other for other in ROLES if other != ADMINISTRATOR) if role == CENTRE_MANAGER else ()


def check_may_manage(role: str, *others: str) -> None:
    """Let somebody of ``role`` deal with accounts of the ``others`` roles, or say why not.

    Raises:
        ForbiddenError: one of them is beyond that role.
    """
    allowed = manageable_roles(role)
    if any(other not in allowed for other in others):
        raise ForbiddenError(
            "Your role does not cover the accounts of administrators.", hint="An administrator of the box can do it."
        )


def check_not_oneself(actor: str, account: str) -> None:
    """Refuse what nobody should do to their own account by a slip: another role, disabling.

    Raises:
        ForbiddenError: both are the same person.
    """
    if actor == account:
        raise ForbiddenError(
            "Nobody changes their own role or disables themselves here.", hint="Ask another administrator to do it."
        )
