"""The review page's scripts, imported in a real Chromium from the running dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.page_scripts import scripts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Run ``(modules, given) => …`` in the browser: ``script("clock.js", "({MasterClock}, n) => …", 5)``."""
    with scripts_of("review", tmp_path_factory.mktemp("scripts"), timezone="Europe/Berlin") as run:
        yield run
