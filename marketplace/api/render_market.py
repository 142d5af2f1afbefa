"""What is sent of prices, mandates, statements and demands."""

from collections.abc import Sequence

from compute.market.demands import DemandRecord, Demands, Response, Responses
from compute.market.mandates import MandateRecord, Mandates
from compute.market.prices import PriceRecord
from compute.market.statements import StatementRecord, Statements
from compute.signing import digest
from marketplace.commands.demands import Seen
from marketplace.commands.prices import Priced
from marketplace.flow.mandate import Mandate
from marketplace.flow.market_states import PriceState
from marketplace.flow.statement import Issued
from marketplace.store.demands import Answer
from marketplace.store.paging import encode_cursor


def price(found: Priced) -> PriceRecord:
    """Give the message about the price of one provider's part."""
    agreed, offer = found.agreed, found.offer
    state = PriceState.LISTED if offer is None else offer.state
    amount = found.price.amount_fen if offer is None else offer.offered.amount_fen
    return PriceRecord(
        provider=found.grant.provider,
        state=(state if agreed is None else PriceState.AGREED).value,
        plan=found.price.plan if agreed is None else agreed.plan,
        amount_fen=amount if agreed is None else agreed.amount_fen,
        cap_uses=found.price.cap_uses if agreed is None else agreed.cap_uses,
        free=None if agreed is None else agreed.free,
        agreement=agreed,
        digest=None if agreed is None else digest(agreed).hex(),
    )


def mandate(found: Mandate) -> MandateRecord:
    """Give the message about a mandate."""
    return MandateRecord(
        mandate=found.terms,
        authority=found.authority,
        state=found.state.value,
        entered_at=found.entered_at,
        ended_at=found.ended_at,
        end_reason=found.end_reason,
    )


def mandates(found: Sequence[Mandate], limit: int) -> Mandates:
    """Give a page of mandates; `found` has one more if there is another page."""
    shown = found[:limit]
    cursor = encode_cursor((shown[-1].terms.mandate,)) if len(found) > limit else None
    return Mandates(items=tuple(map(mandate, shown)), next=cursor)


def statement(found: Issued) -> StatementRecord:
    """Give the message about a version of a statement."""
    said = found.dispute
    return StatementRecord(
        statement=found.statement,
        digest=found.digest,
        state=found.state.value,
        confirmed=found.confirmed,
        disputed_by=None if said is None else said.party,
        dispute_reason=None if said is None else said.reason,
        dispute_text=None if said is None else said.text,
    )


def statements(found: Sequence[Issued], limit: int) -> Statements:
    """Give a page of statements; `found` has one more if there is another page."""
    shown = found[:limit]
    last = shown[-1].statement if len(found) > limit else None
    cursor = None if last is None else encode_cursor((last.month, last.statement))
    return Statements(items=tuple(map(statement, shown)), next=cursor)


def demand(found: Seen) -> DemandRecord:
    """Give the message about a demand as one organisation sees it."""
    return DemandRecord(
        demand=found.demand.name,
        poster=found.demand.poster,
        state=found.demand.state.value,
        wanted=found.demand.wanted,
        changed_at=found.demand.changed_at,
        followers=found.followers,
        is_followed=found.is_followed,
        close_reason=found.demand.close_reason,
        revision=found.demand.revision,
    )


def demands(found: Sequence[Seen], limit: int) -> Demands:
    """Give a page of demands; `found` has one more if there is another page."""
    shown = found[:limit]
    cursor = encode_cursor((shown[-1].number,)) if len(found) > limit else None
    return Demands(items=tuple(map(demand, shown)), next=cursor)


def response(found: Answer) -> Response:
    """Give the message about an answer to a demand."""
    return Response(number=found.number, by=found.by, at=found.at, answer=found.said)


def responses(found: Sequence[Answer]) -> Responses:
    """Give the message about answers to a demand."""
    return Responses(items=tuple(map(response, found)))
