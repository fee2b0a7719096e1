"""Bookmarks over HTTP: everyone who plays recordings sees all of a sitting's, and changes their own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance.errors import BadInputError
from appliance.web.access import allow
from appliance.web.asking import read_form, speaks
from appliance.web.review import bookmarks
from appliance.web.review.blueprint import BLUEPRINT, PLAYERS, Microseconds
from appliance.web.review.overview import BookmarkAnswer, bookmark_answer, cameras_of
from appliance.web.services import database, note, person, services


class BookmarkForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A moment or range (wall microseconds) of one camera or of all, and words about it."""

    at_us: Microseconds
    until_us: Microseconds | None = None
    camera: Annotated[str, Meta(max_length=60)] | None = None
    note: Annotated[str, Meta(max_length=bookmarks.MAX_NOTE)] = ""


class NoFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form without fields."""


class BookmarkList(msgspec.Struct):
    """A sitting's bookmarks, by time."""

    bookmarks: list[BookmarkAnswer]


@BLUEPRINT.get("/api/recordings/<sitting>/bookmarks")
@allow(*PLAYERS)
@speaks(answer=BookmarkList)
def list_bookmarks(sitting: str) -> dict[str, Any]:
    """Tell a sitting's bookmarks."""
    cameras_of(services().settings.vault_dir, sitting)
    found = bookmarks.list_bookmarks(database(), sitting)
    return {"bookmarks": [msgspec.to_builtins(bookmark_answer(mark, person())) for mark in found]}


@BLUEPRINT.post("/api/recordings/<sitting>/bookmarks")
@allow(*PLAYERS)
@speaks(form=BookmarkForm, answer=BookmarkAnswer, status=201)
def add_bookmark(sitting: str) -> tuple[dict[str, Any], int]:
    """Make a bookmark."""
    marking = _marking(sitting, read_form(BookmarkForm))
    number = bookmarks.add_bookmark(database(), sitting, marking, account=person().account, clock=services().clock)
    note("bookmark.made", sitting=sitting, bookmark=number, at_us=marking.at_us)
    return _answer(sitting, number), 201


@BLUEPRINT.post("/api/recordings/<sitting>/bookmarks/<int:bookmark>")
@allow(*PLAYERS)
@speaks(form=BookmarkForm, answer=BookmarkAnswer)
def edit_bookmark(sitting: str, bookmark: int) -> dict[str, Any]:
    """Change a bookmark of one's own."""
    marking = _marking(sitting, read_form(BookmarkForm))
    bookmarks.check_may_change(bookmarks.get_bookmark(database(), sitting, bookmark), person())
    bookmarks.edit_bookmark(database(), bookmark, marking, clock=services().clock)
    note("bookmark.edited", sitting=sitting, bookmark=bookmark, at_us=marking.at_us)
    return _answer(sitting, bookmark)


@BLUEPRINT.post("/api/recordings/<sitting>/bookmarks/<int:bookmark>/remove")
@allow(*PLAYERS)
@speaks(form=NoFields, answer=BookmarkAnswer)
def remove_bookmark(sitting: str, bookmark: int) -> dict[str, Any]:
    """Take a bookmark of one's own away; it can be restored."""
    read_form(NoFields)
    found = bookmarks.get_bookmark(database(), sitting, bookmark)
    bookmarks.check_may_change(found, person())
    bookmarks.remove_bookmark(database(), bookmark, clock=services().clock)
    note("bookmark.removed", sitting=sitting, bookmark=bookmark)
    return _told(found)


@BLUEPRINT.post("/api/recordings/<sitting>/bookmarks/<int:bookmark>/restore")
@allow(*PLAYERS)
@speaks(form=NoFields, answer=BookmarkAnswer)
def restore_bookmark(sitting: str, bookmark: int) -> dict[str, Any]:
    """Bring a removed bookmark of one's own back."""
    read_form(NoFields)
    found = bookmarks.get_bookmark(database(), sitting, bookmark, removed=True)
    bookmarks.check_may_change(found, person())
    bookmarks.restore_bookmark(database(), bookmark)
    note("bookmark.restored", sitting=sitting, bookmark=bookmark)
    return _told(found)


def _marking(sitting: str, form: BookmarkForm) -> bookmarks.Marking:
    """Return what is marked.

    Raises:
        NotFoundError: there is no such sitting.
        BadInputError: the sitting has no such camera, or the note holds control characters.
    """
    cameras = cameras_of(services().settings.vault_dir, sitting)
    if form.camera and form.camera not in cameras:
        raise BadInputError(f"camera: {form.camera!r} is not one of {', '.join(cameras)}.")
    words = form.note.replace("\r\n", "\n").strip()
    if any(ord(sign) < ord(" ") and sign not in "\n\t" for sign in words):
        raise BadInputError("note: control characters are not possible here.")
    return bookmarks.Marking(form.at_us, form.until_us, form.camera or None, words)


def _answer(sitting: str, number: int) -> dict[str, Any]:
    return _told(bookmarks.get_bookmark(database(), sitting, number))


def _told(found: bookmarks.Bookmark) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(bookmark_answer(found, person()))
    return told
