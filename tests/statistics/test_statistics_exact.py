"""Statistics of disclosed cohorts are exact, those under weights are exact before their noise."""

from collections import Counter
from collections.abc import Iterator
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statistics_tables import COMPANIES, FRAME, GENEROUS, TAX, holding, number_grid, text_grid
from statistics_world import BANK, StatisticsWorld, build_statistics

from compute.binning import CategoryBins, NumberBins
from compute.disclosure.noise import quantile
from compute.paillier.private import PrivateKey
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics import release
from compute.protocols.joint_statistics.bank import ToldTable
from compute.protocols.joint_statistics.plan import Measure
from compute.protocols.label_vector.alphabet import Alphabet

pytestmark = pytest.mark.long

CLIPPED = LOW, HIGH = -20, 40
GOOD_BAD = Alphabet(classes=2, width=64, with_zero=True)
NARROW = Alphabet(classes=2, width=28, with_zero=True)
"""Hardly wider than what the question below needs."""
BY_CHANCE = 1e-9
MERGED = NumberBins(column="staff", edges=("10",))
NORTH_OR_EAST = CategoryBins(column="region", groups=(("east", "north"),))
GRIDS = (number_grid("staff", LOW, 0, 10, HIGH), text_grid("region", "east", "north"))
TOLD = COMPANIES[:280]
"""Those whom the table has; the other 20 are in the frame and in cohorts, and not in it."""


def values() -> dict[str, list[int | str | None]]:
    """So that each bin, and each pair of bins, has tens of companies; some values lie beyond the clipped range."""
    draw = np.random.default_rng(7)
    staff = draw.integers(LOW - 15, HIGH + 15, len(TOLD)).tolist()
    return {
        "staff": [None if place % 4 == 0 else each for place, each in enumerate(staff)],
        "region": [[None, "south", "north", "east"][each] for each in draw.integers(0, 4, len(TOLD))],
    }


TABLE = pd.DataFrame(values(), index=pd.Index(TOLD))


def table() -> Holding:
    return holding(values(), *GRIDS, subjects=TOLD)


@pytest.fixture(scope="module")
def office(key: PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatisticsWorld]:
    with build_statistics(key, tmp_path_factory.mktemp("exact"), {TAX: table()}, GENEROUS, [FRAME]) as world:
        yield world


@pytest.fixture
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "laplace", lambda _b, shape, _t: np.zeros(shape, dtype=np.int64))


def cell_of(table: ToldTable, row: pd.Series) -> int:
    """A company's place in a table, found apart from the product's codes."""
    place = 0
    for bins in table.plan.bins:
        value = row[bins.column]
        if isinstance(bins, NumberBins):
            code = bins.size - 1 if pd.isna(value) else sum(value >= int(edge) for edge in bins.edges)
        else:
            code = next((at for at, group in enumerate(bins.groups) if value in group), bins.size - 1)
        place = place * bins.size + code
    return place


def clear(table: ToldTable, rows: pd.DataFrame, ends: tuple[int, int] | None = None) -> list[int]:
    """The numbers of its cells; of moments the values are clipped and counted from the low end."""
    if table.plan.bins:
        counts = Counter(cell_of(table, row) for _, row in rows.iterrows())
        return [counts[cell] for cell in range(table.plan.cells)]
    present = [int(value) for value in rows["staff"] if not pd.isna(value)]
    if ends:
        present = [min(max(value, ends[0]), ends[1]) - ends[0] for value in present]
    power = {Measure.COUNT: 0, Measure.SUM: 1, Measure.SQUARES: 2}[table.plan.measure]
    return [sum(value**power for value in present)]


def binomial_tail(draws: int, probability: float, hits: int) -> float:
    """P(at most so many hits)."""
    return sum(comb(draws, hit) * probability**hit * (1 - probability) ** (draws - hit) for hit in range(hits + 1))


# --- without weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cohort", [COMPANIES, COMPANIES[:160], COMPANIES[140:]], ids=["all", "first", "last"])
def test_counts_and_moments_of_a_disclosed_cohort_are_those_in_the_clear(
    key: PrivateKey, tmp_path: Path, cohort: tuple[str, ...]
) -> None:
    with build_statistics(key, tmp_path, {TAX: table()}) as world:
        name = world.alignment(TAX, cohort)
        question = world.question(
            TAX,
            name,
            [MERGED, NORTH_OR_EAST],
            crosses=[(NORTH_OR_EAST, MERGED)],
            moments=["staff"],
            weighted=False,
        )
        told = world.told(question)
        assert [each.plan.measure for each in told.tables] == [Measure.COMPANIES] * 3 + [*Measure][1:]
        rows = TABLE.loc[[each for each in cohort if each in set(TOLD)]]
        for each in told.tables:
            assert (each.scale, each.bound, each.reasons) == (0, 0, ())
            assert each.numbers == tuple((number,) for number in clear(each, rows)), each.plan
        assert world.nodes[TAX].ledger.spent(BANK) == (0, 0)


def test_cells_that_are_withheld_are_those_below_k_and_what_would_tell_them(
    key: PrivateKey, tmp_path: Path
) -> None:
    few = {**values(), "region": ["east"] * 4 + ["north"] * 100 + ["south"] * 90 + ["west"] * 86}
    grid = text_grid("region", "east", "north", "south", "west")
    with build_statistics(key, tmp_path, {TAX: holding(few, grid, subjects=TOLD)}) as world:
        told = world.told(world.question(TAX, world.alignment(TAX, TOLD), ["region"], weighted=False))
    assert told.tables[0].numbers == (None, None, (90,), (86,), (0,))
    assert told.tables[0].reasons == ("below_min_cohort", "complementary")


# --- under weights, before noise ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize(("classes", "width"), [(1, 64), (2, 64), (7, 64), (16, 28)])
def test_tables_of_a_hidden_cohort_are_those_in_the_clear(
    office: StatisticsWorld, classes: int, width: int
) -> None:
    """Of good and bad by vintage, say; whom the table lacks is missing, who is of no class counts nowhere."""
    of = np.random.default_rng(classes).integers(0, classes + 1, len(COMPANIES)).tolist()
    alphabet = Alphabet(classes=classes, width=width, with_zero=True)
    question = office.question(
        TAX,
        office.vector(TAX, of, alphabet, FRAME),
        [MERGED, "region"],
        crosses=[(NORTH_OR_EAST, MERGED)],
        moments=["staff"],
    )
    told = office.told(question, alphabet)
    rows = TABLE.reindex(COMPANIES)
    for each in told.tables:
        by_class = [
            clear(each, rows[[given == number for given in of]], CLIPPED) for number in range(1, classes + 1)
        ]
        assert each.numbers == tuple(zip(*by_class, strict=True)), each.plan


@pytest.mark.usefixtures("_silent")
def test_tables_of_a_disclosed_cohort_under_weights_are_those_in_the_clear(
    key: PrivateKey, tmp_path: Path
) -> None:
    alphabet = Alphabet(classes=2, width=32, with_zero=False)
    cohort = COMPANIES[100:]
    of = [1 + place % 2 for place in range(len(cohort))]
    with build_statistics(key, tmp_path, {TAX: table()}) as world:
        vector = world.vector(TAX, of, alphabet, alignment=world.alignment(TAX, cohort))
        told = world.told(world.question(TAX, vector, [MERGED], moments=["staff"]), alphabet)
    rows = TABLE.reindex(cohort)  # whom the table lacks is in no cell, not even in that of missing values
    odd_rows, even_rows = (rows[start::2].loc[lambda part: part.index.isin(TOLD)] for start in (0, 1))
    for each in told.tables:
        odd, even = clear(each, odd_rows, CLIPPED), clear(each, even_rows, CLIPPED)
        assert each.numbers == tuple(zip(odd, even, strict=True)), each.plan


# --- noise -------------------------------------------------------------------------------------------------------


def test_numbers_lie_within_their_interval_as_often_as_it_says_and_never_beyond_the_bound(
    office: StatisticsWorld,
) -> None:
    vector = office.vector(TAX, [1 + place % 2 for place in range(len(COMPANIES))], GOOD_BAD, FRAME)
    rows, level, within, off = TABLE.reindex(COMPANIES), 0.9, 0, []
    for milliepsilon in range(2000, 2042):
        told = office.told(office.question(TAX, vector, [MERGED, "region"], milliepsilon=milliepsilon), GOOD_BAD)
        for each in told.tables:
            interval = quantile(float(each.scale), each.bound, level)
            assert each.scale >= 2 * 2 * 1000 / milliepsilon
            right = zip(clear(each, rows[::2]), clear(each, rows[1::2]), strict=True)
            for numbers, of_cell in zip(each.numbers, right, strict=True):
                assert numbers is not None
                noise = [told - truth for told, truth in zip(numbers, of_cell, strict=True)]
                assert max(map(abs, noise)) <= each.bound
                within += sum(abs(z) <= interval for z in noise)
                off += noise
    assert len(off) >= 500
    assert binomial_tail(len(off), level, within) > BY_CHANCE, "the noise is wider than its interval says"
    # Of integers a little more lies within than the level says, and so much that is: P(|z| ≤ q) at scale 2.
    assert binomial_tail(len(off), 1 - 0.95, len(off) - within) > BY_CHANCE, "and no narrower"
    assert abs(sum(off)) < 6 * (2 * 2.1**2 * len(off)) ** 0.5
    assert len(set(off)) > 10


@pytest.mark.parametrize("end", [-1, 1])
def test_the_utmost_noise_overflows_no_slot(
    office: StatisticsWorld, monkeypatch: pytest.MonkeyPatch, end: int
) -> None:
    """All noise at an end of its bound: each number is off by it, and none by its neighbour's."""
    monkeypatch.setattr(release, "laplace", lambda _b, shape, t: np.full(shape, end * t, dtype=np.int64))
    vector = office.vector(TAX, [1 + place % 2 for place in range(len(COMPANIES))], NARROW, FRAME)
    told = office.told(office.question(TAX, vector, [MERGED], moments=["staff"], milliepsilon=9000), NARROW)
    rows = TABLE.reindex(COMPANIES)
    for each in told.tables:
        right = zip(clear(each, rows[::2], CLIPPED), clear(each, rows[1::2], CLIPPED), strict=True)
        assert each.numbers == tuple((one + end * each.bound, two + end * each.bound) for one, two in right)
