"""Structured logs for the journal: one event a line, never a secret, never a picture.

This is the technical journal of processes. Who did what is in `appliance.auditlog`.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from appliance.config import LogSettings

# sd-daemon(3): "<N>" at the start of a line is its priority.
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
SECRET_WORDS = ("password", "passphrase", "secret", "token", "credential", "private")


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every value whose key sounds like a secret: a second net, not the first."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def _journal_line(_logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    level = event.get("level", method)
    text = structlog.processors.LogfmtRenderer(key_order=["event"], drop_missing=True)(_logger, method, event)
    return f"<{_PRIORITY.get(level, 6)}>{text}"


def configure(settings: LogSettings, process: str) -> None:
    """Set up structured logging of this process on standard error.

    Args:
        settings: level and format; ``auto`` is ``journal`` under systemd, ``console`` on a terminal,
            else ``json``.
        process: the process's name, on every line.
    """
    form = settings.format
    if form == "auto":
        form = "journal" if os.environ.get("JOURNAL_STREAM") else "console" if sys.stderr.isatty() else "json"
    renderer: Any = {
        "json": structlog.processors.JSONRenderer(sort_keys=True),
        # Plain: the pretty one prints local variables, and a password may be among them.
        "console": structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        "journal": _journal_line,
    }[form]
    stamp = [] if form == "journal" else [structlog.processors.TimeStamper(fmt="iso", utc=True)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *stamp,
            structlog.processors.format_exc_info,
            _hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger
