"""Joint statistics against a bank that plays snapshots of a table off against each other."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from statistics_tables import COMPANIES, FRAME, GENEROUS, TAX, K, holding, number_grid, refreshed, text_grid
from statistics_world import StatisticsWorld, build_statistics, statistics_node

from compute.binning import NumberBins
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding

X = 7
"""The place of the company that is spied on."""


@pytest.fixture
def stack() -> ExitStack:
    with ExitStack() as held:
        yield held


def world_over(stack: ExitStack, key: PrivateKey, folder: Path, table: Holding) -> StatisticsWorld:
    return stack.enter_context(build_statistics(key, folder, {TAX: table}, GENEROUS, [FRAME]))


def replaced(world: StatisticsWorld, table: Holding) -> None:
    """The provider's node after its table was replaced."""
    world.nodes[TAX] = statistics_node(world, TAX, world.nodes[TAX].engine, table, GENEROUS, [FRAME])


def sums(world: StatisticsWorld, cohort: Sequence[str], day: str) -> list[int]:
    question = world.question(TAX, world.alignment(TAX, cohort), moments=["staff"], weighted=False, as_of=day)
    return [cell[0] for table in world.told(question).tables for cell in table.numbers if cell is not None]


def test_a_third_snapshot_is_no_bridge_between_two_that_differ_in_a_row(
    key: PrivateKey, tmp_path: Path, stack: ExitStack
) -> None:
    """Everything differs a year ago: told of in between, it must not hide that last month differs in x alone."""
    now = [100 + place % 50 for place in range(len(COMPANIES))]
    before, year_ago = list(now), [each + 20 for each in now]
    before[X] += 1
    table = holding({"staff": year_ago}, number_grid("staff", 0, 1000))
    table = replace(table, snapshot_date="2025-10-01")
    table = refreshed(table, {"staff": before}, "2026-10-01")
    table = refreshed(table, {"staff": now}, "2026-11-01")
    world = world_over(stack, key, tmp_path, table)
    first = sums(world, COMPANIES, "2026-10-15")
    assert first[1] == sum(before)
    assert sums(world, COMPANIES, "2025-12-01")[1] == sum(year_ago)
    assert sums(world, COMPANIES, "2026-11-10") == first


def test_few_new_companies_are_left_for_a_later_answer(key: PrivateKey, tmp_path: Path, stack: ExitStack) -> None:
    """Fewer than k joined a table: who is answered from before it does not hear of them, and is not refused."""
    old, frame = COMPANIES[: -K + 1], COMPANIES[: -K + 1]
    table = holding(
        {"staff": [place % 2 * 10 for place in range(len(old))]}, number_grid("staff", 10), subjects=old
    )
    world = world_over(stack, key, tmp_path, table)
    cohort = world.alignment(TAX, frame[:200])
    question = world.question(TAX, cohort, ["staff"], weighted=False)
    first = world.told(question).tables[0].numbers
    grown = refreshed(
        table, {"staff": [place % 2 * 10 for place in range(len(COMPANIES))]}, "2026-11-10", COMPANIES
    )
    replaced(world, grown)
    again = world.question(TAX, cohort, ["staff"], weighted=False, as_of="2026-11-10")
    assert again != question
    assert world.told(again).tables[0].numbers == first


def test_what_is_kept_is_told_in_the_bins_of_a_grid_that_changed(
    key: PrivateKey, tmp_path: Path, stack: ExitStack
) -> None:
    """Cells of an old grid are no cells of a new one, though both are numbered from 0."""
    regions = ["east"] * 150 + ["west"] * 150
    table = holding({"region": regions}, text_grid("region", "east", "west"))
    world = world_over(stack, key, tmp_path, table)
    cohort = world.alignment(TAX, COMPANIES)
    assert told_of(world, cohort, "region") == [150, 150, 0]
    moved = ["east"] * 150 + ["central"] * 4 + ["west"] * 146
    grown = refreshed(table, {"region": moved}, "2026-11-10")
    grids = {"region": text_grid("region", "central", "east", "west")}
    replaced(world, replace(grown, product_version="2.0.0", grids=grids))
    with pytest.raises(RefusalError, match="together with what was told before"):
        told_of(world, cohort, "region")


def test_numbers_told_before_are_counted_in_the_cells_of_a_new_grid(
    key: PrivateKey, tmp_path: Path, stack: ExitStack
) -> None:
    staff = [place % 2 * 10 for place in range(len(COMPANIES))]
    table = holding({"staff": staff}, number_grid("staff", 10))
    world = world_over(stack, key, tmp_path, table)
    cohort = world.alignment(TAX, COMPANIES)
    assert told_of(world, cohort, "staff") == [150, 150, 0]
    staff = [7 if place == X - 1 else each for place, each in enumerate(staff)]
    grown = refreshed(table, {"staff": staff}, "2026-11-10")
    replaced(world, replace(grown, product_version="2.0.0", grids={"staff": number_grid("staff", 5, 10)}))
    coarse = NumberBins(column="staff", edges=("10",))
    assert told_of(world, cohort, coarse) == [150, 150, 0]
    assert told_of(world, cohort, NumberBins(column="staff", edges=("5",))) == [150, 150, 0]


def told_of(world: StatisticsWorld, cohort: bytes, bins: str | NumberBins) -> list[int | None]:
    told = world.told(world.question(TAX, cohort, [bins], weighted=False))
    return [None if cell is None else cell[0] for cell in told.tables[0].numbers]
