"""What a total tells of bins and partial totals: against every company counted by hand, and on the real tables."""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import EXAMPLES

from catalog.description import load_product
from compute.binning import NumberBins, code_columns
from compute.node.grids import published_grids
from compute.node.holding import scales
from compute.protocols.risk_score.assessment import CONCENTRATION, GRID, Limits, assess
from compute.protocols.risk_score.bin_histogram import BinHistogram
from compute.protocols.risk_score.concentration import KeptCells, Measure, concentration
from compute.protocols.risk_score.joint_counts import joint_counts
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables
from compute.protocols.risk_score.scorecard import parse_scorecard
from connectors.base import Column, ColumnType
from connectors.files import open_csv

Row = tuple[int, ...]
Name = tuple[str, str | None]


def table(provider: str, *points: Sequence[int]) -> OpenedTables:
    """Features a, b, …, each with as many bins as it has points."""
    features = tuple(
        OpenedFeature(
            bins=NumberBins(column=column, edges=tuple(map(str, range(1, len(of) - 1)))), points=tuple(of)
        )
        for column, of in zip("abcdef", points, strict=False)
    )
    return OpenedTables(provider=provider, product=provider, product_version="1.0.0", features=features)


def kept(counts: dict[Row, int], left_out: int = 0) -> KeptCells:
    rows = sorted(counts)
    cells = np.array(rows, dtype=np.uint8).reshape(len(rows), -1)
    return KeptCells(cells, [counts[row] for row in rows], left_out)


def histogram(part: OpenedTables, counts: dict[Row, int], left_out: int = 0) -> BinHistogram:
    return BinHistogram(
        question=bytes(32),
        snapshot="0" * 64,
        snapshot_date="2026-11-01",
        grids=tuple(feature.bins for feature in part.features),
        min_cohort=10,
        codes=b"".join(bytes(row) for row in sorted(counts)),
        counts=tuple(counts[row] for row in sorted(counts)),
        suppressed_cells=left_out,
        suppressed_companies=left_out,
        counted_at=0,
    )


def by_hand(tables: Sequence[OpenedTables], counts: Sequence[dict[Row, int]]) -> dict[Name, list[Fraction]]:
    """Certain, guess and gain of each secret, over every combination of companies, in exact fractions."""
    joint: dict[Name, dict[tuple[int, int], Fraction]] = {}
    for combination in itertools.product(*(each.items() for each in counts)):
        share = Fraction(math.prod(n for _, n in combination), math.prod(sum(each.values()) for each in counts))
        partial = [
            sum(feature.points[code] for feature, code in zip(part.features, row, strict=True))
            for part, (row, _) in zip(tables, combination, strict=True)
        ]
        for part, (row, _), own in zip(tables, combination, partial, strict=True):
            secrets = {feature.bins.column: code for feature, code in zip(part.features, row, strict=True)}
            for column, secret in (*secrets.items(), (None, own)):
                shares = joint.setdefault((part.provider, column), defaultdict(Fraction))
                shares[secret, sum(partial)] += share
    found = {}
    for name, shares in joint.items():
        by_total: dict[int, list[Fraction]] = {}
        prior: dict[int, Fraction] = defaultdict(Fraction)
        for (secret, total), share in shares.items():
            by_total.setdefault(total, []).append(share)
            prior[secret] += share
        settled = [each[0] for each in by_total.values() if len(each) == 1 and len(prior) > 1]
        guess = sum((max(each) for each in by_total.values()), Fraction())
        found[name] = [sum(settled, Fraction()), guess, guess - max(prior.values())]
    return found


def measured(of: Sequence[Measure]) -> dict[tuple[str, str | None], list[float]]:
    return {(each.provider, each.column): [each.certain, each.guess, each.gain] for each in of}


POINTS = st.lists(st.integers(-4, 4), min_size=2, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[OpenedTables], list[dict[Row, int]]]:
    tables = [
        table(name, *draw(st.lists(POINTS, min_size=1, max_size=2)))
        for name in ("p", "q", "r")[: draw(st.integers(2, 3))]
    ]
    counts = []
    for part in tables:
        rows = st.tuples(*(st.integers(0, len(feature.points) - 1) for feature in part.features))
        counts.append(draw(st.dictionaries(rows, st.integers(1, 50), min_size=1, max_size=5)))
    return tables, counts


@given(worlds())
@settings(max_examples=60)
def test_the_measures_are_those_of_every_company_counted(
    world: tuple[list[OpenedTables], list[dict[Row, int]]],
) -> None:
    tables, counts = world
    found = measured(concentration(tables, [kept(each) for each in counts]).measures)
    expected = by_hand(tables, counts)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx([float(value) for value in values], abs=2e-6), name


def test_information_is_the_entropy_that_is_gone() -> None:
    """Two fair coins at one provider, one at another; the total tells how many heads there are."""
    tables = [table("p", (0, 1), (0, 1)), table("q", (0, 1))]
    counts = [dict.fromkeys(itertools.product((0, 1), repeat=2), 10), {(0,): 10, (1,): 10}]
    found = concentration(tables, [kept(each) for each in counts])
    heads = -sum(p * math.log2(p) for p in (1 / 8, 3 / 8, 3 / 8, 1 / 8))
    assert found.expected_bits == pytest.approx(heads, abs=1e-6)
    for measure in found.measures:
        if measure.column is not None:
            assert measure.prior_bits == pytest.approx(1)
            # What is left to tell of one coin: the number of heads, given it, is that of two.
            assert measure.bits == pytest.approx(heads - 1.5, abs=1e-6)
            assert measure.certain == pytest.approx(1 / 4)


@given(worlds(), st.lists(st.integers(0, 50), min_size=3, max_size=3))
@settings(max_examples=60)
def test_what_was_left_out_never_makes_a_model_look_better(
    world: tuple[list[OpenedTables], list[dict[Row, int]]], thresholds: list[int]
) -> None:
    """Whatever a provider leaves out, each measure is at least that of the whole table.

    But for the certainty of what all kept companies share: that they have it is known, and no total adds to it.
    """
    tables, counts = world
    some = []
    for each, threshold in zip(counts, thresholds, strict=False):
        least = min(threshold, max(each.values()))
        few = sum(n for n in each.values() if n < least)
        some.append(kept({row: n for row, n in each.items() if n >= least}, few))
    whole, seen = by_hand(tables, counts), concentration(tables, some).measures
    for measure in seen:
        certain, guess, gain = whole[measure.provider, measure.column]
        assert measure.certain >= float(certain) - 2e-6 or measure.prior_bits == 0
        assert measure.guess >= float(guess) - 2e-6
        assert measure.gain >= float(gain) - 2e-6


# --- the rule ---------------------------------------------------------------------------------------------------


def model(tables: Sequence[OpenedTables]) -> OpenedModel:
    return OpenedModel(bank="bank", model="card", model_version="1.0.0", purpose="loan", tables=tuple(tables))


def findings(
    tables: Sequence[OpenedTables], counts: Sequence[dict[Row, int]], left_out: int = 0
) -> list[tuple[int, str]]:
    histograms = [histogram(part, each, left_out) for part, each in zip(tables, counts, strict=True)]
    return [(each.rule, each.reason) for each in assess(model(tables), Limits(), histograms).findings]


def even(*sizes: int) -> dict[Row, int]:
    """A thousand companies in each combination of bins but the last, which is empty."""
    return dict.fromkeys(itertools.product(*(range(size - 1) for size in sizes)), 1000)


def test_totals_that_coincide_often_pass() -> None:
    tables = [table("p", (0, 1, 2, 1), (0, 1, 1), (0, 1, 1)), table("q", (0, 1, 2, 1), (0, 1, 1), (0, 1, 1))]
    assert findings(tables, [even(4, 3, 3)] * 2) == []


def test_positional_points_of_two_providers_are_refused_though_they_carry_few_bits() -> None:
    """0 or 1 here, 0, 2 or 4 there: each total has one split, so the total is both partial totals."""
    found = findings([table("p", (0, 1, 0)), table("q", (0, 2, 4, 2))], [even(3), even(4)])
    assert (CONCENTRATION, "p: the total settles the partial total for more than 10% of the companies") in found
    assert (CONCENTRATION, "q: the total settles the bin of a for more than 10% of the companies") in found


def test_a_partial_total_that_is_given_away_is_refused_though_no_total_settles_it() -> None:
    """A few companies blur each total, so that hardly one has a single split; the guess is right all the same."""
    counts = [{(0,): 500, (1,): 500}, {(0,): 10, (1,): 5000, (2,): 10, (3,): 5000, (4,): 10}]
    found = findings([table("p", (0, 1, 0)), table("q", (-1, 0, 1, 2, 3, 0))], counts)
    assert not any("settles" in reason for _, reason in found)
    assert (CONCENTRATION, "p: the total gives the partial total away for more than 75% of the companies") in found


def test_a_bin_that_is_guessed_too_well_is_named() -> None:
    found = findings([table("p", (0, 4, 0), (0, 1, 0)), table("q", (0, 1, 2, 1))], [even(3, 3), even(4)])
    reason = "p: the total improves the guess of the bin of {} by more than 35% of companies"
    assert (CONCENTRATION, reason.format("a")) in found
    assert (CONCENTRATION, reason.format("b")) not in found


def test_columns_that_cancel_on_the_data_are_refused() -> None:
    """Their points vary, and their sum does not: whoever is in the one bin is in the other."""
    counts = [{(0, 1): 500, (1, 0): 500}, even(4)]
    found = findings([table("p", (0, 1, 0), (0, 1, 0)), table("q", (0, 1, 2, 1))], counts)
    assert (CONCENTRATION, "the points at p are constant on the histogram: the total is the others' part") in found


def test_a_provider_that_varies_for_a_few_companies_only_is_refused() -> None:
    """Then nearly every total is the other provider's part, and a little noise."""
    counts = [{(0,): 9990, (1,): 10}, even(4)]
    found = findings([table("p", (0, 1, 0)), table("q", (0, 1, 2, 1))], counts)
    assert (CONCENTRATION, "q: the total gives the partial total away for more than 75% of the companies") in found


def test_bins_too_fine_to_be_measured_are_refused_and_the_small_ones_named() -> None:
    tables = [table("p", (0, 1, 2, 1), (0, 1, 1), (0, 1, 1)), table("q", (0, 1, 2, 1), (0, 1, 1), (0, 1, 1))]
    large = even(4, 3, 3)
    some = {row: n for row, n in large.items() if row[0] != 1}
    found = findings(tables, [some, large], left_out=1000)
    assert found == [
        (CONCENTRATION, "p: combinations with the bin 1 ≤ x < 2 of a hold too few companies"),
        (CONCENTRATION, "more than 10% of the companies are in combinations of few"),
    ]
    assert findings(tables, [{}, large], left_out=1000) == [
        (CONCENTRATION, "no combination of the bins at p holds enough companies to be measured")
    ]


def test_no_figure_of_a_provider_s_table_is_in_a_finding() -> None:
    """Findings reach the bank: what was measured on the tables is for the examiners."""
    tables = [table("p", (0, 1, 0)), table("q", (0, 2, 4, 2))]
    first = findings(tables, [{(0,): 600, (1,): 400}, even(4)])
    assert first == findings(tables, [{(0,): 610, (1,): 390}, even(4)])


def test_bins_off_the_grid_are_a_finding_with_the_place() -> None:
    tables = [table("p", (0, 1, 2, 1)), table("q", (0, 1, 2, 1))]
    honest = [histogram(part, even(4)) for part in tables]
    other = msgspec.structs.replace(honest[0], grids=(NumberBins(column="a", edges=("1", "5")),))
    found = [each for each in assess(model(tables), Limits(), [other, honest[1]]).findings if each.rule == GRID]
    assert [(each.provider, each.column) for each in found] == [("p", "a")]
    assert "the edge 2 is not one of the published grid" in found[0].reason


# --- the shipped card on the shipped tables
# -----------------------------------------------------------------------

SOURCES = {
    "market-registration": "market_regulation.csv",
    "social-insurance": "social_security.csv",
}


@pytest.fixture(scope="module")
def shipped() -> tuple[OpenedModel, list[BinHistogram]]:
    card = parse_scorecard((EXAMPLES / "scorecard.json").read_bytes())
    tables, histograms = [], []
    for name, source in SOURCES.items():
        product = load_product(EXAMPLES / f"{name}.toml")
        features = card.sources[name]
        bins = tuple(each.bins for each in features)
        with open_csv(
            EXAMPLES / source, [Column(f.name, ColumnType(f.type), f.scale) for f in product.fields]
        ) as data:
            frame = data.select(data.keys(), [each.column for each in bins])
            counted = joint_counts(code_columns(bins, frame, scales(data.columns)), 10)
        grids = published_grids(product)
        histograms.append(
            BinHistogram(
                question=bytes(32),
                snapshot="0" * 64,
                snapshot_date="2026-11-01",
                grids=tuple(grids[each.column] for each in bins),
                min_cohort=10,
                codes=counted.cells.tobytes(),
                counts=tuple(counted.counts.tolist()),
                suppressed_cells=counted.suppressed_cells,
                suppressed_companies=counted.suppressed_rows,
                counted_at=0,
            )
        )
        tables.append(
            OpenedTables(
                provider=product.provider,
                product=name,
                product_version=product.version,
                features=tuple(OpenedFeature(bins=each.bins, points=each.points) for each in features),
            )
        )
    return model(tables), histograms


def test_the_shipped_card_passes_the_shipped_policy(shipped: tuple[OpenedModel, list[BinHistogram]]) -> None:
    assessment = assess(shipped[0], Limits(), shipped[1])
    assert assessment.findings == ()
    assert assessment.reachable_totals == 125
    found = assessment.concentration
    assert found is not None
    of_fields = [each for each in found.measures if each.column is not None]
    partial = [each for each in found.measures if each.column is None]
    assert (len(of_fields), len(partial)) == (8, 2)
    # Of the companies 3% are in combinations of fewer than ten, and count as settled.
    assert found.left_out == pytest.approx(0.031, abs=0.001)
    assert max(each.certain for each in of_fields) == pytest.approx(0.05, abs=0.001)
    assert max((each.gain, each.column) for each in of_fields) == (pytest.approx(0.28, abs=0.005), "state")
    assert max(each.guess for each in partial) < Limits().max_guess
    assert found.expected_bits == pytest.approx(6.23, abs=0.01)


def test_of_the_companies_that_are_counted_few_are_settled(
    shipped: tuple[OpenedModel, list[BinHistogram]],
) -> None:
    opened, histograms = shipped
    kept_cells = [
        KeptCells(each.cells(tuple(f.bins for f in part.features)), each.counts, 0)
        for part, each in zip(opened.tables, histograms, strict=True)
    ]
    found = concentration(opened.tables, kept_cells)
    of_fields = [each for each in found.measures if each.column is not None]
    assert max(each.certain for each in of_fields) == pytest.approx(0.0196, abs=1e-4)
    assert max(each.gain for each in of_fields) == pytest.approx(0.2590, abs=1e-4)
