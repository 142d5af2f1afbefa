"""Figures of two columns of one provider against each other."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from compute.binning import NumberBins
from compute.statistics.correlation_interval import correlation_estimate
from compute.statistics.released import CrossTable
from veilmart.bank.column_figures import dependence_figures
from veilmart.bank.figure import Figure, cohorts, found, joined
from veilmart.bank.measuring import Measuring


def pair_figures(table: CrossTable, asked: Measuring) -> Iterator[Figure]:
    """Give chi-square, its p value and Cramér's V, and Pearson's correlation where both columns hold numbers.

    For the correlation a bin stands for its middle, an open one for its edge; missing values are left out, and so
    are cells that were withheld.
    """
    remark = f"without {len(table.suppressed)} withheld cells" if table.suppressed else ""
    for classes in cohorts(table.classes, asked):
        counts = table.count(classes)
        draws = np.full(counts.shape, len(classes), dtype=np.int64)
        for cell in table.suppressed:
            draws[cell] = 0
        yield from dependence_figures(
            Figure("", joined(classes), remark=remark), counts, table.scale, draws, asked.level
        )
        first, second = table.bins
        if isinstance(first, NumberBins) and isinstance(second, NumberBins):
            places = middles(first), middles(second)
            valued = counts[:-1, :-1], table.scale, draws[:-1, :-1]
            figure = Figure("pearson_of_bins", joined(classes), remark=remark)
            yield found(figure, partial(correlation_estimate, *valued, places, asked.level))


def middles(bins: NumberBins) -> list[float]:
    """Give the number that each bin with values stands for; one without edges is at 0."""
    edges = [float(edge) for edge in bins.edges]
    if not edges:
        return [0.0]
    between = [(low + high) / 2 for low, high in pairwise(edges)]
    return [edges[0], *between, edges[-1]]
