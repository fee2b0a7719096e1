"""An integration with its secret, in a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.integrations.exchange_key import ExchangeKey, exchange_key

if TYPE_CHECKING:
    from appliance.config import Settings


@pytest.fixture
def keys(settings: Settings) -> ExchangeKey:
    """The box's key for secrets; its file is made when it is first needed."""
    return exchange_key(settings)
