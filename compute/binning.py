"""Bins of a feature: from the values of a column to small codes. The last bin takes missing (and other) values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Annotated

import numpy as np
import pandas as pd
from msgspec import Meta

from compute.canonical import Message, Name

MAX_BINS = 256
"""Codes are single bytes."""

Category = Annotated[str, Meta(min_length=1, max_length=256)]
Group = Annotated[tuple[Category, ...], Meta(min_length=1, max_length=10_000)]
Edge = Annotated[str, Meta(pattern=r"\A(0|-?[1-9][0-9]{0,14}|-?(0|[1-9][0-9]{0,14})\.[0-9]{0,5}[1-9])\Z")]
"""A decimal number in its shortest form; never a float, so that every party cuts at the same place."""


class BinningError(ValueError):
    """The bins overlap, are too many, or do not fit the column."""


class CategoryBins(Message, frozen=True):
    """Bin g holds the values of ``groups[g]``; whatever is in no group, and missing, goes to the last bin.

    With ``prefix`` only the first so many characters of a value count (NAICS sectors). Values and groups stand in
    sorted order: any other would tell a reader of the bins how the bank ranks them.
    """

    column: Name
    groups: tuple[Group, ...]
    prefix: Annotated[int, Meta(ge=1, le=256)] | None = None

    def __post_init__(self) -> None:
        _check_count(self.column, self.size)
        values = [value for group in self.groups for value in group]
        repeated = sorted(value for value, count in Counter(values).items() if count > 1)
        if repeated:
            raise BinningError(
                f"{self.column}: bins overlap: {', '.join(repeated[:5])} stands in more than one place"
            )
        if not all(value.isprintable() for value in values):
            raise BinningError(f"{self.column}: a value holds characters that cannot be seen; remove them")
        if self.prefix is not None:
            wrong = [value for value in values if len(value) != self.prefix]
            if wrong:
                raise BinningError(f"{self.column}: {wrong[0]} can never match; write {self.prefix} characters")
        if any(low >= high for group in self.groups for low, high in pairwise(group)) or any(
            low[0] >= high[0] for low, high in pairwise(self.groups)
        ):
            raise BinningError(f"{self.column}: values and groups must stand in sorted order")

    @property
    def size(self) -> int:
        """The number of bins, the last one for other and missing included."""
        return len(self.groups) + 1

    def codes(self, values: pd.Series, scale: int | None) -> bytes:
        """Give one code per value of a text column (``scale`` None), in order."""
        if scale is not None:
            raise BinningError(f"{self.column} holds numbers; bin it by edges")
        group_of = {value: code for code, group in enumerate(self.groups) for value in group}
        keys = values if self.prefix is None else values.str.slice(0, self.prefix)
        codes = keys.map(group_of).fillna(len(self.groups))
        return codes.to_numpy(dtype=np.uint8).tobytes()


class NumberBins(Message, frozen=True):
    """With edges e_1 < … < e_k bin i holds e_i ≤ x < e_{i+1}: k+1 bins without a gap, and one for missing."""

    column: Name
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        _check_count(self.column, self.size)
        for low, high in pairwise(self.edges):
            if Decimal(low) >= Decimal(high):
                raise BinningError(f"{self.column}: bins overlap: edge {high} follows {low}; edges must increase")

    @property
    def size(self) -> int:
        """The number of bins, the last one for missing included."""
        return len(self.edges) + 2

    def codes(self, values: pd.Series, scale: int | None) -> bytes:
        """Give one code per value of a number column in units of 10^-scale (nullable integers), in order."""
        if scale is None:
            raise BinningError(f"{self.column} holds text; bin it by categories")
        # For an integer u: u·10^-scale ≥ e exactly when u ≥ ⌈e·10^scale⌉, so 64-bit integers decide.
        units = [units_of(edge, scale) for edge in self.edges]
        missing = values.isna().to_numpy()
        codes = np.searchsorted(
            np.array(units, dtype=np.int64), values.fillna(0).to_numpy(dtype=np.int64), side="right"
        )
        return np.where(missing, len(self.edges) + 1, codes).astype(np.uint8).tobytes()


Bins = CategoryBins | NumberBins


def code_columns(bins: Sequence[Bins], frame: pd.DataFrame, scales: Mapping[str, int | None]) -> list[bytes]:
    """Give each feature's codes, one per row of ``frame``; ``scales`` as in :meth:`NumberBins.codes`."""
    columns = [feature.codes(frame[feature.column], scales[feature.column]) for feature in bins]
    if any(len(column) != len(frame) for column in columns):
        raise BinningError("a column gives another number of codes than there are rows; name each column once")
    return columns


def units_of(edge: Edge, scale: int) -> int:
    """Give the least whole number of units of 10^-scale that is not below the edge."""
    return _ceiling(Decimal(edge).scaleb(scale))


def _ceiling(edge: Decimal) -> int:
    """⌈edge⌉ within 64 bits: a column's values have at most 18 digits, so an edge beyond them is never reached."""
    return min(max(int(edge.to_integral_value(rounding=ROUND_CEILING)), -(10**18)), 10**18)


def _check_count(column: str, size: int) -> None:
    if size > MAX_BINS:
        raise BinningError(f"{column}: {size} bins; merge them to at most {MAX_BINS}")
