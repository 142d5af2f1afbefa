"""Contracts with their signatures."""

from functools import lru_cache

from sqlalchemy import Connection, delete, insert, select, update

from compute.canonical import decode, encode
from compute.signing import Signed
from compute.terms import Grant, Terms
from marketplace.flow.contract import Contract
from marketplace.flow.states import CONTRACT, ContractState, Move
from marketplace.store.flow_tables import suspensions
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import contracts, permits, signatures

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
    stopped = connection.scalars(select(suspensions.c.side).where(suspensions.c.contract == name))
    return Contract(agreed, ContractState(found.state), signed, frozenset(stopped))


def terms(connection: Connection, name: str) -> Terms | None:
    """Give the contract's terms, if there is one."""
    stored: bytes | None = connection.scalar(select(contracts.c.terms).where(contracts.c.name == name))
    return None if stored is None else _decode(stored, Terms)


def resting_on(connection: Connection, version: tuple[str, str, str]) -> list[Terms]:
    """Give the terms of the active contracts that grant a version (provider, product, version), by name."""
    query = select(contracts.c.terms).join(permits, permits.c.contract == contracts.c.name)
    query = query.where(permits.c.provider == version[0], contracts.c.state == ContractState.ACTIVE)
    found = (_decode(stored, Terms) for stored in connection.scalars(query.order_by(contracts.c.name)))
    return [terms for terms in found if any(version == _version(grant) for grant in terms.grants)]


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
    """Store the contract's new state and who has stopped it.

    Raises `ConflictError` if the old state does not hold any more.
    """
    name = old.terms.contract
    move_row(connection, contracts, {"name": name}, old.state, new.state)
    for side in sorted(new.suspended_by - old.suspended_by):
        insert_once(
            connection, suspensions, {"contract": name, "side": side}, f"{side} has suspended {name} already"
        )
    if gone := old.suspended_by - new.suspended_by:
        columns = suspensions.c
        connection.execute(delete(suspensions).where(columns.contract == name, columns.side.in_(sorted(gone))))


def amend(connection: Connection, old: Contract, new: Contract) -> None:
    """Put the next version's terms and signatures in place of those before.

    Raises `ConflictError` if the contract is not as it was judged any more.
    """
    name = old.terms.contract
    move_row(connection, contracts, {"name": name}, old.state, new.state)
    changed = {"terms": encode(new.terms), "not_after": new.terms.not_after}
    connection.execute(update(contracts).where(contracts.c.name == name).values(changed))
    for signed in new.signed:
        of_party = update(signatures).where(signatures.c.contract == name, signatures.c.party == signed.signer)
        connection.execute(of_party.values(suite=signed.suite, signature=signed.signature))


def _version(grant: Grant) -> tuple[str, str, str]:
    return grant.provider, grant.product, grant.product_version
