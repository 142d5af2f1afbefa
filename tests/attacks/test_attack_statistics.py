"""Joint statistics against a bank that asks for differences, or for what is withheld."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statistics_tables import (
    COMPANIES,
    FRAME,
    GENEROUS,
    TAX,
    K,
    holding,
    number_grid,
    refreshed,
    text_grid,
)
from statistics_world import (
    BANK,
    StatisticsWorld,
    build_statistics,
    statistics_node,
)

from compute.binning import NumberBins
from compute.disclosure.policy import Policy
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics import prepared
from compute.protocols.joint_statistics.bank import Told
from compute.protocols.label_vector.alphabet import Alphabet

X = 0
"""The place of the company that is spied on."""
Build = Callable[..., StatisticsWorld]


@pytest.fixture
def build(key: PrivateKey, tmp_path: Path) -> Iterator[Build]:
    """Builds worlds, one after another, that end with the test."""
    with ExitStack() as stack:
        count = iter(range(100))

        def made(table: Holding, policy: Policy = GENEROUS) -> StatisticsWorld:
            folder = tmp_path / str(next(count))
            folder.mkdir()
            return stack.enter_context(build_statistics(key, folder, {TAX: table}, policy, [FRAME]))

        yield made


def staffed(bins: int = 3, of_x: int = 0) -> Holding:
    """Companies with 0, 10, 20, … employees in turn, of which a third each are in the regions."""
    staff = [10 * (place % bins) for place in range(len(COMPANIES))]
    staff[X] = of_x
    region = ["east" if place < 150 else "west" for place in range(len(COMPANIES))]
    edges = [10 * cell for cell in range(1, bins)]
    return holding(
        {"staff": staff, "region": region}, number_grid("staff", 0, *edges), text_grid("region", "east", "west")
    )


def exact(world: StatisticsWorld, cohort: Sequence[str], *histograms: Any, **more: Any) -> Told:
    return world.told(world.question(TAX, world.alignment(TAX, cohort), histograms, weighted=False, **more))


def refused(act: Callable[[], object], check: int = 9) -> str:
    with pytest.raises(RefusalError) as caught:
        act()
    assert caught.value.check == check, caught.value.reason
    return caught.value.reason


def no_atoms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defence against differences switched off."""
    monkeypatch.setattr(prepared, "admit", lambda atoms, _patterns, _least: atoms)
    monkeypatch.setattr(prepared, "primary", lambda counts, *_: np.zeros(len(counts), dtype=bool))
    monkeypatch.setattr(prepared, "suppress_line", lambda *_: prepared.told((), (), ()))


def counts(told: Told, table: int = 0) -> list[int]:
    numbers = told.tables[table].numbers
    return [0 if cell is None else cell[0] for cell in numbers]


def minus(*lists: list[int]) -> list[int]:
    """The first less all others."""
    first, *others = lists
    return [cell - sum(rest) for cell, *rest in zip(first, *others, strict=True)]


# --- differences -------------------------------------------------------------------------------------------------

ALL, FIRST, REST = COMPANIES, COMPANIES[1:150], COMPANIES[150:]
"""A = B ∪ C ∪ {x}: each two of these differ by a hundred companies and more."""


def test_three_cohorts_that_leave_one_company_over_read_its_bin(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_atoms(monkeypatch)
    world = build(staffed(of_x=20))
    told = [counts(exact(world, cohort, "staff")) for cohort in (ALL, FIRST, REST)]
    assert minus(*told) == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("order", [(ALL, FIRST, REST), (FIRST, REST, ALL), (REST, ALL, FIRST)])
def test_the_last_of_three_cohorts_that_leave_one_over_is_refused(
    build: Build, order: Sequence[Sequence[str]]
) -> None:
    world, bins = build(staffed(of_x=20)), NumberBins(column="staff", edges=("10", "20"))
    answered = []
    for cohort in order:
        try:
            answered.append(exact(world, cohort, bins))
        except RefusalError as refusal:
            assert "together with what was told before" in refusal.reason  # noqa: PT017 -- some are answered
    assert len(answered) in {1, 2}


SOME = COMPANIES[20:220]
"""Of whom each has a hundred others outside, with one less too."""


def test_cohorts_that_differ_in_one_company_cannot_be_told_of_by_different_columns(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cells of a table together tell how many of a cohort the provider has: of one column or another."""
    one, other = NumberBins(column="staff", edges=("10",)), "region"
    with monkeypatch.context() as patch:
        no_atoms(patch)
        world = build(staffed())
        sizes = [sum(counts(exact(world, SOME, one))), sum(counts(exact(world, SOME[1:], other)))]
        assert sizes == [200, 199], "x is in the table"
    world = build(staffed())
    exact(world, SOME, one)
    refused(lambda: exact(world, SOME[1:], other))
    refused(lambda: exact(world, SOME[1:], moments=["staff"]))
    assert counts(exact(build(staffed()), SOME[1:], other)), "alone it may be told"


def test_unions_of_cells_that_differ_by_a_small_cell_are_not_both_told(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shifted bins: edges lie on the grid, so a cell at a time; and a cell of four companies is no difference."""
    staff = [0] * 146 + [10] * 4 + [20] * 150
    table = holding({"staff": staff}, number_grid("staff", 10, 20))
    low, high = (NumberBins(column="staff", edges=(edge,)) for edge in ("10", "20"))
    with monkeypatch.context() as patch:
        no_atoms(patch)
        world = build(table)
        assert minus(counts(exact(world, ALL, high)), counts(exact(world, ALL, low)))[0] == 4
    world = build(table)
    assert counts(exact(world, ALL, low)) == [146, 154, 0]
    refused(lambda: exact(world, ALL, high))
    refused(lambda: exact(world, ALL, "staff"))
    shifted = NumberBins(column="staff", edges=("11",))
    assert "not one of the published grid" in refused(lambda: exact(world, ALL, shifted), 5)


def test_two_questions_tell_that_a_cell_is_empty(build: Build) -> None:
    """Atoms hold companies, and an empty cell holds none: docs/threat-model.md says so under "not defended"."""
    world = build(holding({"staff": [0] * 150 + [20] * 150}, number_grid("staff", 10, 20)))
    low, high = (counts(exact(world, ALL, NumberBins(column="staff", edges=(edge,)))) for edge in ("10", "20"))
    assert minus(high, low)[0] == 0
    assert exact(world, ALL, "staff").tables[0].numbers[1] is None, "where it is asked for itself it is withheld"


def test_sums_do_not_isolate_a_giant_by_cohorts_that_differ_in_ten(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten companies are left over: but of what they have together, one has nearly all."""
    staff = [500_000 if place == X else 100 + place for place in range(len(COMPANIES))]

    def sums(world: StatisticsWorld, cohort: Sequence[str]) -> list[list[int]]:
        told = exact(world, cohort, moments=["staff"])
        return [counts(told, place) for place in range(3)]

    moderate = holding({"staff": [each + 3000 for each in staff]}, number_grid("staff", 0, 1_000_000))
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_is_dominated", lambda *_: False)
        world = build(moderate)
        (_, (more,), _), (_, (less,), _) = sums(world, ALL), sums(world, ALL[K:])
        assert abs(more - less - 500_000) < 40_000
    world = build(moderate)
    first, second = sums(world, ALL), sums(world, ALL[K:])
    assert first[1] == [sum(staff) + 3000 * 300]
    assert second[1:] == [[0], [0]]
    assert world.nodes[TAX].ledger.spent(BANK) == (0, 0)


# --- refreshes ---------------------------------------------------------------------------------------------------


def flags(*set_ones: int) -> dict[str, list[int]]:
    return {"flag": [int(place % 2 == 0 or place in set_ones) for place in range(len(COMPANIES))]}


FLAG = NumberBins(column="flag", edges=("1",))
REFRESHED = "2026-11-10"


def at_once_refreshed(world: StatisticsWorld, values: dict[str, list[int]]) -> None:
    """The provider's node after its table was replaced."""
    old = world.nodes[TAX]
    table = refreshed(old.holding, values, REFRESHED)
    world.nodes[TAX] = statistics_node(world, TAX, old.engine, table, GENEROUS, [FRAME])


@pytest.mark.parametrize("second", ["counts", "sums"])
def test_a_refresh_of_one_row_is_answered_from_before_it(
    build: Build, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    """By the same table or by another of the column: the sum of a flag is the count of those who have it."""

    def asked(world: StatisticsWorld) -> int:
        if second == "counts":
            return counts(exact(world, ALL, FLAG))[1]
        return counts(exact(world, ALL, moments=["flag"]), 1)[0]

    def change(rows: int) -> tuple[int, int]:
        world = build(holding(flags(), number_grid("flag", 0, 1)))
        before = counts(exact(world, ALL, FLAG))[1]
        at_once_refreshed(world, flags(*range(1, 2 * rows, 2)))
        return before, asked(world)

    with monkeypatch.context() as patch:
        no_atoms(patch)
        patch.setattr(
            prepared,
            "_chosen",
            lambda _before, present, _least: present,
        )
        assert change(rows=1) == (150, 151)
    assert change(rows=1) == (150, 150)
    assert change(rows=K - 1) == (150, 150)
    assert change(rows=K) == (150, 150 + K)


@pytest.mark.parametrize("moved", [1, K])
def test_sums_are_of_no_later_rows_than_the_counts_beside_them(build: Build, moved: int) -> None:
    """All values change, but of one company the cell too: sums of then less counts of before would be about it."""
    before = [20 if place % 2 else 10 for place in range(len(COMPANIES))]
    after = [30 if place in range(moved * 2)[::2] else each + 1 for place, each in enumerate(before)]
    world = build(holding({"flag": before}, number_grid("flag", 0, 20)))
    bins = NumberBins(column="flag", edges=("20",))
    assert counts(exact(world, ALL, bins)) == [150, 150, 0]
    at_once_refreshed(world, {"flag": after})
    told = exact(world, ALL, bins, moments=["flag"])
    new = moved >= K
    assert counts(told) == ([150 - moved, 150 + moved, 0] if new else [150, 150, 0])
    assert counts(told, 2) == [sum(after if new else before)]
    assert told.release.repeated == (() if new else ("flag",))


# --- margins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_no_withheld_cell_follows_from_margins_and_told_cells(build: Build, seed: int) -> None:
    """Tables of two columns with both columns' own: no withheld cell is a combination of what is told."""
    draw = np.random.default_rng(seed)
    values = {
        "staff": np.repeat([0, 10, 20, 30], [100, 90, 80, 30]).tolist(),
        "region": draw.choice(["east", "north", "south"], len(COMPANIES), p=[0.6, 0.3, 0.1]).tolist(),
    }
    world = build(holding(values, number_grid("staff", 10, 20, 30), text_grid("region", "east", "north", "south")))
    question = world.question(
        TAX, world.alignment(TAX, ALL), ["staff", "region"], crosses=[("staff", "region")], weighted=False
    )
    told = world.told(question)
    rows, columns, cross = told.tables
    assert None in cross.numbers
    shape = rows.plan.cells, columns.plan.cells
    unit = np.eye(shape[0] * shape[1])
    known = [unit[cell] for cell, number in enumerate(cross.numbers) if number is not None]
    known += [
        _line(shape, axis, place)
        for axis, table in enumerate((rows, columns))
        for place, number in enumerate(table.numbers)
        if number is not None
    ]
    known.append(np.ones(shape[0] * shape[1]))  # the total
    # Nobody lacks a value: that the cells of missing ones are empty is public.
    known += [
        unit[cell]
        for cell in range(len(unit))
        if shape[0] - 1 == cell // shape[1] or shape[1] - 1 == cell % shape[1]
    ]
    rank = np.linalg.matrix_rank(np.array(known))
    for cell, number in enumerate(cross.numbers):
        if number is None:
            assert np.linalg.matrix_rank(np.array([*known, unit[cell]])) == rank + 1


def test_a_sealed_answer_is_as_long_whatever_was_withheld(build: Build) -> None:
    """It could be looked at, and abandoned, for nothing."""
    one = Alphabet(classes=1, width=64, with_zero=True)
    even = [10 * (place % 4) for place in range(300)]
    uneven = [*[10] * 4, *(each for each in (0, 20, 30) for _ in range(98)), 0, 0]
    lengths: dict[bool, set[int]] = {True: set(), False: set()}
    withheld = set()
    for staff in (even, uneven):
        world = build(
            holding(
                {"staff": staff, "more": staff[::-1]}, *(number_grid(c, 10, 20, 30) for c in ("staff", "more"))
            )
        )
        for weighted, seen in lengths.items():
            cohort = world.vector(TAX, [1] * 300, one, FRAME) if weighted else world.alignment(TAX, ALL)
            columns = ["staff", "more"]
            question = world.question(TAX, cohort, columns, moments=["staff"], weighted=weighted)
            answer = world.nodes[TAX].role.answer(world.ask(question))
            seen.add(len(answer.statement.content))
            told = world.read(question, answer, one)
            withheld.add((weighted, sum(len(notes.withheld) for notes in told.release.tables)))
    assert len(withheld) > 2
    assert all(len(each) == 1 for each in lengths.values())


def _line(shape: tuple[int, int], axis: int, place: int) -> Any:
    cells = np.zeros(shape)
    cells[(place, slice(None)) if axis == 0 else (slice(None), place)] = 1
    return cells.ravel()
