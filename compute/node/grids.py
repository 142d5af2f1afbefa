"""A provider's published grids: as bins, and whether each of their cells holds a cohort of its own companies."""

from catalog.grid import Grid
from catalog.product import Product
from compute.binning import BinningError, Bins, CategoryBins, NumberBins
from compute.grid import small_cells
from compute.protocols.holding import Holding
from compute.settings import SettingsError


def published_grids(product: Product) -> dict[str, Bins]:
    """Give the grid of each field that has one, as bins; raise :class:`SettingsError` if it makes none."""
    return {field.name: _bins(field.name, field.grid) for field in product.fields if field.grid is not None}


def require_cohorts(holding: Holding, min_cohort: int) -> None:
    """Raise :class:`SettingsError` naming field and cell unless every cell holds so many of the table's companies.

    Then every bin that a model can have does, and that it has tells a bank nothing. The last cell may be empty.
    """
    frame = holding.select(holding.subjects, list(holding.grids))
    for column, grid in holding.grids.items():
        small = small_cells(grid, grid.codes(frame[column], holding.scales[column]), min_cohort)
        if small:
            raise SettingsError(
                f"{holding.product}: the grid of {column}: the cell {small[0]} holds fewer than {min_cohort}"
                " companies; merge it: leave out an edge, or a text's cell, which is then with the others"
            )


def _bins(column: str, grid: Grid) -> Bins:
    try:
        if grid.edges:
            return NumberBins(column=column, edges=grid.edges)
        return CategoryBins(column=column, groups=tuple((cell,) for cell in grid.cells), prefix=grid.prefix)
    except BinningError as error:
        raise SettingsError(f"the grid of {error}") from error
