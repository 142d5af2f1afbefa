"""One market for the whole folder, the one that other folders use too."""

import pytest
from processes.live_market import Market
from processes.refusal_checks import seen

from compute.protocols.risk_score.messages import Query


@pytest.fixture(scope="session")
def market(live_market: Market) -> Market:
    return live_market


@pytest.fixture(scope="session")
def query(market: Market) -> Query:
    """The first query that the bank's node sent."""
    found = next(seen(market, Query))
    assert isinstance(found, Query)
    return found
