"""The log: who did what, when, from where; found, taken away, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import render_template
from msgspec import Meta

from appliance import auditlog
from appliance.auditlog.search import Wanted, each, newest, oldest
from appliance.cameras.store import list_cameras
from appliance.clock import format_utc
from appliance.database import connect
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import log_lines, log_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.asking import read_query, speaks
from appliance.web.language import gettext as _
from appliance.web.moments import MAX_CHARACTERS, shown_zone, typed_moment
from appliance.web.services import address, database, person, services
from appliance.web.tables import csv_lines, download, json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response
    from sqlite_utils import Database

    from appliance.auditlog import LogLine

LOG_READERS: Final = (ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
"""Who answers for the box and its people, and who checks them."""
PAGE = 50
MAX_ROWS: Final = 200_000
"""So many entries go into one file; its last line says where more were left out."""
EVERYTHING = "all"
_PEOPLE_OFFERED = 200


class LogQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_time": "from", "to_time": "to"}):
    """What the log is narrowed to; times in the zone of the reader's pages.

    ``group``: a noun of actions, one action, ``all``, or nothing: everything but routine. ``before`` and ``after``
    are entries' numbers, for paging; ``entry`` begins the page with that one.
    """

    group: Annotated[str, Meta(max_length=80)] = ""
    who: Annotated[str, Meta(max_length=100)] = ""
    q: Annotated[str, Meta(max_length=100)] = ""
    from_time: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    to_time: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    entry: Annotated[int, Meta(ge=1, le=2**53)] | None = None

    def narrowed(self) -> dict[str, str]:
        """Return the filters that are set, as the address carries them."""
        given = {"group": self.group, "who": self.who, "q": self.q, "from": self.from_time, "to": self.to_time}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and whether there are newer and older ones."""

    lines: list[LogLine]
    newer: bool
    older: bool


@BLUEPRINT.get("/admin/log")
@allow(*LOG_READERS)
def log() -> str:
    """Show a page of the log."""
    asked = read_query(LogQuery)
    page = page_of(database(), wanted_of(asked), asked)
    return render_template(
        "admin/log.html",
        page=page,
        rows=[(line, log_lines.in_line(line), log_lines.facts(line)) for line in page.lines],
        asked=asked,
        narrowed=asked.narrowed(),
        groups=log_words.groups(),
        people=_people(),
        names={camera.id: camera.name for camera in list_cameras(database(), removed=True)},
        words=log_words,
        most=MAX_ROWS,
        section_endpoint="admin.log",
    )


def page_of(db: Database, wanted: Wanted, asked: LogQuery) -> Page:
    """Return the page an address asks for: the newest entries, or those before or after a number."""
    if asked.after is not None:
        found = oldest(db, wanted, limit=PAGE + 1, after=asked.after)
        return Page(found[:PAGE][::-1], len(found) > PAGE, older=True)
    before = asked.entry + 1 if asked.entry else asked.before
    found = newest(db, wanted, limit=PAGE + 1, before=before)
    newer = bool(found) and before is not None and bool(oldest(db, wanted, limit=1, after=found[0].seq))
    return Page(found[:PAGE], newer, len(found) > PAGE)


def wanted_of(asked: LogQuery) -> Wanted:
    """Return what the search is asked for.

    Raises:
        BadInputError: a time is none.
    """
    zone = shown_zone()
    return Wanted(
        action="" if asked.group == EVERYTHING else asked.group,
        without=frozenset() if asked.group else log_words.ROUTINE,
        who=asked.who.strip(),
        from_us=typed_moment(asked.from_time, "from", zone),
        to_us=typed_moment(asked.to_time, "to", zone, end=True),
        text=asked.q.strip(),
        text_actions=log_words.actions_named(asked.q.strip()),
    )


def _people() -> list[str]:
    """Return names to offer: the accounts there are, and the box itself."""
    rows = database().conn.execute("SELECT name FROM account ORDER BY name LIMIT ?", (_PEOPLE_OFFERED,))
    return ["box", *(name for (name,) in rows)]


@BLUEPRINT.get("/admin/log.csv")
@allow(*LOG_READERS)
@speaks(query=LogQuery, answer="text/csv")
def log_csv() -> Response:
    """Send the entries that fit as a table, the oldest first."""
    lines = _taken("csv")
    told = _("More entries were left out; narrow the time.")
    words = {action: log_words.action_words(action) for action in auditlog.ACTIONS}
    rows = (
        log_lines.as_cells(line, words.get(line.action, line.action)) if line else [told]
        for line in log_lines.with_limit(lines, MAX_ROWS)
    )
    return download(csv_lines(log_lines.COLUMNS, rows), _file("csv"), "text/csv")


@BLUEPRINT.get("/admin/log.jsonl")
@allow(*LOG_READERS)
@speaks(query=LogQuery, answer="application/jsonl")
def log_jsonl() -> Response:
    """Send the entries that fit as JSON Lines, the oldest first."""
    rows: Iterator[dict[str, Any]] = (
        line.as_dict() if line else {"left_out": True} for line in log_lines.with_limit(_taken("jsonl"), MAX_ROWS)
    )
    return download(json_lines(rows), _file("jsonl"), "application/jsonl")


def _taken(form: str) -> Iterator[LogLine]:
    """Enter in the log that it is taken away, and yield what fits by a connection of its own."""
    asked = read_query(LogQuery)
    wanted = wanted_of(asked)
    personal = {name: value for name, value in {"asked_who": asked.who, "asked_text": asked.q}.items() if value}
    detail = {"form": form, "group": asked.group, "from_us": wanted.from_us, "to_us": wanted.to_us}
    auditlog.append(
        database(), "log.taken", clock=services().clock, who=person().name, where=address(),
        detail=detail, personal=personal,
    )  # fmt: skip
    path = services().settings.database

    def read() -> Iterator[LogLine]:
        db = connect(path, read_only=True)
        try:
            yield from each(db, wanted)
        finally:
            db.conn.close()

    return read()


def _file(ending: str) -> str:
    return f"log-{format_utc(services().clock.wall_us())[:10]}.{ending}"
