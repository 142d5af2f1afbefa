"""What comes before there is a contract: dry runs, counter-offers, withdrawal, and every move so far."""

from compute.client.base import Noun
from compute.market.applications import (
    ApplicationRecord,
    CounterOffer,
    Decision,
    History,
    Precheck,
    PrecheckRequest,
)
from compute.market.legend import Legend
from compute.market.reasons import Why
from compute.terms import DraftTerms


class ApplicationClient(Noun):
    """The routes about applications that people work through; the plain ones are `MarketplaceClient`'s own."""

    def precheck(self, reference: str, terms: DraftTerms) -> Precheck:
        """Say what would become of an application, and change nothing."""
        return self._post("/applications/precheck", Precheck, PrecheckRequest(reference=reference, terms=terms))

    def counter(self, contract: str, offer: CounterOffer) -> ApplicationRecord:
        """Offer other terms for one's own part, as a provider."""
        return self._post(f"/applications/{contract}/counter", ApplicationRecord, offer)

    def accept(self, contract: str, provider: str, terms_digest: str) -> ApplicationRecord:
        """Accept a counter-offer whose terms have this SHA-256, in hex, as the consumer."""
        path = f"/applications/{contract}/offers/{provider}/accept"
        return self._post(path, ApplicationRecord, Decision(terms=terms_digest))

    def decline(self, contract: str, provider: str) -> ApplicationRecord:
        """Decline a counter-offer, as the consumer."""
        return self._post(f"/applications/{contract}/offers/{provider}/decline", ApplicationRecord)

    def withdraw(self, contract: str, why: Why) -> ApplicationRecord:
        """Take an application back while no contract has come of it, as the consumer."""
        return self._post(f"/applications/{contract}/withdraw", ApplicationRecord, why)

    def legend(self, contract: str, case: str | None = None) -> Legend:
        """Give what the identifiers in the terms are called."""
        return self._get(f"/applications/{contract}/legend", Legend, case=case)

    def history(self, contract: str, case: str | None = None) -> History:
        """Give every move of an application and its contract."""
        return self._get(f"/applications/{contract}/history", History, case=case)
