"""Who is expected in a sitting: taken over from a checked table, the LMS or the centre. Where they sit: `seating`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.allowances import NONE
from appliance.exams.model import Candidate, Roster, RosterEntry
from appliance.exams.states import AT_WORK, BEING_ADMITTED, CandidateStatus
from appliance.sittings.acts import happen
from appliance.sittings.booking import book_roster
from appliance.sittings.candidates import candidates_by_id, get_candidate, keep_candidate, known_as
from appliance.sittings.exams import get_exam
from appliance.sittings.frozen import definitions
from appliance.sittings.rows import Cause, to_json
from appliance.sittings.runs import bump_version, planned_seats, run_of, stored_sitting
from appliance.sittings.seating import seating_of, take_seating

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.roster import RosterDraft
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role

__all__ = [
    "add_candidate",
    "candidates_of",
    "exam_names",
    "get_candidate",
    "roster_of",
    "seating_of",
    "take_roster",
    "take_seating",
]
CHANGED: Final = "the roster was changed"
_NOT_BEGUN: Final = BEING_ADMITTED | {CandidateStatus.EXPECTED}


def roster_of(db: Database, sitting: str) -> Roster:
    """Return who is expected, in the order of last name, first name, number; then those enrolled in the room.

    Planned extra time is what stands now; who was transferred is left out.
    """
    run = run_of(db, sitting)
    people = candidates_of(db, sitting)
    entries = [
        RosterEntry(candidate=people[name], exam=person.exam, planned=person.planned)
        for name, person in run.people.items()
        if person.status is not CandidateStatus.TRANSFERRED
    ]
    return Roster(sitting=sitting, entries=tuple(entries))


def candidates_of(db: Database, sitting: str) -> dict[str, Candidate]:
    """Return everybody of a sitting by id, transferred ones too."""
    return candidates_by_id(db, list(run_of(db, sitting).people))


def exam_names(db: Database, sitting: str) -> dict[str, str]:
    """Return what a table may call each exam of a sitting (the LMS's id, the name, our id), to our id."""
    exams = [definition.present for definition in definitions(db, sitting).values()]
    names = [(name, exam.id) for exam in exams for name in (exam.name, exam.exam_id, exam.id)]
    meant: dict[str, set[str]] = {}
    for name, exam in names:
        meant.setdefault(name, set()).add(exam)
    return {name: next(iter(ids)) for name, ids in meant.items() if len(ids) == 1}  # what is ambiguous names none


def take_roster(
    db: Database,
    sitting: str,
    draft: RosterDraft,
    *,
    replace: bool,
    clock: Clock,
    who: str,
    role: Role = "centre_manager",
    where: str = "",
) -> Roster:
    """Take a checked table over whole; ``replace``: who is not in it is no longer expected.

    Until something has happened in the sitting the roster itself changes. Afterwards each difference is an act: who is
    new is enrolled, another allowance is set, who is left out is withdrawn.

    Raises:
        BadInputError: a row has a problem; nothing is taken over.
        ConflictError: somebody who has begun would be left out, or somebody would change exam after something happened.
        IllegalTransitionError: the sitting is over, or not by this role.
    """
    entries, cause = draft.roster().entries, Cause(clock, who, where)
    with write(db):
        before = run_of(db, sitting)
        kept = [_with_candidate(db, entry, cause) for entry in entries]
        if stored_sitting(db, sitting).seq:
            _enact(db, before, kept, replace=replace, cause=cause, role=role)
        else:
            _write_rows(db, sitting, kept, replace=replace)
            book_roster(db, sitting, clock=clock)
        after = run_of(db, sitting)
        added, removed = after.people.keys() - before.people.keys(), before.people.keys() - after.people.keys()
        cause.log(
            db,
            "sitting.roster_taken",
            {"sitting": sitting, "rows": len(kept), "added": len(added), "removed": len(removed), "replaced": replace},
        )
        return roster_of(db, sitting)


def add_candidate(
    db: Database,
    sitting: str,
    entry: RosterEntry,
    *,
    clock: Clock,
    who: str,
    role: Role,
    why: str = "",
    where: str = "",
) -> Candidate:
    """Put one candidate on the roster; once something has happened they are enrolled, which needs a reason.

    The entry's candidate is matched by the LMS's user id or the centre's number; its ``id`` is not looked at.

    Raises:
        ConflictError: they are on it already.
        IllegalTransitionError: the sitting is over, no reason, or not by this role.
    """
    cause = Cause(clock, who, where)
    with write(db):
        run = run_of(db, sitting)
        kept = _with_candidate(db, entry, cause)
        if stored_sitting(db, sitting).seq:
            _enrol(db, run, kept, why=why, cause=cause, role=role)
        elif kept.candidate.id in run.people:
            raise ConflictError("This candidate is on the roster already.", hint="Nothing needs to be done.")
        else:
            _write_rows(db, sitting, [kept], replace=False)
            book_roster(db, sitting, clock=clock)
            cause.log(
                db,
                "sitting.roster_taken",
                {"sitting": sitting, "rows": 1, "added": 1, "removed": 0, "replaced": False},
            )
        return kept.candidate


def _with_candidate(db: Database, entry: RosterEntry, cause: Cause) -> RosterEntry:
    integration = get_exam(db, entry.exam).exam.integration
    # A number alone is the centre's and no LMS's: the same person for every LMS that does not know them otherwise.
    known = known_as(db, integration, user_id=entry.candidate.user_id, number=entry.candidate.number)
    of = integration if entry.candidate.user_id or (known is not None and known.user_id) else None
    candidate = keep_candidate(db, entry.candidate, of, now_us=cause.clock.wall_us())
    return msgspec.structs.replace(entry, candidate=candidate)


def _write_rows(db: Database, sitting: str, entries: list[RosterEntry], *, replace: bool) -> None:
    if replace:
        seats = {candidate: seat for seat, candidate in planned_seats(db, sitting).items()}
        db.conn.execute("DELETE FROM roster_entry WHERE sitting = ?", (sitting,))
    else:
        seats = {}
    db.conn.executemany(
        "INSERT INTO roster_entry (sitting, candidate, exam, planned, seat) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sitting, candidate) DO UPDATE SET exam = excluded.exam, planned = excluded.planned",
        [
            (sitting, one.candidate.id, one.exam, to_json(one.planned), seats.get(one.candidate.id, ""))
            for one in entries
        ],
    )
    bump_version(db, sitting)


def _enact(
    db: Database, run: SittingRun, entries: list[RosterEntry], *, replace: bool, cause: Cause, role: Role
) -> None:
    """Bring a sitting in which something has happened to a roster, one act a difference."""
    for entry in entries:
        person = run.people.get(entry.candidate.id)
        if person is None or person.status is CandidateStatus.TRANSFERRED:
            run = _enrol(db, run, entry, why=CHANGED, cause=cause, role=role)
        elif person.exam != entry.exam:
            raise ConflictError(
                f"{entry.candidate.display_name} is expected for another exam already.",
                hint="Withdraw them there first, with a reason.",
            )
        elif person.planned != entry.planned and person.status in _NOT_BEGUN:
            run = happen(
                db,
                run,
                "set_allowance",
                cause=cause,
                role=role,
                candidate=entry.candidate.id,
                why=CHANGED,
                detail=_allowance(entry),
            )
    if replace:
        named = {entry.candidate.id for entry in entries}
        for name in [one for one in run.people if one not in named]:
            status = run.people[name].status
            if status in AT_WORK:
                raise ConflictError(
                    "Somebody who is writing would no longer be on the roster.",
                    hint="Leave them on it, or add the new candidates without replacing the roster.",
                )
            if status in _NOT_BEGUN:
                run = happen(db, run, "withdraw", cause=cause, role=role, candidate=name, why=CHANGED)


def _enrol(db: Database, run: SittingRun, entry: RosterEntry, *, why: str, cause: Cause, role: Role) -> SittingRun:
    exam = definitions(db, run.sitting).get(entry.exam)
    asked = exam is None or exam.present.identification != "skip"
    detail = {"exam": entry.exam, "identity_asked": asked, **_allowance(entry)}
    return happen(db, run, "enrol", cause=cause, role=role, candidate=entry.candidate.id, why=why, detail=detail)


def _allowance(entry: RosterEntry) -> dict[str, str | int | bool]:
    planned = entry.planned or NONE
    return {"percent_hundredths": planned.percent_hundredths, "minutes": planned.minutes}
