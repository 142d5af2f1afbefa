"""A bank's applications for the fields of providers' products."""

from apiflask import APIBlueprint

from compute.agreement.documents import bind
from compute.market.applications import ApplicationRecord, Precheck, RenewalRequest
from compute.market.reasons import Why
from compute.node.console.messages import ApplicationDraft, ReadTerms
from compute.node.console.valid import valid
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.records import contract_name
from compute.terms import BASIS_OF, POLICY_VERSION, DraftTerms
from compute.web.body import gives, message, takes
from compute.web.forms import form


def routes(site: Site[BankSettings]) -> APIBlueprint:
    """Give the routes of a bank that applies."""
    made = APIBlueprint("applying", __name__)
    name, market = site.settings.name, site.market

    @made.post("/applications")
    @takes(message(ApplicationDraft))
    @gives(ApplicationRecord, 201)
    def apply(draft: ApplicationDraft) -> ApplicationRecord:
        """Apply for fields of providers' products; the reference names the contract."""
        with valid():
            terms = bind(drafted(name, draft))
        return market.apply(draft.reference, terms)

    @made.post("/applications/precheck")
    @takes(message(ApplicationDraft))
    @gives(Precheck)
    def precheck(draft: ApplicationDraft) -> Precheck:
        """Try an application: every clause that would fail, in both languages. Changes nothing."""
        return market.bargaining.precheck(draft.reference, drafted(name, draft))

    @made.post("/applications/<name:contract>/offers/<name:provider>/accept")
    @takes(message(ReadTerms))
    @gives(ApplicationRecord)
    def accept(read: ReadTerms, contract: str, provider: str) -> ApplicationRecord:
        """Accept a provider's counter-offer by the digest of the terms that follow from it."""
        return market.bargaining.accept(contract, provider, read.terms)

    @made.post("/applications/<name:contract>/offers/<name:provider>/decline")
    @gives(ApplicationRecord)
    def decline(contract: str, provider: str) -> ApplicationRecord:
        """Decline a provider's counter-offer: what was asked for stands."""
        return market.bargaining.decline(contract, provider)

    @made.post("/applications/<name:contract>/withdraw")
    @takes(form(Why))
    @gives(ApplicationRecord)
    def withdraw(why: Why, contract: str) -> ApplicationRecord:
        """Take an application back while no contract has come of it."""
        return market.bargaining.withdraw(contract, why)

    @made.post("/contracts/<name:contract>/renew")
    @takes(form(RenewalRequest))
    @gives(ApplicationRecord, 201)
    def renew(request: RenewalRequest, contract: str) -> ApplicationRecord:
        """Apply for a contract's successor; its subjects are asked again."""
        return market.contracts.renew(contract, request)

    return made


def drafted(consumer: str, draft: ApplicationDraft) -> DraftTerms:
    """Give the terms that a bank's draft comes to."""
    return DraftTerms(
        contract=contract_name(consumer, draft.reference),
        policy_version=POLICY_VERSION,
        consumer=consumer,
        grants=draft.grants,
        operation=draft.operation,
        purpose=draft.purpose,
        legal_basis=BASIS_OF[draft.operation],
        model_reviewer=draft.model_reviewer,
        max_uses=draft.max_uses,
        not_before=draft.not_before,
        not_after=draft.not_after,
        subject_types=draft.subject_types,
    )
