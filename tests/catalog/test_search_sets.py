import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import SearchError
from catalog.search.builder import Builder
from catalog.search.described import Terms
from catalog.search.postings import PIECE, bits_of, highest_of, join, numbers_of, pack, place, unpack, with_offset
from catalog.search.precedence import latest
from catalog.search.ranking import Parts, rank, union

offsets = st.sets(st.integers(0, PIECE - 1), max_size=600)


@given(offsets)
def test_a_piece_is_the_set_that_was_packed(members: set[int]) -> None:
    piece = pack(members)
    assert set(numbers_of(unpack(piece))) == members
    assert len(piece) == min(2 * len(members), PIECE // 8)


@given(offsets, st.integers(0, PIECE - 1))
def test_an_offset_is_added_where_the_form_changes_too(members: set[int], offset: int) -> None:
    assert unpack(with_offset(pack(members), offset)) == bits_of(members | {offset})


def test_a_piece_changes_form_at_256() -> None:
    piece = b""
    for offset in range(0, 520, 2):
        piece = with_offset(piece, offset)
    assert piece == pack(range(0, 520, 2))
    assert len(piece) == PIECE // 8


@pytest.mark.parametrize("piece", [b"x", b"x" * 513, b"x" * 511])
def test_what_is_no_piece_is_refused(piece: bytes) -> None:
    with pytest.raises(SearchError, match="make the index anew"):
        unpack(piece)


def test_an_offset_outside_a_piece_is_refused() -> None:
    with pytest.raises(SearchError, match="within a piece"):
        pack([PIECE])


@given(st.sets(st.integers(0, 5 * PIECE), max_size=300))
def test_pieces_join_to_the_whole(numbers: set[int]) -> None:
    pieces: dict[int, set[int]] = {}
    for number in numbers:
        index, offset = place(number)
        pieces.setdefault(index, set()).add(offset)
    whole = join({index: pack(members) for index, members in pieces.items()})
    assert whole == bits_of(numbers)
    assert list(highest_of(whole)) == sorted(numbers, reverse=True)


def test_the_builder_gives_what_adding_one_by_one_gives() -> None:
    draw = random.Random(8)  # noqa: S311 -- the same in every run
    words = [f"w{number}" for number in range(40)]
    products = {
        number: Terms(*(frozenset(draw.sample(words, draw.randrange(6))) for _ in range(3)))
        for number in sorted(draw.sample(range(1, 3 * PIECE), 500))
    }
    builder, built = Builder(), {}
    for number, terms in products.items():
        built.update({(made.term, made.piece): made[2:] for made in builder.add(number, terms)})
    built.update({(made.term, made.piece): made[2:] for made in builder.finished()})
    single: dict[tuple[str, int], list[bytes]] = {}
    for number, terms in products.items():
        piece, offset = place(number)
        for part, found in enumerate(terms):
            for term in found:
                held = single.setdefault((term, piece), [b"", b"", b""])
                held[part] = with_offset(held[part], offset)
    assert built == {key: tuple(parts) for key, parts in single.items()}
    with pytest.raises(SearchError, match="in order"):
        list(builder.add(1, Terms(frozenset(), frozenset(), frozenset())))


def test_a_term_counts_for_most_in_a_title_and_once() -> None:
    title, field, rest, both = (1 << number for number in range(4))
    ranks = rank([Parts(title | both, field, rest | title | both)], within=title | field | rest | both)
    assert ranks == [title | both, field, rest]


def test_ranks_add_up_over_the_terms() -> None:
    mixed, low, lacking = 1, 2, 4
    ranks = rank([Parts(mixed | lacking, 0, low), Parts(0, 0, mixed | low)], within=mixed | low | lacking)
    assert ranks == [0, 0, mixed, 0, low]


def test_without_terms_all_match_alike() -> None:
    assert rank([], within=0b1011) == [0b1011]


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), max_size=5), st.integers(0, 255))
def test_ranks_are_what_counting_each_product_gives(terms: list[tuple[int, int, int]], within: int) -> None:
    ranks = rank([Parts(*term) for term in terms], within)
    for number in range(8):
        bit = 1 << number
        places = [next((at for at, part in enumerate(term) if part & bit), None) for term in terms]
        expected = sum(places) if within & bit and None not in places else None  # type: ignore[arg-type]
        assert [level for level, found in enumerate(ranks) if found & bit] == (
            [] if expected is None else [expected]
        )
    assert union(ranks) & ~within == 0


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["1.0.0", "1.10.0", "1.9.0"], "1.10.0"),
        (["1.0.0", "2.0.0-rc.1"], "1.0.0"),  # a pre-release is not what a consumer looks for
        (["2.0.0-alpha", "2.0.0-alpha.1", "2.0.0-alpha.beta", "2.0.0-beta.2", "2.0.0-beta.11"], "2.0.0-beta.11"),
        (["1.0.0-1", "1.0.0-a", "1.0.0-99"], "1.0.0-a"),  # numbers go before words
        (["1.0.0+b", "1.0.0+a"], "1.0.0+b"),
        (["1.0.0-x-y", "1.0.0+x-y"], "1.0.0+x-y"),
    ],
)
def test_the_latest_version(versions: list[str], expected: str) -> None:
    assert latest(versions) == latest(reversed(versions)) == expected
