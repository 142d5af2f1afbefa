"""What imports of other tools' tables have in common: rounding, grids, bins that a card has no place for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from compute.binning import Bins, CategoryBins, NumberBins
from compute.grid import require_union
from compute.statistics.draft import Draft, DraftFeature
from compute.statistics.points import Rounding, half_up, rounding


class ImportedTableError(ValueError):
    """A table is not in the tool's format, or says something that a scorecard cannot."""


class MissingBinError(ImportedTableError):
    """A column's table has no points for missing values; they must be given."""


class SpecialBinError(ImportedTableError):
    """A column's table has a bin of special codes, which no product's column has; its points must be given up."""


@dataclass(frozen=True)
class Target:
    """Where an imported card goes, and what its table leaves open."""

    name: str
    version: str
    points_to_double_odds: int
    sources: Mapping[str, str | None]
    """Column → product's id, or None for the bank's own."""
    grids: Mapping[str, Bins]
    """Column → its published grid; the bank's own columns need none."""
    scales: Mapping[str, int] = field(default_factory=dict)
    """Number column → decimals of its values; edges between two values are raised to the upper one."""
    missing_points: Mapping[str, Decimal] = field(default_factory=dict)
    """Column → points of missing (and other) values, where the table has none."""
    drop_special: bool = False
    """Whether bins of special codes are given up."""
    decimals: int = 0
    """Of the points after rounding, 0 to 3."""
    base_points: Decimal = Decimal(0)
    """What the tool keeps beside its table: optbinning's ``intercept_`` of an intercept-based card."""


@dataclass(frozen=True)
class ImportedCard:
    """The draft, and how far its totals lie from the table's."""

    draft: Draft
    rounding: Rounding


@dataclass(frozen=True)
class ImportedColumn:
    """A column's bins as read: edges, or groups of values, with points; ``missing`` None if the table has none."""

    column: str
    edges: tuple[Decimal, ...] | None
    groups: tuple[tuple[str, ...], ...]
    points: tuple[Decimal, ...]
    missing: Decimal | None


def assemble(columns: Sequence[ImportedColumn], target: Target) -> ImportedCard:
    """Give the card of the columns read.

    Raises :class:`compute.grid.GridError` if a product's bins are off its grid, :class:`MissingBinError` if
    nobody says what missing values get, and :class:`ImportedTableError` for a column that the target does not
    know.
    """
    features, exact, rounded = [], [], []
    for each in columns:
        if each.column not in target.sources:
            raise ImportedTableError(
                f"{each.column}: say which product has this column, or that it is the bank's own"
            )
        bins, points = _bins(each, target)
        source = target.sources[each.column]
        if source is not None:
            require_union(bins, target.grids.get(each.column))
        whole = [half_up(Fraction(value), target.decimals) for value in points]
        exact.append([float(value) for value in points])
        rounded.append(whole)
        features.append(DraftFeature(source, bins, tuple(_decimal(value) for value in whole)))
    base = half_up(Fraction(target.base_points), target.decimals)
    draft = Draft(target.name, target.version, target.points_to_double_odds, _decimal(base), tuple(features))
    return ImportedCard(draft, rounding([*exact, [float(target.base_points)]], [*rounded, [base]]))


def _bins(read: ImportedColumn, target: Target) -> tuple[Bins, list[Decimal]]:
    missing = target.missing_points.get(read.column, read.missing)
    if missing is None:
        raise MissingBinError(
            f"{read.column}: the table has no bin for missing values; give missing_points for it"
        )
    if read.edges is not None:
        edges = [_edge(edge, target.scales.get(read.column)) for edge in read.edges]
        return NumberBins(read.column, tuple(edges)), [*read.points, missing]
    grid = target.grids.get(read.column)
    prefix = grid.prefix if isinstance(grid, CategoryBins) else None
    pairs = sorted((tuple(sorted(group)), value) for group, value in zip(read.groups, read.points, strict=True))
    bins = CategoryBins(read.column, tuple(group for group, _ in pairs), prefix)
    return bins, [*(value for _, value in pairs), missing]


def _edge(edge: Decimal, scale: int | None) -> str:
    """Give the edge that cuts the column's values as this one does, in its shortest form.

    A column with ``scale`` decimals has no value between its multiples, so x ≥ 1.5 is x ≥ 2 for whole numbers.
    """
    if scale is not None:
        unit = Fraction(1, 10**scale)
        edge = _decimal(Fraction(-(Fraction(edge) // -unit)) * unit)
    return format(edge.normalize() if edge else Decimal(0), "f")


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
