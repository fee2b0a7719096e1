"""Scripts of a page, run on their own in a real Chromium."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.web.app import create_app
from appliance.web.services import of
from tests.support.browsers import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def scripts_of(room: str, folder: Path, *, timezone: str = "UTC") -> Iterator[Callable[..., Any]]:
    """Serve the dashboard and return what runs ``(module, given) => …`` of a module of ``/static/<room>/``.

    Args:
        room: whose scripts.
        folder: for the state of the box.
        timezone: of the box.
    """
    settings = Settings(
        box=BoxSettings(trial=True, timezone=timezone),
        paths=PathSettings(state=str(folder / "state"), run=str(folder / "run")),
    )
    app = create_app(settings, SystemClock())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with chromium() as page:
            page.goto(f"http://127.0.0.1:{server.server_port}/sign-in")

            def run(module: str, body: str, given: Any = None) -> Any:
                code = f"async ([module, given]) => ({body})(await import(module), given)"
                return page.evaluate(code, [f"/static/{room}/{module}", given])

            yield run
    finally:
        server.shutdown()
        thread.join(10)
        of(app).jobs.close()
        of(app).keeper.conn.close()
