"""The room's scripts, imported in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.review import conftest as review

if TYPE_CHECKING:
    from collections.abc import Callable

review_script = review.script


@pytest.fixture(scope="module")
def room_script(review_script: Callable[..., Any]) -> Callable[..., Any]:
    """Run ``(modules, given) => …`` in the browser: ``room_script("drift.js", "({correction}, n) => …", 5)``."""
    return lambda module, body, given=None: review_script(f"../room/{module}", body, given)
