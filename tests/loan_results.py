"""Statistics of the example's loans as a node would keep them, exact or with the noise of a seed."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from loan_tables import CLASSES, bad, codes, grids, loans, noise

from compute.binning import Bins
from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult

GRIDS = {column: bins for product in grids().values() for column, bins in product.items()}
LATE = 2005
COHORTS = ("good early", "bad early", "good late", "bad late")


def cohorts() -> np.ndarray:
    """Every loan's place among the cohorts."""
    late = loans()["approval_year"].to_numpy() >= LATE
    return bad() + 2 * late.astype(np.int64)


def counted(*bins: Bins, labels: np.ndarray, classes: int) -> np.ndarray:
    """(cells, classes), found apart from the product."""
    cells = np.zeros(len(labels), dtype=np.int64)
    for each in bins:
        cells = cells * each.size + codes(each)
    size = int(np.prod([each.size for each in bins]))
    counts = np.zeros((size, classes), dtype=np.int64)
    np.add.at(counts, (cells, labels), 1)
    return counts


class Told:
    """Builds a result of one provider."""

    def __init__(
        self, scale: int = 0, seed: int = 0, classes: tuple[str, ...] = CLASSES, labels: np.ndarray | None = None
    ) -> None:
        self._classes, self._labels = classes, bad() if labels is None else labels
        self._scale, self._generator = scale, np.random.default_rng(seed)
        self.tables: list[ResultTable] = []

    def companies(self, *bins: Bins, withheld: Sequence[int] = ()) -> "Told":
        counts = counted(*bins, labels=self._labels, classes=len(self._classes))
        numbers: list[tuple[int, ...] | None] = [tuple(map(int, row)) for row in self._noisy(counts, self._scale)]
        # A bin of nobody is withheld, as is what a test says.
        empty = np.flatnonzero(counts.sum(axis=1) == 0).tolist() if len(bins) == 1 else ()
        for cell in {*withheld, *empty}:
            numbers[cell] = None
        self.tables.append(self._table("companies", bins, numbers, self._scale))
        return self

    def moments(self, column: str, low: int, high: int, decimals: int = 0) -> "Told":
        """Values clipped and, under noise, counted from the low end; in units of 10^-decimals."""
        has_value = loans()[column].notna().to_numpy()
        values = loans()[column].fillna(0).to_numpy(dtype=np.int64).clip(low, high) - (low if self._scale else 0)
        for measure, power in (("count", 0), ("sum", 1), ("squares", 2)):
            told = [
                int((values[has_value & (self._labels == at)] ** power).sum()) for at in range(len(self._classes))
            ]
            scale = self._scale * (high - low) ** power
            numbers = [tuple(map(int, self._noisy(np.array(told), scale)))]
            self.tables.append(self._table(measure, (), numbers, scale, (column,), (low, high), decimals))
        return self

    def result(self, *, present_only: bool = False) -> StatisticsResult:
        told = ProviderStatistics(
            provider="departments",
            product="all",
            product_version="1.0.0",
            question="b" * 64,
            milliepsilon=3000,
            snapshot="c" * 64,
            snapshot_date="2026-11-01",
            is_present_only=present_only,
            repeated=(),
            tables=tuple(self.tables),
        )
        return StatisticsResult(
            reference="stats",
            contract="loans-2026",
            labels="loans",
            weighted=True,
            classes=self._classes,
            as_of="2026-11-22",
            job="a" * 64,
            providers=(told,),
        )

    def _noisy(self, counts: np.ndarray, scale: float) -> np.ndarray:
        return counts + (noise(self._generator, counts.shape, scale) if scale else 0)

    def _table(
        self,
        measure: str,
        bins: tuple[Bins, ...],
        numbers: Sequence[tuple[int, ...] | None],
        scale: int,
        columns: tuple[str, ...] = (),
        ends: tuple[int, int] = (0, 0),
        decimals: int = 0,
    ) -> ResultTable:
        fraction = Fraction(scale)
        return ResultTable(
            measure=measure,  # type: ignore[arg-type]
            columns=columns or tuple(each.column for each in bins),
            bins=bins,
            numbers=tuple(None if row is None else tuple(map(str, row)) for row in numbers),
            reasons=("below_min_cohort",) if None in numbers else (),
            scale_numerator=str(fraction.numerator),
            scale_denominator=str(fraction.denominator),
            bound="100000",
            low=str(ends[0]),
            high=str(ends[1]),
            decimals=decimals,
        )
