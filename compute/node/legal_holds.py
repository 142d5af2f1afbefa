"""Legal holds: for as long as a case goes on, nobody is erased under the contract that it is about."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Engine, MetaData, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader

_METADATA = MetaData()
_HOLDS = Table(
    "legal_holds",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("case_number", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),  # UTC, milliseconds
)


@dataclass(frozen=True)
class Hold:
    """A case that a contract is needed for, until a time (UTC, milliseconds)."""

    contract: str
    case_number: str
    until: int


class HoldStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def place(self, hold: Hold) -> None:
        """Place a hold; for the same contract and case it replaces the one before."""
        row = {"contract": hold.contract, "case_number": hold.case_number, "until": hold.until}
        put = insert(_HOLDS).values(row)
        put = put.on_conflict_do_update(set_={"until": put.excluded.until})
        with self._engine.begin() as connection:
            connection.execute(put)

    def lift(self, contract: str, case_number: str) -> bool:
        """Lift the hold of a case on a contract; False if there is none."""
        lifted = delete(_HOLDS).where(_HOLDS.c.contract == contract, _HOLDS.c.case_number == case_number)
        with self._engine.begin() as connection:
            return connection.execute(lifted).rowcount == 1

    def of(self, contract: str) -> list[Hold]:
        """Give the holds on a contract, those over too, in the order of their cases."""
        with self._reader.begin() as connection:
            return holds_in(connection, contract)


def holds_in(connection: Connection, contract: str) -> list[Hold]:
    """Give the holds on a contract within a transaction."""
    query = select(_HOLDS).where(_HOLDS.c.contract == contract).order_by(_HOLDS.c.case_number)
    return [Hold(row.contract, row.case_number, row.until) for row in connection.execute(query)]
