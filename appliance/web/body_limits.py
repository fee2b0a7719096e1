"""How much a request may send: little, unless its view states more and somebody it is for is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app, request, session

from appliance.web.access import roles_of
from appliance.web.browser_session import BoxSession

if TYPE_CHECKING:
    from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "__exambox_takes__"


def takes_up_to(count: int) -> Callable[[View], View]:
    """Let a view's requests carry so many bytes, a file or a long text, instead of the usual limit."""

    def mark(view: View) -> View:
        setattr(view, _MARK, count)
        return view

    return mark


def install(app: Flask) -> None:
    """Widen the limit before anything reads a body; to be called before whatever looks into forms is installed."""
    app.before_request(_widen)


def _widen() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    count = getattr(view, _MARK, None)
    if count is None:
        return
    person = session.person if isinstance(session, BoxSession) else None
    roles = roles_of(current_app, request.endpoint or "")
    if person is not None and roles is not None and person.role in roles:
        request.max_content_length = request.max_form_memory_size = count
