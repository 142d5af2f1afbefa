"""Statistics of the loans equal those of optbinning, scikit-learn, SciPy and pandas in the clear (reference/)."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loan_tables import CLASSES, bad, grids, loans, table

from compute.binning import CategoryBins, NumberBins
from compute.statistics.contingency import ClassMoments, class_correlation, correlation, dependence
from compute.statistics.discrimination import auc, gini, ks
from compute.statistics.moments import mean, quantile_bin, total, valued_rows, variance
from compute.statistics.outcomes import Outcomes, split
from compute.statistics.released import ClassSums, StatisticsError, tabulate
from compute.statistics.woe import evidence

FIGURES: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "figures.json").read_text("utf-8"))


def outcomes(column: str) -> Outcomes:
    groups = tuple(tuple(group) for group in FIGURES[column]["groups"])
    bins = CategoryBins("naics", groups, 2) if column == "sector" else CategoryBins(column, groups)
    found = split(table("clear", bins), ["good"], ["bad"])
    # The reference is over the groups alone, without other and missing values.
    found.released[-1] = False
    return found


@pytest.mark.parametrize("column", ["urban_rural", "sector"])
def test_evidence_and_separation_are_the_references(column: str) -> None:
    expected, found = FIGURES[column], outcomes(column)
    assert found.counts[0].tolist() == expected["good"]
    assert found.counts[1].tolist() == expected["bad"]
    weights = evidence(found)
    for code, group in enumerate(expected["groups"]):
        assert weights.woe[code] == pytest.approx(expected["woe"][" ".join(group)], rel=1e-12)
    assert weights.information_value == pytest.approx(expected["iv"], rel=1e-12)
    assert float(auc(found)) == pytest.approx(expected["auc"], rel=1e-12)
    assert float(gini(found)) == pytest.approx(expected["gini"], rel=1e-12)
    assert float(ks(found)) == pytest.approx(expected["ks"], rel=1e-12)


@pytest.mark.parametrize("column", ["urban_rural", "sector"])
def test_dependence_is_the_reference(column: str) -> None:
    expected = FIGURES[column]
    found = dependence(np.array([expected["good"], expected["bad"]]).T)
    assert found.chi_square == pytest.approx(expected["chi_square"], rel=1e-12)
    assert found.chance == pytest.approx(expected["chance"], rel=1e-9)
    assert found.cramers_v == pytest.approx(expected["cramers_v"], rel=1e-12)


def test_separation_is_an_exact_fraction() -> None:
    found = outcomes("urban_rural")
    # Riskiest first: urban, rural, undefined.
    assert auc(found) == Fraction(
        6135 * 2252 + 1754 * (2 * 2252 + 477) + 4490 * (2 * 2729 + 544), 2 * 12379 * 3273
    )
    assert ks(found) == Fraction(4490, 12379) - Fraction(544, 3273)


def employees(power: int) -> ClassSums:
    values = loans()["employees"].fillna(0).clip(0, 100).to_numpy().astype(int) ** power
    sums = tuple(int(values[bad() == side].sum()) for side in (0, 1))
    return ClassSums("social-security", "employees", power, CLASSES, sums, 0, 100)


def test_moments_are_those_of_pandas() -> None:
    expected = FIGURES["employees"]
    counts = table("clear", grids()["social-insurance"]["employees"])
    rows = valued_rows(counts, CLASSES, 0.95)
    assert rows.value == expected["rows"]
    assert total(employees(1), CLASSES).value == expected["sum"]
    found = mean(employees(1), rows, CLASSES)
    assert found.value == Fraction(expected["sum"], expected["rows"]) == found.low == found.high
    assert float(variance(employees(1), employees(2), rows, CLASSES).value) == pytest.approx(expected["variance"])
    middle = quantile_bin(counts, CLASSES, Fraction(1, 2))
    assert middle.low is not None
    assert middle.high is not None
    assert float(middle.low) <= expected["median"] < float(middle.high)


def test_correlations_are_those_of_numpy() -> None:
    has_value = loans()["employees"].notna().to_numpy()
    moments = ClassMoments(
        (Fraction(0), Fraction(1)),
        tuple(int(((bad() == side) & has_value).sum()) for side in (0, 1)),
        tuple(Fraction(each) for each in employees(1).sums),
        tuple(Fraction(each) for each in employees(2).sums),
    )
    assert class_correlation(moments) == pytest.approx(FIGURES["employees"]["correlation_with_bad"], rel=1e-12)
    jobs = loans().loc[has_value, "employees"].clip(0, 100).astype(int).to_numpy()
    kept = loans().loc[has_value, "jobs_retained"].clip(0, 50).astype(int).to_numpy()
    counts = np.zeros((101, 51), dtype=np.int64)
    np.add.at(counts, (jobs, kept), 1)
    found = correlation(counts, range(101), range(51))
    assert found == pytest.approx(FIGURES["employees"]["correlation_with_jobs_retained"], rel=1e-12)


def test_every_published_column_counts_every_loan() -> None:
    for product, columns in grids().items():
        for bins in columns.values():
            counts = table(product, bins).counts
            assert counts.sum(axis=0).tolist() == [12379, 3273]


def test_a_class_without_rows_and_a_constant_column_are_refused_by_name() -> None:
    bins = NumberBins("employees", ("10",))
    labels = np.zeros(len(loans()), dtype=np.int64)
    only_good = tabulate("clear", bins, bytes(len(loans())), CLASSES, labels)
    with pytest.raises(StatisticsError, match="no row of bad"):
        split(only_good, ["good"], ["bad"])
    with pytest.raises(StatisticsError, match="has no class worse"):
        only_good.count(["worse"])
    with pytest.raises(StatisticsError, match="two rows and two columns"):
        dependence(only_good.counts)
    with pytest.raises(StatisticsError, match="constant"):
        correlation(np.array([[3, 4]]), [1.0], [0.0, 1.0])
