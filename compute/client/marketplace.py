"""A client of the marketplace's API: one method for each route, typed messages in and out.

For nodes, the command line and notebooks, over a `compute.web.client.PeerClient` that signs for one party:

    with PeerClient(url, "bank", key, "market", pins, verify=ca) as peer:
        market = MarketplaceClient(peer)
        market.apply("loans-1", terms)

Every method raises, of `compute.web.errors`, PeerProblemError where the marketplace refuses, PeerUnreachableError
where no answer came, ResponseError for an answer that is not proven or not of the form agreed. What others have
signed is passed on as it came: the caller verifies it by the keys that it has pinned (`compute.signing.verify`).
"""

from collections.abc import Sequence
from functools import cached_property

from audit import entry as log_entry
from audit.entry import Entry
from audit.errors import FormatError as EntryError
from compute.client.applications import ApplicationClient
from compute.client.approvals import Approvals
from compute.client.base import Noun
from compute.client.catalog import Catalog
from compute.client.consent_requests import ConsentRequestsClient
from compute.client.contracts import ContractClient
from compute.client.demands import Demands
from compute.client.disputes import DisputesClient
from compute.client.interventions import Interventions
from compute.client.mandates import Mandates
from compute.client.members import ApiKeys, Members
from compute.client.notices import Notices
from compute.client.organisations import Agreements, Organisations
from compute.client.prices import Prices
from compute.client.products import Products
from compute.client.resources import Resources
from compute.client.sessions import Sessions
from compute.client.statements import Statements
from compute.market.applications import ApplicationRecord, ApplicationRequest, Applications, Decision
from compute.market.cases import CaseList, CaseRecord, CaseRequest
from compute.market.consent_requests import BatchRegistration
from compute.market.consents import ConsentCount
from compute.market.contracts import ContractRecord, IssuedPermit
from compute.market.log import MAX_TRACE, LogEntry, Trace
from compute.market.parties import Directory, Enrolment, PartyStanding
from compute.market.product_search import ProductCard
from compute.market.products import CatalogEntry
from compute.market.reasons import Why
from compute.permit import PermitStatus
from compute.records import Consents, ConsentWithdrawal, PartyRecord
from compute.signing import Signed
from compute.terms import Grant, Terms
from compute.web.errors import ResponseError


class MarketplaceClient(Noun):
    """The marketplace as the party that `peer` signs for sees it; `peer` stays its caller's to close."""

    @cached_property
    def organisations(self) -> Organisations:
        """Organisations."""
        return Organisations(self._peer)

    @cached_property
    def interventions(self) -> Interventions:
        """What the operator does for organisations that cannot by themselves."""
        return Interventions(self._peer)

    @cached_property
    def agreements(self) -> Agreements:
        """The entry agreement."""
        return Agreements(self._peer)

    @cached_property
    def members(self) -> Members:
        """The people of one's own organisation."""
        return Members(self._peer)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """The keys of one's own organisation's programs."""
        return ApiKeys(self._peer)

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of people."""
        return Sessions(self._peer)

    # --- parties ----------------------------------------------------------------------------------------------

    def enrol(self, application: Signed[PartyRecord], admission: Signed[PartyRecord]) -> PartyStanding:
        """Enrol a party, as the operator: the first signature is the party's, the second the operator's."""
        return self._post("/parties", PartyStanding, Enrolment(application=application, admission=admission))

    def directory(self) -> Sequence[Signed[PartyRecord]]:
        """Give the enrolled parties, each signed by the operator."""
        return self._get("/parties", Directory).parties

    # --- products ---------------------------------------------------------------------------------------------

    def publish(self, description: bytes) -> CatalogEntry:
        """Describe a version of a product of one's own and submit it for review; `description` is TOML."""
        return self._toml("POST", "/products", CatalogEntry, description)

    @cached_property
    def catalog(self) -> Catalog:
        """What is on offer."""
        return Catalog(self._peer)

    def products(self) -> Sequence[ProductCard]:
        """Give the latest version of every product on offer, the newest first."""
        return list(self.catalog.all())

    def product(self, provider: str, product: str, version: str) -> CatalogEntry:
        """Give one version that was ever listed."""
        return self._get(f"/products/{provider}/{product}/{version}", CatalogEntry)

    @cached_property
    def product_desk(self) -> Products:
        """What providers and the operator do with versions until and after they are on offer."""
        return Products(self._peer)

    @cached_property
    def resources(self) -> Resources:
        """The data resources that products come from."""
        return Resources(self._peer)

    # --- within one's own organisation ------------------------------------------------------------------------

    @cached_property
    def approvals(self) -> Approvals:
        """The organisation's own steps before it acts."""
        return Approvals(self._peer)

    @cached_property
    def notices(self) -> Notices:
        """What one is told, and where else than here."""
        return Notices(self._peer)

    # --- money and demand ---------------------------------------------------------------------------------------

    @cached_property
    def prices(self) -> Prices:
        """Prices of applications and contracts."""
        return Prices(self._peer)

    @cached_property
    def mandates(self) -> Mandates:
        """Mandates of public data."""
        return Mandates(self._peer)

    @cached_property
    def statements(self) -> Statements:
        """Monthly statements."""
        return Statements(self._peer)

    @cached_property
    def demands(self) -> Demands:
        """The demand board."""
        return Demands(self._peer)

    # --- applications -----------------------------------------------------------------------------------------

    def apply(self, reference: str, terms: Terms) -> ApplicationRecord:
        """Apply for terms whose contract is named by `compute.records.contract_name` of the reference."""
        return self._post("/applications", ApplicationRecord, ApplicationRequest(reference=reference, terms=terms))

    def applications(self, cursor: str | None = None, limit: int = 100) -> Applications:
        """Give a page of the applications that one made or has a part in, by contract."""
        return self._get("/applications", Applications, cursor=cursor, limit=limit)

    def application(self, contract: str, case: str | None = None) -> ApplicationRecord:
        """Give the application for a contract; here and below a supervisor names the case that it reads under."""
        return self._get(f"/applications/{contract}", ApplicationRecord, case=case)

    def approve(self, contract: str, terms_digest: str) -> ApplicationRecord:
        """Approve one's own part of the terms with this SHA-256, in hex; the last approval drafts the contract."""
        return self._post(f"/applications/{contract}/approve", ApplicationRecord, Decision(terms=terms_digest))

    def reject(self, contract: str, why: Why) -> ApplicationRecord:
        """Reject one's own part, which ends the application."""
        return self._post(f"/applications/{contract}/reject", ApplicationRecord, why)

    def return_for_correction(self, contract: str, why: Why) -> ApplicationRecord:
        """Return one's own part for the consumer to correct."""
        return self._post(f"/applications/{contract}/return", ApplicationRecord, why)

    def resubmit(self, contract: str, grant: Grant) -> ApplicationRecord:
        """Ask a provider that returned its part for another grant."""
        return self._post(f"/applications/{contract}/resubmit", ApplicationRecord, grant)

    @cached_property
    def bargaining(self) -> ApplicationClient:
        """What is bargained over before there is a contract."""
        return ApplicationClient(self._peer)

    # --- contracts --------------------------------------------------------------------------------------------

    def contract(self, contract: str, case: str | None = None) -> ContractRecord:
        """Give a contract with its signatures so far."""
        return self._get(f"/contracts/{contract}", ContractRecord, case=case)

    def sign(self, signed: Signed[Terms]) -> ContractRecord:
        """Add one's signature; the last one puts the contract in force and issues the permits."""
        return self._post("/contracts/sign", ContractRecord, signed)

    @cached_property
    def contracts(self) -> ContractClient:
        """A contract's documents, stops, ends, amendments, renewal and certificates."""
        return ContractClient(self._peer)

    # --- consents ---------------------------------------------------------------------------------------------

    @cached_property
    def consent_requests(self) -> ConsentRequestsClient:
        """Requests to subjects."""
        return ConsentRequestsClient(self._peer)

    @cached_property
    def disputes(self) -> DisputesClient:
        """What subjects object to."""
        return DisputesClient(self._peer)

    def register_consents(self, registration: BatchRegistration) -> int:
        """Register a batch under a contract in force, as its consumer, and give its number of consents."""
        return self._post("/consents/register", ConsentCount, registration).consents

    def withdraw_consents(self, withdrawal: Signed[ConsentWithdrawal]) -> int:
        """Withdraw subjects' consents, as their contract's consumer, and give how many stood."""
        return self._post("/consents/withdraw", ConsentCount, withdrawal).consents

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0, case: str | None = None) -> Consents:
        """Give all batches and withdrawals under a contract as they were signed, for its parties.

        Those behind the first so many: statements are only ever added, in one order.
        """
        return self._get(f"/consents/{contract}", Consents, batches=batches, withdrawals=withdrawals, case=case)

    # --- permits ----------------------------------------------------------------------------------------------

    def permit(self, contract: str, provider: str, case: str | None = None) -> IssuedPermit:
        """Give the permit for one provider of a contract."""
        return self._get(f"/contracts/{contract}/permits/{provider}", IssuedPermit, case=case)

    def permit_status(self, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        """Give whether a permit stands now, signed over a fresh `nonce` of 32 bytes."""
        return self._get(f"/permits/{permit}/status", Signed[PermitStatus], nonce=nonce.hex())

    def revoke_permit(self, permit: str, why: Why) -> IssuedPermit:
        """Take a permit back for good, as its provider or the operator."""
        return self._post(f"/permits/{permit}/revoke", IssuedPermit, why)

    # --- audit ------------------------------------------------------------------------------------------------

    def trace(self, contract: str, case: str | None = None) -> list[tuple[int, Entry]]:
        """Give every entry about a contract since its application, with its index."""
        found: list[tuple[int, Entry]] = []
        while True:
            after = found[-1][0] if found else None
            page = self._get(f"/audit/trace/{contract}", Trace, after=after, case=case).entries
            for each in page:
                if found and each.index <= found[-1][0]:  # it would go on for ever
                    raise ResponseError(f"the marketplace gave entry {each.index} after entry {found[-1][0]}")
                found.append((each.index, _entry(each)))
            if len(page) < MAX_TRACE:
                return found

    # --- cases ------------------------------------------------------------------------------------------------

    def open_case(self, number: str, until: int) -> CaseRecord:
        """Open a case under one's own number, as a supervisor."""
        return self._post("/cases", CaseRecord, CaseRequest(number=number, until=until))

    def cases(self) -> Sequence[CaseRecord]:
        """Give all cases, as a supervisor or the operator."""
        return self._get("/cases", CaseList).cases

    def case(self, case: str) -> CaseRecord:
        """Give one case, as a supervisor or the operator."""
        return self._get(f"/cases/{case}", CaseRecord)

    def approve_case(self, case: str) -> CaseRecord:
        """Approve a case that another has opened, as a supervisor or the operator."""
        return self._post(f"/cases/{case}/approve", CaseRecord)

    def close_case(self, case: str) -> CaseRecord:
        """Close a case that one has opened: its reads are unsealed."""
        return self._post(f"/cases/{case}/close", CaseRecord)


def _entry(found: LogEntry) -> Entry:
    try:
        return log_entry.parse(found.entry.encode())
    except EntryError as error:
        raise ResponseError(f"the marketplace gave an entry {found.index} that is none: {error}") from error
