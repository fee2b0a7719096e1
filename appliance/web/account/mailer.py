"""Sends e-mails in a thread of its own, so that no answer waits for a mail server or tells by its time who exists."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from appliance import log
from appliance.errors import ApplianceError
from appliance.web.account import mail
from appliance.web.services import services

if TYPE_CHECKING:
    from flask import Flask

    from appliance.clock import Clock
    from appliance.config import Settings

MAX_WAITING = 100
_KEY = "exambox-mailer"
_LOG = log.get(__name__)
Work = Callable[[], mail.Mail | None]
"""Makes the e-mail, in the mailer's thread; None: there is nothing to send."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last e-mail that could not be sent."""

    at_us: int
    message: str
    hint: str


class Mailer:
    """One for the process. ``failure`` is the last failure until an e-mail went out again, ``sent_us`` when (wall)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._waiting: queue.Queue[Work] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.failure: Failure | None = None
        self.sent_us: int | None = None

    def put(self, work: Work) -> None:
        """Make and send an e-mail soon; the caller goes on at once. Where too many wait, it is left out and noted."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mailer", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            self._failed("Too many e-mails wait to be sent.", "The mail server is slow or does not answer.")

    def send_now(self, made: mail.Mail) -> None:
        """Send an e-mail while the caller waits.

        Raises:
            MailError: it could not be sent.
        """
        accounts = self._settings.accounts
        message = mail.message_of(made, sender=accounts.mail_from, box=self._settings.box.room, clock=self._clock)
        try:
            mail.send(message, accounts)
        except mail.MailError as problem:
            self._failed(problem.message, problem.hint)
            raise
        self.failure, self.sent_us = None, self._clock.wall_us()

    def wait(self) -> None:
        """Return when everything that was put has been dealt with."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            work = self._waiting.get()
            try:
                made = work()
                if made is not None:
                    self.send_now(made)
            except ApplianceError as problem:
                _LOG.warning("an e-mail was not sent", reason=problem.message)
            except Exception as problem:  # noqa: BLE001  the end of a piece of work: the next one must be tried
                _LOG.error("an e-mail was not made", exc_info=problem)
            finally:
                self._waiting.task_done()

    def _failed(self, message: str, hint: str) -> None:
        _LOG.warning("e-mail failed", reason=message)
        self.failure = Failure(self._clock.wall_us(), message, hint)


def mailer_of(app: Flask) -> Mailer:
    """Return an application's mailer, made when it is first asked for."""
    box = app.extensions["exambox"]
    return cast("Mailer", app.extensions.setdefault(_KEY, Mailer(box.settings, box.clock)))


def mailer() -> Mailer:
    """Return the mailer of the application that handles this request."""
    return mailer_of(current_app)


def can_mail() -> bool:
    """Return whether this box sends e-mails."""
    return mail.can_mail(services().settings.accounts)
