"""Which parts may go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.retention import FINISHED_STATES, HOUR_US, DuePart, Hold, PartRow, Sittings, due_parts
from tests.vault.part_material import NOW_US, row


def _due(parts: list[PartRow], **changes: object) -> list[DuePart]:
    arguments = {
        "retention_hours": {"front": 72},
        "default_hours": 72,
        "holds": [],
        "sittings": Sittings(frozenset(), {}),
        "now_us": NOW_US,
        **changes,
    }
    return due_parts(parts, **arguments)  # type: ignore[arg-type]


def test_a_part_goes_when_its_time_is_over_and_not_a_moment_before() -> None:
    """The clock starts at the sitting's end, and the certificate's rule names the hours."""
    part = row()
    over = (part.ended_us or 0) + 72 * HOUR_US
    assert _due([part], now_us=over - 1) == []
    assert _due([part], now_us=over) == [DuePart(part, over, "retention of 72 h after the sitting's end")]


def test_the_whole_sitting_counts_from_its_last_moment() -> None:
    """An early part, and another camera's part, stay as long as the sitting's last one asks."""
    early = row(1)
    late = row(2, started_us=NOW_US - 72 * HOUR_US, ended_us=NOW_US - 71 * HOUR_US, camera="back")
    assert _due([early, late]) == []
    assert [one.part for one in _due([early, late], now_us=NOW_US + HOUR_US)] == [early, late]


def test_a_deleted_part_still_tells_when_its_sitting_ended() -> None:
    """A camera with a short retention that is gone does not shorten the others' time."""
    kept = row(1)
    gone = row(2, ended_us=NOW_US - 10 * HOUR_US, state="deleted", camera="back")
    assert _due([kept, gone]) == []


def test_a_wish_ended_after_the_last_picture_counts() -> None:
    """A sitting whose camera died early ends when its recording was ended."""
    part = row()
    assert _due([part], sittings=Sittings(frozenset(), {"exam": NOW_US - 10 * HOUR_US})) == []


def test_each_camera_has_its_own_hours() -> None:
    """Retention is a camera's setting; a camera the box does not know gets the default."""
    short, unknown = row(1, camera="door"), row(1, camera="gone")
    now = (short.ended_us or 0) + 10 * HOUR_US
    assert [one.part for one in _due([short, unknown], retention_hours={"door": 5}, now_us=now)] == [short]
    both = _due([short, unknown], retention_hours={"door": 5}, default_hours=10, now_us=now)
    assert {one.part for one in both} == {short, unknown}


def test_a_part_without_known_end_is_kept_as_if_it_had_lasted_an_hour() -> None:
    """Nothing goes early because a crash hid when it ended."""
    part = row(ended_us=None, state="abandoned")
    over = part.started_us + HOUR_US + 72 * HOUR_US
    assert _due([part], now_us=over - 1) == []
    assert len(_due([part], now_us=over)) == 1


def test_a_hold_on_one_camera_leaves_the_others_to_retention() -> None:
    """A hold keeps what it names and nothing else."""
    front, back = row(1), row(1, camera="back")
    assert [one.part for one in _due([front, back], holds=[Hold("exam", "front")])] == [back]
    assert _due([front, back], holds=[Hold("exam", None)]) == []
    assert len(_due([front, back], holds=[Hold("other", None)])) == 2


NAMES = st.sampled_from(["a", "b", "c"])
ROWS = st.builds(
    PartRow,
    part_id=st.uuids().map(lambda value: value.hex),
    sitting=NAMES,
    camera=NAMES,
    number=st.integers(1, 99),
    started_us=st.integers(NOW_US - 200 * HOUR_US, NOW_US),
    ended_us=st.none() | st.integers(NOW_US - 200 * HOUR_US, NOW_US),
    bytes=st.integers(0, 1000),
    state=st.sampled_from(["open", "closed", "recovered", "abandoned", "deleting", "deleted"]),
)
HOLDS = st.lists(st.builds(Hold, sitting=NAMES, camera=st.none() | NAMES), max_size=3)
SITTINGS = st.builds(
    Sittings, running=st.frozensets(NAMES), stopped_us=st.dictionaries(NAMES, st.integers(0, NOW_US), max_size=3)
)
HOURS = st.dictionaries(NAMES, st.integers(1, 150), max_size=3)


@given(parts=st.lists(ROWS, max_size=12), holds=HOLDS, sittings=SITTINGS, hours=HOURS)
def test_what_must_stay_never_goes(
    parts: list[PartRow], holds: list[Hold], sittings: Sittings, hours: dict[str, int]
) -> None:
    """Held, open, running, unfinished and young parts never go; everything else does, the oldest first."""
    due = _due(parts, holds=holds, sittings=sittings, retention_hours=hours, default_hours=50)
    chosen = [one.part for one in due]
    assert [part.started_us for part in chosen] == sorted(part.started_us for part in chosen)
    open_sittings = {part.sitting for part in parts if part.state == "open"}
    for part in parts:
        ends = [one.latest_end_us for one in parts if one.sitting == part.sitting]
        end = max([*ends, sittings.stopped_us.get(part.sitting, 0)])
        may_go = (
            part.state in FINISHED_STATES
            and part.sitting not in sittings.running | open_sittings
            and not any(hold.sitting == part.sitting and hold.camera in {None, part.camera} for hold in holds)
            and end + hours.get(part.camera, 50) * HOUR_US <= NOW_US
        )
        assert (part in chosen) == may_go


@given(parts=st.lists(ROWS, max_size=8), sittings=SITTINGS, hours=HOURS, later=st.integers(0, 10**12), holds=HOLDS)
def test_time_only_adds_and_holds_only_keep(
    parts: list[PartRow], sittings: Sittings, hours: dict[str, int], later: int, holds: list[Hold]
) -> None:
    """What may go now may go later; with more holds no part goes that would not have gone without."""
    base = {"sittings": sittings, "retention_hours": hours}
    now = {one.part.part_id for one in _due(parts, **base)}
    assert now <= {one.part.part_id for one in _due(parts, **base, now_us=NOW_US + later)}
    assert {one.part.part_id for one in _due(parts, **base, holds=holds)} <= now
