"""The topics of help, in the order people meet them: which pages each is about, and who reads it.

A topic is read by those who may open one of its pages; one without pages is for everybody who is signed in. A
topic with ``always`` is there for those who cannot sign in, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.web.help.markup import parse
from appliance.web.language.catalogue import SOURCE_LANGUAGE

if TYPE_CHECKING:
    from appliance.web.help.markup import Article

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; ``name`` is its file's name and its anchor, ``pages`` the endpoints of the pages it explains."""

    name: str
    pages: tuple[str, ...] = ()
    always: bool = False


TOPICS: Final = (
    Topic("first-steps", ("help.index", "help.topic", "admin.index")),
    Topic(
        "sign-in",
        (
            "account.first_run",
            "account.sign_in",
            "account.second_step",
            "account.own_password",
            "account.set_up",
            "account.forgotten",
            "account.reset_by_link",
            "account.reset_by_code",
        ),
        always=True,
    ),
    Topic(
        "account",
        (
            "account.mine",
            "account.change_email",
            "account.change_password",
            "account.second_factor_begin",
            "account.second_factor_scan",
            "account.second_factor_remove",
            "account.new_recovery_codes",
        ),
    ),
    Topic("room", ("room.live",)),
    Topic("room-camera", ("room.one_camera",)),
    Topic("candidate-page"),
    Topic("banners"),
    Topic("trouble", always=True),
    Topic("sittings", ("sittings.index",)),
    Topic("sitting-plan", ("sittings.plan", "sittings.change")),
    Topic("sitting-roster", ("sittings.roster", "sittings.entry")),
    Topic("sitting-import", ("sittings.table_page",)),
    Topic("sitting-day", ("sittings.day",)),
    Topic("sitting-candidate", ("sittings.candidate",)),
    Topic("sitting-incidents", ("sittings.incidents", "sittings.warnings")),
    Topic("sitting-register", ("sittings.register", "sittings.history")),
    Topic("exams", ("sittings.exams", "sittings.exam", "sittings.exam_new", "sittings.exam_edit")),
    Topic("hub-rooms", ("hub.rooms",)),
    Topic("hub-join", ("hub.code",)),
    Topic("hub-box", ("hub.box",)),
    Topic("hub-assign", ("hub.exams", "hub.exam")),
    Topic("hub-results", ("hub.results",)),
    Topic("reviews", ("review.queue", "review.next_session")),
    Topic("review-session", ("review.session_page", "review.of_session")),
    Topic("review-list", ("review.recordings",)),
    Topic("review-sitting", ("review.sitting_page", "review.camera_page")),
    Topic("review-archive", ("review.archive", "review.archive_page"), always=True),
    Topic("cameras", ("admin.cameras", "admin.camera")),
    Topic(
        "camera-add",
        (
            "admin.camera_add",
            "admin.camera_tried",
            "admin.camera_connection",
            "admin.camera_find",
            "admin.camera_streams",
        ),
    ),
    Topic("camera-masks", ("admin.camera_masks",)),
    Topic("storage", ("admin.storage",)),
    Topic("holds", ("admin.holds", "admin.hold", "admin.hold_place", "admin.hold_release", "admin.deletions")),
    Topic(
        "integrations",
        (
            "admin.integrations",
            "admin.integration",
            "admin.integration_add",
            "admin.integration_edit",
        ),
    ),
    Topic("deliveries", ("admin.deliveries", "admin.delivery")),
    Topic("centre", ("admin.centre",)),
    Topic("usb", ("admin.usb", "admin.usb_device", "admin.usb_events")),
    Topic("usb-policy", ("admin.usb_policy", "admin.usb_policy_file", "admin.usb_policy_usbguard")),
    Topic("seat-agents", ("admin.seat_agents", "admin.seat_agent", "admin.seat_agent_code")),
    Topic("users", ("admin.users", "admin.user", "admin.user_add")),
    Topic("keys", ("admin.keys",)),
    Topic("certificates", ("admin.certificates", "lan.certificate"), always=True),
    Topic("health", ("admin.health",)),
    Topic("log", ("admin.log", "admin.log_check")),
    Topic("support", ("admin.support", "admin.support_bundle", "admin.support_file")),
    Topic("keyboard"),
    Topic("words", always=True),
)
BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def article(name: str, language: str) -> Article:
    """Return a topic's article in a language; read anew when its file changed, so that a change needs no restart.

    Raises:
        HelpMarkupError: the file holds what help may not hold.
        OSError: there is no such file.
    """
    path = FOLDER / language / f"{name}.html"
    if not path.is_file():
        path = FOLDER / SOURCE_LANGUAGE / f"{name}.html"
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int) -> Article:
    return parse(path.read_text("utf-8"))


def is_written(name: str) -> bool:
    """Return whether a topic's file is there."""
    return (FOLDER / SOURCE_LANGUAGE / f"{name}.html").is_file()
