"""Amendments with their signatures, and the certificates that close a contract."""

from sqlalchemy import Connection, select

from compute.canonical import decode, encode
from compute.market.contracts import DestructionCertificate
from compute.signing import Signed
from compute.terms import Terms
from marketplace.flow.amendment import Amendment
from marketplace.flow.states import AmendmentState
from marketplace.store.flow_tables import amendment_signatures, amendments, certificates
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row


def add(connection: Connection, amendment: Amendment) -> None:
    """Store a new amendment; raise `ConflictError` if somebody was first with this attempt."""
    row = {
        **_key(amendment),
        "proposer": amendment.proposer,
        "state": amendment.state,
        "terms": encode(amendment.terms),
    }
    insert_once(connection, amendments, row, f"an amendment of {amendment.terms.contract} was proposed meanwhile")


def latest(connection: Connection, contract: str) -> Amendment | None:
    """Give a contract's latest amendment, in whatever state."""
    columns = amendments.c
    found = select(amendments).where(columns.contract == contract)
    row = connection.execute(found.order_by(columns.version.desc(), columns.attempt.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    terms = decode(row.terms, Terms)
    signatures = amendment_signatures.c
    given = select(signatures.party, signatures.suite, signatures.signature).where(
        signatures.contract == contract, signatures.version == row.version, signatures.attempt == row.attempt
    )
    signed = {
        party: Signed(suite=suite, signer=party, signature=signature, statement=terms)
        for party, suite, signature in connection.execute(given)
    }
    return Amendment(terms, row.proposer, AmendmentState(row.state), row.attempt, signed)


def add_signature(connection: Connection, amendment: Amendment, signed: Signed[Terms]) -> None:
    """Store a party's signature; raise `ConflictError` if it has signed before."""
    row = {
        **_key(amendment),
        "party": signed.signer,
        "suite": signed.suite,
        "signature": signed.signature,
    }
    insert_once(connection, amendment_signatures, row, f"{signed.signer} has signed this amendment already")


def move(connection: Connection, old: Amendment, new: Amendment) -> None:
    """Store the amendment's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, amendments, _key(old), old.state, new.state)


def certify(connection: Connection, signed: Signed[DestructionCertificate]) -> None:
    """Store a party's certificate; raise `ConflictError` if it gave one before."""
    certificate = signed.statement
    row = {"contract": certificate.contract, "party": certificate.party, "certificate": encode(signed)}
    taken = f"{certificate.party} has certified the destruction under {certificate.contract} already"
    insert_once(connection, certificates, row, taken, "there is nothing more to do")


def certificates_of(connection: Connection, contract: str) -> list[Signed[DestructionCertificate]]:
    """Give the certificates of a contract, by party."""
    columns = certificates.c
    found = select(columns.certificate).where(columns.contract == contract).order_by(columns.party)
    return [decode(each, Signed[DestructionCertificate]) for each in connection.scalars(found)]


def _key(amendment: Amendment) -> dict[str, str | int]:
    terms = amendment.terms
    return {"contract": terms.contract, "version": terms.version, "attempt": amendment.attempt}
