"""Which nonces were used: one SQLite file, shared by a server's workers, kept over its restarts."""

from sqlalchemy import Column, Engine, Float, MetaData, Table, Text, delete
from sqlalchemy.dialects.sqlite import insert

WINDOW = 60  # seconds that a signature may be older, or newer, than the time here

_metadata = MetaData()
_nonces = Table(
    "nonces",
    _metadata,
    Column("party", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("used", Float, nullable=False, index=True),  # seconds since 1970-01-01, UTC
    sqlite_with_rowid=False,  # rows are found by their key alone, so the key is the table
)


class NonceStore:
    """The used nonces over an engine of `audit.database.open_engine`; makes its table if the file has none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.begin() as connection:
            _metadata.create_all(connection)

    def use(self, party: str, nonce: str, now: float) -> bool:
        """Give True to exactly one of all calls with this party and nonce, False to the others.

        The use is durable on return. `now` is in seconds since 1970-01-01, UTC. A nonce is forgotten twice
        WINDOW after its use: a signature from WINDOW in the future is stale only then.
        """
        used = insert(_nonces).values(party=party, nonce=nonce, used=now).on_conflict_do_nothing()
        with self._engine.begin() as connection:  # BEGIN IMMEDIATE: one writer at a time, in all processes
            connection.execute(delete(_nonces).where(_nonces.c.used < now - 2 * WINDOW))
            return connection.execute(used).rowcount == 1
