"""Rows by many keys: each is looked up by the table's index."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.dialects import sqlite

from marketplace.store.keys import AT_ONCE, has_any
from marketplace.store.tables import products
from marketplace.store.usage_tables import usage


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A database of these tables alone, which looks after no references."""
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        products.create(opened)
        usage.create(opened)
        yield opened
    engine.dispose()


def test_as_many_keys_as_may_be_are_found_and_no_others(connection: Connection) -> None:
    columns = products.c.provider, products.c.id, products.c.version
    keys = [("tax", f"product-{number}", "1.0.0") for number in range(2 * AT_ONCE)]
    rest = {"state": "listed", "digest": "", "description": ""}
    connection.execute(
        insert(products), [dict(zip(("provider", "id", "version"), each, strict=True)) | rest for each in keys]
    )
    found = connection.execute(select(*columns).where(has_any(columns, keys[::2])))
    assert sorted(map(tuple, found)) == sorted(keys[::2])
    assert connection.execute(select(*columns).where(has_any(columns, []))).all() == []


def test_no_table_is_read_whole(connection: Connection) -> None:
    for table, names in ((products, ("provider", "id", "version")), (usage, ("contract", "provider", "job"))):
        keys = [[f"{name}-{number}" for name in names] for number in range(AT_ONCE)]
        query = select(table).where(has_any([table.c[name] for name in names], keys))
        text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
        assert not [step for *_, step in plan if step.startswith("SCAN")], plan
