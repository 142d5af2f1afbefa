"""Consents: a row for each batch, a row for each commitment in it, and the withdrawals as they were signed.

A batch is put together again from its rows: its commitments were signed in ascending order.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, func, insert, select, update

from compute.canonical import decode, encode
from compute.records import ConsentBatch, ConsentKind, Consents, ConsentWithdrawal
from compute.signing import Signed
from marketplace.store.rows import insert_once
from marketplace.store.tables import batches, commitments, withdrawals

_KEYS_PER_QUERY = 10_000  # below SQLite's limit of 32,766 parameters

_ids_of = select(batches.c.id).where(batches.c.contract == bindparam("contract"))


def add(connection: Connection, signed: Signed[ConsentBatch]) -> None:
    """Store a batch; raise `ConflictError` if its number was used before under the contract."""
    batch = signed.statement
    row = {
        "contract": batch.contract,
        "batch": batch.batch,
        "kind": batch.kind,
        "evidence": batch.evidence,
        "at": batch.at,
        "expires": batch.expires,
        "signer": signed.signer,
        "suite": signed.suite,
        "signature": signed.signature,
    }
    taken = f"batch {batch.batch} of {batch.contract} is registered already"
    insert_once(connection, batches, row, taken, "list the contract's consents, or choose another batch name")
    number = connection.scalars(_ids_of.where(batches.c.batch == batch.batch), {"contract": batch.contract}).one()
    connection.execute(
        insert(commitments), [{"batch": number, "commitment": value} for value in batch.commitments]
    )


def known(connection: Connection, contract: str, values: Iterable[bytes]) -> int:
    """Give how many of the commitments were ever registered under the contract."""
    return sum(
        connection.scalars(
            select(func.count(commitments.c.commitment.distinct())).where(
                commitments.c.batch.in_(_ids_of), commitments.c.commitment.in_(piece)
            ),
            {"contract": contract},
        ).one()
        for piece in _pieces(values)
    )


def last_batch(connection: Connection, contract: str) -> int:
    """Give the time of the latest batch under the contract, or -1."""
    return _latest(connection, batches, contract)


def last_withdrawal(connection: Connection, contract: str, signer: str) -> int:
    """Give the time of the latest withdrawal that `signer` has stated under the contract, or -1."""
    return _latest(connection, withdrawals, contract, withdrawals.c.signer == signer)


def _latest(connection: Connection, table: Table, contract: str, *which: ColumnElement[bool]) -> int:
    latest: int | None = connection.scalar(
        select(func.max(table.c.at)).where(table.c.contract == contract, *which)
    )
    return -1 if latest is None else latest


def withdraw(connection: Connection, signed: Signed[ConsentWithdrawal]) -> int:
    """Store a withdrawal, end every consent under the contract that it names, and give how many stood till now."""
    withdrawal = signed.statement
    row = {
        "contract": withdrawal.contract,
        "at": withdrawal.at,
        "signer": signed.signer,
        "withdrawal": encode(signed),
    }
    connection.execute(insert(withdrawals), row)
    return sum(
        connection.execute(
            update(commitments)
            .where(
                commitments.c.batch.in_(_ids_of),
                commitments.c.commitment.in_(piece),
                commitments.c.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=withdrawal.at),
            {"contract": withdrawal.contract},
        ).rowcount
        for piece in _pieces(withdrawal.commitments)
    )


def of(connection: Connection, contract: str, known_batches: int, known_withdrawals: int) -> Consents:
    """Give every batch and withdrawal under the contract behind the first so many, each as it was signed.

    The withdrawals are the consumer's, and the marketplace's for subjects.

    They stand in the order they came; none is ever removed.
    """
    given = select(batches).where(batches.c.contract == contract).order_by(batches.c.id)
    taken_back = select(withdrawals.c.withdrawal).where(withdrawals.c.contract == contract)
    rows = connection.execute(given.offset(known_batches))
    signed = connection.scalars(taken_back.order_by(withdrawals.c.id).offset(known_withdrawals))
    return Consents(
        contract=contract,
        batches=tuple(_batch(connection, row) for row in rows.all()),
        withdrawals=tuple(decode(data, Signed[ConsentWithdrawal]) for data in signed),
    )


def _batch(connection: Connection, row: Row[tuple[object, ...]]) -> Signed[ConsentBatch]:
    values = connection.scalars(
        select(commitments.c.commitment).where(commitments.c.batch == row.id).order_by(commitments.c.commitment)
    )
    batch = ConsentBatch(
        contract=row.contract,
        batch=row.batch,
        kind=ConsentKind(row.kind),
        evidence=row.evidence,
        at=row.at,
        expires=row.expires,
        commitments=tuple(values),
    )
    return Signed(suite=row.suite, signer=row.signer, signature=row.signature, statement=batch)


def _pieces(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    values = list(values)
    for first in range(0, len(values), _KEYS_PER_QUERY):
        yield values[first : first + _KEYS_PER_QUERY]
