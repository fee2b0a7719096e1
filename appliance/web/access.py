"""Who may use which view: stated at the view, checked before it runs, refused where nothing is stated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from flask import Flask

Role = Literal["administrator", "centre_manager", "invigilator", "reviewer", "auditor"]
ADMINISTRATOR: Role = "administrator"
CENTRE_MANAGER: Role = "centre_manager"
INVIGILATOR: Role = "invigilator"
REVIEWER: Role = "reviewer"
AUDITOR: Role = "auditor"
ROLES: tuple[Role, ...] = (ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR, REVIEWER, AUDITOR)
EVERYONE: tuple[Role, ...] = ROLES
"""Everybody who is signed in; a view for them still says so."""

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "__exambox_access__"
_BROUGHT = "__exambox_brought__"
_OWN_FORMS = "__exambox_own_forms__"
# Flask makes these views itself; they serve the files of the static folders and nothing else.
_STATIC = "static"


class AccessDeclarationError(ApplianceError):
    """A view does not say who may use it; the dashboard does not start."""

    code = "web.undeclared"


class SignedOutError(ApplianceError):
    """Nobody is signed in, or the session has ended."""

    code = "session.none"
    status = 401


class ForbiddenError(ApplianceError):
    """The signed-in person's role does not cover this."""

    code = "forbidden"
    status = 403


def role_words(role: str) -> str:
    """Return a role as people say it in English: ``centre manager``."""
    return role.replace("_", " ")


def allow(*roles: Role) -> Callable[[View], View]:
    """Let the named roles use the view; everybody else is refused."""
    if not roles:
        raise AccessDeclarationError("allow() names no role.")

    def mark(view: View) -> View:
        setattr(view, _MARK, frozenset(roles))
        return view

    return mark


def public(view: View) -> View:
    """Let anybody use the view, signed in or not."""
    setattr(view, _MARK, None)
    return view


def brought(view: View) -> View:
    """Let another site's page bring a browser here, with a form or inside a frame; to be said of public views alone.

    Such a view trusts no cookie of a signed-in person: a signed token in the request says who comes and what for.
    """
    setattr(view, _BROUGHT, True)
    return own_forms(view)


def own_forms(view: View) -> View:
    """Leave the form token of the site out: the view itself checks what its forms carry."""
    setattr(view, _OWN_FORMS, True)
    return view


def is_brought(app: Flask, endpoint: str | None) -> bool:
    """Whether another site's page may bring a browser to an endpoint (`brought`)."""
    return bool(getattr(app.view_functions.get(endpoint or ""), _BROUGHT, False))


def has_own_forms(view: Callable[..., Any]) -> bool:
    """Whether a view checks its forms itself (`own_forms`)."""
    return bool(getattr(view, _OWN_FORMS, False))


def roles_of(app: Flask, endpoint: str) -> frozenset[str] | None:
    """Return the roles that may use an endpoint; None: anybody may.

    Raises:
        AccessDeclarationError: its view states nothing.
    """
    if endpoint.rpartition(".")[2] == _STATIC:
        return None
    view = app.view_functions[endpoint]
    if not hasattr(view, _MARK):
        raise AccessDeclarationError(
            f"The view {endpoint} does not say who may use it.", hint="Put @allow(...) or @public on it."
        )
    roles: frozenset[str] | None = getattr(view, _MARK)
    return roles


def check_every_view(app: Flask) -> None:
    """Refuse to start with a view that states nothing.

    Raises:
        AccessDeclarationError: names the view.
    """
    for endpoint in app.view_functions:
        roles_of(app, endpoint)


def check(roles: frozenset[str] | None, role: str | None) -> None:
    """Let a request pass, or say why not.

    Args:
        roles: who may; None is everybody.
        role: the signed-in person's role; None where nobody is signed in.

    Raises:
        SignedOutError: somebody must be signed in.
        ForbiddenError: the role is not among those who may.
    """
    if roles is None:
        return
    if role is None:
        raise SignedOutError("Please sign in first.")
    if role not in roles:
        raise ForbiddenError(
            f"Your role ({role_words(role)}) does not cover this page.",
            hint=f"It is for: {', '.join(role_words(other) for other in ROLES if other in roles)}."
            " An administrator of the box can help.",
        )
