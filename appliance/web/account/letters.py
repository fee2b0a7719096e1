"""The texts of the box's e-mails, in the language of who causes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from appliance.database import connect
from appliance.web.account import reset
from appliance.web.account.mail import Mail
from appliance.web.account.mailer import can_mail, mailer
from appliance.web.language import gettext as _
from appliance.web.services import services

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.web.account.accounts import Account
    from appliance.web.account.mailer import Work

# Filled in by the mailer's thread, which alone knows whether there is an account.
_NAME, _LINK = "{name}", "{link}"


def send_reset_link(identifier: str, path: str) -> None:
    """Send a link to the account with that name or address, if there is one with an address; the caller cannot tell.

    Args:
        identifier: name or e-mail address as typed.
        path: of the page the link opens; the secret is put behind it.
    """
    box = services()
    minutes = box.settings.accounts.reset_link_minutes
    subject = _("A new password for %(room)s", room=box.settings.box.room)
    text = _(
        "Hello %(name)s,\n\n"
        "somebody, probably you, asked for a new password for exambox in %(room)s.\n"
        "Choose it here within %(minutes)s minutes; the link works once:\n\n"
        "%(link)s\n\n"
        "If it was not you, do nothing: your password stays as it is.\n",
        name=_NAME, room=box.settings.box.room, minutes=minutes, link=_LINK,
    )  # fmt: skip
    address = _address() + path
    mailer().put(_reset_work(identifier, address, subject=subject, text=text, minutes=minutes))


def tell_of_change(account: Account, what: str, *, to: str = "") -> None:
    """Tell a person by e-mail that something about their account was changed, so that a stranger's change is noticed.

    Args:
        account: whose.
        what: the sentence that says it, in the reader's language.
        to: another address than the account's, such as the one before.
    """
    address = to or account.email
    if not address or not can_mail():
        return
    room = services().settings.box.room
    text = _(
        "Hello %(name)s,\n\n%(what)s\n\nIf it was not you, tell an administrator of %(room)s at once.\n",
        name=account.name, what=what, room=room,
    )  # fmt: skip
    made = Mail(address, _("Your account at %(room)s", room=room), text)
    mailer().put(lambda: made)


def trial_letter(to: str) -> Mail:
    """Return the e-mail that shows that e-mails arrive."""
    room = services().settings.box.room
    return Mail(
        to,
        _("Test mail of %(room)s", room=room),
        _("This box can send e-mails: links for forgotten passwords will arrive like this one.\n"),
    )


def _address() -> str:
    """Return what links begin with: the setting, else the host this request came to, which the gate has checked."""
    return services().settings.accounts.public_address or request.host_url.rstrip("/")


def _reset_work(identifier: str, address: str, *, subject: str, text: str, minutes: int) -> Work:
    clock, database = services().clock, services().settings.database

    def work() -> Mail | None:
        db = connect(database)
        try:
            found = _find(db, identifier)
            if found is None:
                return None
            token = reset.make_link(db, found[0], minutes=minutes, clock=clock)
            filled = text.replace(_NAME, found[1]).replace(_LINK, f"{address}?token={token}")
            return Mail(found[2], subject, filled)
        finally:
            db.conn.close()

    return work


def _find(db: Database, identifier: str) -> tuple[int, str, str] | None:
    typed = identifier.strip()
    row: tuple[int, str, str] | None = db.conn.execute(
        "SELECT id, name, email FROM account WHERE (name = ? OR email = ?) AND email != '' AND disabled_us IS NULL"
        " ORDER BY name = ? DESC LIMIT 1",
        (typed, typed, typed),
    ).fetchone()
    return row
