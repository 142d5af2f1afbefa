"""Tables over coarser bins: which bin of a union each finer bin falls in, and the counts there."""

from decimal import Decimal

import numpy as np

from compute.binning import Bins, CategoryBins, NumberBins
from compute.grid import GridError, require_union
from compute.statistics.released import Counts, CrossTable


def places(fine: Bins, coarse: Bins) -> list[int]:
    """Give the coarse bin's code of each fine bin, in order.

    Raises :class:`compute.grid.GridError` if a coarse bin is no union of fine ones.
    """
    require_union(coarse, fine)
    if isinstance(fine, NumberBins) and isinstance(coarse, NumberBins):
        kept = {Decimal(edge) for edge in coarse.edges}
        passed = np.cumsum([0, *(Decimal(edge) in kept for edge in fine.edges)])
        return [*passed.tolist(), coarse.size - 1]
    if isinstance(fine, CategoryBins) and isinstance(coarse, CategoryBins):
        of = {value: code for code, group in enumerate(coarse.groups) for value in group}
        last = coarse.size - 1
        codes = [{of.get(value, last) for value in group} for group in fine.groups]
        for group, found in zip(fine.groups, codes, strict=True):
            if len(found) > 1:
                raise GridError(f"{fine.column}: the cell {', '.join(group)} is split; keep its values together")
        return [*(min(found) for found in codes), last]
    raise AssertionError("require_union lets only bins of one kind pass")


def groups(fine: Bins, coarse: Bins) -> list[list[int]]:
    """Give the codes of the fine bins in each coarse one."""
    found = places(fine, coarse)
    return [[code for code, place in enumerate(found) if place == each] for each in range(coarse.size)]


def regroup(table: CrossTable, first: Bins, second: Bins) -> CrossTable:
    """Give the table over coarser bins. A cell that holds a withheld one counts the others; none is withheld then.

    The result is for figures that take counts as they are: its noise is no longer one draw a count.
    """
    rows, columns = places(table.bins[0], first), places(table.bins[1], second)
    counts: Counts = np.zeros((first.size, second.size, len(table.classes)), dtype=np.int64)
    known = table.counts.copy()
    for one, two in table.suppressed:
        known[one, two] = 0
    np.add.at(counts, (np.array(rows)[:, np.newaxis], np.array(columns)[np.newaxis, :]), known)
    return CrossTable(table.provider, (first, second), table.classes, counts, (), table.scale, table.bound)
