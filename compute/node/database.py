"""A node's database, and whether it is this node's: a mark sealed under its identity, put there first of all.

Without it, what an earlier version left in clear, or a database restored beside another identity, would be met one
value at a time, in the middle of somebody's request.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, insert, inspect, select

from audit.database import open_engine
from compute.at_rest import AtRest, AtRestError
from compute.settings import SettingsError

_METADATA = MetaData()
_MARK = Table("at_rest", _METADATA, Column("mark", LargeBinary, nullable=False))
_PLACE = _MARK.name, "mark"


def open_database(path: Path, identity: Ed25519PrivateKey) -> tuple[Engine, AtRest]:
    """Give an engine for the file, made if there is none, and what opens its secret values.

    1. A file without a mark is new: it has no table.
    2. The mark opens under this identity.

    Raises :class:`SettingsError`. Dispose of the engine when done.
    """
    engine, at_rest = open_engine(path), AtRest.of(identity)
    try:
        _require_own(engine, at_rest, path)
    except BaseException:
        engine.dispose()
        raise
    return engine, at_rest


def _require_own(engine: Engine, at_rest: AtRest, path: Path) -> None:
    with engine.begin() as connection:  # one process after the other: the first one puts the mark
        tables = inspect(connection).get_table_names()
        if _MARK.name not in tables:
            if tables:  # 1
                raise SettingsError(
                    f"{path}: of an earlier version, with secrets in clear; name a new file, and delete this one"
                )
            _METADATA.create_all(connection)
            connection.execute(insert(_MARK).values(mark=at_rest.seal(b"", *_PLACE)))
        mark = connection.execute(select(_MARK.c.mark)).scalar_one()
    try:
        at_rest.open(mark, *_PLACE)  # 2
    except AtRestError as error:
        raise SettingsError(
            f"{path}: sealed under another identity; name this node's own database, or restore key and database "
            "from the same copy"
        ) from error
