"""Disclosure control: the time of the check of atoms, of noise, and of suppression in two dimensions.

The check is that of one question: a cohort of two thirds of a provider's rows, each column's bins from kept cells,
beside what an earlier question about other bins and half of the rows left.
"""

from typing import Any

import numpy as np
from measure import in_turn

from compute.disclosure.atoms import admit, bin_codes, cohort_pattern, untouched
from compute.disclosure.noise import bound, laplace, scale, sensitivity
from compute.disclosure.refresh import KeptColumn, answered_from, changes
from compute.disclosure.table_suppression import suppress_table

ROWS = 1_000_000
COLUMNS = 20
CELLS = 20
MIN_COHORT = 10
HALF = 0.5
SHAPE = 20, 20
REQUIRED = {"atoms of a column": 1.0, f"atoms of {COLUMNS} columns": 1.0}
"""Seconds at most."""


class Question:
    """A question of many columns over many rows, and what was kept of each column."""

    def __init__(self, rows: int) -> None:
        drawn = np.random.default_rng(7)
        self.present = np.ones(rows, dtype=np.bool_)
        self.member = drawn.random(rows) < 2 / 3
        self.bin_of = bytes(cell // 2 for cell in range(CELLS))
        earlier = drawn.random(rows) < HALF
        self.kept = []
        for _ in range(COLUMNS):
            cells = drawn.integers(0, CELLS, rows, dtype=np.uint8)
            bins = bin_codes(cells, bytes(cell // 5 for cell in range(CELLS)))
            pattern = cohort_pattern(bins, CELLS // 5, earlier, self.present)
            self.kept.append(KeptColumn(cells, admit(untouched(rows), [pattern], MIN_COHORT)))

    def check(self, columns: int) -> None:
        """Find what the first so many columns are answered from, and the atoms that this leaves."""
        for kept in self.kept[:columns]:
            version = answered_from([kept], [kept.codes.copy()], MIN_COHORT)
            codes = kept.codes if version is None else kept.told[version]
            bins = bin_codes(codes.astype(np.uint8, copy=False), self.bin_of)
            pattern = cohort_pattern(bins, CELLS // 2, self.member, self.present)
            admit(kept.atoms, [pattern, *changes(kept, codes)], MIN_COHORT)


def measure(repeats: int, rows: int = ROWS) -> list[dict[str, Any]]:
    """Give a record for each work: CPU seconds, and the most that they may be."""
    question = Question(rows)
    b = scale(sensitivity(COLUMNS), 3000)
    cells = COLUMNS * CELLS
    counts = np.random.default_rng(5).geometric(0.02, SHAPE) - 1
    medians = in_turn(
        {
            "atoms of a column": lambda: question.check(1),
            f"atoms of {COLUMNS} columns": lambda: question.check(COLUMNS),
            f"noise of {cells} cells": lambda: laplace(b, (COLUMNS, CELLS), bound(b, cells)),
            f"suppression in a table of {SHAPE[0]} × {SHAPE[1]}": lambda: suppress_table(counts, MIN_COHORT),
        },
        repeats,
    )
    return [
        {"work": work, "rows": rows, "cpu_seconds": taken.cpu, "at_most": REQUIRED.get(work)}
        for work, taken in medians.items()
    ]


if __name__ == "__main__":
    import report

    report.show_disclosure(measure(5))
