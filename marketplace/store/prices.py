"""Prices as they are offered for applications, and as contracts have them."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from audit.database import insert
from compute.canonical import decode, encode
from compute.market.prices import PriceAgreement, PriceOffer
from marketplace.flow.market_states import PriceState
from marketplace.flow.pricing import Offer
from marketplace.store.money_tables import price_agreements, price_offers
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.usage_tables import standings

_AGREEMENTS = select(price_agreements.c.agreement)


def offered(connection: Connection, contract: str, provider: str) -> Offer | None:
    """Give a provider's last offer for its part of an application, if there is one."""
    row = connection.execute(select(price_offers).filter_by(contract=contract, provider=provider)).one_or_none()
    return None if row is None else Offer(decode(row.offer, PriceOffer), PriceState(row.state))


def store_offer(connection: Connection, old: Offer | None, new: Offer) -> None:
    """Store an offer in place of the last one; raise `ConflictError` if that does not stand any more."""
    made = new.offered
    key = {"contract": made.contract, "provider": made.provider}
    if old is not None:
        move_row(connection, price_offers, key, old.state, new.state)
    write = insert(connection, price_offers).values({**key, "state": new.state, "offer": encode(made)})
    replaced = {"offer": write.excluded.offer}
    connection.execute(write.on_conflict_do_update(index_elements=list(price_offers.primary_key), set_=replaced))


def add(connection: Connection, agreed: PriceAgreement) -> None:
    """Store what a contract fixes; raise `ConflictError` if it was fixed before."""
    row = {
        "contract": agreed.contract,
        "provider": agreed.provider,
        "agreed_at": agreed.agreed_at,
        "agreement": encode(agreed),
    }
    insert_once(connection, price_agreements, row, f"the price of {agreed.contract} is agreed already")


def load(connection: Connection, contract: str, provider: str) -> PriceAgreement | None:
    """Give what a contract has fixed about one provider's price, if it is."""
    stored = connection.scalar(_AGREEMENTS.filter_by(contract=contract, provider=provider))
    return None if stored is None else decode(stored, PriceAgreement)


def first_at(connection: Connection) -> int | None:
    """Give when the first price was agreed: UTC, milliseconds since 1970-01-01; None if none was."""
    query = select(price_agreements.c.agreed_at).order_by(price_agreements.c.agreed_at).limit(1)
    return connection.scalar(query)


def standing(connection: Connection, start: int, end: int) -> Iterator[tuple[PriceAgreement, int, int | None]]:
    """Give the prices of contracts in force at some time from `start` to before `end`, by contract and provider.

    With each since when and until when its contract is in force.
    """
    agreed, lasting = price_agreements.c, standings.c
    query = (
        select(agreed.agreement, lasting.active_from, lasting.active_until)
        .join_from(price_agreements, standings, agreed.contract == lasting.contract)
        .where(lasting.active_from < end, (lasting.active_until.is_(None)) | (lasting.active_until >= start))
        .order_by(agreed.contract, agreed.provider)
    )
    for row in connection.execute(query).all():
        yield decode(row.agreement, PriceAgreement), row.active_from, row.active_until
