"""What a subject does in the pages, by the exchange's own commands."""

from typing import Any

import msgspec
from market import BANK, DAY, NOW, SALTS, TAX, Market
from node.exchange_client import ExchangeClient
from subjects import telephone

from compute.market.consent_requests import ConsentRequestDraft
from compute.node.consents import KnownConsents
from compute.records import (
    ConsentDecision,
    SubjectType,
    commitment,
    opening,
)
from marketplace.flow import consent_text
from marketplace.flow.subject import Acting

COMPANY, RIVAL = "91460100MAQBDL395F", "91330106MA2CFLDG4R"
VISIT, SOURCE = "v" * 43, "192.0.2.7"
GRANTED = ConsentDecision.GRANTED


def draft(contract: str, subject: str = COMPANY, **changes: Any) -> ConsentRequestDraft:
    asked = ConsentRequestDraft(
        contract=contract,
        reference="ask-1",
        subject=subject,
        opening=opening(SALTS.salt(subject)),
        subject_type=SubjectType.ENTERPRISE,
        expires=NOW + 20 * DAY,
        hours=72,
        contact="Harbour Bank, +86 898 0000 0000",
    )
    return msgspec.structs.replace(asked, **changes)


def link(market: Market, contract: str, subject: str = COMPANY, **changes: Any) -> str:
    """The token of a new request's link."""
    _, url = market.exchange.consent_requests.ask(BANK, draft(contract, subject, **changes))
    return url.rpartition("/")[2]


def identified(market: Market, subject: str = COMPANY, number: str | None = None) -> Acting:
    """Who types in the code that was sent."""
    desk = market.exchange.identification
    desk.send_code(VISIT, SOURCE, subject, number or telephone(subject), None)
    market.exchange.messenger.deliver()
    return desk.verify_code(VISIT, SOURCE, market.mailbox.code(subject)).acting


def decided(
    market: Market, token: str, acting: Acting, decision: ConsentDecision = GRANTED, **options: Any
) -> Any:
    _, clauses = market.exchange.subject_consents.shown(token, acting)
    shown = consent_text.digest(clauses)
    return market.exchange.subject_consents.decide(token, acting, decision, shown, **options)


def standing(market: Market, contract: str) -> frozenset[bytes]:
    """What a provider's node makes of the consents."""
    terms = market.exchange.contracts.load("operator", contract).terms
    pins = market.exchange.pins()
    return KnownConsents(ExchangeClient(market, TAX), pins, "market").standing(terms, market.clock.now)


def mark(subject: str) -> bytes:
    return commitment(SALTS.salt(subject), subject)
