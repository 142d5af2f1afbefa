"""A provider's admission: the permit, its status now, the consents of the subjects, the count of uses.

Everything is proven anew for each use: the token and the contract that the bank presented, a status over a fresh
nonce, the consents as the bank signed them. The marketplace is asked and not believed: it cannot make a permit
without the contract's signatures, nor a consent without the bank's.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from audit.subjects import SubjectTree
from compute.client.marketplace import MarketplaceClient
from compute.node.answers import AnswerStore
from compute.node.consents import KnownConsents
from compute.node.provider.uses import UseStore
from compute.node.registry import KeptPresentation, RegistryStore
from compute.node.salted import Salted
from compute.node.salts import SaltStore
from compute.permit import STATUS_AGE, Permit, PermitError, PermitStatus, check_permit, permit_name, read_permit
from compute.protocols.alignment.messages import AlignmentStatement
from compute.protocols.base import STATEMENT_AGE, RefusalError
from compute.protocols.joint_statistics.messages import Asked, StatisticsQuestion
from compute.protocols.label_vector.messages import LabelStatement
from compute.protocols.permit_presentation.messages import PermitPresented, Presentation, PresentPermit
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.checks import Domain, Registered
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, RegisteredTables
from compute.protocols.signed import of_bank
from compute.signing import SignatureError, Signed, digest
from compute.terms import Terms, Use
from compute.web.errors import PeerProblemError

OPERATION, STATISTICS = "risk_score", "joint_statistics"
MODEL, JOB = 8, 9
"""The numbers of these checks among the provider's of a registration and of a job."""
MANY = 1000
"""Subjects of a job from which on it pays to keep what follows from their salts until the answer."""
QUESTION = 5
"""The number of these checks among those of a histogram."""
LABELS, ALIGNMENT, QUESTIONED = 2, 3, 8
"""The numbers among those of a label vector, of an alignment, and of a question of statistics."""
PRESENTED = 3
"""The number of the permit's own checks among those of a presentation."""
STATUS_TRIES = 3
"""How often a status is asked for that is too old once it comes."""


class PermitAdmission:
    """Admits models and jobs under the permits that banks presented; `issuer` is the marketplace's name."""

    def __init__(
        self,
        domain: Domain,
        issuer: str,
        market: MarketplaceClient,
        registry: RegistryStore,
        answers: AnswerStore,
        salts: SaltStore,
        uses: UseStore,
        clock: Callable[[], int],
    ) -> None:
        self._domain, self._issuer, self._market = domain, issuer, market
        self._registry, self._answers, self._clock = registry, answers, clock
        self._salts, self._uses = salts, uses
        self._consents = KnownConsents(market, domain.pins, issuer)

    def present(self, message: PresentPermit) -> PermitPresented:
        """Keep a bank's permit, or raise :class:`RefusalError`; the very same presentation again changes nothing.

        1. It is signed by the pinned identity of the consumer that it names.
        2. It is of the last hour and later than the one kept of this permit.
        3. The permit passes the checks of `compute.permit.check_permit`, for a use of nothing.
        4. The seed is the one that was first shown under the contract: another would void the proofs of its uses,
           and bring back who was erased.
        """
        presented, now = message.presentation.statement, self._clock()
        of_bank(message.presentation, presented.bank, self._domain.pins)  # 1
        if abs(now - presented.issued_at) > STATEMENT_AGE:  # 2
            raise RefusalError(2, "the presentation is not of the last hour", "present the permit anew")
        terms = _terms(presented)
        permit = self._check(presented, PRESENTED, purpose=terms.purpose, operation=terms.operation).jti  # 3
        if not self._salts.keep(_terms(presented).contract, presented.salt):  # 4
            raise RefusalError(4, "another seed was shown under this contract", "show the first one")
        kept = self._registry.presented(permit)
        at = kept[1] if kept and kept[0].digest == digest(message.presentation) else None
        at = at or self._registry.present(permit, message.presentation, now)
        if at is None:  # 2
            raise RefusalError(2, "a later presentation of this permit is kept", "present the permit anew")
        return PermitPresented(party=self._domain.name, permit=permit, at=at)

    def admit_question(self, question: HistogramQuestion) -> None:
        """Raise :class:`RefusalError` unless a permit of the bank's covers the fields, with this reviewer."""
        fields = frozenset(bins.column for bins in question.bins)
        refusal = RefusalError(QUESTION, f"{question.bank} presented no permit here", "present one")
        for permit in self._registry.permits_of(question.bank):
            presented = self._presented(permit, question.bank, QUESTION)
            try:
                self._check(presented, QUESTION, fields=fields, purpose=_terms(presented).purpose)
                _check_reviewer(presented, self._domain.reviewer)
            except RefusalError as error:
                refusal = error
            else:
                return
        raise refusal

    def admit_model(self, approval: ModelApproval, tables: RegisteredTables) -> None:
        """Raise :class:`RefusalError` unless one of the bank's permits covers the model's fields and purpose."""
        fields = frozenset(bins.column for bins in tables.bins)
        refusal = RefusalError(MODEL, f"{tables.bank} presented no permit here", "present one")
        for permit in self._registry.permits_of(tables.bank):
            presented = self._presented(permit, tables.bank, MODEL)
            try:
                self._check(presented, MODEL, fields=fields, purpose=approval.purpose)
                _check_approval(presented, approval, MODEL)
            except RefusalError as error:
                refusal = error
            else:
                return
        raise refusal

    def admit_job(self, job: JobStatement, registered: Registered) -> int:
        """Give the uses that the job's permit allows in all, or refuse the job."""
        permit = self._named(job)
        presented = self._presented(permit, job.bank, JOB)
        self._check(
            presented,
            JOB,
            fields=frozenset(bins.column for bins in registered.tables.bins),
            purpose=registered.approval.purpose,
            uses=job.rows,
            used=self._answers.used(permit),
        )
        _check_approval(presented, registered.approval, JOB)
        return _terms(presented).max_uses

    def admit_subjects(self, job: JobStatement, subjects: Sequence[str]) -> None:
        """Raise :class:`RefusalError`, which lists them, unless every subject's consent stands now."""
        presented = self._presented(self._named(job), job.bank, JOB)
        standing = self._standing(_terms(presented))
        given = self._salted_of(presented, digest(job), subjects).commitments
        if standing.issuperset(given):
            return
        # Of one whose salt was erased nobody can tell, so its consent does not stand.
        missing = [subject for subject, each in zip(subjects, given, strict=True) if each not in standing]
        reason = f"{len(missing)} of {len(subjects)} subjects have no consent that stands"
        raise RefusalError(JOB, reason, "leave out the subjects listed, or register their consents", missing)

    def keep_use(self, job: JobStatement, subjects: Sequence[str]) -> None:
        """Keep what commits to the subjects of a job, before it is answered; the same again changes nothing.

        Raises :class:`RefusalError` if a subject was erased since it was admitted.
        """
        presented, name = self._presented(self._named(job), job.bank, JOB), digest(job)
        values = self._salted_of(presented, name, subjects).present
        if values is None:
            raise RefusalError(JOB, "a subject was erased meanwhile", "leave it out")
        self._uses.put(name, _terms(presented).contract, SubjectTree(values), self._clock())
        if len(subjects) >= MANY:
            self._salts.forget_salted(name)

    def admit_labels(self, statement: LabelStatement) -> None:
        """Raise :class:`RefusalError` unless a permit under the contract covers joint statistics here."""
        self._admit_contract(statement.bank, statement.contract, LABELS)

    def admit_alignment(self, statement: AlignmentStatement) -> None:
        """Raise :class:`RefusalError` unless the permit named covers joint statistics under the contract."""
        self._admit_contract(statement.bank, statement.contract, ALIGNMENT, permit=statement.permit)

    def refuse_alignment(self, _statement: AlignmentStatement) -> None:
        """Raise :class:`RefusalError`: the policy allows no disclosed cohorts."""
        raise RefusalError(ALIGNMENT, "the policy here allows no disclosed cohorts", "ask over a hidden cohort")

    def admit_precheck(self, question: StatisticsQuestion, contract: str) -> None:
        """Raise :class:`RefusalError` unless a permit under the contract covers the question's columns."""
        self._admit_contract(question.bank, contract, QUESTIONED, fields=question.columns)

    def admit_statistics(self, bank: str, asked: Asked, contract: str, question: StatisticsQuestion) -> int:
        """Give how many answers the permit allows; raise :class:`RefusalError` unless it covers one more."""
        return self._admit_contract(bank, contract, QUESTIONED, asked.permit, question.columns, uses=1)

    def _admit_contract(
        self,
        bank: str,
        contract: str,
        check: int,
        permit: str | None = None,
        fields: frozenset[str] = frozenset(),
        uses: int = 0,
    ) -> int:
        """Give the uses of the one permit that the contract has here, which must cover joint statistics."""
        own = permit_name(contract, self._domain.name)
        if permit not in {None, own}:
            raise RefusalError(check, f"{permit} is no permit of {contract} here", "name the permit it has")
        presented = self._presented(own, bank, check)
        terms = _terms(presented)
        used = self._answers.used(own)
        self._check(
            presented,
            check,
            purpose=terms.purpose,
            fields=fields,
            uses=uses,
            used=used,
            operation=STATISTICS,
        )
        return terms.max_uses

    def _salted_of(self, presented: KeptPresentation, job: bytes, subjects: Sequence[str]) -> Salted:
        """What follows from the salts that the subjects of a job have now.

        By check 8, which comes before, they are the ones that the job commits to: what is kept for it is theirs.
        """
        contract = _terms(presented).contract
        kept = self._salts.salted(contract, job) if len(subjects) >= MANY else None
        if kept is not None:
            return kept
        found = self._salts.find_marked(contract)
        if found is None:  # though they were kept before the presentation was
            raise RefusalError(JOB, "this node holds no salts of the contract", "present the permit anew")
        tree, mark = found
        salted = Salted.of(tree, job, subjects)
        if len(subjects) >= MANY:
            self._salts.keep_salted(contract, job, salted, mark, self._clock())
        return salted

    def _named(self, job: JobStatement) -> str:
        permit = job.permit_at(self._domain.name)
        if permit is None:
            reason = f"the job names no permit for {self._domain.name}"
            raise RefusalError(JOB, reason, "name each provider's permit")
        return permit

    def _presented(self, permit: str, bank: str, check: int) -> KeptPresentation:
        kept = self._registry.presented(permit)
        if kept is None or kept[0].bank != bank:
            raise RefusalError(check, f"{bank} presented no permit {permit} here", "present it")
        if self._registry.is_revoked(permit):  # here, whatever the marketplace says of it
            raise RefusalError(check, f"the permit {permit} is revoked", "ask this provider why")
        return kept[0]

    def _check(
        self,
        presented: Presentation | KeptPresentation,
        check: int,
        *,
        purpose: str,
        fields: frozenset[str] = frozenset(),
        uses: int = 0,
        used: int = 0,
        operation: str = OPERATION,
    ) -> Permit:
        """Run the checks of the permit with a status over a fresh nonce; a failure is `check` of ours."""
        holding, pins = self._domain.holding, self._domain.pins
        try:
            permit = read_permit(presented.token, self._issuer, pins)
            status, nonce, now = self._status(permit.jti, check)
            use = Use(
                consumer=presented.bank,
                provider=self._domain.name,
                product=holding.product,
                product_version=holding.product_version,
                fields=fields,
                operation=operation,
                purpose=purpose,
                uses=uses,
                used=used,
                time=now,
            )
            return check_permit(
                presented.token, presented.contract, status, nonce=nonce, issuer=self._issuer, pins=pins, use=use
            )
        except PermitError as error:
            raise RefusalError(check, f"permit check {error.check}: {error.reason}", error.remedy) from error

    def _status(self, permit: str, check: int) -> tuple[Signed[PermitStatus], bytes, int]:
        """The status, the nonce it answers, and when it came; asked for anew while it came too late."""
        tries = STATUS_TRIES
        while True:
            nonce, tries = secrets.token_bytes(32), tries - 1
            with _asking(check):
                status = self._market.permit_status(permit, nonce)
            now = self._clock()  # read after the answer: a marketplace may be long in starting
            if tries == 0 or status.statement.at >= now - STATUS_AGE:
                return status, nonce, now

    def _standing(self, terms: Terms) -> frozenset[bytes]:
        """The commitments whose consent stands now, by what the bank stated, every part verified."""
        try:
            with _asking(JOB):
                return self._consents.standing(terms, self._clock())
        except SignatureError as error:
            raise RefusalError(JOB, f"the consents: {error}", "ask the marketplace's operator") from error


def _check_reviewer(presented: KeptPresentation, reviewer: str) -> None:
    """Refuse to count anything for the reviewer of a contract that names another one."""
    named = _terms(presented).model_reviewer
    if named != reviewer:
        reason = f"the contract names the reviewer {named}, and the histogram is for {reviewer}"
        raise RefusalError(QUESTION, reason, "agree on this provider's reviewer")


def _check_approval(presented: KeptPresentation, approval: ModelApproval, check: int) -> None:
    """Refuse a model that another reviewer approved, or over a provider that is no party of the contract.

    A provider from outside would be one that nobody here agreed to trust with the other half of the masks.
    """
    terms = _terms(presented)
    if approval.reviewer != terms.model_reviewer:
        reason = f"the model is approved by {approval.reviewer}, the contract names {terms.model_reviewer}"
        raise RefusalError(check, reason, "submit the model to the contract's reviewer")
    granted = {(grant.provider, grant.product, grant.product_version) for grant in terms.grants}
    foreign = {(part.provider, part.product, part.product_version) for part in approval.tables} - granted
    if foreign:
        names = ", ".join(" ".join(place) for place in sorted(foreign))
        raise RefusalError(
            check, f"the model takes {names}, not in the contract", "keep to the contract's products"
        )


def _terms(presented: Presentation | KeptPresentation) -> Terms:
    return presented.contract[0].statement


@contextmanager
def _asking(check: int) -> Iterator[None]:
    """Make what the marketplace refuses a refusal of ours; that it is out of reach passes through."""
    try:
        yield
    except PeerProblemError as error:
        raise RefusalError(
            check, f"the marketplace: {error.detail}", error.remedy or "ask its operator"
        ) from error
