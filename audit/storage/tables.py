"""The log's tables: the entries, the tiles over them, what its nodes have counted to, and its signed head."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

Big = BigInteger().with_variant(Integer, "sqlite")
"""64 bits: SQLite's INTEGER has them, and its strict tables know no other name."""

entries = Table(
    "entries",
    metadata,
    Column("index", Big, primary_key=True, autoincrement=False),  # from 0, without gaps
    Column("id", Text, nullable=False, unique=True),  # the entry's own id: a retry finds its index by it
    Column("contract", Text, index=True),  # the entry's own: what is about a contract is found by it
    Column("data", LargeBinary, nullable=False),  # audit.entry.encode
    sqlite_strict=True,
)

tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", Big, primary_key=True, autoincrement=False),
    Column(
        "hashes", LargeBinary, nullable=False
    ),  # 32 bytes each, 256 at most; only a level's last tile has fewer
    sqlite_strict=True,
)

streams = Table(
    "streams",
    metadata,
    Column("node", Text, primary_key=True),
    Column("contract", Text, primary_key=True),  # empty for the node's events about none
    Column("counter", Big, nullable=False),  # the last
    sqlite_strict=True,
    sqlite_with_rowid=False,  # rows are found by their key alone, so the key is the table
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 0"), primary_key=True, autoincrement=False),  # there is one
    Column("size", Big, nullable=False),
    Column("edge", LargeBinary, nullable=False),  # hashes of the largest complete subtrees, from the left
    Column("checkpoint", LargeBinary, nullable=False),  # a signed note over size and root
    Column("signed_at", Big, nullable=False),  # UTC, milliseconds since 1970-01-01
    Column("halted", Text),  # why nothing may be signed any more
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the row: nothing is signed over a damaged one
    sqlite_strict=True,
)

cosigned = Table(
    "cosigned",
    metadata,
    Column("stage", Text, primary_key=True),  # `candidate`: shown to the witnesses; `published`: has a quorum
    Column("size", Big, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),  # a signed note with the cosignatures so far
    sqlite_strict=True,
)
