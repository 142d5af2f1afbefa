"""The name of what a model tells: the same for every disguise of it, another wherever it tells something else."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.binning import Bins, CategoryBins, NumberBins
from compute.protocols.risk_score.canonical_points import canonical_form, points_id
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables

SECRET = b"s" * 32
LETTERS = "abcdef"
NUMBERS = [None, 0, 1, 2, 3, 4, 5]
TEXTS = [None, *LETTERS, "other"]


def model(*parts: tuple[str, Sequence[OpenedFeature]], version: str = "1.0.0", bank: str = "bank") -> OpenedModel:
    tables = tuple(
        OpenedTables(
            provider=provider, product=f"of-{provider}", product_version=version, features=tuple(features)
        )
        for provider, features in parts
    )
    return OpenedModel(bank=bank, model="card", model_version=version, purpose="loan", tables=tables)


def feature(bins: Bins, points: Sequence[int]) -> OpenedFeature:
    return OpenedFeature(bins=bins, points=tuple(points))


def by_edges(column: str, edges: Sequence[int]) -> NumberBins:
    return NumberBins(column=column, edges=tuple(map(str, edges)))


def name(of: OpenedModel) -> str:
    return points_id(of, SECRET)


def points_of(each: OpenedFeature, value: int | str | None) -> int:
    """The points that a value gets, by the words of the bins."""
    bins = each.bins
    if isinstance(bins, NumberBins):
        if value is None:
            return each.points[-1]
        return each.points[sum(int(edge) <= int(value) for edge in bins.edges)]
    found = [points for group, points in zip(bins.groups, each.points, strict=False) if value in group]
    return found[0] if found else each.points[-1]


def totals(of: OpenedModel) -> list[int]:
    """The total of every subject there could be, over all values of all columns."""
    columns = []
    for part in of.tables:
        for each in part.features:
            values = TEXTS if isinstance(each.bins, CategoryBins) else NUMBERS
            columns.append([points_of(each, value) for value in values])
    return [sum(row) for row in itertools.product(*columns)]


def affine(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether other = a·one + b for some a ≠ 0: each follows from the other, by one rule for all."""
    if len(set(one)) == 1 or len(set(other)) == 1:
        return len(set(one)) == len(set(other))
    low, high = one.index(min(one)), one.index(max(one))
    slope = Fraction(other[high] - other[low], one[high] - one[low])
    return slope != 0 and all(y - other[low] == slope * (x - one[low]) for x, y in zip(one, other, strict=True))


POINTS = st.integers(-2, 2)


@st.composite
def numbers(draw: st.DrawFn, column: str) -> OpenedFeature:
    edges = draw(st.lists(st.integers(1, 5), unique=True, max_size=3).map(sorted))
    return feature(by_edges(column, edges), [draw(POINTS) for _ in range(len(edges) + 2)])


@st.composite
def texts(draw: st.DrawFn) -> OpenedFeature:
    group_of = [draw(st.integers(0, 3)) for _ in LETTERS]  # 3: in none
    groups = [tuple(x for x, g in zip(LETTERS, group_of, strict=True) if g == k) for k in range(3)]
    bins = CategoryBins(column="region", groups=tuple(sorted(group for group in groups if group)))
    return feature(bins, [draw(POINTS) for _ in range(bins.size)])


@st.composite
def models(draw: st.DrawFn) -> OpenedModel:
    return model(("labour", [draw(numbers("age"))]), ("tax", [draw(texts())]))


@st.composite
def disguised(draw: st.DrawFn, of: OpenedModel) -> OpenedModel:
    """The same information: bins split at random, each feature's points moved, all of them stretched or turned."""
    scale = draw(st.sampled_from([-7, -1, 1, 2, 5]))

    def other(each: OpenedFeature) -> OpenedFeature:
        move, bins = draw(st.integers(-9, 9)), each.bins
        if isinstance(bins, NumberBins):
            edges = sorted({*map(int, bins.edges), *draw(st.sets(st.integers(1, 5)))})
            finer: Bins = by_edges(bins.column, edges)
            values: list[int | str | None] = [0, *edges, None]
        else:
            listed = {value for group in bins.groups for value in group} | draw(st.sets(st.sampled_from(LETTERS)))
            finer = CategoryBins(column=bins.column, groups=tuple((value,) for value in sorted(listed)))
            values = [*sorted(listed), None]
        return feature(finer, [scale * points_of(each, value) + move for value in values])

    parts = [(part.provider, [other(each) for each in part.features]) for part in of.tables]
    return model(*parts, version=draw(st.sampled_from(["1.0.0", "2.0.0"])))


@given(st.data())
def test_every_disguise_has_the_same_name_and_the_same_information(data: st.DataObject) -> None:
    plain = data.draw(models())
    other = data.draw(disguised(plain))
    assert affine(totals(plain), totals(other))
    assert name(plain) == name(other)


@given(models(), models())
def test_names_are_equal_exactly_where_totals_follow_from_each_other_by_one_rule(
    one: OpenedModel, other: OpenedModel
) -> None:
    assert (name(one) == name(other)) == affine(totals(one), totals(other))


@given(models(), models())
def test_what_tells_two_subjects_apart_that_the_first_does_not_has_another_name(
    one: OpenedModel, other: OpenedModel
) -> None:
    both = list(zip(totals(one), totals(other), strict=True))
    if len(set(both)) > len({first for first, _ in both}):
        assert name(one) != name(other)


AGE = feature(by_edges("age", [2, 4]), (0, 3, 6, 3))
REGION = feature(CategoryBins(column="region", groups=(("a", "b"), ("c",))), (1, 4, 2))
PLAIN = model(("labour", [AGE]), ("tax", [REGION]))


def test_the_form_of_one_model_is_what_it_says() -> None:
    assert canonical_form(PLAIN) == [
        [["labour", "of-labour", "age"], ["edges", "2", "4"], [0, 3, 6, 3]],
        [["tax", "of-tax", "region"], ["values", None, ["a", "b"], ["c"]], [0, 3, 1]],
    ]


def regions(*groups: tuple[str, ...], prefix: int | None = None) -> OpenedFeature:
    return feature(CategoryBins(column="region", groups=groups, prefix=prefix), REGION.points)


@pytest.mark.parametrize(
    "other",
    [
        model(("labour", [AGE]), ("tax", [REGION]), bank="rival"),
        model(("labour", [AGE]), ("water", [REGION])),
        model(("labour", [msgspec.structs.replace(AGE, points=(0, 3, 6, 2))]), ("tax", [REGION])),
        model(("labour", [feature(by_edges("age", [2, 5]), AGE.points)]), ("tax", [REGION])),
        model(("labour", [AGE]), ("tax", [regions(("a",), ("c",))])),
        model(("labour", [AGE]), ("tax", [regions(("a", "b"), ("c",), prefix=1)])),
    ],
    ids=["another bank", "another provider", "other points", "another edge", "another value", "a prefix"],
)
def test_what_tells_something_else_has_another_name(other: OpenedModel) -> None:
    assert name(other) != name(PLAIN)


def test_a_feature_that_tells_nothing_is_no_part_of_the_name() -> None:
    silent = feature(by_edges("size", [1]), (5, 5, 5))
    assert name(model(("labour", [AGE, silent]), ("tax", [REGION]))) == name(PLAIN)


def test_one_feature_turned_over_alone_is_another_model() -> None:
    turned = msgspec.structs.replace(AGE, points=tuple(-points for points in AGE.points))
    assert name(model(("labour", [turned]), ("tax", [REGION]))) != name(PLAIN)


def test_another_secret_gives_another_name() -> None:
    assert points_id(PLAIN, b"t" * 32) != name(PLAIN)
