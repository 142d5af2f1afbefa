"""Statements in all versions; what is asked about one is about its last, which alone is not corrected."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from compute.canonical import decode, encode
from compute.market.statements import DisputeReason, Statement
from marketplace.flow.market_states import StatementState
from marketplace.flow.statement import Dispute, Issued
from marketplace.store.money_tables import statement_confirmations, statement_months, statements
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row

_columns = statements.c
_IS_LAST = _columns.state != StatementState.CORRECTED


@dataclass(frozen=True)
class Wanted:
    """Which statements a list has: a party's own, or all where there is no party; of a month, in a state."""

    party: str | None
    month: str | None = None
    state: str | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The same as conditions on rows."""
        found: list[ColumnElement[bool]] = [_IS_LAST]
        if self.party is not None:
            found.append(or_(_columns.consumer == self.party, _columns.provider == self.party))
        if self.month is not None:
            found.append(_columns.month == self.month)
        if self.state is not None:
            found.append(_columns.state == self.state)
        return found


def add(connection: Connection, issued: Issued) -> None:
    """Store a version; raise `ConflictError` if it is there already."""
    made = issued.statement
    row = {
        "name": made.statement,
        "version": made.version,
        "contract": made.contract,
        "consumer": made.consumer,
        "provider": made.provider,
        "month": made.month,
        "mandate": made.mandate,
        "state": issued.state,
        "uses": made.uses,
        "total_fen": made.total_fen,
        "statement": encode(made),
    }
    insert_once(connection, statements, row, f"{made.statement} was issued already")


def load(connection: Connection, name: str, version: int | None = None) -> Issued | None:
    """Give the last version of a statement, or the one asked for, if it is there."""
    query = select(statements).where(_columns.name == name)
    query = query.where(_IS_LAST if version is None else _columns.version == version)
    row = connection.execute(query).one_or_none()
    return None if row is None else _issued(connection, row)


def page(connection: Connection, wanted: Wanted, after: tuple[str, str] | None, size: int | None) -> list[Issued]:
    """Give the first statements, or all, behind a month and a name: the latest month first, then by name."""
    query = select(statements).where(*wanted.conditions)
    if after is not None:
        month, name = after
        behind = or_(_columns.month < month, and_(_columns.month == month, _columns.name > name))
        query = query.where(behind)
    query = query.order_by(_columns.month.desc(), _columns.name).limit(size)
    return [_issued(connection, row) for row in connection.execute(query).all()]


def move(connection: Connection, old: Issued, new: Issued, at: int) -> None:
    """Store what a side has said; raise `ConflictError` if the state that was judged does not hold any more."""
    made = old.statement
    key = {"name": made.statement, "version": made.version}
    move_row(connection, statements, key, old.state, new.state)
    for party in new.confirmed[len(old.confirmed) :]:
        insert_once(
            connection, statement_confirmations, {**key, "party": party, "at": at}, f"{party} has confirmed it"
        )
    if new.dispute is not None and new.dispute != old.dispute:
        said = {
            "disputed_by": new.dispute.party,
            "dispute_reason": new.dispute.reason,
            "dispute_text": new.dispute.text,
        }
        connection.execute(update(statements).filter_by(**key).values(said))


def billed(connection: Connection, contract: str, provider: str, before: str) -> int:
    """Give how many uses stand on the statements of the months before one."""
    return _sum(
        connection,
        select(func.coalesce(func.sum(_columns.uses), 0)).where(
            _IS_LAST, _columns.contract == contract, _columns.provider == provider, _columns.month < before
        ),
    )


def charged(connection: Connection, mandate: str, year: int, but: str | None = None) -> int:
    """Give what was charged under a mandate in a calendar year, in fen; without the statement `but`."""
    query = select(func.coalesce(func.sum(_columns.total_fen), 0)).where(
        _IS_LAST, _columns.mandate == mandate, _columns.month.between(f"{year}-01", f"{year}-12")
    )
    return _sum(connection, query if but is None else query.where(_columns.name != but))


def last_month(connection: Connection) -> str | None:
    """Give the last month of which all statements are issued, if there is one."""
    month: str | None = connection.scalar(select(func.max(statement_months.c.month)))
    return month


def finish_month(connection: Connection, month: str, at: int) -> None:
    """Note that all statements of a month are issued."""
    connection.execute(insert(statement_months), {"month": month, "at": at})


def _sum(connection: Connection, query: Select[int]) -> int:
    return int(connection.scalars(query).one())


def _issued(connection: Connection, row: Row[tuple[object, ...]]) -> Issued:
    given = statement_confirmations.c
    confirmed = connection.scalars(
        select(given.party)
        .where(given.name == row.name, given.version == row.version)
        .order_by(given.at, given.party)
    )
    said = None
    if row.disputed_by is not None:
        said = Dispute(row.disputed_by, DisputeReason(row.dispute_reason), row.dispute_text)
    return Issued(decode(row.statement, Statement), StatementState(row.state), tuple(confirmed), said)
