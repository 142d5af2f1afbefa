"""Suppression of a line of counts, against who knows the total and the rule."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from compute.disclosure.errors import DisclosureError
from compute.disclosure.suppression import suppress_line


@pytest.mark.parametrize(("k", "cells", "most"), [(3, 3, 12), (3, 4, 9), (3, 5, 7), (4, 3, 14), (4, 4, 10)])
def test_whoever_knows_total_and_rule_is_left_with_k_counts_for_each_withheld_cell(
    k: int, cells: int, most: int
) -> None:
    possible: dict[tuple[object, ...], list[set[int]]] = defaultdict(lambda: [set() for _ in range(cells)])
    # Every line within the bounds, by what is seen of it.
    for counts in product(range(most + 1), repeat=cells):
        try:
            result = suppress_line(np.array(counts), k)
        except DisclosureError:
            continue
        seen = tuple(None if cell in result.cells else count for cell, count in enumerate(counts))
        if sum(counts[cell] for cell in result.cells) > most:
            continue  # others with the same view lie beyond the bounds
        for cell in result.cells:
            possible[result, sum(counts), seen][cell].add(counts[cell])
    assert possible
    narrow = [
        (view, cell, values[cell])
        for view, values in possible.items()
        for cell in view[0].cells
        if len(values[cell]) < k
    ]
    assert not narrow, (len(narrow), len(possible), narrow[:5])
