"""One thread at a time computes, and nobody who waits keeps the others from it."""

from __future__ import annotations

import io
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from appliance.exchange.json_edge import BODY
from appliance.web.api.turns import InTurn, Turn, is_exams, read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATH = "/api/v2/integration/simple/moodle/exams/"
THREADS = 8
LONG_S = 20.0


def call(body: Any = b"{}", *, length: int | None = None, path: str = PATH, **more: str) -> dict[str, Any]:
    """Return the environ of a call."""
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    stated = len(body) if length is None else length
    return {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": str(stated), "wsgi.input": stream, **more}


def started(*works: Callable[[], object]) -> list[threading.Thread]:
    """Start threads."""
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def ended(threads: list[threading.Thread]) -> bool:
    """Wait for threads; whether all came to their end."""
    for thread in threads:
        thread.join(LONG_S)
    return not any(thread.is_alive() for thread in threads)


def pass_through(turn: Turn) -> None:
    """Take a turn and leave it."""
    with turn.held():
        assert turn.is_mine


def fail_aside(turn: Turn) -> NoReturn:
    """Step aside until another had the turn, and fail there."""
    with turn.aside():
        assert ended(started(partial(pass_through, turn)))
        raise ZeroDivisionError


def start(
    _status: str, _headers: list[tuple[str, str]], _problem: object = None, /
) -> Callable[[bytes], object]:  # pragma: no cover  the applications here only return
    """Begin an answer."""
    raise AssertionError


class Slow:
    """A body that comes when it is let."""

    def __init__(self) -> None:
        self.asked, self.comes = threading.Event(), threading.Event()

    def read(self, size: int) -> bytes:
        """Wait for it."""
        self.asked.set()
        assert self.comes.wait(LONG_S)
        return b"x" * size


def test_one_at_a_time_and_each_in_the_end() -> None:
    """Threads that all want their turn have it one after the other."""
    turn, inside, most = Turn(), [0], [0]

    def work() -> None:
        for _ in range(50):
            with turn.held():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    assert ended(started(*[work] * THREADS))
    assert most == [1]


def test_whoever_has_the_turn_goes_on_in_it() -> None:
    """Asking for it a second time neither waits for oneself nor gives it up at the inner end."""
    turn = Turn()
    with turn.held():
        with turn.held():
            assert turn.is_mine
        assert turn.is_mine
    assert not turn.is_mine


def test_who_steps_aside_lets_another_in_and_has_the_turn_again() -> None:
    """Another thread takes its turn meanwhile, also where the block fails."""
    turn = Turn()
    with turn.held():
        with pytest.raises(ZeroDivisionError):
            fail_aside(turn)
        assert turn.is_mine


def test_aside_without_the_turn_takes_none() -> None:
    """A thread that is not in turn is not in turn afterwards."""
    turn = Turn()
    with turn.aside():
        assert not turn.is_mine
    assert not turn.is_mine


def test_a_body_that_does_not_come_holds_nobody_up() -> None:
    """While one caller still sends, the next is answered."""
    seen: list[bytes] = []

    def app(environ: dict[str, Any], _start: object) -> Iterable[bytes]:
        seen.append(environ["wsgi.input"].read())
        return [b""]

    served, slow = InTurn(app, Turn()), Slow()
    waiting = started(lambda: served(call(slow, length=3), start))
    assert slow.asked.wait(LONG_S)
    assert ended(started(lambda: served(call(b"quick"), start)))
    assert seen == [b"quick"]
    slow.comes.set()
    assert ended(waiting)
    assert seen == [b"quick", b"xxx"]


def test_a_call_that_fails_leaves_the_turn() -> None:
    """Whatever the application raises comes through, and the next has its turn."""
    turn = Turn()

    def app(_environ: dict[str, Any], _start: object) -> Iterable[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        InTurn(app, turn)(call(), start)
    assert ended(started(partial(pass_through, turn)))


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api/v2/integration/simple/moodle/sessions/1/finish/", "POST"), ("/exams/", "POST"), (PATH, "GET")],
)
def test_other_calls_wait_for_no_turn(path: str, method: str) -> None:
    """They may wait for other writers themselves, or take long."""
    turn, seen = Turn(), list[bool]()

    def app(_environ: dict[str, Any], _start: object) -> Iterable[bytes]:
        seen.append(turn.is_mine)
        return [b""]

    with turn.held():
        assert ended(started(lambda: InTurn(app, turn)(call(path=path) | {"REQUEST_METHOD": method}, start)))
    assert seen == [False]


def test_exams_are_known_with_and_without_their_slash() -> None:
    """Both spellings are the same call."""
    assert is_exams(PATH)
    assert is_exams(PATH.rstrip("/"))
    assert not is_exams("/exams/")


@pytest.mark.parametrize(
    "environ",
    [call(b"x", HTTP_TRANSFER_ENCODING="chunked"), call(b"x", length=BODY.size + 2), call(b"x", length=0)],
)
def test_what_is_not_read_ahead_stays_as_it_is(environ: dict[str, Any]) -> None:
    """A body in chunks, one that is refused for its length, and none."""
    body = environ["wsgi.input"]
    read_ahead(environ)
    assert environ["wsgi.input"] is body
    assert body.tell() == 0


def test_a_body_that_breaks_off_is_met_where_it_is_read() -> None:
    """The error is that of the connection, and comes when the view asks for the body."""

    class Broken:
        def read(self, _size: int) -> bytes:
            raise ConnectionResetError

    environ = call(Broken(), length=10)
    read_ahead(environ)
    with pytest.raises(ConnectionResetError):
        environ["wsgi.input"].read(10)


def test_waiting_is_over_when_the_turn_is_left() -> None:
    """A thread that waits for its turn has it as soon as the other leaves."""
    turn = Turn()
    with turn.held():
        threads = started(partial(pass_through, turn))
        assert threads[0].is_alive()
    assert ended(threads)
