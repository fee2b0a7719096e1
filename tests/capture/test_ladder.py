"""How long is waited before the next try."""

from appliance.capture.ladder import CAMERA_LAST, Ladder


def test_a_camera_is_tried_every_second_then_rarer_then_every_minute_for_ever() -> None:
    """The waits are 1 s five times, 5 s five times, 10 s ten times, then 60 s."""
    ladder = Ladder()
    waits = [ladder.next() for _ in range(25)]
    assert waits == [1.0] * 5 + [5.0] * 5 + [10.0] * 10 + [CAMERA_LAST] * 5
    assert ladder.tries == 25


def test_a_success_begins_at_the_quick_end_again() -> None:
    """After a reset the next wait is the shortest."""
    ladder = Ladder()
    for _ in range(12):
        ladder.next()
    ladder.reset()
    assert ladder.next() == 1.0
