"""Contracts with their signatures."""

from functools import lru_cache

from sqlalchemy import Connection, insert, select

from compute.canonical import decode, encode
from compute.signing import Signed
from compute.terms import Terms
from marketplace.flow.contract import Contract
from marketplace.flow.states import CONTRACT, ContractState, Move
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import contracts, signatures

_KEPT = 256
"""Terms that are kept as they were decoded: by their bytes, so that none is ever another."""
_decode = lru_cache(_KEPT)(decode)
_LIVE = {state for state, move in CONTRACT.moves if move is Move.EXPIRE}


def add(connection: Connection, contract: Contract) -> None:
    """Store a new draft."""
    terms = contract.terms
    row = {
        "name": terms.contract,
        "state": contract.state,
        "not_after": terms.not_after,
        "terms": encode(terms),
    }
    connection.execute(insert(contracts), row)


def load(connection: Connection, name: str) -> Contract | None:
    """Give the contract, if there is one."""
    row = connection.execute(select(contracts.c.state, contracts.c.terms).where(contracts.c.name == name))
    if (found := row.one_or_none()) is None:
        return None
    agreed = _decode(found.terms, Terms)
    columns = signatures.c
    given = connection.execute(
        select(columns.party, columns.suite, columns.signature).where(columns.contract == name)
    )
    signed = {
        party: Signed(suite=suite, signer=party, signature=signature, statement=agreed)
        for party, suite, signature in given
    }
    return Contract(agreed, ContractState(found.state), signed)


def terms(connection: Connection, name: str) -> Terms | None:
    """Give the contract's terms, if there is one."""
    stored: bytes | None = connection.scalar(select(contracts.c.terms).where(contracts.c.name == name))
    return None if stored is None else _decode(stored, Terms)


def due(connection: Connection, now: int) -> list[str]:
    """Give the names of those whose term is over at `now` and which are not."""
    columns = contracts.c
    return list(
        connection.scalars(
            select(columns.name)
            .where(columns.state.in_(_LIVE), columns.not_after <= now)
            .order_by(columns.not_after, columns.name)
        )
    )


def add_signature(connection: Connection, signed: Signed[Terms]) -> None:
    """Store a party's signature; raise `ConflictError` if it has signed before."""
    row = {
        "contract": signed.statement.contract,
        "party": signed.signer,
        "suite": signed.suite,
        "signature": signed.signature,
    }
    insert_once(connection, signatures, row, f"{signed.signer} has signed {signed.statement.contract} already")


def move(connection: Connection, old: Contract, new: Contract) -> None:
    """Store the contract's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, contracts, {"name": old.terms.contract}, old.state, new.state)
