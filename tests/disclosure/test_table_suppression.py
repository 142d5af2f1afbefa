"""Suppression in two dimensions, checked by brute force: all tables with these totals, all cuts of the graph."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from compute.disclosure.errors import DisclosureError
from compute.disclosure.suppression import NOTHING, Suppression
from compute.disclosure.table_suppression import suppress_table

K = 3
Counts = NDArray[np.int64]


def fillings(counts: Counts, withheld: list[tuple[int, int]]) -> Iterator[dict[tuple[int, int], int]]:
    """Every way to fill the withheld cells so that all totals stay."""

    def fill(
        place: int, left_in: list[int], left_of: list[int], filled: dict[tuple[int, int], int]
    ) -> Iterator[dict[tuple[int, int], int]]:
        if place == len(withheld):
            if not any(left_in) and not any(left_of):
                yield dict(filled)
            return
        row, column = withheld[place]
        last = not any(cell[0] == row for cell in withheld[place + 1 :])
        least = left_in[row] if last else 0
        for count in range(least, min(left_in[row], left_of[column]) + 1):
            left_in[row] -= count
            left_of[column] -= count
            yield from fill(place + 1, left_in, left_of, filled | {(row, column): count})
            left_in[row] += count
            left_of[column] += count

    mask = np.zeros(counts.shape, dtype=bool)
    for cell in withheld:
        mask[cell] = True
    hidden = np.where(mask, counts, 0)
    return fill(0, hidden.sum(axis=1).tolist(), hidden.sum(axis=0).tolist(), {})


def cells_of(result: Suppression, columns: int) -> list[tuple[int, int]]:
    return [divmod(cell, columns) for cell in result.cells]


def tables(number: int, shape: tuple[int, int], high: int) -> Iterator[Counts]:
    """Random tables with small counts among large ones, every total of which is large."""
    made, drawn = np.random.default_rng(number), 0
    while drawn < number:
        counts = np.where(made.random(shape) < 0.35, made.integers(0, K, shape), made.integers(K, high, shape))
        if counts.sum(axis=0).min() >= K and counts.sum(axis=1).min() >= K:
            drawn += 1
            yield counts


@pytest.mark.parametrize(
    ("number", "shape", "high"), [(60, (3, 3), 7), (40, (2, 4), 9), (25, (3, 4), 6), (60, (2, 2), 9)]
)
def test_no_withheld_cell_is_told_by_the_totals_to_within_k(
    number: int, shape: tuple[int, int], high: int
) -> None:
    checked = 0
    for counts in tables(number, shape, high):
        try:
            withheld = cells_of(suppress_table(counts, K), shape[1])
        except DisclosureError:
            continue
        assert {cell for cell in product(*map(range, shape)) if counts[cell] < K} <= set(withheld)
        possible: dict[tuple[int, int], set[int]] = {cell: set() for cell in withheld}
        for filled in fillings(counts, withheld):
            for cell, count in filled.items():
                possible[cell].add(count)
        for cell, values in possible.items():
            assert max(values) - min(values) >= K, (counts, withheld, cell)
        checked += bool(withheld)
    assert checked > number // 4 or shape == (2, 2)


@pytest.mark.parametrize(("number", "shape"), [(80, (3, 3)), (60, (4, 5)), (40, (5, 4))])
def test_no_combination_of_totals_is_about_fewer_than_k(number: int, shape: tuple[int, int]) -> None:
    """All cuts of the graph of withheld cells: what any combination of totals and told cells is about is one."""
    rows, columns = shape
    checked = 0
    for counts in tables(number, shape, 9):
        try:
            withheld = cells_of(suppress_table(counts, K), columns)
        except DisclosureError:
            continue
        for sides in product((0, 1), repeat=rows + columns):
            crossed = [cell for cell in withheld if sides[cell[0]] != sides[rows + cell[1]]]
            assert not crossed or sum(int(counts[cell]) for cell in crossed) >= K, (counts, crossed)
        checked += bool(withheld)
    assert checked > number // 4


def test_a_row_that_is_all_small_is_known_with_its_neighbour_only() -> None:
    counts = np.array([[0, 0, 0], [20, 30, 40], [25, 35, 45], [30, 22, 18]])
    withheld = cells_of(suppress_table(counts, 10), 3)
    assert {(0, 0), (0, 1), (0, 2)} <= set(withheld)
    for column in range(3):  # or the column's total would tell the cell
        assert sum(cell[1] == column for cell in withheld) > 1
    assert len(withheld) < 12


def test_a_table_without_small_cells_is_told_whole() -> None:
    assert suppress_table(np.full((4, 4), 10), 10) == NOTHING


def test_a_table_of_small_cells_is_not_told() -> None:
    with pytest.raises(DisclosureError, match="too few enterprises"):
        suppress_table(np.full((3, 3), 9), 10)


def test_cells_that_are_always_empty_are_neither_withheld_nor_of_use() -> None:
    counts = np.array([[20, 30, 40, 0], [25, 3, 45, 0], [30, 22, 18, 0]])
    empty = [(row, 3) for row in range(3)]
    withheld = cells_of(suppress_table(counts, 10, structural=empty), 4)
    assert (1, 1) in withheld
    assert not {cell[1] for cell in withheld} & {3}
    assert len(withheld) == 4


def test_a_large_table_is_done_at_once() -> None:
    counts = np.random.default_rng(5).geometric(0.02, (20, 20)) - 1
    withheld = cells_of(suppress_table(counts, 10), 20)
    assert len(withheld) < 250
