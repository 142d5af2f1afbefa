"""The log's two tables: the entries, and the hash of every complete subtree over them."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

entries = Table(
    "entries",
    metadata,
    Column("index", Integer, primary_key=True, autoincrement=False),  # from 0, without gaps
    Column("id", Text, nullable=False, unique=True),  # the entry's own id: a retry finds its index by it
    Column("data", LargeBinary, nullable=False),  # audit.entry.encode
    sqlite_strict=True,
)

nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),  # over leaves [index·2^level, (index+1)·2^level)
    sqlite_strict=True,
    sqlite_with_rowid=False,  # rows are found by their key alone, so the key is the table
)
