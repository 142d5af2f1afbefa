"""Models that are made to read their subjects: each shown to work by itself, then played against the product.

A bank gets exact totals. What it can do with them is shown on a plain table first: nothing but the model that it
may have stands between a total and the row behind it.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence

import pandas as pd
import pytest
from world import EXAMINERS, SUBJECTS, World

from compute.binning import Bins, CategoryBins, NumberBins
from compute.grid import small_cells
from compute.protocols.base import RefusedByPeerError
from compute.protocols.risk_score.assessment import CONCENTRATION, Limits
from compute.protocols.risk_score.charge import Budget
from compute.protocols.risk_score.scorecard import Feature, Scorecard

REGION = CategoryBins(column="region", groups=(("north",), ("south",)))
GRIDS: dict[str, Bins] = {
    "age": NumberBins(column="age", edges=("4",)),
    "employees": NumberBins(column="employees", edges=("1", "5")),
}
"""Of labour's product in these tests: ten companies or more are in each cell."""
LONE = SUBJECTS[7]
"""The company that a bank is curious about."""


def by_size(*edges: str) -> NumberBins:
    return NumberBins(column="employees", edges=edges)


def hold(world: World, **columns: Sequence[int]) -> pd.DataFrame:
    """Give labour these numbers of all subjects, in the place of its own."""
    table = pd.DataFrame({name: pd.Series(values, SUBJECTS, dtype="Int64") for name, values in columns.items()})

    def select(subjects: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
        return table.reindex(list(subjects))[list(names)].reset_index(drop=True)

    provider = world.providers["labour"]
    held = dataclasses.replace(provider.domain.holding, select=select, subjects=SUBJECTS, grids=GRIDS)
    provider.domain = dataclasses.replace(provider.domain, holding=held)
    return table


def sizes() -> list[int]:
    """Numbers of employees, one of which no other company has."""
    numbers = [0, 1, 4, 5, 99] * (len(SUBJECTS) // 5)
    numbers[SUBJECTS.index(LONE)] = 37
    return numbers


def card(register: Sequence[int], *insurance: tuple[Bins, Sequence[int]]) -> Scorecard:
    region = Feature(REGION, tuple(register))
    features = tuple(Feature(bins, tuple(points)) for bins, points in insurance)
    return Scorecard("card", "1.0.0", 0, 0, {"register": (region,), "insurance": features}, ())


VARYING = (0, 2, 1)
"""Of the region: points that vary, and nothing more."""


def under_the_shipped_policy(world: World) -> None:
    world.reviewer.office = dataclasses.replace(world.reviewer.office, limits=Limits())


def points(bins: Bins, of: Sequence[int], column: pd.Series, scale: int | None = 0) -> list[int]:
    """What a plain table gives each company."""
    return [of[code] for code in bins.codes(column, scale)]


# --- edges that slide --------------------------------------------------------------------------------------------


def bisect(is_at_least: Callable[[int], bool], end: int) -> tuple[int, int]:
    """Find a number below the end from totals under models of one free edge each; and how many it took."""
    low, high, models = 0, end, 0
    while high - low > 1:
        middle, models = (low + high) // 2, models + 1
        low, high = (middle, high) if is_at_least(middle) else (low, middle)
    return low, models


def test_free_edges_read_a_company_s_exact_number_and_the_grid_refuses_the_first_of_them(world: World) -> None:
    column = hold(world, employees=sizes())["employees"]

    def is_at_least(edge: int) -> bool:
        """What the bank decrypts: a total of 1 from the edge on, and 0 below."""
        return points(by_size(str(edge)), (0, 1, 0), column.loc[[LONE]]) == [1]

    assert bisect(is_at_least, 1024) == (37, 10)  # ten models of one bit each

    with pytest.raises(RefusedByPeerError, match="employees: the edge 512 is not one of the published grid"):
        world.model(card(VARYING, (by_size("512"), (0, 1, 0))))
    assert world.events()[-1].detail == {"message": "AskHistogram", "check": 4}


def test_of_all_models_that_the_grid_allows_no_one_tells_a_company_from_nine_others(world: World) -> None:
    """Whatever edges the bank takes one after the other, all companies of a cell answer alike to all of them."""
    column, grid = hold(world, employees=sizes())["employees"], GRIDS["employees"]
    assert small_cells(grid, grid.codes(column, 0), 10) == []  # as a node requires of its grids when it starts
    answers = Counter(zip(*(by_size(edge).codes(column, 0) for edge in ("1", "5")), strict=True))
    assert min(answers.values()) >= 10


def test_a_bin_of_one_company_singles_it_out_and_the_grid_has_no_edges_for_it(world: World) -> None:
    column, lone = hold(world, employees=sizes())["employees"], by_size("37", "38")
    totals = points(lone, (0, 1, 0, 0), column)
    assert [subject for subject, total in zip(SUBJECTS, totals, strict=True) if total] == [LONE]
    with pytest.raises(
        RefusedByPeerError, match="check 4: employees: the edge 37 is not one of the published grid"
    ):
        world.model(card(VARYING, (lone, (0, 1, 0, 0))))


def test_where_a_grid_has_the_cell_all_the_same_the_provider_looks_before_it_takes_the_bin(world: World) -> None:
    hold(world, employees=sizes())
    provider, lone = world.providers["labour"], by_size("37", "38")
    held = dataclasses.replace(provider.domain.holding, grids={**GRIDS, "employees": lone})
    provider.domain = dataclasses.replace(provider.domain, holding=held)
    with pytest.raises(RefusedByPeerError, match="labour refused at check 7: a bin holds fewer than 10"):
        world.model(card(VARYING, (lone, (0, 1, 2, 0))))


# --- points that keep apart what the sum should mix ------------------------------------------------------------


def test_positional_points_give_both_parts_of_every_total_and_are_refused(world: World) -> None:
    """0 or 1 at one department and 0, 2 or 4 at the other: 2.6 bits, and each total has one split."""
    column = hold(world, employees=sizes())["employees"]
    region, size = (0, 1, 0), (0, 2, 4, 2)
    true = list(
        zip(
            points(REGION, region, world.tables["tax"]["region"], None),
            points(GRIDS["employees"], size, column),
            strict=True,
        )
    )
    split = {a + b: (a, b) for a in region for b in size}
    assert [split[a + b] for a, b in true] == true  # every partial total of every company, exactly

    under_the_shipped_policy(world)
    reason = "reviewer refused at check 7: labour: the total settles the bin of employees for more than 10%"
    with pytest.raises(RefusedByPeerError, match=reason):
        world.model(card(region, (GRIDS["employees"], size)))
    assert world.events()[-1].detail == {"message": "SubmitModel", "check": 7}


def test_columns_that_cancel_leave_the_other_department_s_part_alone_and_are_refused(world: World) -> None:
    """Two columns that go together on the data: with opposite points labour adds the same to all."""
    alike = [index % 2 * 9 for index in range(len(SUBJECTS))]
    table = hold(world, age=alike, employees=alike)
    by_age, by_employees = (GRIDS["age"], (0, 7, 0)), (by_size("5"), (7, 0, 0))
    ages, employees = points(*by_age, table["age"]), points(*by_employees, table["employees"])
    assert {a + b for a, b in zip(ages, employees, strict=True)} == {7}

    reason = "reviewer refused at check 7: the points at labour are constant on the histogram"
    with pytest.raises(RefusedByPeerError, match=reason):
        world.model(card(VARYING, by_age, by_employees))


def test_points_that_vary_for_a_few_companies_leave_all_others_bare_and_are_refused(world: World) -> None:
    """Labour's part is 0 for 150 of 160 companies: the total is the tax office's part, if one guesses so."""
    column = hold(world, employees=[0 if index % 16 else 1 for index in range(len(SUBJECTS))])["employees"]
    labour = points(by_size("1"), (0, 1, 0), column)
    assert Counter(labour) == {0: 150, 1: 10}  # ten are a cohort, so no bin is too small

    # Where no total settled anything, it would be this limit alone that holds.
    world.reviewer.office = dataclasses.replace(world.reviewer.office, limits=Limits(max_certain=1, max_gain=1))
    with pytest.raises(RefusedByPeerError, match="check 7: labour: the total gives the partial total away"):
        world.model(card(VARYING, (by_size("1"), (0, 1, 0))))


# --- several models that are harmless one by one -----------------------------------------------------------------

QUARTERS = CategoryBins(column="region", groups=(("east",), ("north",), ("south",)))
AGES = NumberBins(column="age", edges=("4", "8", "12", "16"))


def spread(world: World) -> list[tuple[int, int]]:
    """Give both departments columns that are spread evenly and independent; give each company's bins."""
    regions = ["east", "north", "south", "elsewhere"]
    table = pd.DataFrame({"region": pd.Series([regions[i % 4] for i in range(len(SUBJECTS))], SUBJECTS)})
    provider = world.providers["tax"]
    held = dataclasses.replace(
        provider.domain.holding,
        select=lambda subjects, names: table.reindex(list(subjects))[list(names)].reset_index(drop=True),
    )
    provider.domain = dataclasses.replace(provider.domain, holding=held)
    column = hold(world, age=[4 * (i // 4 % 5) + 1 for i in range(len(SUBJECTS))])["age"]
    provider = world.providers["labour"]
    held = dataclasses.replace(provider.domain.holding, grids={"age": AGES})
    provider.domain = dataclasses.replace(provider.domain, holding=held)
    return list(zip(QUARTERS.codes(table["region"], None), AGES.codes(column, 0), strict=True))


def by_region_and_age(name: str, region: Sequence[int], age: Sequence[int]) -> Scorecard:
    features = {"register": (Feature(QUARTERS, tuple(region)),), "insurance": (Feature(AGES, tuple(age)),)}
    return Scorecard(name, "1.0.0", 0, 0, features, ())


def test_a_sum_and_a_difference_pass_every_rule_and_are_both_bins_of_every_company(world: World) -> None:
    """x + y and x − y + 4 have 8 totals each, three bits; together they are x and y. Rules look at one model.

    What stands against it is the budget, of which it takes 6 bits for each company, and the examiners, who see
    each model of the bank that takes a field of this one, under whatever name.
    """
    bins = spread(world)
    under_the_shipped_policy(world)
    x = (0, 3, 2, 1)
    sums = world.score(world.model(by_region_and_age("growth", x, (0, 1, 2, 3, 4, 2))), SUBJECTS)
    turned = by_region_and_age("quite-another", x, (4, 3, 2, 1, 0, 2))

    case = world.cases.find(world.submit(turned).submission)
    assert case is not None
    (shown,) = world.desk.compare(*world.desk.read(case.case, EXAMINERS[0]), EXAMINERS[0])
    assert (shown.model, [feature.column for feature in shown.features]) == ("growth", ["age"])

    model = world.model(turned)
    labour = world.providers["labour"]
    labour.domain = dataclasses.replace(labour.domain, budget=Budget(bank_bits=5))
    with pytest.raises(RefusedByPeerError, match="check 9: of 160 subjects as much was told by scores as may be"):
        world.score(model, SUBJECTS)

    labour.domain = dataclasses.replace(labour.domain, budget=Budget())
    differences = world.score(model, SUBJECTS)
    pairs = zip(sums, differences, strict=True)
    read = [((one + other - 4) // 2, (one - other + 4) // 2) for one, other in pairs]
    assert read == [(x[region], age) for region, age in bins]


# --- the reviewer as an oracle -----------------------------------------------------------------------------------


def test_refusals_read_a_sealed_histogram_threshold_by_threshold_and_are_counted(world: World) -> None:
    """Points far off at one bin: the total settles it, so rule 7 says whether many of the companies are there.

    Of all others it settles the part of a quarter: 40% are settled where a fifth of the companies are in the bin.
    """
    shares = (10, 40, 12, 98)
    ages = [4 * index + 1 for index, share in enumerate(shares) for _ in range(share)]
    hold(world, age=ages)
    fine = NumberBins(column="age", edges=("4", "8", "12"))
    provider = world.providers["labour"]
    held = dataclasses.replace(provider.domain.holding, grids={"age": fine})
    provider.domain = dataclasses.replace(provider.domain, holding=held)
    world.reviewer.office = world.office(
        limits=Limits(max_certain=0.4, max_gain=1, max_guess=1), max_concentrated=2
    )
    world.enrol()

    def is_refused(code: int) -> bool:
        """Whether the bin, of which the bank may hear nothing, holds more than 32 companies."""
        far = [90 if each == code else each % 2 for each in range(4)]
        try:
            world.submit(card(VARYING, (fine, (*far, 1))))
        except RefusedByPeerError as error:
            if error.refused.check == CONCENTRATION:
                return True
            raise
        return False

    assert [is_refused(code) for code in range(4)] == [share > 32 for share in shares]
    for _ in range(2):  # and now nothing is looked at, whether it would pass or not
        with pytest.raises(RefusedByPeerError, match="rule 7 refused too many models of bank in 30 days"):
            world.submit(card(VARYING, (fine, (90, 1, 0, 1, 1))))
    world.clock.now += 30 * 24 * 3600 * 1000 + 1
    world.enrol()
    assert not is_refused(0)
