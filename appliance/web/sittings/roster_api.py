"""The roster by a script of a signed-in person: the same dry run as on the page, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from appliance.sittings.runs import stored_sitting
from appliance.web.access import allow
from appliance.web.asking import read_form, read_query, speaks
from appliance.web.body_limits import takes_up_to
from appliance.web.language.problems import problem_words
from appliance.web.services import database
from appliance.web.sittings.asked import RosterApiQuery, TableText
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS
from appliance.web.sittings.roster_changes import Changes
from appliance.web.sittings.roster_reading import MAX_UPLOAD, Dry, checked_text, dry_run
from appliance.web.sittings.roster_views import taken

if TYPE_CHECKING:
    from appliance.exams.tabular import RowProblem


class ProblemTold(msgspec.Struct, frozen=True):
    """What is wrong in one place: ``row`` counts from 1, the heads' row; 0 is the table as a whole."""

    row: int
    column: str
    message: str
    hint: str


class TableTold(msgspec.Struct, frozen=True):
    """What a table would become, or became where ``taken``. Counts are of candidates, or of seats.

    ``gone``: on the roster and not in the table; they are taken off only where ``replace`` was asked.
    """

    sitting: str
    kind: str
    rows: int
    good: bool
    taken: bool
    added: int
    changed: int
    gone: int
    same: int
    problems: list[ProblemTold]


@BLUEPRINT.post("/api/sittings/<sitting>/roster")
@allow(*PLANNERS)
@takes_up_to(MAX_UPLOAD)
@speaks(query=RosterApiQuery, form=TableText, answer=TableTold, errors=(404, 409))
def roster_by_script(sitting: str) -> dict[str, Any]:
    """Look at a roster or seating plan sent as CSV text, or take it whole; with any problem nothing is taken."""
    stored_sitting(database(), sitting)
    asked = read_query(RosterApiQuery)
    dry = dry_run(database(), sitting, asked.kind, checked_text(read_form(TableText).text), name="text")
    if not asked.dry_run:
        taken(sitting, dry, replace=asked.replace)  # refuses a table with a problem, naming the first one
    return told(sitting, dry, was_taken=not asked.dry_run)


def told(sitting: str, dry: Dry, *, was_taken: bool) -> dict[str, Any]:
    """Return what is answered of a table."""
    changes = dry.changes
    if isinstance(changes, Changes):
        added, changed, gone, same = len(changes.added), len(changes.changed), len(changes.gone), changes.same
    else:
        added, changed, gone, same = changes.given, len(changes.moved), len(changes.unseated), changes.seats
    answer = TableTold(
        sitting, dry.kind, dry.rows, dry.good, was_taken, added, changed, gone, same,
        [_problem(one) for one in dry.draft.problems],
    )  # fmt: skip
    return cast("dict[str, Any]", msgspec.to_builtins(answer))


def _problem(one: RowProblem) -> ProblemTold:
    return ProblemTold(one.row, one.column, problem_words(one.message), problem_words(one.hint))
