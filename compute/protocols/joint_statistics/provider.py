"""The provider's side of joint statistics: check, sum, withhold, add noise, blind, store (PROTOCOLS.md §5–6).

It holds plain rows and the bank's public key; the classes it never sees. It never loads the private key's module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import encode
from compute.disclosure.errors import DisclosureError
from compute.disclosure.policy import Policy
from compute.paillier.blinding import own_residue
from compute.paillier.runner import HERE, Runner
from compute.protocols.base import Progress, RefusalError, no_progress
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.closed_answer.provider import ClosedAnswers
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.checks import (
    DISCLOSURE,
    POLICY,
    Terms,
    check_job,
    check_question,
    check_slots,
    noise_of,
)
from compute.protocols.joint_statistics.messages import (
    AskPrecheck,
    AskStatistics,
    Precheck,
    StatisticsJob,
    StatisticsQuestion,
)
from compute.protocols.joint_statistics.prepared import prepare
from compute.protocols.joint_statistics.release import exact_release, weighted_release
from compute.protocols.joint_statistics.stores import (
    Admission,
    Labels,
    Release,
    Stores,
    SupersededError,
)
from compute.protocols.signed import of_bank
from compute.signing import Pins, Signed, derived_secret, digest, sign

ATTEMPTS = 3
"""How often an answer is computed anew because another was stored meanwhile."""


@dataclass(frozen=True)
class Office:
    """What a provider decides by: who it is, whom it knows, what it holds, what it lets out."""

    name: str
    pins: Pins
    holding: Holding
    policy: Policy


@dataclass(frozen=True)
class Means:
    """Where a provider computes, and who hears how far it is."""

    runner: Runner = HERE
    progress: Progress = no_progress
    estimate: Callable[[int], int] = field(default=lambda _rows: 0)
    """Gives the milliseconds that an answer over so many rows is going to take."""


@dataclass(frozen=True)
class _Admitted:
    """What an admitted question is answered with."""

    terms: Terms
    labels: Labels | None
    contract: str
    subjects: tuple[str | None, ...] = field(repr=False)
    """At each place of the cohort the company, or none that takes part here."""


class StatisticsProvider:
    """The role: one holding, the label vectors and alignments of banks, the ledger of what they were told.

    All that must last is in the stores, so several processes may play one provider.
    """

    def __init__(
        self,
        office: Office,
        identity: Ed25519PrivateKey,
        closed: ClosedAnswers,
        stores: Stores,
        admission: Admission,
        clock: Callable[[], int],
        means: Means | None = None,
    ) -> None:
        self.office = office
        self._identity, self._closed, self._clock, self._means = identity, closed, clock, means or Means()
        self._cohorts, self._ledger, self._releases = stores.cohorts, stores.ledger, stores.releases
        self._admission = admission
        self._lock = Lock()

    def precheck(self, message: AskPrecheck) -> Signed[Precheck]:
        """Give what an answer would cost and tell, without a look at the data; the checks are those of a job."""
        question, office = message.question.statement, self.office
        of_bank(message.question, question.bank, office.pins)  # 1
        admitted = self._admit_question(question)  # 3-7
        self._admission.admit_precheck(question, admitted.contract)  # 8
        name, terms = digest(question), admitted.terms
        is_stored = self._ledger.stored(question.bank, name) is not None
        classes = 1 if admitted.labels is None else admitted.labels.alphabet.classes
        noise = noise_of(terms.tables, classes, question.milliepsilon)
        answer = Precheck(
            question=name,
            cells=classes * sum(table.cells for table in terms.tables),
            bound=noise[0][1],
            milliepsilon=0 if is_stored else question.milliepsilon,
            bank_left=max(0, office.policy.bank_milliepsilon - self._ledger.spent(question.bank)[0]),
            is_stored=is_stored,
            snapshot=terms.snapshot.digest,
            snapshot_date=terms.snapshot.date,
            is_present_only=terms.is_present_only,
            milliseconds=self._means.estimate(len(admitted.subjects)),
        )
        return sign(answer, office.name, self._identity)

    def check(self, message: AskStatistics) -> None:
        """Refuse the job if :meth:`answer` would refuse it now before it looks at the data."""
        check_job(message, self.office.name, self.office.pins)  # 1, 3
        if self._stored(message.job.statement) is None:
            self._admit(message)

    def answer(self, message: AskStatistics) -> Signed[Answer]:
        """Give the statistics, stored and charged before they are returned; a retry gets the stored answer.

        1, 3. The job is its bank's, and has this question for this provider (:func:`check_job`).
        2. Its nonce is fresh, and it is not buried.
        3, 5-7. The question can be answered under the policy (:func:`check_question`, :func:`check_slots`).
        4. The label vector or alignment that it names is the bank's, complete, and of this contract.
        8. The bank's permit covers columns, purpose and one use more.
        9. What is told leaves k enterprises at least in whatever can be told apart, and every budget has room.
        """
        check_job(message, self.office.name, self.office.pins)  # 1, 3
        job = message.job.statement
        stored = self._stored(job)
        if stored is not None:
            return stored
        with self._lock:
            for _ in range(ATTEMPTS):
                try:
                    return self._stored(job) or self._compute(message)
                except SupersededError:
                    continue
        raise RefusalError(DISCLOSURE, "other answers were stored all the while", "send the job again")

    def _stored(self, job: StatisticsJob) -> Signed[Answer] | None:
        self._releases.require_standing(job.bank, digest(job))  # 2
        stored = self._releases.by_nonce(job.bank, job.nonce)
        if stored is not None and stored.statement.job != digest(job):  # 2
            raise RefusalError(2, "the nonce was used by another job", "draw a fresh nonce")
        return stored

    def _admit(self, message: AskStatistics) -> tuple[_Admitted, int]:
        """Give what the job is answered with, and the uses that its permit allows; refuse by checks 3-8."""
        admitted = self._admit_question(message.question)
        asked = message.job.statement.asked_of(self.office.name)
        if asked is None:
            raise RefusalError(3, "the job has no question for this provider", "sign a new job")
        bank = message.question.bank
        most = self._admission.admit_statistics(bank, asked, admitted.contract, message.question)  # 8
        return admitted, most

    def _admit_question(self, question: StatisticsQuestion) -> _Admitted:
        office = self.office
        terms = check_question(question, office.name, office.holding, office.policy, self._clock())  # 3, 5-7
        if not question.weighted:
            return self._admit_alignment(question, terms)
        labels = self._cohorts.labels(question.bank, question.cohort)
        if labels is None:  # 4
            raise RefusalError(4, "no complete label vector of this name is registered", "register it first")
        noise = noise_of(terms.tables, labels.alphabet.classes, question.milliepsilon)
        check_slots(terms.tables, noise, labels.rows, labels.alphabet)  # 7
        if isinstance(labels.cohort, bytes):
            aligned = self._cohorts.aligned(question.bank, labels.cohort)
            subjects: Sequence[str | None] | None = None if aligned is None else aligned.subjects
            self._require(office.policy.disclosed_cohorts, "disclosed")  # 7
        else:
            subjects = self._cohorts.frame(labels.cohort)
            self._require(office.policy.hidden_cohorts, "hidden")  # 7
        if subjects is None or len(subjects) != labels.rows:  # 4
            raise RefusalError(4, "the cohort of the label vector is not known here any more", "register it anew")
        return _Admitted(terms, labels, labels.contract, tuple(subjects))

    def _admit_alignment(self, question: StatisticsQuestion, terms: Terms) -> _Admitted:
        self._require(self.office.policy.disclosed_cohorts, "disclosed")  # 7
        aligned = self._cohorts.aligned(question.bank, question.cohort)
        if aligned is None:  # 4
            raise RefusalError(4, "no complete alignment of this name is kept here", "align the cohort first")
        return _Admitted(terms, None, aligned.contract, aligned.subjects)

    @staticmethod
    def _require(allowed: bool, kind: str) -> None:  # noqa: FBT001 -- the policy's word
        if not allowed:
            raise RefusalError(POLICY, f"the policy here allows no {kind} cohorts", "ask the provider's operator")

    def _compute(self, message: AskStatistics) -> Signed[Answer]:
        job, question, office = message.job.statement, message.question, self.office
        asked = job.asked_of(office.name)
        admitted, max_uses = self._admit(message)
        name = digest(question)
        kept = self._ledger.stored(question.bank, name)
        if kept is not None:  # told before: the same again, and nothing is charged
            release = Release(name, question.bank, 0, kept, {}, is_repeated=True)
        else:
            release = self._release(question, name, admitted)
        signed = self._closed.close(question.bank, digest(job), release.content)
        permit = "" if asked is None else asked.permit
        return self._releases.put_release(job, permit, signed, max_uses, release)  # 2, 8, 9

    def _release(self, question: StatisticsQuestion, name: bytes, admitted: _Admitted) -> Release:
        bank, ledger, policy, means = question.bank, self._ledger, self.office.policy, self._means
        spent, spent_by_all = ledger.spent(bank)
        cost = question.milliepsilon
        if (
            spent + cost > policy.bank_milliepsilon or spent_by_all + cost > policy.all_milliepsilon
        ):  # 9, before the work
            self._spent_up()
        terms, labels, subjects = admitted.terms, admitted.labels, admitted.subjects
        try:
            prepared = prepare(
                self.office.holding,
                terms.snapshot,
                terms.tables,
                subjects,
                ledger,
                bank,
                policy,
                exact=labels is None,
            )  # 9
        except DisclosureError as error:
            raise RefusalError(DISCLOSURE, error.reason, error.remedy) from error
        if labels is None:
            content = exact_release(name, terms, prepared)
        else:
            residue = own_residue(labels.key, derived_secret(self._identity, "veilmart/own-residue/v1"))
            content = weighted_release(name, terms, prepared, labels, cost, residue, means.runner, means.progress)
        return Release(name, bank, cost, encode(content), prepared.columns)

    @staticmethod
    def _spent_up() -> NoReturn:
        # Whose budget it is, and who spent it, is not said: what other banks asked is not for this one to know.
        raise RefusalError(
            DISCLOSURE, "the privacy budget has no room for this", "ask for less ε, or nothing more"
        )
