"""What the sittings' pages are sent: queries and forms as typed values, capped at the edge."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.exams.records import Category, Severity
from appliance.web.sittings.people import Order

Words = Annotated[str, Meta(max_length=2000)]
Short = Annotated[str, Meta(max_length=60)]
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Identifier = Annotated[str, Meta(max_length=80)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
View = Literal["list", "seats"]
_CAP_TABLE = 4_000_000


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query or form; a field that is not known here is refused."""


class IndexQuery(Asked, frozen=True):
    """Which sittings are listed: those that hold a text, and among past ones those before one."""

    q: Annotated[str, Meta(max_length=100)] = ""
    before: Annotated[str, Meta(max_length=100)] = ""


class DayQuery(Asked, frozen=True):
    """How the day's page is looked at."""

    order: Order = "problem"
    view: View = "list"


class ActForm(Asked, frozen=True):
    """One act in a sitting, and what it needs to know; guards say what is missing."""

    name: Name
    candidate: Identifier = ""
    why: Words = ""
    document: Short = ""
    result: Short = ""
    notice: Short = ""
    seat: Short = ""
    minutes: Annotated[int, Meta(ge=0, le=1440)] = 0
    percent: Annotated[int, Meta(ge=0, le=300)] = 0
    extra_minutes: Annotated[int, Meta(ge=0, le=600)] = 0
    papers: Count = 0
    keep_time: bool = False
    stops_clock: bool = False
    to: Short = ""
    back: Literal["day", "candidate", "register"] = "day"


class BulkForm(Asked, frozen=True):
    """One act for everybody in its state."""

    name: Name
    why: Words = ""


class IncidentForm(Asked, frozen=True):
    """An incident, of this moment or of the one that is said."""

    category: Category
    severity: Severity = "minor"
    seat: Short = ""
    candidate: Identifier = ""
    note: Annotated[str, Meta(max_length=10_000)] = ""
    at: Annotated[str, Meta(max_length=25)] = ""


class WithdrawForm(Asked, frozen=True):
    """That an incident was none, and why."""

    why: Words = ""


class JudgeForm(Asked, frozen=True):
    """A person's word on a warning."""

    decision: Literal["confirmed", "dismissed"]
    why: Words = ""


class GiveForm(Asked, frozen=True):
    """Which candidate a warning of the room belongs to."""

    candidate: Annotated[str, Meta(min_length=1, max_length=80)]


class TableForm(Asked, frozen=True):
    """A table that was pasted, or that a dry run gave back; ``version`` is the sitting's when it was looked at."""

    text: Annotated[str, Meta(max_length=_CAP_TABLE)] = ""
    kind: Literal["roster", "seating"] = "roster"
    replace: bool = False
    version: Annotated[int, Meta(ge=0)] = 0


class TableText(Asked, frozen=True):
    """A table as text: CSV with commas, semicolons or tabs, its heads in the first line."""

    text: Annotated[str, Meta(max_length=_CAP_TABLE)]


class ImportQuery(Asked, frozen=True):
    """What is brought: a roster or a seating plan."""

    kind: Literal["roster", "seating"] = "roster"


class TemplateQuery(Asked, frozen=True):
    """Which template, as which kind of file."""

    kind: Literal["roster", "seating"] = "roster"
    form: Literal["csv", "xlsx"] = "xlsx"


class RosterApiQuery(Asked, frozen=True):
    """Whether the table is only looked at, and whether it replaces the roster or adds to it."""

    dry_run: bool = False
    replace: bool = False
    kind: Literal["roster", "seating"] = "roster"


class ReasonForm(Asked, frozen=True):
    """Why."""

    why: Words = ""
