"""E-mail: a real conversation with a mail server on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.config import AccountsSettings
from appliance.web.account import mail
from tests.support.smtp_server import SmtpServer

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock

LETTER = mail.Mail("ada@example.org", "Grüße", "Zeile 1\n.\nZeile 3 ÄÖÜ\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for loopback with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test mail server")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def context_of(certificate: Path) -> ssl.SSLContext:
    """Return the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def settings_for(server: SmtpServer, **more: str) -> AccountsSettings:
    """Return settings that name the server."""
    given = {"smtp_host": "127.0.0.1", "smtp_tls": "none", "mail_from": "box@example.org", **more}
    return AccountsSettings(smtp_port=server.port, **given)  # type: ignore[arg-type]


def send(settings: AccountsSettings, clock: ManualClock, letter: mail.Mail = LETTER) -> None:
    """Write and send."""
    mail.send(mail.message_of(letter, sender=settings.mail_from, box='Room "Ä", 2', clock=clock), settings)


def test_a_mail_arrives_as_it_was_written(clock: ManualClock) -> None:
    """Umlauts, a line with a single dot, the sender's name and the headers against auto-replies arrive whole."""
    with SmtpServer() as server:
        send(settings_for(server), clock)
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("box@example.org", ["ada@example.org"])
    assert taken.message["Subject"] == "Grüße"
    assert taken.message["From"].addresses[0].display_name == 'Room "Ä", 2'
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message["Message-ID"].endswith("@example.org>")
    assert taken.message.get_content().replace("\r\n", "\n") == LETTER.text


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_name_and_password_go_over_tls_alone(clock: ManualClock, certificate: Path, tmp_path: Path, way: str) -> None:
    """With a CA file for the server's certificate, the mail is encrypted and the password comes from its file."""
    secret = tmp_path / "password"
    secret.write_text("s3cret\n", encoding="utf-8")
    given = {"smtp_user": "box", "smtp_password_file": str(secret), "smtp_tls": way, "smtp_ca_file": str(certificate)}
    with SmtpServer(tls=context_of(certificate), implicit=way == "tls", user="box", password="s3cret") as server:
        send(settings_for(server, **given), clock)
    (taken,) = server.taken
    assert taken.encrypted
    assert taken.user == "box"


def test_a_server_without_encryption_gets_nothing(clock: ManualClock) -> None:
    """Where STARTTLS is wished and not offered, no mail goes out in clear."""
    with SmtpServer() as server, pytest.raises(mail.MailError, match="refused"):
        send(settings_for(server, smtp_tls="starttls"), clock)
    assert server.taken == []
    assert "MAIL" not in server.commands


def test_a_certificate_nobody_vouches_for_gets_nothing(clock: ManualClock, certificate: Path) -> None:
    """A stranger between box and mail server does not get the mail."""
    with SmtpServer(tls=context_of(certificate)) as server, pytest.raises(mail.MailError):
        send(settings_for(server, smtp_tls="starttls"), clock)
    assert server.taken == []


def test_a_wrong_password_is_said_without_the_password(clock: ManualClock, tmp_path: Path) -> None:
    """The message names the settings to check, not the secret."""
    secret = tmp_path / "password"
    secret.write_text("wr0ng-one", encoding="utf-8")
    with SmtpServer(user="box", password="right") as server, pytest.raises(mail.MailError, match="does not") as told:
        send(settings_for(server, smtp_user="box", smtp_password_file=str(secret)), clock)
    assert "name and password" in told.value.message
    assert "wr0ng" not in str(told.value.as_dict())


def test_failures_say_what_to_check(clock: ManualClock, tmp_path: Path) -> None:
    """A refused address, a closed port, a missing password file and a missing CA file are each an error for people."""
    with SmtpServer(refuse=frozenset({LETTER.to})) as server:
        with pytest.raises(mail.MailError, match="does not take this address"):
            send(settings_for(server), clock)
        lost = str(tmp_path / "none")
        with pytest.raises(mail.MailError, match="password cannot be read"):
            send(settings_for(server, smtp_user="box", smtp_password_file=lost), clock)
        with pytest.raises(mail.MailError):
            send(settings_for(server, smtp_tls="starttls", smtp_ca_file=lost), clock)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(mail.MailError, match="cannot be reached"):
        send(AccountsSettings(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", mail_from="b@example.org"), clock)


@pytest.mark.parametrize(
    "letter", [mail.Mail("a@b.org\nBcc: x@y.org", "s", "t"), mail.Mail("a@b.org", "s\r\nX: y", "t")]
)
def test_no_value_adds_a_header(clock: ManualClock, letter: mail.Mail) -> None:
    """A line break in an address or subject is refused."""
    with pytest.raises(mail.MailError):
        mail.message_of(letter, sender="box@example.org", box="Room", clock=clock)
