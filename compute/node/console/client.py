"""A client of a node's console: one method for each route, typed messages in and out.

For the staff of a party, over a `compute.web.client.PeerClient` that signs with their own key:

    with PeerClient(url, "analyst", key, "harbour-bank", {"harbour-bank": node_key}, verify=ca) as peer:
        job = NodeClient(peer).score(...)

Every method raises, of `compute.web.errors`, PeerProblemError where the node refuses, PeerUnreachableError where
no answer came, ResponseError for an answer that is not proven or not of the form agreed.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from compute.canonical import FormatError, M, Message, decode, encode
from compute.market.applications import (
    ApplicationRecord,
    Applications,
    CounterOffer,
    Precheck,
    RenewalRequest,
)
from compute.market.consent_requests import ConsentRequestMade
from compute.market.consents import ConsentCount
from compute.market.contracts import AmendmentRecord, ContractRecord, IssuedPermit
from compute.market.legend import Legend
from compute.market.products import CatalogEntry
from compute.market.reasons import Why
from compute.market.resources import ResourceEntry, ResourceRecord
from compute.node.console.consent_messages import (
    ConsentAsked,
    ConsentAsking,
    ConsentsAsked,
    DisputeReply,
    SubjectDispute,
    SubjectDisputes,
)
from compute.node.console.messages import (
    AmendmentDraft,
    ApplicationDraft,
    ConsentRegistration,
    ConsentsHeld,
    ErasureRequest,
    Jobs,
    JobView,
    KeyEnrolled,
    KeyEnrolment,
    LegalHold,
    LegalHolds,
    LiftedHold,
    ModelHeld,
    ModelRegistered,
    ModelRegistration,
    Models,
    ModelSubmitted,
    PermitsPresented,
    ReadTerms,
    Scored,
    Scoring,
    ShownTerms,
    SubjectErased,
    SubjectLeakage,
    SubjectNamed,
    SubjectUses,
    WithdrawnSubjects,
)
from compute.node.console.review_messages import (
    CaseRefusal,
    Cases,
    CaseSummary,
    CaseView,
    CaseWithdrawal,
)
from compute.node.console.statistics_messages import (
    LabelRegistration,
    LabelSetHeld,
    LabelsHeld,
    LabelsRegistered,
    Prechecks,
    StatisticsDone,
    StatisticsRequest,
    StatisticsResult,
)
from compute.node.jobs.states import ENDED
from compute.records import PartyRecord
from compute.signing import Signed, digest
from compute.terms import DraftTerms, Terms
from compute.web.client import PeerClient
from compute.web.errors import ResponseError

Result = KeyEnrolled | ModelSubmitted | ModelRegistered | Scored | LabelsRegistered | StatisticsDone
_RESULT: Any = Result


class NodeClient:
    """A node as the member of its staff that `peer` signs for sees it; `peer` stays its caller's to close."""

    def __init__(self, peer: PeerClient) -> None:
        self._peer = peer

    def identity(self) -> Signed[PartyRecord]:
        """Give the party's record, signed by it, for the operator to enrol."""
        return self._get("/identity", Signed[PartyRecord])

    # --- a provider's -----------------------------------------------------------------------------------------

    def enter_resource(self, entry: ResourceEntry) -> ResourceRecord:
        """Enter a data resource of the provider's under the registrar's number."""
        return self._post("/resources", ResourceRecord, entry)

    def publish(self) -> CatalogEntry:
        """Submit the product that the node holds for the operator's review."""
        return self._post("/product/publish", CatalogEntry)

    def approve(self, terms: Terms) -> ApplicationRecord:
        """Approve the provider's part of these terms."""
        return self._post(f"/applications/{terms.contract}/approve", ApplicationRecord, _read(terms))

    def reject(self, contract: str, why: Why) -> ApplicationRecord:
        """Reject the provider's part."""
        return self._post(f"/applications/{contract}/reject", ApplicationRecord, why)

    def return_for_correction(self, contract: str, why: Why) -> ApplicationRecord:
        """Return the provider's part for the consumer to correct."""
        return self._post(f"/applications/{contract}/return", ApplicationRecord, why)

    def counter(self, contract: str, offer: CounterOffer) -> ApplicationRecord:
        """Offer other terms for the provider's part."""
        return self._post(f"/applications/{contract}/counter", ApplicationRecord, offer)

    def revoke(self, permit: str, why: Why) -> IssuedPermit:
        """Take a permit back for good."""
        return self._post(f"/permits/{permit}/revoke", IssuedPermit, why)

    def uses(self, subject: str) -> SubjectUses:
        """Give all uses of the provider's data with a proof whether they were about this subject."""
        return self._post("/subjects/uses", SubjectUses, SubjectNamed(subject=subject))

    def leakage(self, subject: str) -> SubjectLeakage:
        """Give what scores could tell each bank of this subject."""
        return self._post("/subjects/leakage", SubjectLeakage, SubjectNamed(subject=subject))

    # --- a provider's and a bank's ----------------------------------------------------------------------------

    def applications(self) -> Sequence[ApplicationRecord]:
        """Give all applications that the party made or has a part in, by contract."""
        return self._get("/applications", Applications).items

    def application(self, contract: str) -> ApplicationRecord:
        """Give the application for a contract."""
        return self._get(f"/applications/{contract}", ApplicationRecord)

    def terms(self, contract: str) -> ShownTerms:
        """Give the terms applied for, with their digest."""
        return self._get(f"/applications/{contract}/terms", ShownTerms)

    def contract(self, contract: str) -> ContractRecord:
        """Give a contract with its signatures so far."""
        return self._get(f"/contracts/{contract}", ContractRecord)

    def sign(self, terms: Terms) -> ContractRecord:
        """Sign these terms with the party's key."""
        return self._post(f"/contracts/{terms.contract}/sign", ContractRecord, _read(terms))

    def legend(self, contract: str) -> Legend:
        """Give what the contract's identifiers are called, as the marketplace tells."""
        return self._get(f"/contracts/{contract}/legend", Legend)

    def amend(self, terms: DraftTerms) -> AmendmentRecord:
        """Propose these terms as their contract's next version; the node makes the agreement's digest."""
        return self._post(f"/contracts/{terms.contract}/amend", AmendmentRecord, AmendmentDraft(terms=terms))

    def amendment(self, contract: str) -> AmendmentRecord:
        """Give the latest amendment of a contract."""
        return self._get(f"/contracts/{contract}/amendment", AmendmentRecord)

    def sign_amendment(self, terms: Terms) -> AmendmentRecord:
        """Sign an amendment with the party's key."""
        return self._post(f"/contracts/{terms.contract}/amendment/sign", AmendmentRecord, _read(terms))

    def stop(self, contract: str, how: Literal["suspend", "terminate", "revoke"], why: Why) -> ContractRecord:
        """Suspend, terminate or revoke a contract, as this side."""
        return self._post(f"/contracts/{contract}/{how}", ContractRecord, why)

    def reinstate(self, contract: str) -> ContractRecord:
        """End this side's suspension of a contract."""
        return self._post(f"/contracts/{contract}/reinstate", ContractRecord)

    def erase(self, contract: str, subject: str) -> SubjectErased:
        """Erase a subject under a contract at this node, for good."""
        return self._post("/erasures", SubjectErased, ErasureRequest(contract=contract, subject=subject))

    def hold(self, hold: LegalHold) -> LegalHolds:
        """Place a legal hold on a contract; give all that there are on it."""
        return self._post("/holds", LegalHolds, hold)

    def holds(self, contract: str) -> LegalHolds:
        """Give the legal holds on a contract."""
        return self._get(f"/holds/{contract}", LegalHolds)

    def lift_hold(self, contract: str, case_number: str) -> LegalHolds:
        """Lift the legal hold of a case; give those that are left on the contract."""
        return self._post(f"/holds/{contract}/lift", LegalHolds, LiftedHold(case_number=case_number))

    # --- a bank's ---------------------------------------------------------------------------------------------

    def apply(self, draft: ApplicationDraft) -> ApplicationRecord:
        """Apply for fields of providers' products."""
        return self._post("/applications", ApplicationRecord, draft)

    def precheck(self, draft: ApplicationDraft) -> Precheck:
        """Try an application, and change nothing."""
        return self._post("/applications/precheck", Precheck, draft)

    def accept(self, terms: Terms, provider: str) -> ApplicationRecord:
        """Accept a provider's counter-offer, from which these terms follow."""
        return self._post(
            f"/applications/{terms.contract}/offers/{provider}/accept", ApplicationRecord, _read(terms)
        )

    def withdraw(self, contract: str, why: Why) -> ApplicationRecord:
        """Take an application back."""
        return self._post(f"/applications/{contract}/withdraw", ApplicationRecord, why)

    def renew(self, contract: str, request: RenewalRequest) -> ApplicationRecord:
        """Apply for a contract's successor."""
        return self._post(f"/contracts/{contract}/renew", ApplicationRecord, request)

    def register_consents(self, contract: str, registration: ConsentRegistration) -> int:
        """Register consents under a contract in force; give their number."""
        return self._post(f"/contracts/{contract}/consents", ConsentCount, registration).consents

    def consents(self, contract: str) -> ConsentsHeld:
        """Give the batches registered under a contract, and the applicants whose consent stands now."""
        return self._get(f"/contracts/{contract}/consents", ConsentsHeld)

    def withdraw_consents(self, contract: str, subjects: Sequence[str]) -> int:
        """Pass on that subjects took their consent back; give how many stood."""
        path = f"/contracts/{contract}/withdrawals"
        return self._post(path, ConsentCount, WithdrawnSubjects(subjects=tuple(subjects))).consents

    def ask_consent(self, contract: str, asked: ConsentAsking) -> ConsentRequestMade:
        """Ask one applicant for its consent under a contract; give the link for it, which is told this once."""
        return self._post(f"/contracts/{contract}/consent-requests", ConsentRequestMade, asked)

    def consents_asked(self, contract: str) -> Sequence[ConsentAsked]:
        """Give the requests under a contract, and what became of each."""
        return self._get(f"/contracts/{contract}/consent-requests", ConsentsAsked).requests

    def disputes(self) -> Sequence[SubjectDispute]:
        """Give the disputes that this organisation has to answer."""
        return self._get("/disputes", SubjectDisputes).disputes

    def dispute(self, number: str) -> SubjectDispute:
        """Give one dispute with what was written in it."""
        return self._get(f"/disputes/{number}", SubjectDispute)

    def answer_dispute(self, number: str, reply: DisputeReply) -> SubjectDispute:
        """Answer a dispute; with the day of a corrected table, as a provider, say that it has the correction."""
        return self._post(f"/disputes/{number}/answer", SubjectDispute, reply)

    def present(self, contract: str) -> PermitsPresented:
        """Show each provider of a contract its permit."""
        return self._post(f"/contracts/{contract}/present", PermitsPresented)

    def enrol_key(self, asked: KeyEnrolment) -> JobView:
        """Prove the bank's Paillier key to providers."""
        return self._post("/key-enrolments", JobView, asked)

    def submit_model(self, asked: ModelRegistration) -> JobView:
        """Have a scorecard reviewed."""
        return self._post("/models", JobView, asked)

    def register_model(self, model: str, version: str) -> JobView:
        """Register the latest submission of a model at its providers, if it is approved."""
        return self._post(f"/models/{model}/{version}/register", JobView)

    def models(self) -> Sequence[ModelHeld]:
        """Give the models that the bank submitted, the newest first."""
        return self._get("/models", Models).models

    def score(self, asked: Scoring) -> JobView:
        """Score subjects."""
        return self._post("/scorings", JobView, asked)

    def register_labels(self, asked: LabelRegistration) -> JobView:
        """Register a class for each company of a cohort."""
        return self._post("/labels", JobView, asked)

    def labels(self) -> Sequence[LabelSetHeld]:
        """Give the labels that were registered, and where."""
        return self._get("/labels", LabelsHeld).labels

    def ask_statistics(self, asked: StatisticsRequest) -> JobView:
        """Ask providers for statistics."""
        return self._post("/statistics", JobView, asked)

    def precheck_statistics(self, asked: StatisticsRequest) -> Prechecks:
        """Give what a request would cost and tell, at each provider."""
        return self._post("/statistics/precheck", Prechecks, asked)

    def statistics(self, job: str) -> StatisticsResult:
        """Give the tables of statistics that are done."""
        return self._get(f"/statistics/{job}/statistics.json", StatisticsResult)

    # --- a reviewer's -----------------------------------------------------------------------------------------

    def cases(self) -> Sequence[CaseSummary]:
        """Give the models under review, the newest first, then those that were decided."""
        return self._get("/reviews", Cases).cases

    def case(self, case: str) -> CaseView:
        """Give one case, while it is undecided with the opened model; that it is read is written down."""
        return self._get(f"/reviews/{case}", CaseView)

    def approve_case(self, case: str) -> CaseSummary:
        """Approve a model that was read."""
        return self._post(f"/reviews/{case}/approve", CaseSummary)

    def refuse_case(self, case: str, refusal: CaseRefusal) -> CaseSummary:
        """Refuse a model."""
        return self._post(f"/reviews/{case}/refuse", CaseSummary, refusal)

    def withdraw_case(self, case: str, withdrawal: CaseWithdrawal) -> CaseSummary:
        """Take an approval back."""
        return self._post(f"/reviews/{case}/withdraw", CaseSummary, withdrawal)

    # --- jobs -------------------------------------------------------------------------------------------------

    def job(self, job: str) -> JobView:
        """Give a job as it stands."""
        return self._get(f"/jobs/{job}", JobView)

    def jobs(self, before: str | None = None) -> Sequence[JobView]:
        """Give a page of the bank's jobs, the newest first; `before` is the last job of the page before."""
        query = None if before is None else {"before": before}
        return _decode(self._peer.request("GET", "/jobs", expected=bytes, query=query), Jobs).jobs

    def cancel(self, job: str) -> JobView:
        """Stop a job."""
        return self._post(f"/jobs/{job}/cancel", JobView)

    def result(self, job: str) -> Result:
        """Give what a job gave that is done."""
        found: Result = self._get(f"/jobs/{job}/result", _RESULT)
        return found

    def scores(self, job: str, file: str = "scores.csv") -> bytes:
        """Give the scores of a scoring that is done: `scores.csv` or `scores.parquet`."""
        return self._peer.request("GET", f"/scorings/{job}/{file}", expected=bytes)

    def follow(self, job: JobView, watch: Callable[[JobView], None]) -> JobView:
        """Give the job once it has ended, and tell `watch` how it stands meanwhile."""
        while job.state not in ENDED:
            watch(job)
            time.sleep(_NEWS)
            job = self.job(job.job)
        watch(job)
        return job

    def _get(self, path: str, expected: type[M]) -> M:
        return _decode(self._peer.request("GET", path, expected=bytes), expected)

    def _post(self, path: str, expected: type[M], message: Message | None = None) -> M:
        content = None if message is None else encode(message)
        answer = self._peer.request("POST", path, expected=bytes, content=content, content_type="application/json")
        return _decode(answer, expected)


_NEWS = 0.25
"""Seconds between two looks at a job."""


def _read(terms: Terms) -> ReadTerms:
    return ReadTerms(terms=digest(terms).hex())


def _decode(answer: bytes, expected: type[M]) -> M:
    try:
        return decode(answer, expected)
    except FormatError as error:
        raise ResponseError(f"the node answered with something else than agreed: {error}") from error
