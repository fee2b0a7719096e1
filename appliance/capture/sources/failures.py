"""Which reason lies behind a failure of FFmpeg or of the network."""

from __future__ import annotations

import errno
import socket

import av

from appliance.capture.sources.failure_words import WORDS, camera_error

__all__ = ["WORDS", "camera_error", "reason_of"]

_OF_KIND: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((av.HTTPUnauthorizedError, av.HTTPForbiddenError), "unauthorised"),
    ((av.HTTPNotFoundError, FileNotFoundError), "not_found"),
    # RTSP 453 Not Enough Bandwidth and its neighbours (RFC 2326, 7.1.1) are unknown to FFmpeg.
    ((av.HTTPServerError, av.HTTPOtherClientError), "busy"),
    ((TimeoutError, av.ExitError), "timeout"),
    ((ConnectionRefusedError,), "refused"),
    ((socket.gaierror,), "unreachable"),
)


def reason_of(problem: BaseException, *, opening: bool) -> str:
    """Return the reason behind a failure of FFmpeg or of the network; never its text, which may hold a password."""
    if not opening:
        return "invalid" if isinstance(problem, av.InvalidDataError) else "lost"
    for kinds, reason in _OF_KIND:
        if isinstance(problem, kinds):
            return reason
    return _reason_of_number(getattr(problem, "errno", None))


def _reason_of_number(number: int | None) -> str:
    if number == errno.EBUSY:
        return "busy"
    if number == errno.EACCES:
        return "unauthorised"
    if number in (errno.ENODEV, errno.ENXIO):
        return "not_found"
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN):
        return "unreachable"
    return "invalid"
