"""The active window of an X11 desktop (EWMH), by its application's class (ICCCM, 4.1.2.5); never its title."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any, Final

from Xlib import X, display, error

from appliance.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOK_S: Final = 1.0
"""A desktop without EWMH tells nothing by itself: then the window with the keyboard is looked for this often."""
_MOST_PARENTS: Final = 20


def active_applications(name: str | None = None) -> Iterator[str]:
    """Yield the active window's application at once, at each change, and about every second; for ever.

    Args:
        name: of the display; the environment's (``DISPLAY``) if None.

    Raises:
        UnavailableError: there is no such display, it may not be used, or it is gone.
    """
    try:
        there = display.Display(name)
    except (error.DisplayError, error.XauthError, OSError, ValueError, OverflowError) as problem:
        raise _gone(name, problem) from problem
    try:
        root = there.screen().root
        root.change_attributes(event_mask=X.PropertyChangeMask)
        active = there.intern_atom("_NET_ACTIVE_WINDOW")
        while True:
            yield _application(there, root, active)
            there.flush()
            if not there.pending_events():
                select.select([there.fileno()], [], [], _LOOK_S)
            for _ in range(there.pending_events()):
                there.next_event()
    except (error.ConnectionClosedError, OSError) as problem:
        raise _gone(name, problem) from problem
    finally:
        _close(there)


def _application(there: Any, root: Any, active: int) -> str:
    """Return the class of the active window; empty where none is active, or it says none."""
    try:
        said = root.get_full_property(active, X.AnyPropertyType)
        if said is not None and len(said.value):
            number = int(said.value[0])
            return _class_of(there.create_resource_object("window", number)) if number else ""
        focus = there.get_input_focus().focus
        return "" if isinstance(focus, int) else _class_of(focus)
    except error.XError:  # the window went while it was asked
        return ""


def _class_of(window: Any) -> str:
    """Return the class of a window, or of the nearest one around it that has one."""
    for _ in range(_MOST_PARENTS):
        said = window.get_wm_class()
        if said:
            return str(said[-1] or said[0])
        parent = window.query_tree().parent
        if not parent:
            return ""
        window = parent
    return ""


def _close(there: Any) -> None:
    try:
        there.close()
    except (error.ConnectionClosedError, OSError):
        return


def _gone(name: str | None, problem: Exception) -> UnavailableError:
    return UnavailableError(
        f"The display {name or ''} cannot be watched: {problem}".replace("  ", " "),
        hint="Run it in the candidate's desktop session, where DISPLAY and XAUTHORITY are set.",
    )
