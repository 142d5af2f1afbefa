"""What a marketplace's database holds, as the database itself says it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from market import KEYS, ORIGIN, SUPERVISOR
from sqlalchemy import Connection, MetaData, inspect, select, update

from audit.cosignature import cosigner_name
from audit.database import open_engine
from audit.note import KeyKind, VerifierKey
from audit.policy import Operator, Policy, Witness
from audit.storage import tables as log_tables
from compute.signing import LOG_KEY, WITNESS_KEY, derived_key
from marketplace.store import revision


@contextmanager
def opened(store: Path | str) -> Iterator[Connection]:
    engine = open_engine(store)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def shape(store: Path | str) -> dict[str, Any]:
    """The tables but the log's as the database itself describes them."""
    with opened(store) as connection:
        found = inspect(connection)
        names = sorted({*found.get_table_names()} - {*log_tables.metadata.tables})
        flags: dict[str, Any] = {}
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("PRAGMA table_list").mappings()
            flags = {row["name"]: (row["strict"], row["wr"]) for row in rows if row["name"] in names}
        return {
            name: (
                sorted((c["name"], repr(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(name)),
                found.get_pk_constraint(name)["constrained_columns"],
                sorted(
                    (k["constrained_columns"], k["referred_table"], k["referred_columns"])
                    for k in found.get_foreign_keys(name)
                ),
                sorted((i["name"] or "", i["column_names"], bool(i["unique"])) for i in found.get_indexes(name)),
                sorted(u["column_names"] for u in found.get_unique_constraints(name)),
                sorted(c["sqltext"] for c in found.get_check_constraints(name)),
                flags.get(name),
            )
            for name in names
        }


def rows(store: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows with the log's, columns by name; not the name of an index, which is new once restored."""
    with opened(store) as connection:
        held = MetaData()
        held.reflect(connection)
        columns = {
            table.name: sorted(
                (each for each in table.columns if (table.name, each.name) != ("search_state", "epoch")),
                key=lambda column: column.name,
            )
            for table in held.sorted_tables
        }
        return {
            name: sorted((tuple(row) for row in connection.execute(select(*told))), key=repr)
            for name, told in columns.items()
        }


def set_revision(store: Path | str, name: str) -> None:
    with opened(store) as connection:
        connection.execute(update(revision.versions).values(version_num=name))


def policy(origin: str = ORIGIN) -> Policy:
    """The market's own, with a witness who has not come."""
    witness_key = derived_key(KEYS[SUPERVISOR], WITNESS_KEY)
    witness = VerifierKey.of(cosigner_name(SUPERVISOR), witness_key, KeyKind.COSIGNATURE)
    log = VerifierKey.of(origin, derived_key(KEYS["market"], LOG_KEY))
    operator = Operator("operator", KEYS["operator"].public_key().public_bytes_raw())
    return Policy(
        party="market",
        log=log,
        log_url="https://market.example/log",
        witnesses=(Witness(SUPERVISOR, witness),),
        quorum=1,
        outside=1,
        max_age=600,
        operator=operator,
    )
