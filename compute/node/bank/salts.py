"""The salts of the bank's consents: one for each contract, drawn when it is first needed."""

import secrets

from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from compute.records import SALT_BYTES

_METADATA = MetaData()
_SALTS = Table(
    "consent_salts",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("salt", LargeBinary(SALT_BYTES), nullable=False),
)


class SaltStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _METADATA.create_all(engine)

    def of(self, contract: str) -> bytes:
        """Give the contract's salt, the same for ever."""
        drawn = {"contract": contract, "salt": secrets.token_bytes(SALT_BYTES)}
        query = select(_SALTS.c.salt).where(_SALTS.c.contract == contract)
        with self._engine.begin() as connection:
            connection.execute(insert(_SALTS).values(drawn).on_conflict_do_nothing())
            return bytes(connection.execute(query).scalar_one())

    def drawn(self, contract: str) -> bool:
        """Say whether the contract has a salt: nothing can be asked under one that has none."""
        with self._engine.connect() as connection:
            return connection.scalar(select(_SALTS.c.contract).where(_SALTS.c.contract == contract)) is not None
