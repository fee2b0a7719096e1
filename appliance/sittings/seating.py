"""Where people sit in a sitting: the seats of the room, and who is planned where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.model import Seat, SeatingPlan
from appliance.exams.states import CandidateStatus
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.acts import happen
from appliance.sittings.rows import Cause, rows_of, to_json
from appliance.sittings.runs import bump_version, run_of, stored_sitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.seating import SeatingDraft
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role

_UNSEATED: Final = frozenset(
    {
        CandidateStatus.EXPECTED,
        CandidateStatus.ABSENT,
        CandidateStatus.ARRIVED,
        CandidateStatus.IDENTITY_CHECKED,
        CandidateStatus.CONSENTED,
    }
)


def seating_of(db: Database, sitting: str) -> SeatingPlan:
    """Return the seats, and whose each is: where people sit, or are planned to."""
    rows = rows_of(
        db,
        "SELECT * FROM seat WHERE sitting = ? ORDER BY place_row, place_column, length(label), label COLLATE NOCASE",
        (sitting,),
    )
    seats = tuple(
        Seat(
            label=row["label"],
            row=row["place_row"],
            column=row["place_column"],
            cameras=msgspec.json.decode(row["cameras"], type=tuple[str, ...]),
        )
        for row in rows
    )
    run = run_of(db, sitting)
    assigned = {person.seat: name for name, person in run.people.items() if person.occupies_seat}
    return SeatingPlan(sitting=sitting, seats=seats, assigned=assigned)


def take_seating(
    db: Database,
    sitting: str,
    draft: SeatingDraft,
    *,
    clock: Clock,
    who: str,
    role: Role = "centre_manager",
    where: str = "",
) -> SeatingPlan:
    """Take a checked seating plan over whole: its seats replace those before.

    Who sits already stays there. Who is expected or being admitted gets the planned seat, each as an act once something
    has happened in the sitting.

    Raises:
        BadInputError: a row has a problem; nothing is taken over.
        ConflictError: a seat is planned for one and sat on by another.
    """
    plan, cause = draft.plan(), Cause(clock, who, where)
    with write(db):
        run = run_of(db, sitting)
        wanted = {candidate: seat for seat, candidate in plan.assigned.items()}
        if stored_sitting(db, sitting).seq:
            _assign(db, run, wanted, cause=cause, role=role)
        else:
            db.conn.execute("UPDATE roster_entry SET seat = '' WHERE sitting = ?", (sitting,))
            db.conn.executemany(
                "UPDATE roster_entry SET seat = ? WHERE sitting = ? AND candidate = ?",
                [(seat, sitting, candidate) for candidate, seat in wanted.items()],
            )
        _write_seats(db, sitting, plan.seats)
        bump_version(db, sitting)
        detail = {"sitting": sitting, "seats": len(plan.seats), "assigned": len(wanted)}
        cause.log(db, "sitting.seating_taken", detail)
        return seating_of(db, sitting)


def _assign(db: Database, run: SittingRun, wanted: dict[str, str], *, cause: Cause, role: Role) -> None:
    """Plan seats anew for who does not sit yet: first all that change are freed, so that two may swap."""
    moving = [
        name
        for name, person in run.people.items()
        if person.status in _UNSEATED and person.seat != wanted.get(name, "")
    ]
    for name in moving:
        if run.people[name].seat:
            run = happen(db, run, "assign_seat", cause=cause, role=role, candidate=name, detail={"seat": ""})
    for name in moving:
        if seat := wanted.get(name, ""):
            try:
                run = happen(db, run, "assign_seat", cause=cause, role=role, candidate=name, detail={"seat": seat})
            except IllegalTransitionError as problem:
                if problem.reason != "seat_taken":
                    raise
                raise ConflictError(
                    f"Somebody sits at {seat} already, for whom another seat or none is planned.",
                    hint="Correct the plan, or move who sits there first.",
                ) from problem


def _write_seats(db: Database, sitting: str, seats: tuple[Seat, ...]) -> None:
    db.conn.execute("DELETE FROM seat WHERE sitting = ?", (sitting,))
    rows: list[tuple[Any, ...]] = [
        (sitting, seat.label, seat.row, seat.column, to_json(seat.cameras)) for seat in seats
    ]
    db.conn.executemany(
        "INSERT INTO seat (sitting, label, place_row, place_column, cameras) VALUES (?, ?, ?, ?, ?)", rows
    )
