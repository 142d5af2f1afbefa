"""Joint features: several features of codes as one, whose bins are the product of theirs.

A row then costs one operation per group instead of one per feature, for tables or histograms that grow with the
product. Both kernels use it; their cost models choose the groups.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from compute.paillier.errors import CodeError
from compute.paillier.split import Split

Codes = NDArray[np.uint16]
MAX_BINS = 2**16 - 1
"""Of a feature or a group; one code more stands for no row at all."""


def columns_of(codes: Sequence[Sequence[int]], sizes: Sequence[int], rows: int) -> list[Codes]:
    """Give the columns as arrays; raise :class:`CodeError` unless each has ``rows`` codes in [0, size)."""
    if len(codes) != len(sizes):
        raise CodeError(f"{len(codes)} columns of codes for {len(sizes)} features; give one column for each")
    columns = []
    for feature, (codes_of_feature, size) in enumerate(zip(codes, sizes, strict=True)):
        if not 0 < size <= MAX_BINS:
            raise CodeError(f"feature {feature} has {size} bins; give 1 to {MAX_BINS}")
        column = _array(codes_of_feature)
        if len(column) != rows:
            raise CodeError(f"feature {feature} has {len(column)} codes for {rows} rows; give one for each")
        wrong = np.flatnonzero((column < 0) | (column >= size))
        if len(wrong):
            raise CodeError(f"feature {feature}, row {wrong[0]}: the code lies outside its table of {size} bins")
        columns.append(column.astype(np.uint16))
    return columns


def _array(codes: Sequence[int]) -> NDArray[np.integer]:
    if isinstance(codes, bytes | bytearray | memoryview):
        return np.frombuffer(codes, dtype=np.uint8)
    try:
        array = np.asarray(codes)
    except ValueError as error:  # nested lists of different lengths
        raise CodeError("codes must be whole numbers in one column for each feature") from error
    if array.ndim != 1 or (len(array) and not np.issubdtype(array.dtype, np.integer)):
        raise CodeError("codes must be whole numbers in one column for each feature")
    return array


def groupings(sizes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Give the groupings worth a look, each a partition of the features: the largest joint size grows twofold."""
    seen = set()
    limit = max(sizes, default=1)
    while limit <= MAX_BINS:
        groups = _first_fit(sizes, limit)
        if groups not in seen:
            seen.add(groups)
            yield groups
        limit *= 2


def _first_fit(sizes: Sequence[int], limit: int) -> tuple[tuple[int, ...], ...]:
    """First fit, decreasing: each feature joins the first group whose product stays within the limit."""
    groups: list[list[int]] = []
    for feature in sorted(range(len(sizes)), key=lambda feature: -sizes[feature]):
        for group in groups:
            if prod(sizes[member] for member in group) * sizes[feature] <= limit:
                group.append(feature)
                break
        else:
            groups.append([feature])
    return tuple(tuple(group) for group in groups)


def joint_sizes(sizes: Sequence[int], groups: Sequence[Sequence[int]]) -> list[int]:
    """Give the number of joint bins of each group."""
    return [prod(sizes[feature] for feature in group) for group in groups]


def joint_codes(columns: Sequence[Codes], sizes: Sequence[int], groups: Sequence[Sequence[int]]) -> list[Codes]:
    """Give each group's column: the last of its features counts fastest."""
    return [
        reduce(
            lambda joint, feature: joint * np.uint16(sizes[feature]) + columns[feature],
            group[1:],
            columns[group[0]],
        )
        for group in groups
    ]


def joint_table(tables: Sequence[Split]) -> Split:
    """Give the products of one entry of each table, in the order of :func:`joint_codes`.

    From the last table on, so that each step runs along a long one.
    """
    return reduce(lambda joint, table: table.outer(joint), reversed(tables))
