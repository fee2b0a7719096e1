"""The review page's scripts, imported in a real Chromium from the running dashboard."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.web.app import create_app
from appliance.web.services import of
from tests.support.browsers import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Run ``(modules, given) => …`` in the browser: ``script("clock.js", "({MasterClock}, n) => …", 5)``."""
    folder = tmp_path_factory.mktemp("scripts")
    settings = Settings(
        box=BoxSettings(trial=True, timezone="Europe/Berlin"),
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
                code = f"async ([module, given]) => ({body})(await import(`/static/review/${{module}}`), given)"
                return page.evaluate(code, [module, given])

            yield run
    finally:
        server.shutdown()
        thread.join(10)
        of(app).jobs.close()
        of(app).keeper.conn.close()
