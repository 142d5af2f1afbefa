"""A contract's documents and its life: stops, ends, amendments, renewal, certificates of destruction."""

from catalog.vocabulary import Language
from compute.client.base import Noun
from compute.market.applications import ApplicationRecord, RenewalRequest
from compute.market.contracts import (
    AgreementDigests,
    AmendmentProposal,
    AmendmentRecord,
    Certificates,
    ContractRecord,
    DestructionCertificate,
)
from compute.market.legend import Legend
from compute.market.reasons import Why
from compute.signing import Signed
from compute.terms import Terms


class ContractClient(Noun):
    """The routes about contracts; to read and to sign one are `MarketplaceClient`'s own."""

    def policy(self, contract: str, version: int | None = None, case: str | None = None) -> bytes:
        """Give the machine policy, ODRL in JSON-LD, of the present version or the one named."""
        return self._bytes(f"/contracts/{contract}/policy", version=version, case=case)

    def text(self, contract: str, language: Language, version: int | None = None, case: str | None = None) -> str:
        """Give the readable contract, Markdown."""
        path = f"/contracts/{contract}/text"
        return self._bytes(path, language=language, version=version, case=case).decode()

    def legend(self, contract: str, version: int | None = None, case: str | None = None) -> Legend:
        """Give what the identifiers of a version are called: no part of the contract."""
        return self._get(f"/contracts/{contract}/legend", Legend, version=version, case=case)

    def versions(self, contract: str, case: str | None = None) -> AgreementDigests:
        """Give the digest of each version's agreement."""
        return self._get(f"/contracts/{contract}/versions", AgreementDigests, case=case)

    def suspend(self, contract: str, why: Why) -> ContractRecord:
        """Stop a contract for a time, as one of its sides."""
        return self._post(f"/contracts/{contract}/suspend", ContractRecord, why)

    def reinstate(self, contract: str) -> ContractRecord:
        """End one's own suspension."""
        return self._post(f"/contracts/{contract}/reinstate", ContractRecord)

    def terminate(self, contract: str, why: Why) -> ContractRecord:
        """End a contract, or a draft, before its time, as a party."""
        return self._post(f"/contracts/{contract}/terminate", ContractRecord, why)

    def revoke(self, contract: str, why: Why) -> ContractRecord:
        """End a contract at once for a cause, as one of its sides."""
        return self._post(f"/contracts/{contract}/revoke", ContractRecord, why)

    def renew(self, contract: str, request: RenewalRequest) -> ApplicationRecord:
        """Apply for a contract's successor, as its consumer."""
        return self._post(f"/contracts/{contract}/renew", ApplicationRecord, request)

    def amendment(self, contract: str, case: str | None = None) -> AmendmentRecord:
        """Give the latest amendment."""
        return self._get(f"/contracts/{contract}/amendment", AmendmentRecord, case=case)

    def propose_amendment(self, terms: Terms) -> AmendmentRecord:
        """Propose the next version of a contract, as a party."""
        proposal = AmendmentProposal(terms=terms)
        return self._post(f"/contracts/{terms.contract}/amendment", AmendmentRecord, proposal)

    def sign_amendment(self, signed: Signed[Terms]) -> AmendmentRecord:
        """Add one's signature to an amendment; the last one puts it in force."""
        return self._post("/contracts/amendment/sign", AmendmentRecord, signed)

    def decline_amendment(self, contract: str, why: Why) -> AmendmentRecord:
        """Decline an amendment that another party proposed."""
        return self._post(f"/contracts/{contract}/amendment/decline", AmendmentRecord, why)

    def withdraw_amendment(self, contract: str, why: Why) -> AmendmentRecord:
        """Take back one's own amendment."""
        return self._post(f"/contracts/{contract}/amendment/withdraw", AmendmentRecord, why)

    def certificates(self, contract: str, case: str | None = None) -> Certificates:
        """Give what the parties certified to have destroyed, and who owes it."""
        return self._get(f"/contracts/{contract}/certificates", Certificates, case=case)

    def certify(self, signed: Signed[DestructionCertificate]) -> DestructionCertificate:
        """Certify what one destroyed of a contract that is over."""
        return self._post("/contracts/certificates", DestructionCertificate, signed)
