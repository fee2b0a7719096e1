"""A mail server on loopback that speaks enough of RFC 5321 for the box's e-mails, with STARTTLS and AUTH PLAIN."""

from __future__ import annotations

import base64
import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage


@dataclass
class Taken:
    """One e-mail as it arrived."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str


@dataclass
class SmtpServer:
    """Runs in a thread; ``taken`` holds what arrived.

    Attributes:
        tls: offers STARTTLS with this context.
        implicit: speaks TLS from the first byte instead.
        user: asks for this name and ``password`` before it takes anything.
        refuse: recipients it does not take.
    """

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    user: str = ""
    password: str = ""
    refuse: frozenset[str] = frozenset()
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        box = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 20

            def handle(self) -> None:
                _Conversation(box, self).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Conversation:
    """One connection."""

    def __init__(self, box: SmtpServer, handler: Any) -> None:
        self._box = box
        self._socket = handler.connection
        self._encrypted = False
        self._user = ""
        self._sender = ""
        self._recipients: list[str] = []
        if box.implicit:
            self._encrypt()
        self._file = self._socket.makefile("rb")

    def run(self) -> None:
        self._say("220 test")
        while line := self._file.readline(1000):
            text = line.decode("utf-8", "replace").strip()
            verb = text.split(" ", 1)[0].upper()
            self._box.commands.append(verb)
            if verb == "QUIT":
                self._say("221 bye")
                return
            self._answer(verb, text)

    def _answer(self, verb: str, text: str) -> None:
        if verb == "EHLO":
            offers = ["test"]
            if self._box.tls and not self._encrypted:
                offers.append("STARTTLS")
            if self._box.user:
                offers.append("AUTH PLAIN")
            self._say("\r\n".join(f"250{'-' if one != offers[-1] else ' '}{one}" for one in offers))
        elif verb == "STARTTLS" and self._box.tls:
            self._say("220 go ahead")
            self._encrypt()
            self._file = self._socket.makefile("rb")
        elif verb == "AUTH":
            self._sign_in(text)
        elif self._box.user and not self._user and verb in {"MAIL", "RCPT", "DATA"}:
            self._say("530 5.7.0 Authentication required")
        elif verb == "MAIL":
            self._sender = text.partition(":")[2].split(" ")[0].strip("<>")
            self._say("250 ok")
        elif verb == "RCPT":
            self._recipient(text.partition(":")[2].split(" ")[0].strip("<>"))
        elif verb == "DATA":
            self._take()
        else:
            self._say("250 ok")

    def _sign_in(self, text: str) -> None:
        _, name, password = base64.b64decode(text.split(" ")[2]).decode().split("\0")
        if (name, password) == (self._box.user, self._box.password):
            self._user = name
            self._say("235 ok")
        else:
            self._say("535 5.7.8 no")

    def _recipient(self, address: str) -> None:
        if address in self._box.refuse:
            self._say("550 5.1.1 nobody here")
        else:
            self._recipients.append(address)
            self._say("250 ok")

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self._file.readline(10_000)) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        self._box.taken.append(Taken(self._sender, self._recipients, message, self._encrypted, self._user))
        self._recipients = []
        self._say("250 taken")

    def _encrypt(self) -> None:
        assert self._box.tls is not None
        self._socket = self._box.tls.wrap_socket(self._socket, server_side=True)
        self._encrypted = True

    def _say(self, text: str) -> None:
        self._socket.sendall(text.encode() + b"\r\n")
