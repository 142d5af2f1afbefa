"""How a department decides in its office, and how a contract comes to be signed."""

import io
import json

import pytest
from flows.arrivals import DEPARTMENT, OTHER_DEPARTMENT
from flows.own_market import OwnMarket
from processes.live_market import ignore
from pypdf import PdfWriter

from compute.client.base import WaitingError
from compute.client.marketplace import MarketplaceClient
from compute.market.applications import CounterOffer
from compute.market.approvals import ApprovalRecord
from compute.node.console.client import NodeClient
from compute.node.console.messages import ModelRegistered, ModelRegistration
from compute.signing import digest
from compute.terms import Terms
from compute.web.errors import PeerProblemError
from veilmart.demo import story
from veilmart.demo.data import SCORECARD_FILE
from veilmart.demo.sites import BANK

OFFERED = 500
"""Uses that the department offers in place of those asked for."""


def waits(call: object, /, *given: object) -> ApprovalRecord:
    """What a handler's command starts in the department's office."""
    with pytest.raises(WaitingError) as caught:
        call(*given)  # type: ignore[operator]
    return caught.value.approval


def a_page() -> bytes:
    """A PDF of one empty page."""
    written, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(595, 842)
    writer.write(written)
    return written.getvalue()


def the_department_offers_less(
    handler: MarketplaceClient, chief: MarketplaceClient, analyst: NodeClient, contract: str
) -> None:
    """The handler offers fewer uses; the chief has a reason added; then the bank has the offer, and takes it."""
    asked = handler.application(contract).terms
    grant = asked.grant_of(DEPARTMENT)
    assert grant is not None
    offer = CounterOffer(grant=grant, max_uses=OFFERED, not_before=asked.not_before, not_after=asked.not_after)
    started = waits(handler.bargaining.counter, contract, offer)
    handler.approvals.pass_step(started.id, "建议减少次数。")
    assert chief.approvals.return_for_correction(started.id, "请写明减少的理由。").state == "returned"
    handler.approvals.attach(started.id, "理由.pdf", a_page())
    handler.approvals.resubmit(started.id, "理由见附件。")
    handler.approvals.pass_step(started.id)
    assert not analyst.application(contract).offers  # the office has not decided yet
    assert chief.approvals.pass_step(started.id, "同意。").state == "completed"
    offered = analyst.application(contract).offers[DEPARTMENT]
    assert offered.terms.max_uses == OFFERED
    analyst.accept(offered.terms, DEPARTMENT)


def the_department_approves_in_two_steps(
    market: OwnMarket, handler: MarketplaceClient, chief: MarketplaceClient, analyst: NodeClient, contract: str
) -> Terms:
    terms = analyst.application(contract).terms
    assert terms.max_uses == OFFERED
    with story.staff(market.sites.nodes[DEPARTMENT]) as clerk, pytest.raises(PeerProblemError):
        clerk.approve(terms)  # the office decides, and not its node alone
    started = waits(handler.approve, contract, digest(terms).hex())
    handler.approvals.pass_step(started.id)
    with pytest.raises(PeerProblemError):  # nobody passes two steps
        handler.approvals.pass_step(started.id)
    chief.approvals.pass_step(started.id, "同意。")
    with story.staff(market.sites.nodes[OTHER_DEPARTMENT]) as clerk:
        assert clerk.approve(terms).state == "approved"
    return terms


def both_sign(market: OwnMarket, handler: MarketplaceClient, analyst: NodeClient, terms: Terms) -> None:
    """The contract as machines and people read it hangs on one hash, which every node signs."""
    contract = terms.contract
    policy = json.loads(handler.contracts.policy(contract))
    assert policy["@type"] in {"Agreement", "odrl:Agreement"} or "Agreement" in json.dumps(policy)
    chinese, english = (handler.contracts.text(contract, language) for language in ("zh", "en"))
    for text in (chinese, english):
        for word in (BANK, DEPARTMENT, str(OFFERED)):
            assert word in text.replace(",", "")
    assert set(handler.contracts.versions(contract).versions.values()) == {terms.agreement}
    analyst.sign(terms)
    for provider in (DEPARTMENT, OTHER_DEPARTMENT):
        with story.staff(market.sites.nodes[provider]) as clerk:
            signed = clerk.sign(terms)
    assert signed.state == "active"
    assert set(analyst.present(contract).permits) == {DEPARTMENT, OTHER_DEPARTMENT}


def a_model_is_approved(market: OwnMarket, analyst: NodeClient, contract: str) -> ModelRegistered:
    scorecard = (market.examples / SCORECARD_FILE).read_text("utf-8")
    asked = ModelRegistration(reference=market.card.name, contract=contract, scorecard=scorecard)
    return story.model(market.sites, analyst, asked, ignore)
