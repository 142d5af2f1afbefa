"""What a reviewer measures, foreseen from single columns: the same measures where columns are independent."""

from fractions import Fraction

import numpy as np
import pytest
from loan_tables import grids, table

from compute.binning import CategoryBins
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.concentration import KeptCells, concentration
from compute.protocols.risk_score.foreseen import fitted, foresee
from compute.protocols.risk_score.opened import OpenedFeature, OpenedTables
from compute.statistics.build import Built, Recipe, build
from compute.statistics.merging import Merging
from compute.statistics.points import Scale
from compute.statistics.released import ClassTable, StatisticsError

SCALE = Scale(500, Fraction(4), 40)
GOOD = {"a": (4000, 2000, 2000), "b": (3000, 5000), "c": (2000, 4000, 2000)}
BAD = {"a": (500, 300, 1200), "b": (1200, 800), "c": (900, 1000, 100)}


def bins(column: str) -> CategoryBins:
    return CategoryBins(column, tuple((f"{column}{code}",) for code in range(len(GOOD[column]))))


def column(name: str) -> ClassTable:
    counts = np.array([*zip(GOOD[name], BAD[name], strict=True), (0, 0)], dtype=np.int64)
    return ClassTable("p", name, bins(name), ("good", "bad"), counts)


def card(scale: Scale = SCALE) -> Built:
    """Columns a and b of one product, c of another; 10,000 companies."""
    recipe = Recipe(scale=scale, merging=Merging(Fraction(1, 100)), draws=10)
    sources = {"one": [column("a"), column("b")], "two": [column("c")]}
    return build("card", "1.0.0", sources, [], recipe)


def points(built: Built, name: str) -> tuple[int, ...]:
    (found,) = [each.points for each in built.draft.features if each.name == name]
    return tuple(int(each) for each in found)


def test_of_independent_columns_it_is_what_is_measured() -> None:
    built = card()
    shares = {name: np.add(GOOD[name], BAD[name]) / 10_000 for name in GOOD}
    joint = np.rint(np.multiply.outer(shares["a"], shares["b"]) * 10_000).astype(int)
    cells = np.array([(a, b) for a in range(3) for b in range(2)], dtype=np.uint8)
    alone = np.array([[0], [1], [2]], dtype=np.uint8)
    tables = [
        opened("one", {"a": points(built, "one.a"), "b": points(built, "one.b")}),
        opened("two", {"c": points(built, "two.c")}),
    ]
    kept = [
        KeptCells(cells, joint.ravel().tolist(), 0),
        KeptCells(alone, np.rint(shares["c"] * 10_000).astype(int).tolist(), 0),
    ]
    found = foresee(built)
    assert found.concentration == concentration(tables, kept)
    worst = [each.gain / 0.35 if each.column else each.guess / 0.75 for each in found.concentration.measures]
    certain = [each.certain / 0.10 for each in found.concentration.measures]
    assert found.exposure == pytest.approx(max(*worst, *certain))
    assert found.guarded == pytest.approx(max(*worst, *(2 * each for each in certain)))


def opened(product: str, found: dict[str, tuple[int, ...]]) -> OpenedTables:
    features = tuple(OpenedFeature(bins=bins(name), points=each) for name, each in found.items())
    return OpenedTables(provider=product, product=product, product_version="0.0.0", features=features)


def test_combinations_of_few_are_left_out() -> None:
    built = card()
    assert foresee(built, min_cohort=10).concentration is not None
    found = foresee(built, min_cohort=1500).concentration
    assert found is not None
    assert found.left_out > 0.3
    nobody = foresee(built, min_cohort=10_001)
    assert nobody.concentration is None
    assert nobody.exposure == float("inf")


def test_the_scale_that_settles_least_is_kept() -> None:
    def loans_card(points: int) -> Built:
        recipe = Recipe(scale=Scale(500, Fraction(4), points), least_information=0.01, draws=10)
        sources = {product: [table("p", each) for each in found.values()] for product, found in grids().items()}
        return build("card", "1.0.0", sources, [], recipe)

    limits = Limits()
    best, found = fitted(loans_card(40), SCALE, limits)
    chosen = best.draft.points_to_double_odds
    tried = {points: foresee(loans_card(points), limits) for points in (10, chosen, 20, 40)}
    assert found.guarded == min(each.guarded for each in tried.values())
    assert found.exposure < 1 < tried[40].exposure
    assert best.draft == loans_card(chosen).draft  # points and base are of that scale, and so is the rounding
    assert best.rounding == loans_card(chosen).rounding


def test_bits_are_kept_or_nothing_is_given() -> None:
    limits = Limits(max_bits=4)
    coarse, found = fitted(card(), SCALE, limits)
    assert 1 < found.totals <= 16
    chosen = coarse.draft.points_to_double_odds
    assert chosen < 10  # beyond four times coarser, as none of those keeps within 4 bits
    assert not foresee(card(Scale(500, Fraction(4), chosen + 1)), limits).is_within_bits
    with pytest.raises(StatisticsError, match="tell more than 1 bits; choose fewer features or fewer bins"):
        fitted(card(), SCALE, Limits(max_bits=1))
