"""What the centre tells ends the same whatever the order, and nothing changes a running sitting by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.extra_time import extra_time_id
from appliance.exchange.centre.merging import Held, Merged, ObjectKey, Running, held_of, merge, touches
from tests.exchange.centre.values import NOW_US, change, grant, granted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.centre.changes import Change

GRANTS = [grant(nonce=f"{number:016d}") for number in range(2)]
POOL = [
    *[change(version=version) for version in (1, 2, 3)],
    *[change(version=version, body=None) for version in (2, 3)],
    change(version=3, body={"told": "in another way"}),
    change(version=3, body={"told": "later"}, at_us=NOW_US + 1),
    *[change("sitting", "s1", version, sitting="s1") for version in (1, 2)],
    *[change("roster", "s2", version, sitting="s2") for version in (1, 2)],
    change("roster", "s2", 2, sitting="s2", body=None),
    *[change("session", "x1", version, sitting="s1") for version in (1, 2)],
    *[granted(one) for one in GRANTS],
    granted(GRANTS[0], version=2, body=None),
    granted(GRANTS[0], version=3),
    change("media_request", "m1", sitting="s1"),
    change("of_a_newer_hub", "n1"),
]
CHANGES = st.lists(st.sampled_from(POOL), max_size=14)
RUNNING = st.sampled_from(
    [Running(), Running(frozenset({"s1"})), Running(frozenset({"s1", "s2"}), uses=frozenset({("exam", "e1")}))]
)
DIGESTS = st.frozensets(st.sampled_from([one.digest for one in POOL]), max_size=5)


class Box:
    """What a box holds, and what waits."""

    def __init__(self) -> None:
        self.held: dict[ObjectKey, Held] = {}
        self.waiting: tuple[Change, ...] = ()
        self.applied: list[Change] = []

    def told(self, changes: Iterable[Change], running: Running) -> Merged:
        """Merge changes, and do what came of it."""
        merged = merge(self.held, changes, running, self.waiting)
        for one in merged.apply:
            self.held[one.key] = held_of(one)
        self.applied += merged.apply
        self.waiting = (*merged.propose, *merged.declined)
        return merged

    def state(self) -> tuple[dict[ObjectKey, Held], set[str]]:
        """Return what is held and what waits, without regard to order."""
        return self.held, {one.digest for one in self.waiting}


def in_pieces(changes: list[Change], sizes: list[int]) -> list[list[Change]]:
    """Return the changes cut into pieces."""
    pieces, left = [], changes
    for size in sizes:
        pieces.append(left[:size])
        left = left[size:]
    return [*pieces, left]


@given(CHANGES, RUNNING, st.lists(st.integers(0, 4), max_size=6), st.randoms(use_true_random=False))
def test_order_pieces_and_repetition_do_not_matter(
    changes: list[Change], running: Running, sizes: list[int], chance: Any
) -> None:
    """Told in any order, in any pieces and more than once, a box ends with the same and has the same waiting."""
    plain, mixed = Box(), Box()
    plain.told(changes, running)
    others = [*changes, *changes[::2]]
    chance.shuffle(others)
    for piece in in_pieces(others, sizes):
        mixed.told(piece, running)
    assert mixed.state() == plain.state()


@given(
    changes=CHANGES,
    running=RUNNING,
    accepted=DIGESTS,
    declined=DIGESTS,
    sizes=st.lists(st.integers(0, 4), max_size=6),
    chance=st.randoms(use_true_random=False),
)
def test_what_people_decided_does_not_depend_on_order(
    *,
    changes: list[Change],
    running: Running,
    accepted: frozenset[str],
    declined: frozenset[str],
    sizes: list[int],
    chance: Any,
) -> None:
    """With some changes accepted or declined, and when the sittings are over, boxes told in any order agree."""
    told = Running(running.sittings, running.uses, accepted, declined - accepted)
    plain, mixed = Box(), Box()
    plain.told(changes, told)
    others = list(changes)
    chance.shuffle(others)
    for piece in in_pieces(others, sizes):
        mixed.told(piece, running)
    mixed.told((), told)
    plain.told((), Running())
    mixed.told((), Running())
    assert mixed.state() == plain.state()
    assert not plain.waiting


@given(CHANGES, RUNNING)
def test_each_thing_is_spoken_of_once(changes: list[Change], running: Running) -> None:
    """Of each thing one change at most is to be done, and it is the newest; doing it twice does nothing."""
    box = Box()
    merged = box.told(changes, running)
    spoken = [one.key for one in (*merged.apply, *merged.propose, *merged.declined)]
    assert len(set(spoken)) == len(spoken)
    again = box.told(changes, running)
    assert not again.apply
    assert again.propose == merged.propose
    known = [one for one in changes if one.kind != "of_a_newer_hub"]
    assert {one.key for one in known} == set(spoken)


@given(CHANGES, RUNNING)
def test_nothing_running_is_changed_unasked(changes: list[Change], running: Running) -> None:
    """Whatever is told, what touches a running sitting is only proposed."""
    merged = Box().told(changes, running)
    assert not any(touches(one, running) for one in merged.apply)
    assert all(touches(one, running) for one in merged.propose)


@given(st.permutations(POOL))
def test_a_deletion_wins(changes: list[Change]) -> None:
    """A thing that was deleted at the highest version told is gone, in whatever order it was told."""
    box = Box()
    box.told(changes, Running())
    assert box.held["exam", "e1"] == Held(3, deleted=True, at_us=NOW_US, digest=change(version=3, body=None).digest)
    assert box.held["roster", "s2"].deleted
    assert box.held["extra_time", extra_time_id(GRANTS[0])].deleted
    assert not box.held["extra_time", extra_time_id(GRANTS[1])].deleted


def test_a_thing_may_come_back_with_a_higher_version() -> None:
    """An exam that was deleted and made again is there again; extra time that was withdrawn is not."""
    box = Box()
    box.told([change(version=2, body=None), granted(GRANTS[0], version=2, body=None)], Running())
    merged = box.told([change(version=3), granted(GRANTS[0], version=3)], Running())
    assert merged.apply == (change(version=3),)
    assert [one.reason for one in merged.refuse] == ["stale"]


def test_of_one_version_told_in_two_ways_the_later_counts() -> None:
    """After a hub was restored its new word of an old version number wins over the old word."""
    old, new = change(version=3, body={"a": 1}), change(version=3, body={"a": 2}, at_us=NOW_US + 1)
    for order in ([old, new], [new, old]):
        box = Box()
        for one in order:
            box.told([one], Running())
        assert box.held["exam", "e1"] == held_of(new)


def test_what_is_not_taken_over_has_its_reason() -> None:
    """A kind of a newer hub, an older version, the same again, and extra time with a made-up id are told apart."""
    held = {("exam", "e1"): held_of(change(version=2))}
    forged = [
        change("extra_time", "made up", sitting="s1", body=grant().body()),
        granted(grant(), sitting="s2"),
        change("extra_time", extra_time_id(grant()), sitting="s1", body={}),
    ]
    merged = merge(held, [change("of_a_newer_hub"), change(version=1), change(version=2), *forged], Running())
    assert [one.reason for one in merged.refuse] == ["kind", "stale", "known", *["extra_time"] * 3]
    assert not merged.apply


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (change("sitting", "s1"), True),
        (change("roster", "s1", sitting="s1"), True),
        (change("session", "new", sitting="s1"), True),
        (change("session", "x1"), True),
        (change("exam", "e1"), True),
        (granted(grant()), True),
        (granted(grant(), body=None), False),
        (change("exam", "e2"), False),
        (change("sitting", "s2", sitting="s2"), False),
        (change("media_request", "m1", sitting="s1"), False),
        (change("integration", "i1"), False),
    ],
)
def test_what_touches_a_running_sitting_waits(one: Change, wanted: bool) -> None:
    """The sitting itself, what is about it, and what it uses wait; everything else does not."""
    running = Running(frozenset({"s1"}), uses=frozenset({("exam", "e1"), ("session", "x1")}))
    merged = merge({}, [one], running)
    assert (merged.propose if wanted else merged.apply) == (one,)


def test_an_invigilator_accepts_or_declines() -> None:
    """An accepted change is taken over, a declined one when the sitting is over, unless a newer one came."""
    running, first = frozenset({"s1"}), change("roster", "s1", sitting="s1")
    box = Box()
    assert box.told([first], Running(running)).propose == (first,)
    assert box.told((), Running(running, accepted=frozenset({first.digest}))).apply == (first,)
    second, third = (change("roster", "s1", version, sitting="s1") for version in (2, 3))
    declined = frozenset({third.digest})
    box.told([third], Running(running))
    assert box.told((), Running(running, declined=declined)).declined == (third,)
    assert not box.told([second], Running(running, declined=declined)).propose
    fourth = change("roster", "s1", 4, sitting="s1")
    assert box.told([fourth], Running(running, declined=declined)).propose == (fourth,)
    assert box.told((), Running()).apply == (fourth,)


def test_extra_time_withdrawn_while_it_waits_is_not_asked_for_any_more() -> None:
    """A grant that waits for acceptance stops waiting when the centre withdraws it, and nobody is asked about that."""
    box, running = Box(), Running(frozenset({"s1"}))
    assert box.told([granted(grant())], running).propose == (granted(grant()),)
    gone = granted(grant(), version=2, body=None)
    assert box.told([gone], running).apply == (gone,)
    assert not box.waiting


def test_things_are_taken_over_in_the_order_they_need_one_another() -> None:
    """Integrations come before exams, exams before sittings and so on; deletions last, the other way round."""
    told = [
        change("roster", "s3", body=None),
        change("session", "x1"),
        change("exam", "e3", body=None),
        change("sitting", "s2"),
        change("exam", "e2"),
        change("integration", "i1"),
    ]
    order = [(one.kind, one.deleted) for one in merge({}, told, Running()).apply]
    assert order == [
        ("integration", False),
        ("exam", False),
        ("sitting", False),
        ("session", False),
        ("roster", True),
        ("exam", True),
    ]
