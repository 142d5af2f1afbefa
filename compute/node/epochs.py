"""A node's X25519 keys of the present and the last epochs, shared by its processes over one database."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, delete, insert, select

from audit.database import reader
from compute.canonical import DAY, HOUR
from compute.protocols.risk_score.epochs import KeyEpoch

EPOCH = DAY
"""How long one key serves, in milliseconds."""
OVERLAP = HOUR
"""How long before its end a key is offered no more: what was built on it has that long to be used."""

_METADATA = MetaData()
_EPOCHS = Table(
    "key_epochs",
    _METADATA,
    Column("key", LargeBinary(32), primary_key=True),  # the raw private key: the file's mode is 0600
    Column("expires", BigInteger, nullable=False, index=True),  # UTC, milliseconds
)


class EpochStore:
    """The table of keys over an engine of ``audit.database``. Keys that have expired are deleted with the next."""

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine, self._reader, self._clock = engine, reader(engine), clock
        _METADATA.create_all(engine)

    def current(self) -> KeyEpoch:
        """Give the key to offer now, a new one if the last has less than OVERLAP to live."""
        found = self._latest(self.alive())
        if found is not None:
            return found
        with self._engine.begin() as connection:
            now = self._clock()
            rows = connection.execute(select(_EPOCHS.c.key, _EPOCHS.c.expires).where(_EPOCHS.c.expires > now))
            found = self._latest([_epoch(row.key, row.expires) for row in rows])  # another process was first
            if found is None:
                found = KeyEpoch(X25519PrivateKey.generate(), now + EPOCH)
                connection.execute(delete(_EPOCHS).where(_EPOCHS.c.expires <= now))
                connection.execute(
                    insert(_EPOCHS).values(key=found.key.private_bytes_raw(), expires=found.expires)
                )
        return found

    def alive(self) -> list[KeyEpoch]:
        """Give every key that has not expired."""
        query = select(_EPOCHS.c.key, _EPOCHS.c.expires).where(_EPOCHS.c.expires > self._clock())
        with self._reader.begin() as connection:
            return [_epoch(row.key, row.expires) for row in connection.execute(query)]

    def _latest(self, epochs: list[KeyEpoch]) -> KeyEpoch | None:
        offered = [epoch for epoch in epochs if epoch.expires - OVERLAP > self._clock()]
        return max(offered, key=lambda epoch: epoch.expires, default=None)


def _epoch(key: bytes, expires: int) -> KeyEpoch:
    return KeyEpoch(X25519PrivateKey.from_private_bytes(key), expires)
