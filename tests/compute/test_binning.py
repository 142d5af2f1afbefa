"""Codes against an oracle that knows neither numpy nor pandas, and the bins that are refused."""

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.binning import BinningError, CategoryBins, NumberBins, code_columns
from compute.canonical import FormatError, decode, encode


def numbers(*units: int | None) -> pd.Series:
    return pd.Series(list(units), dtype="Int64")


def texts(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def shortest(units: int, decimals: int) -> str:
    number = Decimal(units).scaleb(-decimals)
    return format(number.normalize(), "f") if number else "0"


def number_oracle(edges: tuple[str, ...], value: int | None, scale: int) -> int:
    if value is None:
        return len(edges) + 1
    return sum(Fraction(edge) <= Fraction(value, 10**scale) for edge in edges)


def category_oracle(groups: tuple[tuple[str, ...], ...], prefix: int | None, value: str | None) -> int:
    if value is not None:
        for code, group in enumerate(groups):
            if (value if prefix is None else value[:prefix]) in group:
                return code
    return len(groups)


@st.composite
def number_cases(draw: st.DrawFn) -> tuple[tuple[str, ...], int, list[int | None]]:
    """Edges with up to 6 decimals, a scale of the column, and values that often lie on an edge or beside it."""
    decimals, scale = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    magnitude = draw(st.sampled_from([5, 10**4, 10**11]))
    ordered = sorted(draw(st.sets(st.integers(-magnitude, magnitude), max_size=8)))
    edges = tuple(shortest(units, decimals) for units in ordered)
    near = [int(Fraction(edge) * 10**scale) + step for edge in edges for step in (-1, 0, 1)]
    value = st.none() | st.integers(-(10**18) + 1, 10**18 - 1) | st.integers(-20, 20)
    values = draw(st.lists(value | st.sampled_from(near) if near else value, max_size=12))
    return edges, scale, values


@given(case=number_cases())
def test_numbers_fall_where_the_oracle_says(case: tuple[tuple[str, ...], int, list[int | None]]) -> None:
    edges, scale, values = case
    bins = NumberBins(column="x", edges=edges)
    assert decode(encode(bins), NumberBins) == bins
    codes = bins.codes(numbers(*values), scale)
    assert list(codes) == [number_oracle(edges, value, scale) for value in values]


@st.composite
def category_cases(draw: st.DrawFn) -> tuple[tuple[tuple[str, ...], ...], int | None, list[str | None]]:
    prefix = draw(st.none() | st.integers(1, 3))
    letters = st.sampled_from("ab甲\U0001f512 ")
    length = (1, 4) if prefix is None else (prefix, prefix)
    distinct = sorted(draw(st.sets(st.text(letters, min_size=length[0], max_size=length[1]), max_size=8)))
    cuts = sorted(draw(st.sets(st.integers(1, max(len(distinct) - 1, 1)), max_size=3)))
    bounds = [0, *(cut for cut in cuts if cut < len(distinct)), len(distinct)]
    groups = tuple(tuple(distinct[a:b]) for a, b in pairwise(bounds) if b > a)
    value = st.none() | st.text(letters, max_size=5)
    values = draw(st.lists(value | st.sampled_from(distinct) if distinct else value, max_size=12))
    return groups, prefix, values


@given(case=category_cases())
def test_categories_fall_where_the_oracle_says(
    case: tuple[tuple[tuple[str, ...], ...], int | None, list[str | None]],
) -> None:
    groups, prefix, values = case
    bins = CategoryBins(column="x", groups=groups, prefix=prefix)
    assert decode(encode(bins), CategoryBins) == bins
    codes = bins.codes(texts(*values), None)
    assert list(codes) == [category_oracle(groups, prefix, value) for value in values]


def test_bins_are_closed_on_the_left() -> None:
    bins = NumberBins(column="x", edges=("2", "5"))
    assert bins.size == 4
    assert list(bins.codes(numbers(1, 2, 4, 5, 6), 0)) == [0, 1, 1, 2, 2]


def test_edges_between_two_units() -> None:
    bins = NumberBins(column="x", edges=("-0.5", "2.5"))
    assert list(bins.codes(numbers(-1, 0, 2, 3), 0)) == [0, 1, 1, 2]
    assert list(bins.codes(numbers(-51, -50, -49, 249, 250), 2)) == [0, 1, 1, 1, 2]


def test_negative_edges() -> None:
    bins = NumberBins(column="x", edges=("-10", "-1", "0"))
    assert list(bins.codes(numbers(-11, -10, -2, -1, 0, 1), 0)) == [0, 1, 1, 2, 3, 3]


def test_missing_numbers_go_to_the_last_bin() -> None:
    bins = NumberBins(column="x", edges=("0",))
    assert list(bins.codes(numbers(None, 0, None, -1), 0)) == [2, 1, 2, 0]
    assert list(bins.codes(numbers(None, None), 0)) == [2, 2]


def test_without_edges_there_is_one_bin_and_missing() -> None:
    bins = NumberBins(column="x", edges=())
    assert bins.size == 2
    assert list(bins.codes(numbers(-5, None, 5), 3)) == [0, 1, 0]


def test_edges_beyond_every_value_are_never_reached() -> None:
    bins = NumberBins(column="x", edges=("-999999999999999", "999999999999999"))
    largest = 10**18 - 1
    assert list(bins.codes(numbers(-largest, 0, largest), 6)) == [1, 1, 1]


def test_large_neighbours_are_told_apart() -> None:
    """Above 2⁵³ a float would merge them."""
    edge = 2**53 + 1
    bins = NumberBins(column="x", edges=(shortest(edge, 3),))
    assert list(bins.codes(numbers(edge - 1, edge, edge + 1), 3)) == [0, 1, 1]


def test_other_and_missing_text_go_to_the_last_bin() -> None:
    bins = CategoryBins(column="x", groups=(("a", "b"), ("c",)))
    assert bins.size == 3
    assert list(bins.codes(texts("a", "b", "c", "d", None, "", "A", "a "), None)) == [0, 0, 1, 2, 2, 2, 2, 2]


def test_a_prefix_counts_characters() -> None:
    bins = CategoryBins(column="naics", groups=(("44",), ("62", "甲乙")), prefix=2)
    assert list(bins.codes(texts("621111", "62", "6", "44", "甲乙丙", None, "162"), None)) == [1, 1, 2, 0, 1, 2, 2]


def test_no_rows_give_no_codes() -> None:
    assert NumberBins(column="x", edges=("1",)).codes(numbers(), 0) == b""
    assert CategoryBins(column="x", groups=(("a",),), prefix=1).codes(texts(), None) == b""


def test_256_bins_use_every_code() -> None:
    category = CategoryBins(column="x", groups=tuple((f"v{i:03}",) for i in range(255)))
    assert category.codes(texts("v000", "v254", None), None) == bytes([0, 254, 255])
    number = NumberBins(column="x", edges=tuple(str(i) for i in range(254)))
    assert number.codes(numbers(-1, 253, None), 0) == bytes([0, 254, 255])


def test_more_bins_than_codes_are_refused() -> None:
    with pytest.raises(BinningError, match="x: 257 bins; merge them to at most 256"):
        CategoryBins(column="x", groups=tuple((f"v{i}",) for i in range(256)))
    with pytest.raises(BinningError, match="y: 257 bins; merge them to at most 256"):
        NumberBins(column="y", edges=tuple(str(i) for i in range(255)))


@pytest.mark.parametrize("groups", [(("a", "b"), ("b",)), (("b", "a", "b"),), (("b",), ("a",), ("b",))])
def test_a_value_in_two_places_is_named(groups: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(BinningError, match="x: bins overlap: b stands in more than one place"):
        CategoryBins(column="x", groups=groups)


@pytest.mark.parametrize("edges", [("1", "1"), ("2", "1"), ("0", "1", "0.5"), ("-1", "-2"), ("1", "1.0")])
def test_edges_must_increase(edges: tuple[str, ...]) -> None:
    with pytest.raises(BinningError, match=f"x: bins overlap: edge {edges[-1]} follows {edges[-2]}"):
        NumberBins(column="x", edges=edges)


@pytest.mark.parametrize("value", ["6", "621", ""])
def test_a_value_that_the_prefix_cuts_off_is_named(value: str) -> None:
    with pytest.raises(BinningError, match=f"x: {value} can never match; write 2 characters"):
        CategoryBins(column="x", groups=(("44",), (value,)), prefix=2)


def test_bins_must_fit_the_columns_type() -> None:
    with pytest.raises(BinningError, match="x holds numbers; bin it by edges"):
        CategoryBins(column="x", groups=(("a",),)).codes(numbers(1), 0)
    with pytest.raises(BinningError, match="x holds text; bin it by categories"):
        NumberBins(column="x", edges=("1",)).codes(texts("a"), None)


def test_columns_are_coded_in_the_order_of_the_features() -> None:
    frame = pd.DataFrame({"state": texts("NY", None), "age": numbers(125, 1000)})
    features = [NumberBins(column="age", edges=("2",)), CategoryBins(column="state", groups=(("NY",),))]
    assert code_columns(features, frame, {"state": None, "age": 2}) == [b"\0\1", b"\0\1"]
    assert code_columns([], frame, {}) == []


EDGES = ["0", "1", "-1", "10", "0.5", "-0.5", "0.000001", "-999999999999999.999999", "999999999999999", "1.05"]
NO_EDGES = ["-0", "+1", "01", "00", "1.0", "1.50", ".5", "5.", "1e3", "1_000", " 1", "1\n", "", "NaN", "Infinity"]
NO_EDGES += ["٣", "１", "0.0000001", "1000000000000000", "-0.0", "0.0", "1,5", "--1", "0x1"]


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_in_its_shortest_form_is_read(edge: str) -> None:
    data = encode(NumberBins(column="x", edges=(edge,)))
    assert decode(data, NumberBins).edges == (edge,)


@pytest.mark.parametrize("edge", NO_EDGES)
def test_an_edge_in_another_form_is_refused(edge: str) -> None:
    document = {"column": "x", "edges": [edge], "type": "number_bins"}
    data = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(FormatError, match="edges"):
        decode(data, NumberBins)


@pytest.mark.parametrize("groups", [[[]], [[""]], [["a" * 257]], [["a"], []], ["a"], [[1]], None])
def test_categories_that_are_none_are_refused(groups: object) -> None:
    document = {"column": "x", "groups": groups, "prefix": None, "type": "category_bins"}
    with pytest.raises(FormatError, match="groups"):
        decode(json.dumps(document, separators=(",", ":")).encode(), CategoryBins)


def test_a_hostile_number_of_values_is_read_at_once() -> None:
    values = tuple(str(i) for i in range(10_000))
    with pytest.raises(BinningError, match="more than one place"):
        CategoryBins(column="x", groups=(values,) * 200)


@pytest.mark.parametrize("groups", [(("b", "a"),), (("b",), ("a",)), (("a", "c"), ("b",), ("ab",))])
def test_values_and_groups_stand_in_sorted_order(groups: tuple[tuple[str, ...], ...]) -> None:
    """Any other order would tell a provider how the bank ranks the values."""
    with pytest.raises(BinningError, match="x: values and groups must stand in sorted order"):
        CategoryBins(column="x", groups=groups)


def test_a_column_named_twice_gives_no_codes() -> None:
    """Two columns of one name are one frame of two: its codes would be interleaved."""
    frame = pd.DataFrame({"age": numbers(1, 2)})[["age", "age"]]
    features = [NumberBins(column="age", edges=("1",)), NumberBins(column="age", edges=("2",))]
    with pytest.raises((BinningError, ValueError)):
        code_columns(features, frame, {"age": 0})
