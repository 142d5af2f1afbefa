"""A bank's applications for the fields of providers' products."""

from apiflask import APIBlueprint

from compute.market import ApplicationRecord
from compute.node.console.messages import ApplicationDraft
from compute.node.console.valid import valid
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.records import contract_name
from compute.terms import BASIS_OF, Terms
from compute.web.body import gives, message, takes

POLICY_VERSION = 1


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
            terms = Terms(
                contract=contract_name(name, draft.reference),
                policy_version=POLICY_VERSION,
                consumer=name,
                grants=draft.grants,
                operation=draft.operation,
                purpose=draft.purpose,
                legal_basis=BASIS_OF[draft.operation],
                model_reviewer=draft.model_reviewer,
                max_uses=draft.max_uses,
                not_before=draft.not_before,
                not_after=draft.not_after,
            )
        return market.apply(draft.reference, terms)

    return made
