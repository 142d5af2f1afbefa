from pathlib import Path

import pytest
from audit_command.market_log import Market, build


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """A stopped marketplace, verified once; tests that write to it take a copy."""
    return build(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def own_market(market: Market, tmp_path: Path) -> Market:
    return market.copy(tmp_path)
