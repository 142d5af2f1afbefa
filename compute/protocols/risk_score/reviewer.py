"""The model reviewer's side: recompute every ciphertext, bound what a score can leak, open a case, tell the end.

It judges leakage and not credit merit (PROTOCOLS.md §3). What breaks a rule is refused at once; the rest its
examiners decide, in :mod:`compute.protocols.risk_score.desk`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmpy2 import mpz

from compute.canonical import DAY
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.public import PublicKey
from compute.protocols.base import BUSY, STATEMENT_AGE, Progress, RefusalError, no_progress
from compute.protocols.risk_score.assessment import CONCENTRATION, Assessment, assess
from compute.protocols.risk_score.canonical_points import points_id
from compute.protocols.risk_score.case import Case, aged, grant_by_rule, resting_on, rests_on
from compute.protocols.risk_score.case_states import ModelCaseState, Move
from compute.protocols.risk_score.comparison import marks
from compute.protocols.risk_score.epochs import Epochs
from compute.protocols.risk_score.histogram_check import open_histograms
from compute.protocols.risk_score.job import approved_tables
from compute.protocols.risk_score.messages import (
    AskDecision,
    AskReviewerTerms,
    ModelApproval,
    ModelReceived,
    ModelSubmission,
    Opening,
    RegisteredTables,
    ReviewerTerms,
    SubmitModel,
    TableOpening,
    UnderReview,
)
from compute.protocols.risk_score.office import REFUSAL_DAYS, Cases, Office
from compute.protocols.risk_score.opened import CaseFile, opened
from compute.protocols.risk_score.sealing import SealError, opening_info, unseal
from compute.protocols.signed import of_bank
from compute.signing import SUITE, Signed, digest, sign

MAX_ENTRIES = 4096
"""Bins of a model over all providers: what a review may cost."""
CASE_DIGITS = 32
"""Of a submission's digest, which name its case: 128 bits."""
RECOMPUTE = "recompute 重算"
"""The step of a review, in ciphertexts."""


@dataclass(frozen=True)
class Examined:
    """A submission whose every ciphertext is what its opening says."""

    file: CaseFile
    assessment: Assessment
    points_id: str


class Reviewer:
    """The role: an office and its identity. ``epochs``, its sealing keys, and ``cases`` last."""

    def __init__(
        self,
        office: Office,
        identity: Ed25519PrivateKey,
        epochs: Epochs,
        cases: Cases,
        clock: Callable[[], int],
        progress: Progress = no_progress,
    ) -> None:
        self.office = office
        self._identity, self._epochs, self._cases = identity, epochs, cases
        self._clock, self._progress = clock, progress

    def terms(self, _message: AskReviewerTerms) -> Signed[ReviewerTerms]:
        """Give the current sealing key."""
        epoch = self._epochs.current()
        terms = ReviewerTerms(reviewer=self.office.name, sealing_key=epoch.public_key, expires=epoch.expires)
        return sign(terms, self.office.name, self._identity)

    def check(self, message: SubmitModel) -> None:
        """Refuse the submission by checks 1 and 2 if :meth:`review` would; no ciphertext is looked at."""
        submission = self._verified(message)
        if self._cases.find(digest(submission)) is None:
            self._check_tables(submission)
            self._check_open(submission.bank)

    def review(self, message: SubmitModel) -> ModelReceived:
        """Open a case for examiners to decide, or raise :class:`RefusalError` with the number of the check.

        The same submission again has the same case. One that tells nothing new beside a model that stands is
        approved at once (:func:`compute.protocols.risk_score.case.rests_on`), unless many were: a case is kept.

        1. The submission is signed by the pinned identity of the consumer that it names.
        2. It is of the last hour; it names two or more enrolled providers in order, each once; all tables name
           this bank and this modulus; there are not too many bins.
        3. The sealed opening opens, for these tables, with a dossier if this office wants one; so does each
           provider's histogram, signed by it, of the last hour, for these bins of this product version.
        4. Every ciphertext is the encryption of its biased point under its randomness; points within the bound.
        5–9. The rules of :mod:`compute.protocols.risk_score.assessment` find nothing.
        """
        submission = self._verified(message)  # 1
        identity = digest(submission)
        case = self._cases.find(identity)
        if case is None:
            self._check_open(submission.bank)
            examined = self._examine(submission)
            for finding in examined.assessment.findings:  # 5–9
                if finding.rule == CONCENTRATION:
                    self._cases.note_concentrated(identity, submission.bank, self._clock())
                raise RefusalError(finding.rule, finding.reason, finding.remedy)
            case = self._open(identity, submission, examined)
        return ModelReceived(reviewer=self.office.name, submission=identity, at=case.opened_at)

    def decision(self, message: AskDecision) -> Signed[ModelApproval] | UnderReview:
        """Give the signed approval, or say that there is none yet; raise :class:`RefusalError` if none will come.

        1. The submission is one that this bank made here.
        2. No examiner has refused it.
        3. The examiners decided in time.
        4. The approval was not withdrawn.
        5. It has not expired.
        """
        case = self._cases.find(message.submission)
        if case is None or case.bank != message.bank:  # 1
            raise RefusalError(1, f"{message.bank} made no such submission here", "submit the model")
        case = aged(case, self._clock())
        match case.state:
            case ModelCaseState.REFUSED:
                raise _ended(2, case, Move.REFUSE, "correct the model, then submit it anew")  # 2
            case ModelCaseState.LAPSED:
                reason = f"nobody decided in {self.office.decision_days} days"
                raise RefusalError(3, reason, "submit the model anew")  # 3
            case ModelCaseState.WITHDRAWN:
                raise _ended(4, case, Move.WITHDRAW, "ask the reviewer, then submit a model anew")  # 4
            case ModelCaseState.EXPIRED:
                raise RefusalError(5, "the approval has expired", "submit the model anew")  # 5
        if case.approval is not None:
            return case.approval
        return UnderReview(
            reviewer=self.office.name,
            submission=case.submission,
            since=case.opened_at,
            lapses=case.lapses_at,
        )

    def _open(self, identity: bytes, submission: ModelSubmission, examined: Examined) -> Case:
        now, model = self._clock(), examined.file.model
        new = Case(
            case=identity.hex()[:CASE_DIGITS],
            submission=identity,
            bank=submission.bank,
            model=model.model,
            model_version=model.model_version,
            state=ModelCaseState.OPEN,
            opened_at=now,
            lapses_at=now + self.office.decision_days * DAY,
            draft=self._draft(submission, examined),
            assessment=examined.assessment,
            marks=marks(model, self.office.points_secret),
        )

        def make(approved: Sequence[Case]) -> Case:
            base = next((case for case in approved if rests_on(new.draft, case, now)), None)
            if base is None or resting_on(base, approved) >= self.office.max_resting:
                return new
            return grant_by_rule(new, base, now, now + self.office.approval_days * DAY, self._sign)

        return self._cases.open(identity, make, examined.file)

    def _sign(self, approval: ModelApproval) -> Signed[ModelApproval]:
        return sign(approval, self.office.name, self._identity)

    def _check_open(self, bank: str) -> None:
        """Refuse what would make too much work for examiners, or tell too much of the departments' tables.

        Rule 7 says of any union of cells that it may choose whether more than 10% of the companies are in it, so a
        bank that submitted models without end would read the histograms that are sealed from it. Where it has
        been told enough nothing is looked at: that a model passes tells as much.
        """
        since = self._clock() - REFUSAL_DAYS * DAY
        if self._cases.concentrated(bank, since) >= self.office.max_concentrated:
            reason = f"rule {CONCENTRATION} refused too many models of {bank} in {REFUSAL_DAYS} days"
            raise RefusalError(BUSY, reason, "wait, or ask the reviewer which bins it would take")
        if self._cases.undecided(bank) >= self.office.max_undecided:
            raise RefusalError(BUSY, f"{bank} has too many models under review", "wait for their decisions")

    def _verified(self, message: SubmitModel) -> ModelSubmission:
        return of_bank(message.submission, message.submission.statement.bank, self.office.pins)  # 1

    def _examine(self, submission: ModelSubmission) -> Examined:
        """Open the model and measure it: checks 2–4 refuse, 5–9 find."""
        key = self._check_tables(submission)  # 2
        try:
            opening = self._unseal(submission)  # 3
        except SealError as error:
            raise RefusalError(3, str(error), "ask for the reviewer's terms again and seal to that key") from error
        if len(opening.tables) != len(submission.tables):
            raise RefusalError(3, "the opening has another number of tables", "open each provider's tables")
        if self.office.require_dossier and opening.dossier is None:  # 3
            raise RefusalError(3, "the model comes without a dossier", "add the scorecard's dossier")
        keys = [epoch.key for epoch in self._epochs.alive()]
        histograms = open_histograms(submission, keys, self.office.pins, self._clock())  # 3
        for tables, table_opening in zip(submission.tables, opening.tables, strict=True):
            self._check_opening(key, submission.points_bound, tables, table_opening)  # 4
        model = opened(submission, opening)
        file, assessment = (
            CaseFile(model=model, dossier=opening.dossier),
            assess(model, self.office.limits, histograms),
        )
        return Examined(file, assessment, points_id(model, self.office.points_secret))

    def _unseal(self, submission: ModelSubmission) -> Opening:
        """Open with whichever key is alive: a key may have changed since the bank asked for it."""
        failure = SealError("no sealing key is alive here")
        for epoch in self._epochs.alive():
            try:
                return unseal(submission.sealed_opening, epoch.key, opening_info(submission.tables), Opening)
            except SealError as error:
                failure = error
        raise failure

    def _check_tables(self, submission: ModelSubmission) -> PublicKey:
        if abs(self._clock() - submission.issued_at) > STATEMENT_AGE:
            raise RefusalError(2, "the submission is not of the last hour", "submit the model anew")
        try:
            key = PublicKey.from_bytes(submission.n)
        except PaillierError as error:
            raise RefusalError(2, str(error), "generate a key of at least 3072 bits") from error
        providers = [tables.provider for tables in submission.tables]
        if len(providers) < 2 or any(low >= high for low, high in pairwise(providers)):  # noqa: PLR2004 -- with one provider its partial score is the total
            raise RefusalError(2, "a model needs tables at two providers or more, in order", "add a provider")
        for provider in providers:
            if provider not in self.office.pins or self.office.pins[provider].role != "provider":
                raise RefusalError(2, f"{provider} is not enrolled as a provider", "name enrolled providers")
        if sum(bins.size for tables in submission.tables for bins in tables.bins) > MAX_ENTRIES:
            raise RefusalError(2, f"the model has more than {MAX_ENTRIES} bins", "merge bins")
        if any(tables.bank != submission.bank or tables.key != key.fingerprint for tables in submission.tables):
            raise RefusalError(2, "a table names another bank or another modulus", "encrypt the model anew")
        for tables in submission.tables:
            if len(tables.ciphertexts) != sum(bins.size for bins in tables.bins) * 2 * key.modulus_bytes:
                raise RefusalError(2, f"{tables.provider} has not one ciphertext a bin", "encrypt the model anew")
        return key

    def _check_opening(self, key: PublicKey, bound: int, tables: RegisteredTables, opening: TableOpening) -> None:
        """Check 4 for one provider."""
        where = f"the tables of {tables.provider}"
        entries = sum(bins.size for bins in tables.bins)
        size = key.modulus_bytes
        if len(opening.points) != entries or len(opening.randomness) != entries * size:
            raise RefusalError(4, f"{where} have {entries} bins, the opening has another number", "open every bin")
        if any(abs(points) > bound for points in opening.points):
            raise RefusalError(4, f"points of {where} exceed the stated bound of {bound}", "rescale the scorecard")
        try:
            ciphertexts = from_bytes(key, tables.ciphertexts, entries)
            for index, (c, points) in enumerate(zip(ciphertexts, opening.points, strict=True)):
                r = mpz.from_bytes(opening.randomness[index * size : (index + 1) * size], "big")
                self._progress(f"{RECOMPUTE} {tables.provider}", index, entries)
                if key.encrypt(points + bound, r) != c:
                    raise RefusalError(
                        4, f"entry {index} of {where} is not what the opening says", "open it truly"
                    )
        except PaillierError as error:
            raise RefusalError(4, f"{where}: {error}", "encrypt the model anew") from error

    def _draft(self, submission: ModelSubmission, examined: Examined) -> ModelApproval:
        """What is signed once the case is approved; when it expires is known only then."""
        return ModelApproval(
            reviewer=self.office.name,
            suite=SUITE,
            bank=submission.bank,
            key=PublicKey.from_bytes(submission.n).fingerprint,
            purpose=submission.purpose,
            tables=approved_tables(submission.tables),
            points_id=examined.points_id,
            points_bound=submission.points_bound,
            reachable_totals=examined.assessment.reachable_totals,
            expires=0,
            bands=examined.assessment.bands,
        )


def _ended(check: int, case: Case, move: Move, remedy: str) -> RefusalError:
    """The refusal that tells the bank what the examiner said."""
    step = case.last(move)
    said = "" if step is None else f"{'' if step.code is None else f' ({step.code})'}: {step.reason}"
    ended = "refused the model" if move is Move.REFUSE else "withdrew the approval"
    return RefusalError(check, f"the examiners {ended}{said}", remedy)
