"""The parts that a scorecard is built of, on small counts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from loan_tables import OWN, cross, grids, loans, noise, table

from compute.binning import CategoryBins, NumberBins
from compute.grid import GridError
from compute.statistics.chi_square import upper_tail
from compute.statistics.coefficients import discriminant_weights
from compute.statistics.contingency import class_dependence, column_dependence, dependence
from compute.statistics.discrimination import auc, delong
from compute.statistics.merging import Merging, merged
from compute.statistics.out_of_time import Period, out_of_time, weights_drift
from compute.statistics.outcomes import Outcomes, split
from compute.statistics.points import Scale, exact_base, half_up, rounding
from compute.statistics.regroup import groups, places
from compute.statistics.released import ClassTable, CrossTable, StatisticsError, tabulate
from compute.statistics.selection import Candidate, select
from compute.statistics.stability import stability_index, stability_parts
from compute.statistics.woe import evidence

NUMBERS = NumberBins("n", ("1", "2", "3", "4"))


def counts(
    pairs: list[tuple[int, int]], bins: NumberBins | CategoryBins = NUMBERS, suppressed: tuple[int, ...] = ()
) -> Outcomes:
    held = np.array(pairs, dtype=np.int64)
    return split(ClassTable("p", "n", bins, ("good", "bad"), held, suppressed), ["good"], ["bad"])


def test_a_zero_cell_is_adjusted_and_an_empty_bin_tells_nothing() -> None:
    found = evidence(counts([(50, 0), (30, 10), (20, 10), (0, 0), (0, 0), (0, 0)]))
    assert found.woe[0] == pytest.approx(math.log(50.5 / 100 / (0.5 / 20)))
    assert found.adjusted == (0,)
    assert (found.woe[3], found.parts[3]) == (0, 0)
    assert found.woe[1] == pytest.approx(math.log(0.3 / 0.5))


def test_a_withheld_bin_is_never_read() -> None:
    one, two = (counts([(50, 5), (x, x), (20, 10), (9, 9), (1, 1), (0, 0)], suppressed=(1,)) for x in (0, 99))
    assert evidence(one).woe.tolist() == evidence(two).woe.tolist()
    assert auc(one) == auc(two)


def test_numbers_merge_to_bad_rates_that_go_one_way() -> None:
    # Bad rates 0.5, 0.2, 0.3, 0.1, 0.05: the second and third violate a fall.
    held = [(50, 50), (80, 20), (70, 30), (90, 10), (95, 5), (10, 0)]
    found = merged(counts(held, NumberBins("n", ("1", "2", "3", "4"))), Merging())
    assert found.bins == NumberBins("n", ("1", "3", "4"))
    assert found.good.tolist() == [50, 150, 90, 95, 10]
    rising = merged(counts(held, NumberBins("n", ("1", "2", "3", "4"))), Merging(direction="rising"))
    assert rising.bins == NumberBins("n", ())


def test_categories_merge_by_rate_and_rare_or_withheld_ones_go_with_missing() -> None:
    bins = CategoryBins("c", tuple((name,) for name in "abcde"))
    held = [(900, 100), (500, 500), (880, 120), (3, 1), (0, 0), (50, 10)]
    found = merged(counts(held, bins, (4,)), Merging(most_bins=2))
    assert found.bins == CategoryBins("c", (("a", "c"), ("b",)))
    assert found.good.tolist() == [1780, 500, 53]
    assert found.released.all()


def test_bins_of_a_union_are_found_and_others_refused() -> None:
    assert groups(NUMBERS, NumberBins("n", ("2",))) == [[0, 1], [2, 3, 4], [5]]
    fine = CategoryBins("c", (("a", "b"), ("d",)))
    assert places(fine, CategoryBins("c", (("d",),))) == [1, 0, 1]
    with pytest.raises(GridError, match="is split"):
        places(fine, CategoryBins("c", (("a",),)))
    with pytest.raises(GridError, match="edge 5"):
        places(NUMBERS, NumberBins("n", ("5",)))


def test_halves_go_up_and_the_worst_difference_is_told() -> None:
    assert [half_up(value) for value in (2.5, -2.5, 2.4, -0.5)] == [3, -2, 2, 0]
    assert half_up(0.125, 2) == Fraction(13, 100)
    found = rounding([[1.5, 0.25], [-2.25]], [[Fraction(2), Fraction(0)], [Fraction(-2)]])
    assert (found.least, found.greatest, found.worst) == (0.0, 0.75, 0.75)
    # At the base odds the base points are the base score.
    assert exact_base(Scale(600, Fraction(20), 40), 2000, 100) == pytest.approx(600)
    assert exact_base(Scale(600, Fraction(20), 40), 4000, 100) == pytest.approx(640)


def test_selection_takes_one_of_two_that_tell_the_same() -> None:
    candidates = [Candidate("a", 0.3), Candidate("b", 0.2), Candidate("c", 0.1), Candidate("d", 0.01)]
    found = select(candidates, {frozenset("ab"): -0.9, frozenset("ac"): 0.1}, most_features=2)
    assert found.chosen == ("a", "c")
    assert "-0.90 with a" in found.rejected["b"]
    assert "below 0.02" in found.rejected["d"]
    assert found.unchecked == ()
    assert select(candidates, {}, most_features=2).unchecked == (("a", "b"),)


def test_a_feature_told_twice_weighs_half() -> None:
    one = split(table("p", OWN[2]), ["good"], ["bad"])
    woe = evidence(one).woe
    twice = np.diag(one.good), np.diag(one.bad)
    alone = discriminant_weights([(one, woe)], {})
    both = discriminant_weights([(one, woe), (one, woe)], {(0, 1): twice})
    assert both == pytest.approx([alone[0] / 2] * 2, rel=1e-3)


def test_the_chi_square_tail() -> None:
    # SciPy 1.16, chi2.sf.
    known = {(3, 2): 0.22313016014842982, (7, 5): 0.22064030793671066, (100, 51): 4.998131371998267e-05}
    for (value, degrees), tail in known.items():
        assert upper_tail(value, degrees) == pytest.approx(tail, rel=1e-12)
    assert upper_tail(0, 3) == 1
    with pytest.raises(ValueError, match="at least 1"):
        upper_tail(1, 0)


def test_noise_alone_does_not_look_like_dependence() -> None:
    chances = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        held = generator.multinomial(2000, np.full(12, 1 / 12)).reshape(4, 3) + noise(generator, (4, 3), 8.0)
        chances.append(dependence(held, 8.0).chance)
    assert sum(chance < 0.1 for chance in chances) <= 9
    market = grids()["market-registration"]
    exact = table("p", market["urban_rural"])
    assert class_dependence(exact, ["good", "bad"]).chance < 1e-50
    pair = CrossTable("p", (market["urban_rural"], market["business_age"]), ("good", "bad"),
                      cross(market["urban_rural"], market["business_age"]).counts)  # fmt: skip
    assert column_dependence(pair, ["good"]).degrees == 4


def test_delong_is_the_variance_of_placements() -> None:
    # Bad 1, 2, 4; good 3, 5, 6: AUC 8/9. Placements of good ⅔, 1, 1; of bad 1, 1, ⅔: each of variance 1/27.
    good, bad = np.array([0, 0, 1, 0, 1, 1]), np.array([1, 1, 0, 1, 0, 0])
    low, high = delong(good, bad, 0.5)
    reach = 0.6744897501960817 * math.sqrt(2 * (1 / 27) / 3)
    assert low == pytest.approx(8 / 9 - reach)
    assert high == pytest.approx(min(8 / 9 + reach, 1.0))


def vintages() -> ClassTable:
    labels = (2 * (loans()["approval_year"].to_numpy() > 2004) + loans()["defaulted"].to_numpy()).astype(np.int64)
    names = ("good 2004", "bad 2004", "good 2006", "bad 2006")
    return table("p", grids()["market-registration"]["urban_rural"], None, labels, names)


def test_a_feature_out_of_time_keeps_the_ranking_of_its_development() -> None:
    first, later = Period(("good 2004",), ("bad 2004",)), Period(("good 2006",), ("bad 2006",))
    found = out_of_time(vintages(), first, later, [-2.0, 20.0, -13.0, 0.0])
    again = split(vintages(), ["good 2006"], ["bad 2006"])
    before = split(vintages(), ["good 2004"], ["bad 2004"])
    rates = before.bad / np.maximum(before.bad + before.good, 1)
    order = np.argsort(-rates, kind="stable").tolist()
    assert found.later.value == pytest.approx(float(auc(again, order)))
    assert found.developed.value == pytest.approx(float(auc(before)))
    assert found.stability.value == pytest.approx(sum(stability_parts(vintages(), first.classes, later.classes)))
    assert found.stability.value == stability_index(vintages(), first.classes, later.classes).value > 0.25
    assert found.point_shift != 0
    assert len(weights_drift(vintages(), first, later)) == 4
    with pytest.raises(StatisticsError, match="of both periods"):
        out_of_time(vintages(), first, first)


def test_a_feature_out_of_time_is_tried_over_its_merged_bins() -> None:
    first, later = Period(("good 2004",), ("bad 2004",)), Period(("good 2006",), ("bad 2006",))
    coarse = CategoryBins("urban_rural", (("rural", "urban"), ("undefined",)))
    fine = vintages()
    parts = [fine.counts[places] for places in groups(fine.bins, coarse)]
    summed = ClassTable("p", "urban_rural", coarse, fine.classes, np.array([part.sum(axis=0) for part in parts]))
    assert out_of_time(fine, first, later, [-2.0, 20.0, 0.0], coarse) == out_of_time(
        summed, first, later, [-2.0, 20.0, 0.0]
    )
    assert out_of_time(fine, first, later).developed.value > out_of_time(summed, first, later).developed.value


def test_rows_of_no_class_are_not_counted() -> None:
    found = tabulate("p", NUMBERS, bytes([0, 1, 1, 5]), ("a",), np.array([0, -1, 0, 0]))
    assert found.counts[:, 0].tolist() == [1, 1, 0, 0, 0, 1]
