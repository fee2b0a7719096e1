"""What the hub's pages are sent, as typed values."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Identifier = Annotated[str, Meta(max_length=80)]
Text = Annotated[str, Meta(max_length=500)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query or form; a field that is not known here is refused."""


class CodeForm(Asked, frozen=True):
    """A one-time code for the box of a room."""

    room: Text
    address: Text = ""
    hours: Annotated[int, Meta(ge=1, le=336)] = 24


class BoxForm(Asked, frozen=True):
    """Where a box stands and is reached."""

    room: Text
    address: Text = ""


class WhyForm(Asked, frozen=True):
    """A reason."""

    why: Text


class ExtendForm(Asked, frozen=True):
    """For how many more days a box is let in; 0: until it is revoked."""

    days: Annotated[int, Meta(ge=0, le=3650)]


class MediaForm(Asked, frozen=True):
    """Which recording is asked for; times are of the centre's zone, to the minute."""

    sitting: Identifier
    camera: Identifier
    start: Annotated[str, Meta(max_length=40)]
    end: Annotated[str, Meta(max_length=40)]
    why: Text


class RoomsForm(Asked, frozen=True):
    """The boxes that get an exam or a sitting."""

    boxes: Annotated[list[Identifier], Meta(max_length=2000)] = []


class ExtraForm(Asked, frozen=True):
    """Extra time for one candidate or everybody."""

    minutes: Annotated[int, Meta(ge=1, le=600)]
    why: Text
    candidate: Identifier = ""


class ExamsQuery(Asked, frozen=True):
    """Which exams are listed."""

    q: Annotated[str, Meta(max_length=100)] = ""
    past: bool = False
    before: Annotated[str, Meta(max_length=100)] = ""


class ResultsQuery(Asked, frozen=True):
    """Which results are listed."""

    q: Annotated[str, Meta(max_length=100)] = ""
    box: Identifier = ""
    before: Annotated[str, Meta(max_length=300)] = ""
