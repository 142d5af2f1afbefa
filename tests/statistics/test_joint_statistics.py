"""Statistics of the real loan book under encryption are those in the clear, and then within their noise."""

import numpy as np
import pandas as pd
import pytest
from statistics_world import PRODUCTS, StatisticsWorld, loans

from compute.grid import label
from compute.protocols.joint_statistics import release

pytestmark = pytest.mark.long


@pytest.fixture
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No noise: what is left is the arithmetic."""
    monkeypatch.setattr(release, "laplace", lambda _b, shape, _t: np.zeros(shape, dtype=np.int64))


def clear(world: StatisticsWorld, provider: str, column: str) -> pd.DataFrame:
    """Good and bad loans by cell of the column's grid, counted apart from the product."""
    holding, bad = world.nodes[provider].holding, loans()["defaulted"]
    grid = holding.grids[column]
    values = holding.select(list(bad.index), [column])[column]
    codes = np.frombuffer(grid.codes(values, holding.scales[column]), dtype=np.uint8)
    table = pd.crosstab(codes, bad.to_numpy())
    return table.reindex(range(grid.size), fill_value=0)


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize("provider", PRODUCTS)
def test_every_histogram_of_the_loans_is_the_one_in_the_clear(
    departments: StatisticsWorld, loan_vectors: dict[str, bytes], provider: str
) -> None:
    columns = list(departments.nodes[provider].holding.grids)
    told = departments.told(departments.question(provider, loan_vectors[provider], columns, milliepsilon=1000))
    for table, column in zip(told.tables, columns, strict=True):
        expected = clear(departments, provider, column)
        for code, numbers in enumerate(table.numbers):
            if numbers is None:
                assert expected.loc[code].sum() < 10, label(table.plan.bins[0], code)
            else:
                assert numbers == tuple(expected.loc[code])
