"""Suppression of a line of counts, against who knows the total and the rule."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from compute.disclosure.errors import DisclosureError
from compute.disclosure.suppression import NOTHING, Reason, Suppression, suppress_line


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


def test_a_line_without_small_cells_is_told_whole() -> None:
    assert suppress_line(np.array([10, 30, 12]), 10) == NOTHING


@pytest.mark.parametrize("small", [0, 1, 9])
def test_a_cell_of_nobody_is_withheld_like_one_of_few_and_its_neighbour_with_it(small: int) -> None:
    result = suppress_line(np.array([50, 60, small, 30, 70]), 10)
    assert result == Suppression((1, 2), (Reason.BELOW_MIN_COHORT, Reason.COMPLEMENTARY))


def test_cells_that_are_added_do_not_depend_on_counts() -> None:
    for counts in ([50, 60, 3, 20, 70], [20, 99, 3, 40, 30], [20, 20, 0, 20, 20]):
        assert suppress_line(np.array(counts), 10).cells == (1, 2)


def test_a_cell_outside_which_few_are_left_is_withheld() -> None:
    counts, outside = np.array([50, 60, 40, 30]), np.array([30, 4, 20, 0])
    result = suppress_line(counts, 10, outside)
    assert result == Suppression((0, 1), (Reason.BELOW_MIN_COHORT, Reason.COMPLEMENTARY))
    # Where the neighbour leaves nobody outside, the few would still be known: one more goes with them.
    assert suppress_line(counts, 10, np.array([0, 4, 20, 0])).cells == (0, 1, 2)


def test_a_cell_that_is_always_empty_is_told() -> None:
    assert suppress_line(np.array([50, 60, 0]), 10, structural=[2]) == NOTHING
    assert suppress_line(np.array([50, 3, 60, 0]), 10, structural=[3]).cells == (0, 1)
    with pytest.raises(ValueError, match="always empty is not"):
        suppress_line(np.array([50, 60, 1]), 10, structural=[2])


@pytest.mark.parametrize("counts", [[3, 4], [9, 9, 9, 9], [50, 3], [0, 0, 0]])
def test_a_line_of_which_nothing_would_be_left_is_refused(counts: list[int]) -> None:
    with pytest.raises(DisclosureError, match="too few enterprises"):
        suppress_line(np.array(counts), 10)
