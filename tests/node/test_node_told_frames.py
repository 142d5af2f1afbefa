"""Told tables become those of `compute.statistics`, and data frames, without a number lost."""

from fractions import Fraction

import pytest
from told import cross_table, histogram, moments, told

from compute.node.console.told_frames import counts_frame, moments_frame
from compute.node.console.told_tables import tables_of, valued_rows
from compute.statistics.discrete_laplace import quantile
from compute.statistics.outcomes import split
from compute.statistics.released import ClassSums, ClassTable, CrossTable
from compute.statistics.woe import evidence


def test_each_table_becomes_one_to_compute_with() -> None:
    line, cross, first, second = tables_of(told(histogram(), cross_table(), *moments()))
    assert isinstance(line, ClassTable)
    assert line.counts.tolist() == [[30, -2], [50, 9], [12, 4], [0, 0]]
    assert (line.suppressed, line.scale, line.bound) == ((3,), 2.0, 60)
    assert isinstance(cross, CrossTable)
    assert cross.counts.shape == (3, 4, 2)
    assert cross.counts[2, 3].tolist() == [23, 1]
    assert cross.counts[1, 3].tolist() == [0, 0]
    assert cross.suppressed == ((1, 3),)
    assert isinstance(first, ClassSums)
    assert isinstance(second, ClassSums)
    assert (first.power, first.sums, first.scale, first.low, first.high) == (1, (160, 120), 0.25, 10, 110)
    assert (first.origin, second.power, second.origin) == (10, 2, 10)


def test_evidence_follows_from_a_told_table() -> None:
    (table,) = tables_of(told(histogram()))
    assert isinstance(table, ClassTable)
    found = evidence(split(table, ["good"], ["bad"]))
    assert found.woe[3] == 0  # it was withheld
    assert found.woe[0] > 0 > found.woe[2]


def test_a_withheld_sum_is_no_table_and_its_rows_are_not_told() -> None:
    count, *_ = moments()
    hidden = type(count)(**{name: getattr(count, name) for name in count.__struct_fields__} | {"numbers": (None,)})
    result = told(hidden)
    assert tables_of(result) == []
    with pytest.raises(LookupError, match="ask for its moments"):
        valued_rows(result, "tax", "age", ("good",))
    frame = moments_frame(result)
    assert frame["withheld"].all()
    assert frame["value"].isna().all()


def test_counts_are_in_long_form_with_the_noise_s_interval() -> None:
    frame = counts_frame(told(histogram(), cross_table()), level=0.9)
    assert len(frame) == 2 * (4 + 12)
    first = frame.iloc[0]
    reach = quantile(2.0, 1, 0.9)
    assert (first["provider"], first["column"], first["label"], first["class"]) == (
        "tax",
        "employees",
        "x < 1",
        "good",
    )
    assert (first["count"], first["low"], first["high"]) == (30, 30 - reach, 30 + reach)
    assert frame.iloc[1][["count", "low"]].tolist() == [-2, 0]
    assert first["present_only"]
    withheld = frame[frame["withheld"]]
    assert withheld["count"].isna().all()
    assert withheld[["column", "bin"]].drop_duplicates().to_numpy().tolist() == [["employees", 3], ["region", 1]]
    exact = frame[frame["second_column"] == "employees"].iloc[-2]
    assert (exact["bin"], exact["second_bin"], exact["second_label"]) == (2, 3, "missing")
    assert exact["count"] == exact["low"] == exact["high"] == 23


def test_moments_are_of_the_column_s_own_values() -> None:
    frame = moments_frame(told(*moments())).set_index(["class", "figure"])
    # 160 / 40 = 4, counted from 10, in tenths; 1000 / 40 - 4² = 9, in hundredths.
    assert frame.loc[("good", "mean"), "value"] == pytest.approx(1.4)
    assert frame.loc[("good", "variance"), "value"] == pytest.approx(0.09)
    assert frame.loc[("bad", "mean"), "value"] == pytest.approx(1.6)
    assert frame.loc[("good", "rows"), "value"] == 40
    low, high = frame.loc[("good", "mean"), ["low", "high"]]
    assert 1.0 <= low < 1.4 < high


def test_exact_moments_are_not_clipped() -> None:
    frame = moments_frame(told(*moments(scale="0", low="0", high="0"))).set_index(["class", "figure"])
    for figure, expected in (("mean", Fraction(4, 10)), ("variance", Fraction(9, 100))):
        row = frame.loc[("good", figure)]
        assert row["value"] == row["low"] == row["high"] == pytest.approx(float(expected))
