"""The example's loans with the departments' columns, and tables of them as providers would release them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from catalog.description import load_product
from compute.binning import Bins, CategoryBins, NumberBins
from compute.statistics.released import ClassTable, CrossTable, tabulate

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "sba"
CLASSES = ("good", "bad")
OWN: tuple[Bins, ...] = (
    CategoryBins("revolving", (("no",), ("yes",))),
    CategoryBins("low_doc", (("no",), ("yes",))),
    NumberBins("approved_usd", ("10000", "25000", "50000", "100000", "250000")),
)
"""What a bank knows of a loan when it is applied for."""


@lru_cache(maxsize=1)
def loans() -> pd.DataFrame:
    """15,652 loans in the file's order; text columns and nullable integers."""
    table = pd.read_csv(EXAMPLES / "bank_loans.csv")
    for name in ("market_regulation", "social_security"):
        table = table.merge(pd.read_csv(EXAMPLES / f"{name}.csv", dtype={"naics": str}), on="uscc", how="left")
    return table


@lru_cache(maxsize=1)
def grids() -> dict[str, dict[str, Bins]]:
    """Product → column → the published grid."""
    products = [load_product(EXAMPLES / f"{name}.toml") for name in ("market-registration", "social-insurance")]
    return {
        product.id: {
            field.name: CategoryBins(field.name, tuple((v,) for v in sorted(field.grid.cells)), field.grid.prefix)
            if field.grid.cells
            else NumberBins(field.name, tuple(field.grid.edges))
            for field in product.fields
            if field.grid is not None
        }
        for product in products
    }


def codes(bins: Bins) -> np.ndarray:
    """Every loan's code."""
    column = loans()[bins.column]
    if isinstance(bins, CategoryBins):
        data = bins.codes(column.astype("string"), None)
    else:
        data = bins.codes(column.astype("Int64"), 0)
    return np.frombuffer(data, dtype=np.uint8)


def bad() -> np.ndarray:
    """1 for a loan charged off."""
    return loans()["defaulted"].to_numpy(dtype=np.int64)


def table(
    provider: str,
    bins: Bins,
    rows: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    classes: tuple[str, ...] = CLASSES,
) -> ClassTable:
    """The exact table of the rows chosen (None: all)."""
    found = bad() if labels is None else labels
    chosen = found if rows is None else np.where(rows, found, -1)
    return tabulate(provider, bins, codes(bins).tobytes(), classes, chosen)


def cross(one: Bins, two: Bins, rows: np.ndarray | None = None) -> CrossTable:
    """The exact table of two columns."""
    counts = np.zeros((one.size, two.size, 2), dtype=np.int64)
    chosen = np.ones(len(loans()), dtype=bool) if rows is None else rows
    np.add.at(counts, (codes(one)[chosen], codes(two)[chosen], bad()[chosen]), 1)
    return CrossTable("clear", (one, two), CLASSES, counts)


def noise(generator: np.random.Generator, shape: Sequence[int], scale: float) -> np.ndarray:
    """Discrete Laplace draws, as the difference of two geometric ones."""
    success = 1 - np.exp(-1 / scale)
    return generator.geometric(success, shape) - generator.geometric(success, shape)


def noisy(exact: ClassTable, generator: np.random.Generator, scale: float) -> ClassTable:
    """The table as released under noise of that scale; empty bins are withheld."""
    empty = tuple(np.flatnonzero(exact.counts.sum(axis=1) == 0).tolist())
    counts = exact.counts + noise(generator, exact.counts.shape, scale)
    counts[list(empty)] = 0
    return replace(exact, counts=counts.astype(np.int64), suppressed=empty, scale=scale)
