"""What was recorded: list, playback, bookmarks, export, verification; and the reviews of sessions."""

from __future__ import annotations

from appliance.web.review import (
    archive_entry,
    archive_views,
    bookmark_views,
    order_views,
    playback_views,
    queue_views,
    session_views,
    views,
)
from appliance.web.review.blueprint import BLUEPRINT

__all__ = [
    "BLUEPRINT",
    "archive_entry",
    "archive_views",
    "bookmark_views",
    "order_views",
    "playback_views",
    "queue_views",
    "session_views",
    "views",
]
