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
from typing import TypeVar

from audit import entry as log_entry
from audit.entry import Entry
from audit.errors import FormatError as EntryError
from compute.canonical import FormatError, Message, decode, encode
from compute.market import (
    MAX_TRACE,
    ApplicationRecord,
    ApplicationRequest,
    Applications,
    CaseList,
    CaseRecord,
    CaseRequest,
    Catalog,
    CatalogEntry,
    ConsentCount,
    ContractRecord,
    Decision,
    Directory,
    Enrolment,
    IssuedPermit,
    LogEntry,
    PartyStanding,
    Trace,
)
from compute.permit import PermitStatus
from compute.records import ConsentBatch, Consents, ConsentWithdrawal, PartyRecord
from compute.signing import Signed
from compute.terms import Grant, Terms
from compute.web.client import PeerClient
from compute.web.errors import ResponseError

M = TypeVar("M", bound=Message)


class MarketplaceClient:
    """The marketplace as the party that `peer` signs for sees it; `peer` stays its caller's to close."""

    def __init__(self, peer: PeerClient) -> None:
        self._peer = peer

    # --- parties ----------------------------------------------------------------------------------------------

    def enrol(self, application: Signed[PartyRecord], admission: Signed[PartyRecord]) -> PartyStanding:
        """Enrol a party, as the operator: the first signature is the party's, the second the operator's."""
        return self._post("/parties", PartyStanding, Enrolment(application=application, admission=admission))

    def directory(self) -> Sequence[Signed[PartyRecord]]:
        """Give the enrolled parties, each signed by the operator."""
        return self._get("/parties", Directory).parties

    def suspend_party(self, name: str) -> PartyStanding:
        """Stop a party, as the operator."""
        return self._post(f"/parties/{name}/suspend", PartyStanding)

    def reinstate_party(self, name: str) -> PartyStanding:
        """End a party's suspension, as the operator."""
        return self._post(f"/parties/{name}/reinstate", PartyStanding)

    # --- products ---------------------------------------------------------------------------------------------

    def publish(self, description: bytes) -> CatalogEntry:
        """List a version of a product of one's own; `description` is TOML."""
        answer = self._peer.request(
            "POST", "/products", expected=bytes, content=description, content_type="application/toml"
        )
        return _read(answer, CatalogEntry)

    def products(self) -> Sequence[CatalogEntry]:
        """Give what is on offer."""
        return self._get("/products", Catalog).products

    def product(self, provider: str, product: str, version: str) -> CatalogEntry:
        """Give one version, in whatever state."""
        return self._get(f"/products/{provider}/{product}/{version}", CatalogEntry)

    def delist_product(self, provider: str, product: str, version: str) -> CatalogEntry:
        """End the offer of a version, as its provider."""
        return self._post(f"/products/{provider}/{product}/{version}/delist", CatalogEntry)

    def suspend_product(self, provider: str, product: str, version: str) -> CatalogEntry:
        """Stop a version, as the operator."""
        return self._post(f"/products/{provider}/{product}/{version}/suspend", CatalogEntry)

    def reinstate_product(self, provider: str, product: str, version: str) -> CatalogEntry:
        """End a version's suspension, as the operator."""
        return self._post(f"/products/{provider}/{product}/{version}/reinstate", CatalogEntry)

    # --- applications -----------------------------------------------------------------------------------------

    def apply(self, reference: str, terms: Terms) -> ApplicationRecord:
        """Apply for terms whose contract is named by `compute.records.contract_name` of the reference."""
        return self._post("/applications", ApplicationRecord, ApplicationRequest(reference=reference, terms=terms))

    def applications(self) -> Sequence[ApplicationRecord]:
        """Give the applications that one made or has a part in, by name."""
        return self._get("/applications", Applications).applications

    def application(self, contract: str, case: str | None = None) -> ApplicationRecord:
        """Give the application for a contract; here and below a supervisor names the case that it reads under."""
        return self._get(f"/applications/{contract}", ApplicationRecord, case=case)

    def approve(self, contract: str, terms_digest: str) -> ApplicationRecord:
        """Approve one's own part of the terms with this SHA-256, in hex; the last approval drafts the contract."""
        return self._post(f"/applications/{contract}/approve", ApplicationRecord, Decision(terms=terms_digest))

    def reject(self, contract: str) -> ApplicationRecord:
        """Reject one's own part, which ends the application."""
        return self._post(f"/applications/{contract}/reject", ApplicationRecord)

    def return_for_correction(self, contract: str) -> ApplicationRecord:
        """Return one's own part for the consumer to correct."""
        return self._post(f"/applications/{contract}/return", ApplicationRecord)

    def resubmit(self, contract: str, grant: Grant) -> ApplicationRecord:
        """Ask a provider that returned its part for another grant."""
        return self._post(f"/applications/{contract}/resubmit", ApplicationRecord, grant)

    # --- contracts --------------------------------------------------------------------------------------------

    def contract(self, contract: str, case: str | None = None) -> ContractRecord:
        """Give a contract with its signatures so far."""
        return self._get(f"/contracts/{contract}", ContractRecord, case=case)

    def sign(self, signed: Signed[Terms]) -> ContractRecord:
        """Add one's signature; the last one puts the contract in force and issues the permits."""
        return self._post("/contracts/sign", ContractRecord, signed)

    def suspend_contract(self, contract: str) -> ContractRecord:
        """Stop a contract for a time, as the operator."""
        return self._post(f"/contracts/{contract}/suspend", ContractRecord)

    def reinstate_contract(self, contract: str) -> ContractRecord:
        """End a contract's suspension, as the operator."""
        return self._post(f"/contracts/{contract}/reinstate", ContractRecord)

    def terminate_contract(self, contract: str) -> ContractRecord:
        """End a contract, or a draft, before its time."""
        return self._post(f"/contracts/{contract}/terminate", ContractRecord)

    # --- consents ---------------------------------------------------------------------------------------------

    def register_consents(self, batch: Signed[ConsentBatch]) -> int:
        """Register a batch under a contract in force, as its consumer, and give its number of consents."""
        return self._post("/consents/register", ConsentCount, batch).consents

    def withdraw_consents(self, withdrawal: Signed[ConsentWithdrawal]) -> int:
        """Withdraw subjects' consents, as their contract's consumer, and give how many stood."""
        return self._post("/consents/withdraw", ConsentCount, withdrawal).consents

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0, case: str | None = None) -> Consents:
        """Give all batches and withdrawals under a contract as its consumer signed them, for its parties.

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

    def revoke_permit(self, permit: str) -> IssuedPermit:
        """Take a permit back for good, as its provider or the operator."""
        return self._post(f"/permits/{permit}/revoke", IssuedPermit)

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

    # --- transport --------------------------------------------------------------------------------------------

    def _get(self, path: str, expected: type[M], **query: str | int | None) -> M:
        asked = {name: value for name, value in query.items() if value is not None}
        return _read(self._peer.request("GET", path, expected=bytes, query=asked or None), expected)

    def _post(self, path: str, expected: type[M], message: Message | None = None) -> M:
        content = None if message is None else encode(message)
        answer = self._peer.request("POST", path, expected=bytes, content=content, content_type="application/json")
        return _read(answer, expected)


def _read(answer: bytes, expected: type[M]) -> M:
    try:
        return decode(answer, expected)
    except FormatError as error:
        raise ResponseError(f"the marketplace answered with something else than agreed: {error}") from error


def _entry(found: LogEntry) -> Entry:
    try:
        return log_entry.parse(found.entry.encode())
    except EntryError as error:
        raise ResponseError(f"the marketplace gave an entry {found.index} that is none: {error}") from error
