"""What somebody asks for of the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.errors import SearchError
from catalog.search.document import Facet, Selection, Sort
from catalog.search.order import Key
from catalog.search.terms import query_terms


@dataclass(frozen=True)
class Query:
    """Terms that must all be there, values to choose from by facet, and an order."""

    terms: tuple[str, ...] = ()
    selection: Selection = field(default_factory=dict)
    sort: Sort = Sort.NEWEST
    every_version: bool = False
    """Not the latest listed version of each product only."""


def read_query(
    text: str, values: Mapping[Facet, frozenset[str]], sort: Sort | None = None, *, every_version: bool = False
) -> Query:
    """Give the query; without a sort the best match comes first, and without words the newest.

    Raises `SearchError` as `query_terms` does.
    """
    terms = query_terms(text)
    by_default = Sort.RELEVANCE if terms else Sort.NEWEST
    selection = {facet: wanted for facet, wanted in values.items() if wanted}
    return Query(terms, selection, sort or by_default, every_version=every_version)


def place_keys(sort: Sort, place: Key) -> tuple[str, str | int, int]:
    """Give a place in an order as what a cursor holds."""
    value, number = place
    return sort.value, value.hex() if isinstance(value, bytes) else value, -number


def read_place(sort: Sort, keys: tuple[str | int, ...]) -> Key:
    """Give the place that a cursor holds. Raises `SearchError` for that of another order, or of none."""
    try:
        name, value, number = keys
        held = bytes.fromhex(value) if isinstance(value, str) else value
        in_bytes = sort in {Sort.TITLE, Sort.TITLE_EN}
        if name != sort.value or isinstance(held, bytes) != in_bytes or not isinstance(number, int):
            raise SearchError("it is of another order")
        if number < 0 or (isinstance(held, int) and held < 0):
            raise SearchError("it is below every place")
    except ValueError as error:
        raise SearchError(f"the cursor is none of this order; leave it out: {error}") from error
    return held, -number
