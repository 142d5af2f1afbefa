"""What makes bands of totals, what a banded model is called, and what its bands tell, against counts by hand."""

import itertools
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.binning import NumberBins
from compute.canonical import FormatError, decode, encode
from compute.paillier.primes import SMALL_FACTOR_BOUND
from compute.protocols.risk_score.bands import MAX_VALUES, BandError, Bands, span
from compute.protocols.risk_score.canonical_points import points_id
from compute.protocols.risk_score.concentration import KeptCells, concentration
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables

SECRET = b"s" * 32
POINTS = st.lists(st.lists(st.integers(-6, 6), min_size=1, max_size=4), min_size=1, max_size=3)


def sums(points: Sequence[Sequence[int]]) -> list[int]:
    return [sum(each) for each in itertools.product(*points)]


@given(POINTS, st.integers(1, 50), st.integers(-100, 100))
def test_the_range_is_exactly_that_of_the_sums(points: list[list[int]], scale: int, move: int) -> None:
    moved = [[scale * entry + move for entry in each] for each in points]
    reached = sums(moved)
    low, high, step = span(moved)
    assert (low, high) == (min(reached), max(reached))
    assert step == math.gcd(*(total - low for total in reached))


@given(POINTS, st.lists(st.integers(-20, 20), min_size=1, max_size=4))
def test_every_total_is_a_value_of_its_own_band(points: list[list[int]], cuts: list[int]) -> None:
    try:
        bands = Bands.over(points, cuts)
    except BandError:
        return
    values = bands.values(bias=1000)
    assert sum(map(len, values)) == bands.tests
    for total in sums(points):
        assert total + 1000 in values[sum(cut <= total for cut in cuts)]
        assert bands.band_of(total) == sum(cut <= total for cut in cuts)
    assert decode(encode(bands), Bands) == bands


@pytest.mark.parametrize(
    ("points", "cuts", "reason"),
    [
        ([[5], [7, 7]], (12,), "one total only"),
        ([[0, 1]], (0,), "no total lies"),
        ([[0, 1]], (2,), "no total lies"),
        ([[0, 10]], (3, 7), "no total lies"),
        ([[0, 1, 2]], (2, 1), "do not rise"),
        ([[0, 1], [0, MAX_VALUES - 1]], (5,), "more than 1024 values"),
        ([[0, SMALL_FACTOR_BOUND]], (5,), "too far from each other"),
        ([[0, 2**40]], (5,), "too far"),
    ],
)
def test_what_makes_no_bands(points: Sequence[Sequence[int]], cuts: Sequence[int], reason: str) -> None:
    with pytest.raises(BandError, match=reason) as caught:
        Bands.over(points, cuts)
    assert caught.value.remedy


def test_the_widest_range_is_taken() -> None:
    assert Bands.over([[0, 1], [0, MAX_VALUES - 2]], (5,)).tests == MAX_VALUES
    assert Bands.over([[0, SMALL_FACTOR_BOUND - 1]], (5,)).tests == 2


def test_a_message_with_a_range_that_is_none_is_refused() -> None:
    good = {"type": "bands", "low": 0, "high": 6, "step": 2, "cuts": [2, 4]}
    assert decode(_canonical(good), Bands) == Bands(low=0, high=6, step=2, cuts=(2, 4))
    for change in ({"high": 7}, {"low": 6}, {"step": 6}, {"cuts": [2, 2]}, {"cuts": []}, {"cuts": [0]}):
        with pytest.raises(FormatError, match="not a well-formed message"):
            decode(_canonical(good | change), Bands)


def _canonical(members: dict[str, object]) -> bytes:
    return msgspec.json.encode(members, order="sorted")


def model(points: Sequence[Sequence[int]], cuts: Sequence[int] | None) -> OpenedModel:
    """Each feature over the whole numbers 0, 1, 2 …, one to a bin."""
    tables = tuple(
        OpenedTables(
            provider=f"p{index}",
            product=f"of-p{index}",
            product_version="1.0.0",
            features=(
                OpenedFeature(
                    bins=NumberBins(column="x", edges=tuple(map(str, range(1, len(each) - 1)))), points=tuple(each)
                ),
            ),
        )
        for index, each in enumerate(points)
    )
    return OpenedModel(
        bank="bank",
        model="card",
        model_version="1.0.0",
        purpose="loan",
        tables=tables,
        cuts=None if cuts is None else tuple(cuts),
    )


def told(points: Sequence[Sequence[int]], cuts: Sequence[int]) -> list[int]:
    return [sum(cut <= total for cut in cuts) for total in sums(points)]


VARIED = st.lists(st.integers(-3, 3), min_size=3, max_size=4).filter(lambda each: len(set(each)) > 1)
TWO = st.lists(VARIED, min_size=2, max_size=2)
SOME_CUTS = st.sets(st.integers(-6, 6), min_size=1, max_size=3).map(sorted)


@given(TWO, SOME_CUTS, st.sampled_from([-5, -1, 1, 3]), st.integers(-9, 9))
def test_a_banded_models_disguises_have_its_name_and_tell_the_same(
    points: list[list[int]], cuts: list[int], scale: int, move: int
) -> None:
    other = [[scale * entry + move for entry in each] for each in points]
    # T' = scale·T + 2·move; turned over, T ≥ c is T' ≤ …, so a cut begins one unit higher.
    moved = sorted(scale * cut + 2 * move + (1 if scale < 0 else 0) for cut in cuts)
    tells, other_tells = told(points, cuts), told(other, moved)
    assert other_tells == (tells if scale > 0 else [len(cuts) - band for band in tells])
    assert points_id(model(points, cuts), SECRET) == points_id(model(other, moved), SECRET)


@given(TWO, SOME_CUTS, SOME_CUTS)
def test_one_name_never_stands_for_two_partitions(
    points: list[list[int]], cuts: list[int], others: list[int]
) -> None:
    """Or moving a cut would be free: a search for the total by halves. Turned over, a model tells the mirrored."""
    turned = [[-entry for entry in each] for each in points]
    name = points_id(model(points, cuts), SECRET)
    tells = told(points, cuts)
    mirrored = [len(cuts) - band for band in tells]
    for other in (points, turned):
        if points_id(model(other, others), SECRET) == name:
            assert told(other, others) in (tells, mirrored)


def test_a_banded_model_is_another_than_that_of_the_totals() -> None:
    points = [[0, 1, 2], [0, 3, 1]]
    names = {points_id(model(points, cuts), SECRET) for cuts in (None, (1,), (2,), (1, 2))}
    assert len(names) == 4


@given(TWO, SOME_CUTS)
def test_what_a_band_tells_is_counted_company_by_company(points: list[list[int]], cuts: list[int]) -> None:
    tables = model(points, cuts).tables
    kept = [KeptCells(np.arange(len(each), dtype=np.uint8).reshape(-1, 1), [1] * len(each), 0) for each in points]
    measured = concentration(tables, kept, cuts)
    pairs = list(itertools.product(*(range(len(each)) for each in points)))
    bands = told(points, cuts)
    for index in range(2):
        by_band: dict[int, list[int]] = {}
        for codes, band in zip(pairs, bands, strict=True):
            by_band.setdefault(band, []).append(codes[index])
        certain = sum(len(codes) for codes in by_band.values() if len(set(codes)) == 1) / len(pairs)
        guess = sum(max(codes.count(code) for code in set(codes)) for codes in by_band.values()) / len(pairs)
        (measure,) = [each for each in measured.measures if (each.provider, each.column) == (f"p{index}", "x")]
        assert measure.certain == pytest.approx(certain, abs=1e-6)
        assert measure.guess == pytest.approx(guess, abs=1e-6)
    shares = [bands.count(band) / len(bands) for band in set(bands)]
    assert measured.expected_bits == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=1e-6)
