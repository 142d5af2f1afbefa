"""What was kept of a column whose published grid has changed since: cells of one grid are none of another's.

Numbers are counted into the new cells by their values, which are kept too. Of categories the codes are forgotten:
no answer is given from them any more, and atoms alone, which hold every cell that was told, keep answers apart.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from compute.binning import NumberBins
from compute.canonical import encode
from compute.disclosure.atoms import ABSENT
from compute.disclosure.errors import DisclosureError
from compute.disclosure.refresh import NO_VALUE, Codes, KeptColumn
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.coding import MATCHED, column_of, values_name


def grid_of(holding: Holding, name: str) -> str:
    """Give by what the codes under a name are told from those of another grid: decimals and the grid's digest."""
    column = column_of(name)
    if name == MATCHED:
        return ""
    return f"{holding.scales[column]}:{hashlib.sha256(encode(holding.grids[column])).hexdigest()}"


def in_grids(
    holding: Holding, before: Mapping[str, KeptColumn], present: Mapping[str, Codes]
) -> dict[str, KeptColumn]:
    """Give what was kept under each name, in the cells of the grids that are published now.

    Raises :class:`DisclosureError` for numbers whose decimals have changed: sums of both would still be compared.
    """
    return {
        name: kept if kept.grid == grid_of(holding, name) else _in_grid(holding, name, before, present[name])
        for name, kept in before.items()
    }


def _in_grid(holding: Holding, name: str, before: Mapping[str, KeptColumn], present: Codes) -> KeptColumn:
    column, kept, now = column_of(name), before[name], grid_of(holding, name)
    grid, values = holding.grids[column], before.get(values_name(column))
    if not isinstance(grid, NumberBins) or values is None or values.version == 0:
        return replace(kept, codes=present, earlier=(), grid=now)
    if kept.grid.partition(":")[0] != now.partition(":")[0] or len(before[column].told) != len(values.told):
        raise DisclosureError(
            f"the type or the decimals of {column} have changed since it was told of",
            "ask its provider for another column",
        )
    if name != column:
        return replace(kept, grid=now)
    codes, *earlier = (
        _cells(grid, holding.scales[column], each, of_version)
        for each, of_version in zip(kept.told, values.told, strict=True)
    )
    return replace(kept, codes=codes, earlier=tuple(earlier), grid=now)


def _cells(grid: NumberBins, scale: int | None, old: Codes, values: Codes) -> Codes:
    """Give the cells of a new grid for values that were kept; who was absent still is."""
    units = pd.Series(pd.array(values, dtype="Int64")).mask(values == NO_VALUE)
    cells = np.frombuffer(grid.codes(units, scale), np.uint8)
    return np.where(old == ABSENT, np.uint8(ABSENT), cells)
