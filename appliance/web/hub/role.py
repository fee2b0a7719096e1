"""What the dashboard offers in the role of a hub: of the box's views those that make sense without a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.web.hub import sitting_pages, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_LEFT_OUT: Final = frozenset(
    f"appliance.web.{name}"
    for name in (
        "admin.camera_adding",
        "admin.camera_editing",
        "admin.camera_finding",
        "admin.camera_masking",
        "admin.cameras",
        "admin.centre",
        "admin.deletions",
        "admin.holds",
        "admin.keys",
        "admin.seat_agents",
        "admin.storage",
        "sittings.act_views",
        "sittings.candidate_views",
        "sittings.day_views",
        "sittings.proposal_views",
        "sittings.incident_views",
        "sittings.register_views",
    )
)
"""Modules whose views are about a room: its cameras, recordings, keys, and what happens in a sitting."""
_KEPT: Final = frozenset({"review.job_state", "review.static", "candidate.static"})
"""Pages of the administration ask how far their jobs are; the calm page of a candidate has its style."""
_INSTEAD: Final[dict[str, Callable[..., Any]]] = {
    "sittings.day": sitting_pages.sitting,
    "candidate.start": start.start,
    "review.archive": start.archive,
}
"""Addresses a hub has as a box has them, with views of its own."""


def shape(app: Flask) -> None:
    """Take away what a hub does not offer; a sitting's page is the one of its assignment. Call it last."""
    for endpoint, view in list(app.view_functions.items()):
        about_room = view.__module__ in _LEFT_OUT or endpoint.startswith(("review.", "candidate."))
        if about_room and endpoint not in _KEPT:
            del app.view_functions[endpoint]
    for endpoint, view in _INSTEAD.items():
        app.view_functions[endpoint] = view
