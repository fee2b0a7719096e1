"""Work on what comes from outside in a process of its own: it may hang, bloat or die, and costs that question only."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import signal
from typing import TYPE_CHECKING, Any

from appliance.errors import ApplianceError, BadInputError, CameraError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection


class ChildLateError(Exception):
    """The work was not done in time; its process is gone."""


class ChildDiedError(Exception):
    """The process died of its work."""


def in_child(work: Callable[..., Any], *given: Any, seconds: float, memory_bytes: int | None = None) -> Any:
    """Return what ``work(*given)`` returns, called in a fresh process that is gone afterwards.

    Args:
        work: a function of a module; it and its arguments travel by pickle.
        given: its arguments.
        seconds: at most so long, the process's start included.
        memory_bytes: how much address space it may have; None leaves it alone.

    Raises:
        ChildLateError: it took longer.
        ChildDiedError: it crashed, or ran out of memory.
        CameraError, BadInputError: as ``work`` raised it.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, work, given, memory_bytes), daemon=True)
    child.start()
    theirs.close()
    try:
        answer = _answer(ours, seconds)
    finally:
        child.kill()
        child.join()
        ours.close()
    match answer:
        case ("camera", message, reason, hint):
            raise CameraError(message, reason=reason, hint=hint)
        case ("input", message, hint):
            raise BadInputError(message, hint=hint)
    return answer[1]


def _answer(pipe: Connection, seconds: float) -> Any:
    if not pipe.poll(max(0.0, seconds)):
        raise ChildLateError
    try:
        return pipe.recv()
    except EOFError:
        raise ChildDiedError from None


def _run(pipe: Connection, work: Callable[..., Any], given: tuple[Any, ...], memory_bytes: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    if memory_bytes:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; the time limit stands
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    try:
        pipe.send(("done", work(*given)))
    except CameraError as problem:
        pipe.send(("camera", problem.message, problem.reason, problem.hint))
    except ApplianceError as problem:
        pipe.send(("input", problem.message, problem.hint))
    finally:
        pipe.close()
