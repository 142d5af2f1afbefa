"""A node's X25519 keys of the present and the last epochs, shared by its processes over one database.

The private keys are sealed (`compute.at_rest`), each for its public key and its end: no row can be given
another's key, nor a longer life.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Row, Table, delete, insert, select

from audit.database import reader
from compute.at_rest import AtRest
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
    Column("public", LargeBinary(32), primary_key=True),
    Column("key", LargeBinary, nullable=False),  # the raw private key, sealed
    Column("expires", BigInteger, nullable=False, index=True),  # UTC, milliseconds
)


class EpochStore:
    """The table of keys over an engine of ``audit.database``. Keys that have expired are deleted with the next.

    Its methods raise :class:`compute.at_rest.AtRestError` for a key that was altered.
    """

    def __init__(self, engine: Engine, at_rest: AtRest, clock: Callable[[], int]) -> None:
        self._engine, self._reader, self._at_rest, self._clock = engine, reader(engine), at_rest, clock
        _METADATA.create_all(engine)

    def current(self) -> KeyEpoch:
        """Give the key to offer now, a new one if the last has less than OVERLAP to live."""
        found = self._latest(self.alive())
        if found is not None:
            return found
        with self._engine.begin() as connection:
            now = self._clock()
            rows = connection.execute(select(_EPOCHS).where(_EPOCHS.c.expires > now))
            found = self._latest([self._opened(row) for row in rows])  # another process was first
            if found is None:
                found = KeyEpoch(X25519PrivateKey.generate(), now + EPOCH)
                connection.execute(delete(_EPOCHS).where(_EPOCHS.c.expires <= now))
                connection.execute(insert(_EPOCHS).values(self._sealed(found)))
        return found

    def alive(self) -> list[KeyEpoch]:
        """Give every key that has not expired."""
        query = select(_EPOCHS).where(_EPOCHS.c.expires > self._clock())
        with self._reader.begin() as connection:
            return [self._opened(row) for row in connection.execute(query)]

    def _latest(self, epochs: list[KeyEpoch]) -> KeyEpoch | None:
        offered = [epoch for epoch in epochs if epoch.expires - OVERLAP > self._clock()]
        return max(offered, key=lambda epoch: epoch.expires, default=None)

    def _sealed(self, epoch: KeyEpoch) -> dict[str, Any]:
        key = self._at_rest.seal(epoch.key.private_bytes_raw(), *_place(epoch.public_key, epoch.expires))
        return {"public": epoch.public_key, "key": key, "expires": epoch.expires}

    def _opened(self, row: Row[Any]) -> KeyEpoch:
        key = self._at_rest.open(row.key, *_place(row.public, row.expires))
        return KeyEpoch(X25519PrivateKey.from_private_bytes(key), row.expires)


def _place(public: bytes, expires: int) -> tuple[str, ...]:
    return _EPOCHS.name, "key", public.hex(), str(expires)
