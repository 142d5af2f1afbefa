"""Suppression in tables of two columns, of which each row's and each column's total is known.

What can be computed of withheld cells then is any combination of what rows and columns have left: a cell (i, j) in
it has the factor u_i + v_j. Seen as a graph, rows and columns are nodes, withheld cells edges between them, and a
combination is zero on all edges but those that some cut crosses. So

1. what a combination tells is about k enterprises at least if every two ends of an edge are k apart by a cut;
2. a cell can have more than k counts, given the totals and that none is below 0, if along cycles of edges it can
   rise and fall by k together: Gusfield, A graph theoretic approach to statistical data security, SIAM J. on
   Computing 17 (1988).

Both are maximum flows. Where a cell fails, cells that close a rectangle with it are withheld too. Rows, and
columns, whose totals are withheld themselves count as one.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.suppression import (
    NOTHING,
    Suppression,
    nothing_left,
    primary,
    suppress_line,
    told,
)

Cell = tuple[int, int]


class _Network:
    """Rows and columns with their withheld cells; nodes are numbered, those of columns behind those of rows.

    Cells between the same nodes are one edge, with their sum and their number.
    """

    def __init__(self, counts: NDArray[np.int64], rows: list[int], columns: list[int]) -> None:
        self._counts: list[list[int]] = counts.tolist()
        self._rows, self._columns = rows, columns
        self._sums: dict[int, dict[int, int]] = defaultdict(dict)
        self._numbers: dict[int, dict[int, int]] = defaultdict(dict)
        self.cells: set[Cell] = set()

    def add(self, cells: Collection[Cell]) -> None:
        """Withhold these cells, none of which was."""
        self._change(cells, 1)
        self.cells |= set(cells)

    def remove(self, cells: Collection[Cell]) -> None:
        """Withhold these cells no longer."""
        self._change(cells, -1)
        self.cells -= set(cells)

    def protects(self, cell: Cell, least: int) -> bool:
        """Whether this withheld cell is protected as numbers 1 and 2 above say."""
        row, column = self._ends(cell)
        own = self._counts[cell[0]][cell[1]]
        self._change([cell], -1)
        # To rise, a cell lets others of its row fall, by no more than their count, others of their columns rise, …
        # Nodes below `columns` are rows; a cell may rise by any number, so by `least`.
        columns = len(self._rows)

        def fall(one: int, other: int) -> int:
            return self._sums[one][other]

        def rise(one: int, other: int) -> int:
            return least * self._numbers[one][other]

        try:
            apart = own + _flow(self._sums, fall, row, column, least - own)
            up = _flow(self._sums, lambda a, b: (fall if a < columns else rise)(a, b), row, column, least)
            down = _flow(
                self._sums, lambda a, b: (rise if a < columns else fall)(a, b), row, column, min(own, least - up)
            )
        finally:
            self._change([cell], 1)
        return apart >= least and up + down >= least  # 1, 2

    def _ends(self, cell: Cell) -> Cell:
        return self._rows[cell[0]], len(self._rows) + self._columns[cell[1]]

    def _change(self, cells: Collection[Cell], sign: int) -> None:
        for cell in cells:
            row, column = self._ends(cell)
            count = self._counts[cell[0]][cell[1]]
            for one, other in ((row, column), (column, row)):
                self._sums[one][other] = self._sums[one].get(other, 0) + sign * count
                self._numbers[one][other] = self._numbers[one].get(other, 0) + sign


def suppress_table(
    counts: NDArray[np.int64],
    min_cohort: int,
    outside: NDArray[np.int64] | None = None,
    structural: Collection[Cell] = (),
) -> Suppression:
    """Give what is withheld of a table of counts, cells numbered row by row; raise `DisclosureError` if all is.

    The arguments are those of :func:`compute.disclosure.suppression.suppress_line`, which tells what is withheld
    of the totals; sums of a provider's columns in two dimensions are not released.
    """
    rows, columns = counts.shape
    beyond = np.zeros_like(counts) if outside is None else outside
    free = [cell for cell in product(range(rows), range(columns)) if cell not in set(structural)]
    if any(counts[cell] for cell in structural):
        raise ValueError("a cell that is said to be always empty is not")
    small = primary(counts, min_cohort, beyond)
    below = {cell for cell in free if small[cell]}
    if not below:
        return NOTHING
    network = _Network(
        counts,
        _nodes(counts.sum(axis=1), min_cohort, beyond.sum(axis=1), [row for row, _ in free]),
        _nodes(counts.sum(axis=0), min_cohort, beyond.sum(axis=0), [column for _, column in free]),
    )
    network.add(below)
    waiting = deque(sorted(below))
    while waiting:  # a cell that is protected stays so: more cells only leave more possibilities
        cell = waiting.popleft()
        if not network.protects(cell, min_cohort):
            added = _repair(network, cell, free, min_cohort)
            waiting.extend(sorted(added))
    if len(network.cells) == len(free):
        raise nothing_left()
    flat = {row * columns + column for row, column in network.cells}
    return told(flat, {row * columns + column for row, column in below}, ())


def _nodes(totals: NDArray[np.int64], least: int, outside: NDArray[np.int64], free: Collection[int]) -> list[int]:
    """Give each row's node: its own, or the first of those whose totals are withheld and known together only."""
    always_empty = set(range(len(totals))) - set(free)
    together = suppress_line(totals, least, outside, structural=always_empty).cells
    return [together[0] if place in together else place for place in range(len(totals))]


def _repair(network: _Network, cell: Cell, free: list[Cell], least: int) -> set[Cell]:
    """Withhold more cells until this one is protected; give them.

    The fewest at a time, the nearest first; places decide, and of counts only whether they suffice.
    """
    before, possible = frozenset(network.cells), frozenset(free)
    network.add(possible - before)
    suffices = network.protects(cell, least)
    network.remove(possible - before)
    if not suffices:
        raise nothing_left()
    for rectangle in _rectangles(cell, possible, before):
        network.add(rectangle)
        if network.protects(cell, least):
            return set(rectangle)
        network.remove(rectangle)
    # No single rectangle suffices: one after the other, and what is still missing at last.
    for rectangle in _rectangles(cell, possible, before):
        network.add(rectangle - network.cells)
        if network.protects(cell, least):
            return set(network.cells - before)
    network.add(possible - network.cells)
    return set(possible - before)


def _rectangles(cell: Cell, possible: frozenset[Cell], withheld: frozenset[Cell]) -> Iterator[frozenset[Cell]]:
    """Give what is missing to each rectangle with this corner: the fewest first, of these the nearest."""
    row, column = cell
    found = []
    for other_row, other_column in possible:
        corners = {(row, other_column), (other_row, column), (other_row, other_column)}
        if other_row != row and other_column != column and corners <= possible:
            missing = frozenset(corners - withheld)
            far = abs(row - other_row) + abs(column - other_column)
            if missing:
                found.append((len(missing), far, other_row, other_column, missing))
    yield from (missing for *_, missing in sorted(found, key=lambda each: each[:4]))


def _flow(
    neighbours: Mapping[int, Collection[int]],
    capacity: Callable[[int, int], int],
    source: int,
    sink: int,
    enough: int,
) -> int:
    """Give the maximum flow from source to sink, but no more than ``enough`` (Edmonds and Karp, 1972)."""
    flow = 0
    pushed: dict[Cell, int] = {}

    def left(one: int, other: int) -> int:
        return capacity(one, other) - pushed.get((one, other), 0)

    while flow < enough:
        path = _path(neighbours, left, source, sink)
        if path is None:
            break
        more = min(enough - flow, *(left(one, other) for one, other in path))
        for one, other in path:
            pushed[one, other] = pushed.get((one, other), 0) + more
            pushed[other, one] = pushed.get((other, one), 0) - more
        flow += more
    return flow


def _path(
    neighbours: Mapping[int, Collection[int]], left: Callable[[int, int], int], source: int, sink: int
) -> list[Cell] | None:
    """Give a shortest path along what is left of capacities; None if there is none."""
    came_from = {source: source}
    waiting = deque([source])
    while waiting:
        here = waiting.popleft()
        for onward in neighbours.get(here, ()):
            if onward in came_from or left(here, onward) <= 0:
                continue
            came_from[onward] = here
            if onward == sink:
                path, end = [], sink
                while end != source:
                    path.append((came_from[end], end))
                    end = came_from[end]
                return path
            waiting.append(onward)
    return None
