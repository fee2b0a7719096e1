"""E-mails leave in a thread of their own, and what fails there is known."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.config import AccountsSettings, PathSettings, Settings
from appliance.web.account.mail import Mail
from appliance.web.account.mailer import MAX_WAITING, Mailer
from tests.support.smtp_server import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.clock import ManualClock


@pytest.fixture
def post() -> Iterator[SmtpServer]:
    """A mail server."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def mailer(tmp_path: Path, post: SmtpServer, clock: ManualClock) -> Mailer:
    """The box's mailer."""
    mail = AccountsSettings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", mail_from="box@example.org")
    return Mailer(Settings(paths=PathSettings(state=str(tmp_path)), accounts=mail), clock)


def letter(to: str = "ada@example.org") -> Mail:
    """Return an e-mail."""
    return Mail(to, "Subject", "Text")


def test_an_error_while_one_is_made_does_not_stop_the_next(mailer: Mailer, post: SmtpServer) -> None:
    """The thread goes on after anything; nothing to send is no failure."""

    def broken() -> Mail:
        raise RuntimeError("bug")

    mailer.put(broken)
    mailer.put(lambda: None)
    mailer.put(letter)
    mailer.wait()
    assert [taken.recipients for taken in post.taken] == [["ada@example.org"]]
    assert mailer.failure is None


def test_a_slow_server_does_not_hold_the_asker_and_too_many_are_left_out(
    mailer: Mailer, post: SmtpServer, clock: ManualClock
) -> None:
    """Putting returns at once; beyond the limit an e-mail is left out, and that is a stated failure."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(20)

    mailer.put(slow)
    assert begun.wait(20)
    for _ in range(MAX_WAITING + 1):
        mailer.put(lambda: None)
    assert mailer.failure is not None
    assert mailer.failure.at_us == clock.wall_us()
    assert "Too many" in mailer.failure.message
    go_on.set()
    mailer.wait()


def test_the_last_failure_is_known_until_one_goes_out(mailer: Mailer, post: SmtpServer) -> None:
    """What the mail server answered is kept for administrators."""
    post.refuse = frozenset({"eve@example.org"})
    mailer.put(lambda: letter("eve@example.org"))
    mailer.wait()
    assert mailer.failure is not None
    assert "does not take this address" in mailer.failure.message
    mailer.put(letter)
    mailer.wait()
    assert mailer.failure is None
