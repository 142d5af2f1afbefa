"""The index of all products made anew from what is stored of them: after an update that changes what is indexed.

Everything slow comes first and outside the writers' turn: descriptions are read and terms collected from a
snapshot. Writing them takes some ten seconds for a hundred thousand products.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from catalog.description import parse_product
from catalog.search.builder import Builder, Posting
from catalog.search.described import terms_of
from catalog.search.precedence import latest
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState
from marketplace.store import product_search
from marketplace.store.product_search import State, row_of
from marketplace.store.product_search_tables import search_documents, search_state, search_terms
from marketplace.store.tables import products

ROWS_AT_ONCE = 2000
_Key = tuple[str, str, str]


@dataclass
class Prepared:
    """An index that is not written yet."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    read: dict[_Key, str] = field(default_factory=dict)
    """The state of each version that was looked at."""


def is_unindexed(connection: Connection) -> bool:
    """Give whether there are listed products and no index was ever made."""
    listed = select(products.c.id).where(products.c.state == ProductState.LISTED).limit(1)
    return not product_search.state(connection).epoch and connection.scalar(listed) is not None


def prepare(connection: Connection, progress: Callable[[int, int], None]) -> Prepared:
    """Read all products and collect their terms; `progress` hears how many of how many are done.

    Numbers stay as they are, so that cursors given out go on; new ones follow.
    """
    documents = search_documents.c
    known = {
        (row.provider, row.product, row.version): row.number
        for row in connection.execute(
            select(documents.provider, documents.product, documents.version, documents.number)
        )
    }
    states = _states(connection)
    offered = sorted(key for key, state in states.items() if state == ProductState.LISTED and key not in known)
    numbered = sorted(known.items(), key=lambda each: each[1])
    following = product_search.state(connection).numbers + 1
    numbered += [(key, following + at) for at, key in enumerate(offered)]
    made, builder = Prepared(read=states), Builder()
    for done, (key, number) in enumerate(numbered):
        listing = _load(connection, key)
        made.documents.append(row_of(listing, number, 1))
        made.postings.extend(builder.add(number, terms_of(listing.product)))
        progress(done + 1, len(numbered))
    made.postings.extend(builder.finished())
    finish(made)
    return made


def write(connection: Connection, made: Prepared) -> int:
    """Put a prepared index in place of the present one, and give how many versions it has.

    What was listed or withdrawn since it was prepared is brought up to date.
    """
    for table in (search_documents, search_terms, search_state):
        connection.execute(delete(table))
    columns = [column.name for column in search_documents.columns]
    _insert(connection, search_documents, [tuple(row[name] for name in columns) for row in made.documents])
    _insert(connection, search_terms, made.postings)
    numbers = max((row["number"] for row in made.documents), default=0)
    product_search.save(connection, State(product_search.new_epoch(), 1, numbers))
    for key, state in _states(connection).items():
        if made.read.get(key) != state:
            product_search.index(connection, _load(connection, key))
    return connection.scalar(select(func.count()).select_from(search_documents)) or 0


def _load(connection: Connection, key: _Key) -> Listing:
    query = select(products.c.description, products.c.state)
    names = dict(zip(("provider", "id", "version"), key, strict=True))
    description, state = connection.execute(query.filter_by(**names)).one()
    return Listing(parse_product(description.encode()), description, ProductState(state))


def finish(made: Prepared) -> None:
    """Bring what was collected into the form in which it is written fastest, with the latest versions told."""
    made.postings.sort()  # in the order of the key: what is written by it grows at one end
    listed: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in made.documents:
        if row["is_listed"]:
            listed[row["provider"], row["product"]].append(row)
    for versions in listed.values():
        top = latest(row["version"] for row in versions)
        for row in versions:
            row["is_latest"] = int(row["version"] == top)


def _states(connection: Connection) -> dict[_Key, str]:
    columns = products.c.provider, products.c.id, products.c.version, products.c.state
    return {(row[0], row[1], row[2]): row.state for row in connection.execute(select(*columns))}


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, a million in seconds: others wait for the writers' turn meanwhile."""
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" for _ in table.columns)
    write = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 -- names of our own tables
    for at in range(0, len(rows), ROWS_AT_ONCE):
        connection.exec_driver_sql(write, list(rows[at : at + ROWS_AT_ONCE]))
