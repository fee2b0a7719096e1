"""E-mail, sent through the one mail server the settings name (RFC 5321, 5322; stdlib)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from appliance.clock import Clock
    from appliance.config import AccountsSettings

TIMEOUT_SECONDS = 20
_MAX_SECRET = 1024


class MailError(ApplianceError):
    """An e-mail could not be handed to the mail server; the message says what it answered."""

    code = "mail.failed"
    status = 502


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail of the box; the text is plain."""

    to: str
    subject: str
    text: str


def can_mail(settings: AccountsSettings) -> bool:
    """Return whether a mail server is set."""
    return bool(settings.smtp_host)


def message_of(mail: Mail, *, sender: str, box: str, clock: Clock) -> EmailMessage:
    """Return the e-mail as it is sent (pure but for the message's random id).

    Args:
        mail: to whom and what.
        sender: the box's address.
        box: the room's name, shown as the sender's.
        clock: for its date.

    Raises:
        MailError: an address or the subject has signs that would break the header.
    """
    message = EmailMessage()
    try:
        message["From"] = formataddr((box, sender))
        message["To"] = mail.to
        message["Subject"] = mail.subject
    except ValueError as problem:
        raise MailError(f"The e-mail cannot be written: {problem}.", hint="Check the address.") from problem
    message["Date"] = format_datetime(datetime.fromtimestamp(clock.wall_us() // SECOND_US, UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers
    message.set_content(mail.text)
    return message


def send(message: EmailMessage, settings: AccountsSettings) -> None:
    """Hand an e-mail to the mail server; returns when it took it.

    Raises:
        MailError: says what went wrong, without secrets.
    """
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with _connected(settings) as server:
            if settings.smtp_user:
                server.login(settings.smtp_user, _password(settings.smtp_password_file))
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as problem:
        raise MailError(
            f"The mail server {where} does not take the box's name and password.",
            hint="Check accounts.smtp_user and the file accounts.smtp_password_file names.",
        ) from problem
    except smtplib.SMTPRecipientsRefused as problem:
        raise MailError(f"The mail server {where} does not take this address.", hint="Check it.") from problem
    except (smtplib.SMTPException, ssl.SSLError) as problem:
        raise MailError(
            f"The mail server {where} refused: {_plain(problem)}.", hint="Check accounts.smtp_tls and its log."
        ) from problem
    except OSError as problem:
        raise MailError(
            f"The mail server {where} cannot be reached: {problem.strerror or problem}.",
            hint="Check accounts.smtp_host, accounts.smtp_port and the network.",
        ) from problem


def _connected(settings: AccountsSettings) -> smtplib.SMTP:
    if settings.smtp_tls == "none":
        return smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
    if settings.smtp_tls == "tls":
        return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
    try:
        server.starttls(context=context)  # raises where it is not offered: nothing goes out in clear
    except BaseException:
        server.close()
        raise
    return server


def _password(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_MAX_SECRET).strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise MailError(
            f"The file with the mail server's password cannot be read: {path}.", hint="Check its permissions."
        ) from problem


def _plain(problem: Exception) -> str:
    """The server's answer as one short line."""
    text = getattr(problem, "smtp_error", None) or str(problem)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(text.split())[:200].rstrip(".")
