"""Figures of two columns of one provider against each other."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from compute.binning import NumberBins
from compute.statistics.contingency import complete_part
from compute.statistics.correlation_interval import correlation_estimate
from compute.statistics.released import CrossTable
from veilmart.bank.column_figures import dependence_figures
from veilmart.bank.figure import Figure, cohorts, found, joined
from veilmart.bank.measuring import Measuring


def pair_figures(table: CrossTable, asked: Measuring) -> Iterator[Figure]:
    """Give chi-square, its p value and Cramér's V, and Pearson's correlation where both columns hold numbers.

    For the correlation a bin stands for its middle, an open one for its edge; missing values are left out. All are
    of the rows and columns of which no cell was withheld.
    """
    rows, columns = complete_part(table.counts.shape[:2], table.suppressed)
    first, second = table.bins
    left = first.size - len(rows), second.size - len(columns)
    remark = f"without {left[0]} rows and {left[1]} columns with withheld cells" if any(left) else ""
    for classes in cohorts(table.classes, asked):
        counts = table.count(classes)
        draws = np.full(counts.shape, len(classes), dtype=np.int64)
        part, figure = np.ix_(rows, columns), Figure("", joined(classes), remark=remark)
        yield from dependence_figures(figure, counts[part], table.scale, draws[part], asked.level)
        if isinstance(first, NumberBins) and isinstance(second, NumberBins):
            places = (
                [code for code in rows if code < first.size - 1],
                [code for code in columns if code < second.size - 1],
            )
            yield found(
                replace(figure, name="pearson_of_bins"),
                partial(
                    correlation_estimate,
                    counts[np.ix_(*places)],
                    table.scale,
                    draws[np.ix_(*places)],
                    ([middles(first)[code] for code in places[0]], [middles(second)[code] for code in places[1]]),
                    asked.level,
                ),
            )


def middles(bins: NumberBins) -> list[float]:
    """Give the number that each bin with values stands for; one without edges is at 0."""
    edges = [float(edge) for edge in bins.edges]
    if not edges:
        return [0.0]
    between = [(low + high) / 2 for low, high in pairwise(edges)]
    return [edges[0], *between, edges[-1]]
