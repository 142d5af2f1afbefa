"""(n,k)-dominance: a sum of which few enterprises hold most tells those who know their own share of the others.

If the largest n of a sum hold at most a share s, then for n ≥ 2 the second largest, subtracting its own, misses
the largest by at least (1 - s)/s of it. Source: Hundepool et al., Statistical Disclosure Control (Wiley 2012),
chapter 4.
"""

from collections.abc import Collection
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MAX_VALUE = 2**62


class Contributions:
    """Of each cell, how much enterprises contribute to its sum; magnitudes, so that no sum hides behind its sign.

    Args:
        values: of each row, what it adds to its cell's sum
        codes: of each row, its cell, below ``cells``
        largest: n, of how many enterprises the share is looked at
        share: the most that they may hold
        power: to which values are raised: few hold more of a sum of squares

    """

    def __init__(
        self,
        values: NDArray[np.int64],
        codes: NDArray[np.integer],
        cells: int,
        largest: int,
        share: Fraction,
        power: int = 1,
    ) -> None:
        self._share, self._largest = share, largest
        if len(values) and not -MAX_VALUE < values.min() <= values.max() < MAX_VALUE:
            raise ValueError("a value beyond what a column can hold; clip it to the published bounds first")
        sizes = np.abs(values)
        order = np.lexsort((-sizes, codes))
        bounds = np.searchsorted(codes[order], np.arange(cells + 1))
        self._top: list[list[int]] = []
        self._total: list[int] = []
        for low, high in pairwise(bounds.tolist()):
            cell = sizes[order[low:high]]
            parts = [size**power for size in cell.tolist()]  # exact, beyond 64 bits too
            self._top.append(parts[:largest])
            self._total.append(sum(parts))

    def dominated(self, cells: Collection[int]) -> bool:
        """Give whether the sum of these cells together is dominated; one of nothing is not."""
        total = sum(self._total[cell] for cell in cells)
        top = sorted((size for cell in cells for size in self._top[cell]), reverse=True)[: self._largest]
        return sum(top) > self._share * total

    def dominated_cells(self) -> NDArray[np.bool_]:
        """Give of each cell whether its sum is dominated."""
        return np.array([self.dominated([cell]) for cell in range(len(self._total))], dtype=np.bool_)
