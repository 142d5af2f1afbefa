"""The attacks against live processes share one market with all other tests."""

import pytest
from processes.live_market import Market


@pytest.fixture(scope="session")
def market(live_market: Market) -> Market:
    return live_market
