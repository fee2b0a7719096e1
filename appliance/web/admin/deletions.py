"""Deletion certificates: what was deleted when, under which rule, to be looked through and taken away."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import render_template
from msgspec import Meta

from appliance.clock import format_utc
from appliance.database import connect
from appliance.vault.certificates import (
    Certificate,
    Wanted,
    all_certificates,
    count_certificates,
    newest_certificates,
)
from appliance.web.access import allow
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.holds import READERS
from appliance.web.admin.storage import common
from appliance.web.asking import read_query, speaks
from appliance.web.language import gettext as _
from appliance.web.moments import MAX_CHARACTERS, shown_zone, typed_moment
from appliance.web.services import database, services
from appliance.web.tables import csv_lines, download
from appliance.web.words import hours_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

PAGE = 25
MAX_ROWS: Final = 100_000
"""So many certificates go into one file; narrow the time for older ones."""
_RULE = re.compile(r"retention of (\d{1,9}) h after the sitting's end")
_TIMES = ("started_us", "ended_us", "deleted_us")


class DeletionsQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_time": "from", "to_time": "to"}
):
    """What certificates are narrowed to; times in the zone of the reader's pages; ``before`` a certificate's entry."""

    sitting: Annotated[str, Meta(max_length=60)] = ""
    camera: Annotated[str, Meta(max_length=40)] = ""
    from_time: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    to_time: Annotated[str, Meta(max_length=MAX_CHARACTERS)] = ""
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class CertificatesAnswer(msgspec.Struct, kw_only=True):
    """Certificates, the newest first; ``left_out`` says how many more fit."""

    certificates: list[Certificate]
    left_out: int


@BLUEPRINT.get("/admin/holds/certificates")
@allow(*READERS)
def deletions() -> str:
    """List deletion certificates, the newest first."""
    asked = read_query(DeletionsQuery)
    wanted = _wanted(asked)
    found = newest_certificates(database(), wanted, limit=PAGE + 1, before=asked.before)
    count, size = count_certificates(database(), wanted)
    narrowed = {"sitting": asked.sitting, "camera": asked.camera, "from": asked.from_time, "to": asked.to_time}
    return render_template(
        "admin/deletions.html",
        **common(),
        certificates=found[:PAGE],
        older=found[PAGE - 1].entry if len(found) > PAGE else None,
        first=asked.before is None,
        narrowed={name: value for name, value in narrowed.items() if value},
        filters=narrowed,
        count=count,
        size=size,
        most=MAX_ROWS,
        rule_words=rule_words,
        section_endpoint="admin.holds",
    )


@BLUEPRINT.get("/admin/holds/certificates.csv")
@allow(*READERS)
@speaks(query=DeletionsQuery, answer="text/csv")
def deletions_csv() -> Response:
    """Send the certificates that fit as a table, the newest first."""
    head = [field.name for field in fields(Certificate)]
    rows = ([_cell(name, getattr(one, name)) for name in head] for one in _all(_wanted(read_query(DeletionsQuery))))
    return download(csv_lines([name.removesuffix("_us") for name in head], rows), _file("csv"), "text/csv")


@BLUEPRINT.get("/admin/holds/certificates.json")
@allow(*READERS)
@speaks(query=DeletionsQuery, answer=CertificatesAnswer)
def deletions_json() -> Response:
    """Send the certificates that fit as one JSON object."""
    wanted = _wanted(read_query(DeletionsQuery))
    count, _size = count_certificates(database(), wanted)
    return download(_json(_all(wanted), max(0, count - MAX_ROWS)), _file("json"), "application/json")


def _json(found: Iterator[Certificate], left_out: int) -> Iterator[str]:
    yield '{"certificates":['
    for number, one in enumerate(found):
        yield ("," if number else "") + msgspec.json.encode(one).decode()
    yield f'],"left_out":{left_out}}}'


def _all(wanted: Wanted) -> Iterator[Certificate]:
    """Yield by a connection of its own: the answer is still being sent when the request's is given back."""
    path = services().settings.database

    def read() -> Iterator[Certificate]:
        db = connect(path, read_only=True)
        try:
            yield from all_certificates(db, wanted, limit=MAX_ROWS)
        finally:
            db.conn.close()

    return read()


def _cell(name: str, value: Any) -> Any:
    return format_utc(value) if name in _TIMES and value is not None else value


def _file(ending: str) -> str:
    day = format_utc(services().clock.wall_us())[:10]
    return f"deletion-certificates-{day}.{ending}"


def _wanted(asked: DeletionsQuery) -> Wanted:
    zone = shown_zone()
    return Wanted(
        sitting=asked.sitting,
        camera=asked.camera,
        from_us=typed_moment(asked.from_time, "from", zone),
        to_us=typed_moment(asked.to_time, "to", zone, end=True),
    )


def rule_words(rule: str) -> str:
    """Return a certificate's rule in the reader's language; one of other software as it is."""
    found = _RULE.fullmatch(rule)
    return _("%(kept)s after the sitting's end", kept=hours_words(int(found[1]))) if found else rule
