"""What became of sessions, and whether the LMS has it."""

from __future__ import annotations

from typing import Final

from flask import render_template

from appliance.errors import BadInputError
from appliance.hub.boxes import list_boxes
from appliance.hub.results import list_results
from appliance.web.access import allow
from appliance.web.asking import read_query
from appliance.web.hub.blueprint import BLUEPRINT, READERS_OF_RESULTS
from appliance.web.hub.forms import ResultsQuery
from appliance.web.services import database

PAGE: Final = 50


@BLUEPRINT.get("/results")
@allow(*READERS_OF_RESULTS)
def results() -> str:
    """List sessions, the last that was told of first."""
    asked, db = read_query(ResultsQuery), database()
    found = list_results(db, text=asked.q, box=asked.box, before=_before(asked.before), limit=PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        "hub/results.html",
        asked=asked,
        results=shown,
        rooms=list_boxes(db),
        more=f"{shown[-1].row}.{shown[-1].session_id}" if len(found) > PAGE else "",
    )


def _before(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    row, _dot, name = text.partition(".")
    if not row.isdecimal() or len(row) > 18:  # noqa: PLR2004  64 bits
        raise BadInputError("before: is no place in the list.", hint="Open the list again.")
    return int(row), name
