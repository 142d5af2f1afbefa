"""Requests to subjects for their consent: staff make them, the worker registers what was granted."""

from apiflask import APIBlueprint

from compute.market.consent_requests import ConsentRequestDraft, ConsentRequestMade
from compute.node.bank.consent_requests import OPEN, AskedConsent, ConsentRequestStore
from compute.node.console.consent_messages import ConsentAsked, ConsentAsking, ConsentsAsked
from compute.node.console.subjects import named, require_kept
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings
from compute.node.site import Site, clock
from compute.records import opening
from compute.web.body import gives, message, takes
from connectors.base import Table


def routes(site: Site[BankSettings], applicants: Table) -> APIBlueprint:
    """Give the routes of a bank that asks its applicants."""
    made = APIBlueprint("consent_requests", __name__)
    market, salts = site.market, SaltStore(site.engine, site.at_rest)
    requests = ConsentRequestStore(site.engine, site.at_rest)

    @made.post("/contracts/<name:contract>/consent-requests")
    @takes(message(ConsentAsking))
    @gives(ConsentRequestMade, 201)
    def ask_consent(asked: ConsentAsking, contract: str) -> ConsentRequestMade:
        """Ask one applicant under a contract in force: gives the link for it, this once."""
        (subject,) = named(applicants, [asked.subject])
        market.contract(contract)  # no salt is drawn for a name that is none
        tree = salts.draw(contract)
        require_kept(tree, [subject])
        draft = ConsentRequestDraft(
            contract=contract,
            reference=asked.reference,
            subject=subject,
            opening=opening(tree.salt(subject)),
            subject_type=asked.subject_type,
            expires=asked.expires,
            hours=asked.hours,
            contact=asked.contact,
        )
        found = market.consent_requests.ask(draft)
        requests.add(
            AskedConsent(
                request=found.request,
                contract=contract,
                reference=asked.reference,
                subject=subject,
                subject_type=asked.subject_type,
                at=clock(),
                until=found.until,
                state=OPEN,
            )
        )
        return found

    @made.get("/contracts/<name:contract>/consent-requests")
    @gives(ConsentsAsked)
    def consents_asked(contract: str) -> ConsentsAsked:
        """The requests under a contract, and what became of each."""
        return ConsentsAsked(requests=tuple(map(_asked, requests.of(contract))))

    return made


def _asked(found: AskedConsent) -> ConsentAsked:
    return ConsentAsked(
        request=found.request,
        reference=found.reference,
        subject=found.subject,
        subject_type=found.subject_type,
        at=found.at,
        until=found.until,
        state=found.state,
        receipt=None if found.receipt is None else found.receipt.statement.code,
    )
