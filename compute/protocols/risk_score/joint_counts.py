"""How many rows are in each combination of bins, with the combinations of few rows left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class JointCounts:
    """The kept combinations, in rising order, and how much was left out."""

    cells: NDArray[np.uint8]
    """Shape (cells, features): the codes of each kept combination."""
    counts: NDArray[np.int64]
    """Shape (cells,): its rows."""
    suppressed_cells: int
    """Combinations of some rows that are fewer than k, rounded up to a multiple of k."""
    suppressed_rows: int
    """Their rows, rounded up to a multiple of k."""


def joint_counts(codes: Sequence[bytes], least: int) -> JointCounts:
    """Count the rows of each combination of codes; ``codes`` has one column for each feature, ``least`` is k.

    A combination of fewer than ``least`` rows is left out, and what is said of all those is rounded up: the exact
    numbers would give away the last one of them to whoever knows the others. Raises ValueError for no columns.
    """
    table = np.stack([np.frombuffer(column, dtype=np.uint8) for column in codes], axis=1)
    # As one opaque value a row is sorted by its bytes, in one pass.
    packed = np.ascontiguousarray(table).view(f"V{table.shape[1]}").reshape(-1)
    cells, counts = np.unique(packed, return_counts=True)
    kept = counts >= least
    return JointCounts(
        cells=cells[kept].view(np.uint8).reshape(-1, table.shape[1]),
        counts=counts[kept].astype(np.int64),
        suppressed_cells=_rounded_up(int(np.count_nonzero(~kept)), least),
        suppressed_rows=_rounded_up(int(counts[~kept].sum()), least),
    )


def _rounded_up(number: int, least: int) -> int:
    return -(-number // least) * least
