"""What the dashboard looks at for the health page: the doctor's checks, and those only it can make."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from flask import current_app

from appliance.clock import format_utc
from appliance.diagnosis import QUICK, THOROUGH, of_role
from appliance.diagnosis.result import Check, Examined, run
from appliance.errors import UnavailableError
from appliance.web.account import mail
from appliance.web.account.mailer import mailer_of
from appliance.web.admin.health_book import HealthBook
from appliance.web.lan import runner
from appliance.web.services import of

if TYPE_CHECKING:
    from flask import Flask

    from appliance.web.jobs import Job
    from appliance.web.services import Services

_KEY = "exambox-health"
THOROUGH_EVERY_US = 24 * 3600 * 1_000_000
"""Whoever opens the page has everything looked at that is older."""


def book_of(app: Flask) -> HealthBook:
    """Return an application's book, made when it is first asked for."""
    return cast("HealthBook", app.extensions.setdefault(_KEY, HealthBook(of(app).clock)))


def refreshed() -> HealthBook:
    """Return the book after a quick look."""
    app = cast("Any", current_app)._get_current_object()  # noqa: SLF001  Flask's documented way
    book = book_of(app)
    book.refresh(lambda: quick(app))
    return book


def examined(box: Services) -> Examined:
    """Return the box as the dashboard may look at it."""
    return Examined(box.settings, box.clock, privileged=box.settings.box.trial, live=box.live, keyring=box.keyring)


def quick(app: Flask) -> list[Check]:
    """Do every check that takes no time."""
    box = of(app)
    seen = examined(box)
    return [*(found for check in of_role(QUICK, box.settings) for found in run(check, seen)), *own_checks(app)]


def own_checks(app: Flask) -> list[Check]:
    """Look at what only this process knows."""
    box = of(app)
    watched = box.slots.taken
    found = [Check("web", "ok", f"running; {watched} live pictures are being watched"), _mail(app)]
    if box.settings.web.lan:
        found.append(_announcement(app))
    return found


def _mail(app: Flask) -> Check:
    accounts = of(app).settings.accounts
    if not mail.can_mail(accounts):
        return Check("mail", "ok", "This box sends no e-mail; forgotten passwords are replaced with one-time codes.")
    mailer = mailer_of(app)
    if mailer.failure is not None:
        at = _minute(mailer.failure.at_us)
        hint = "Send a test mail on the users' page: it says what the mail server answers."
        return Check("mail", "warn", f"The last e-mail could not be sent ({at}): {mailer.failure.message}", hint)
    if mailer.sent_us is None:
        return Check("mail", "ok", "No e-mail was sent since the dashboard started.", "Send a test mail to be sure.")
    at = _minute(mailer.sent_us)
    return Check("mail", "ok", f"The last e-mail went out at {at}.")


def _minute(wall_us: int) -> str:
    return f"{format_utc(wall_us)[:16].replace('T', ' ')} UTC"


def _announcement(app: Flask) -> Check:
    if not of(app).settings.web.announce:
        return Check("announcement", "ok", "This box does not announce itself; people need to know its address.")
    if not runner.is_announced(app):
        hint = "It begins when the box has keys; see the journal of the dashboard."
        return Check("announcement", "warn", "This box does not announce itself, although it should.", hint)
    return Check("announcement", "ok", "The box announces itself on the network (mDNS).")


def thorough(app: Flask, job: Job) -> dict[str, Any]:
    """Do the checks that take long, in a job's thread, and enter them."""
    seen = examined(of(app))
    found: list[Check] = []
    checks = of_role(THOROUGH, of(app).settings)
    for number, check in enumerate(checks):
        job.progress(number, len(checks))
        found.extend(run(check, seen))
    book_of(app).take(found, "thorough")
    job.progress(len(checks), len(checks))
    return {"checks": len(found)}


def start_thorough(owner: str) -> None:
    """Have everything looked at in the background.

    Raises:
        UnavailableError: too much is going on.
    """
    app = cast("Any", current_app)._get_current_object()  # noqa: SLF001  Flask's documented way
    book = book_of(app)
    if not book.begin_thorough():
        return

    def work(job: Job) -> dict[str, Any]:
        try:
            return thorough(app, job)
        finally:
            book.end_thorough()

    try:
        of(app).jobs.start("health", owner, work)
    except UnavailableError:
        book.end_thorough()
        raise


def start_if_old(owner: str) -> None:
    """Have everything looked at where that was never done, or long ago; busy boxes do it later."""
    box = of(current_app)
    taken = book_of(current_app).taken_us("thorough")
    if taken is None or abs(box.clock.wall_us() - taken) >= THOROUGH_EVERY_US:
        with suppress(UnavailableError):
            start_thorough(owner)
