"""An LMS's pages for a real browser: its start page, a test page that wants the handshake, and the page at the end."""

from __future__ import annotations

import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

_TEST_PAGE = """<!doctype html><meta charset="utf-8"><title>Quiz</title>
<style>body{font:18px sans-serif;margin:2rem;max-width:40rem}textarea{width:100%;height:8rem}</style>
<h1>Algebra, attempt 9</h1><p id="state">Waiting for the proctoring page…</p>
<p>1. Show that the sum of two even numbers is even.</p><textarea></textarea>
<p><a id="submit" href="__FINISH__">Submit all</a></p>
<script>
  const owner = new URLSearchParams(location.search).get("examus-client-origin");
  let heard = 0;
  addEventListener("message", (event) => {
    if (event.data !== "proctoringReady_n6EY") return;
    heard += 1;
    const told = event.origin === owner ? "Proctored" : `Wrong origin ${event.origin}`;
    document.getElementById("state").textContent = told;
    document.body.dataset.heard = String(heard);
  });
  setTimeout(() => { if (!heard) location.href = "__START__"; }, 3000);
</script>"""


class LmsPage:
    """The server; a context manager.

    Attributes:
        start: where the test page sends a candidate whose handshake did not come.
        by_link: whether the course starts the exam by a link (GET), not by a form.
        finish: where its link "Submit all" leads.
        asked: every path that was asked for.
        deny_frames: whether the test page forbids frames.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.start = ""
        self.finish = ""
        self.token = ""
        self.deny_frames = False
        self.by_link = False
        self.asked: list[str] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket,
                server_side=True,
                do_handshake_on_connect=False,  # in the connection's thread: browsers open some they do not use
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where it is, by a name that is not the box's."""
        return f"{self._scheme}://localhost:{self._server.server_port}"

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.asked.append(asked.path)
        parts = urlsplit(asked.path)
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if parts.path == "/course":
            body = (
                '<!doctype html><meta charset="utf-8"><title>Course</title><h1>Algebra</h1>'
                f'<a href="{escape(self.start)}?token={escape(self.token)}">Start the exam</a>'
                if self.by_link
                else '<!doctype html><meta charset="utf-8"><title>Course</title><h1>Algebra</h1>'
                f'<form method="post" action="{escape(self.start)}"><input type="hidden" name="token"'
                f' value="{escape(self.token)}"><button>Start the exam</button></form>'
            )
        elif parts.path == "/quiz":
            body = _TEST_PAGE.replace("__START__", escape(self.start)).replace("__FINISH__", escape(self.finish))
            headers |= {"X-Frame-Options": "DENY"} if self.deny_frames else {}
        elif parts.path == "/archive":
            where = parse_qs(parts.query).get("at", [""])[0]
            body = (
                f'<!doctype html><title>Grades</title><iframe src="{escape(where)}" width="1200" height="800"></iframe>'
            )
        else:
            body = f"<!doctype html><title>Done</title><h1>Handed in</h1><p>{escape(parts.path)}</p>"
        data = body.encode()
        asked.send_response(200)
        for name, value in headers.items():
            asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(data)))
        asked.end_headers()
        asked.wfile.write(data)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
