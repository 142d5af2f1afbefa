import random
from collections.abc import Iterator

import pytest

from catalog.search.document import NEGOTIATED, Document, Facet, Sort, title_en_key, title_key
from catalog.search.order import Key
from catalog.search.postings import numbers_of
from catalog.search.shelf import VALUES_TOLD, Shelf

THEMES, MODES = ("population", "tourism", "industry"), ("encrypted", "aggregate", "api")
DRAW = random.Random(1234)  # noqa: S311 -- the same in every run


def document(number: int, **changes: object) -> Document:
    values = {
        Facet.THEME: (DRAW.choice(THEMES),),
        Facet.PROVIDER: (f"department-{DRAW.randrange(9)}",),
        Facet.DELIVERY: tuple(DRAW.sample(MODES, DRAW.randrange(1, 4))),
        Facet.REFRESH: () if number % 5 == 0 else ("daily",),
    }
    titles = title_key(f"产品{DRAW.randrange(40)}"), title_en_key(f"Product {DRAW.randrange(40)}")
    price = DRAW.choice([0, 100, 250, NEGOTIATED])
    parts = {"is_listed": number % 7 != 0, "is_latest": number % 7 not in {0, 1}, "values": values}
    return Document(
        **{"number": number, **parts, "title": titles[0], "title_en": titles[1], "price": price, **changes}
    )  # type: ignore[arg-type]


DOCUMENTS = [document(number) for number in range(1, 400)]
SHELF = Shelf.of(DOCUMENTS)
LISTED = [each for each in DOCUMENTS if each.is_listed]


def chosen(each: Document, selection: dict[Facet, frozenset[str]]) -> bool:
    return all(wanted & set(each.values.get(facet, ())) for facet, wanted in selection.items())


SELECTIONS: list[dict[Facet, frozenset[str]]] = [
    {},
    {Facet.THEME: frozenset({"population"})},
    {Facet.THEME: frozenset({"population", "tourism"}), Facet.DELIVERY: frozenset({"api"})},
    {Facet.REFRESH: frozenset({"daily"}), Facet.PROVIDER: frozenset({"department-3", "nobody"})},
    {Facet.THEME: frozenset({"nothing"})},
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_is_narrowed_down_to_is_what_has_one_value_of_each_facet(
    selection: dict[Facet, frozenset[str]],
) -> None:
    found = SHELF.narrowed(selection, SHELF.listed)
    assert list(numbers_of(found)) == [each.number for each in LISTED if chosen(each, selection)]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_counts_are_what_selecting_that_value_alone_would_leave(selection: dict[Facet, frozenset[str]]) -> None:
    counts = SHELF.counts(selection, SHELF.listed)
    for facet in Facet:
        expected = {}
        for value in {value for each in DOCUMENTS for value in each.values.get(facet, ())} | selection.get(
            facet, frozenset()
        ):
            asked = {**selection, facet: frozenset({value})}
            count = sum(chosen(each, asked) for each in LISTED)
            if count or value in selection.get(facet, ()):
                expected[value] = count
        assert counts[facet] == expected
        assert list(counts[facet].values()) == sorted(expected.values(), reverse=True)


def walk(shelf: Shelf, ranks: list[int], sort: Sort, size: int) -> Iterator[Key]:
    after = None
    while page := shelf.page(ranks, sort, after, size):
        assert len(page) <= size
        yield from page
        after = page[-1]


def order(sort: Sort) -> list[int]:
    keys = {
        Sort.NEWEST: lambda _: (),
        Sort.TITLE: lambda each: each.title,
        Sort.TITLE_EN: lambda each: each.title_en,
        Sort.PRICE: lambda each: each.price,
    }
    return [each.number for each in sorted(LISTED, key=lambda each: (keys[sort](each), -each.number))]


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.TITLE, Sort.TITLE_EN, Sort.PRICE])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pages_put_together_are_the_whole_in_order(sort: Sort, size: int) -> None:
    assert [-key[1] for key in walk(SHELF, [SHELF.listed], sort, size)] == order(sort)


def test_the_best_rank_goes_first_and_the_newest_of_a_rank() -> None:
    ranks = [0b1010, 0, 0b0101]
    assert [(level, -number) for level, number in walk(SHELF, ranks, Sort.RELEVANCE, 1)] == [
        (0, 3),
        (0, 1),
        (2, 2),
        (2, 0),
    ]


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.TITLE, Sort.PRICE])
def test_what_comes_and_goes_between_two_pages_moves_nothing_else(sort: Sort) -> None:
    expected = order(sort)
    first = SHELF.page([SHELF.listed], sort, None, 50)
    gone = next(each for each in DOCUMENTS if each.number == -first[-1][1])  # the very place of the cursor
    changed = SHELF.with_changes(
        [document(400), Document(**{**vars(gone), "is_listed": False, "is_latest": False})]
    )
    rest = [-key[1] for key in changed.page([changed.listed], sort, first[-1], 1000)]
    assert [number for number in rest if number != 400] == expected[50:]


def test_changes_give_the_shelf_that_all_products_would() -> None:
    shelf = Shelf()
    for at in range(0, len(DOCUMENTS), 13):
        shelf = shelf.with_changes(DOCUMENTS[at : at + 13])
    assert shelf == SHELF
    back = [Document(**{**vars(each), "is_listed": not each.is_listed}) for each in DOCUMENTS]
    assert SHELF.with_changes(back) == Shelf.of(back)
    assert Shelf.of(DOCUMENTS) == SHELF  # it was not changed on the way


def test_chinese_titles_stand_by_pinyin() -> None:
    titles = ["中小企业", "纳税", "企业", "社保", "ABC", "法人", "123"]
    assert sorted(titles, key=title_key) == ["123", "ABC", "法人", "纳税", "企业", "社保", "中小企业"]


def test_english_titles_stand_without_case() -> None:
    assert sorted(["b", "A", "a", "B"], key=title_en_key) == ["A", "a", "b", "B"]


def test_of_many_values_the_commonest_are_told_and_what_is_asked_for() -> None:
    made = [
        document(number, values={Facet.PROVIDER: (f"department-{number % 151}",)}, is_listed=True)
        for number in range(1, 1000)
    ]
    shelf = Shelf.of(made)
    counted = {name: found.bit_count() for name, found in shelf.values[Facet.PROVIDER].items()}
    rare = max(counted, key=lambda name: (-counted[name], name))
    told = shelf.counts({}, shelf.listed)[Facet.PROVIDER]
    assert len(told) == VALUES_TOLD
    assert rare not in told
    asked = shelf.counts({Facet.PROVIDER: frozenset({rare, "nobody"})}, shelf.listed)[Facet.PROVIDER]
    assert {rare, "nobody"} <= asked.keys()
    assert (asked["nobody"], len(asked)) == (0, VALUES_TOLD + 2)
