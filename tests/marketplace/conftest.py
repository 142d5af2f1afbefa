"""A fresh marketplace for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from market import Market, open_market


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Market]:
    """Nobody is enrolled."""
    with open_market(tmp_path / "market.db") as market:
        yield market


@pytest.fixture
def market(empty: Market) -> Market:
    """All parties are enrolled, both products are listed."""
    empty.enrol()
    empty.publish()
    return empty
