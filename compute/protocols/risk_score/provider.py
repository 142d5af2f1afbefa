"""The provider's side of the risk score: check, look up, mask, blind, store (PROTOCOLS.md §4.3–4.4).

It holds plain rows and the bank's public key. It never loads the private key's module.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from gmpy2 import mpz

from compute.binning import code_columns
from compute.canonical import DAY
from compute.paillier.blinding import blind, top_mask
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.lookup import lookup_sum
from compute.paillier.public import PublicKey
from compute.protocols.base import STATEMENT_AGE, Accepted, Progress, RefusalError, no_progress
from compute.protocols.key_enrolment.messages import EnrolKey, KeyStatement
from compute.protocols.key_enrolment.provider import enrol
from compute.protocols.risk_score.checks import (
    Domain,
    Registered,
    check_cohorts,
    check_job,
    check_registration,
    check_signature,
)
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    AskProviderTerms,
    JobStatement,
    ModelApproval,
    ProviderTerms,
    Query,
    RegisteredTables,
    RegisterTables,
)
from compute.protocols.risk_score.zero_sum_mask import zero_sum_masks
from compute.signing import SignatureError, Signed, digest, sign, verify

EPOCH = DAY
"""How long one mask key serves, in milliseconds."""


class Admission(Protocol):
    """Permit, consents and ledgers, the node's; each method raises :class:`RefusalError` by its check."""

    def admit_model(self, approval: ModelApproval, tables: RegisteredTables) -> None:
        """Check 8 of a registration: the bank holds a permit for these fields and this purpose."""
        ...

    def admit_job(self, job: JobStatement, approval: ModelApproval) -> None:
        """Check 9 of a job, first part: the permit is this bank's, stands, and covers the purpose."""
        ...

    def admit_subjects(self, job: JobStatement, subjects: Sequence[str]) -> None:
        """Check 9 of a job, second part: every subject consents, counters and ledgers suffice."""
        ...


class Answers(Protocol):
    """The durable store of answers: at most one job per bank and nonce, one answer per job."""

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        ...

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        ...

    def put(self, nonce: bytes, answer: Signed[Answer]) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably."""
        ...

    def acknowledge(self, job: bytes, now: int) -> int:
        """Note that the answer to this job was acknowledged; give the time at which it first was."""
        ...


@dataclass(frozen=True)
class MaskEpoch:
    """One mask key and the time in milliseconds at which it expires."""

    key: X25519PrivateKey
    expires: int

    @property
    def public_key(self) -> bytes:
        """The raw X25519 public key."""
        return self.key.public_key().public_bytes_raw()


@dataclass(frozen=True)
class Enrolled:
    """A bank's key in force: the statement that brought it, the key, and when it was first taken."""

    statement: Signed[KeyStatement]
    key: PublicKey
    at: int


class Provider:
    """The role: an identity, one holding, the banks' enrolled keys and registered tables, the answers given."""

    def __init__(
        self,
        domain: Domain,
        identity: Ed25519PrivateKey,
        answers: Answers,
        admission: Admission,
        clock: Callable[[], int],
        progress: Progress = no_progress,
    ) -> None:
        self.domain = domain
        self._identity, self._answers, self._admission = identity, answers, admission
        self._clock, self._progress = clock, progress
        self._epoch = MaskEpoch(X25519PrivateKey.generate(), clock() + EPOCH)
        self._state_lock, self._registration_lock, self._compute_lock = Lock(), Lock(), Lock()
        self._enrolled: dict[str, Enrolled] = {}
        self._registered: dict[bytes, Registered] = {}
        self._small_bins: Counter[str] = Counter()

    def enrol(self, message: EnrolKey) -> Accepted:
        """Keep a key that passes :func:`enrol`: the bank's jobs run under it and under no other.

        5. The statement is of the last hour and later than the one in force; the very same one again changes
           nothing.
        """
        statement, now = message.statement.statement, self._clock()
        current = self._enrolled.get(statement.bank)
        if current is None or message.statement != current.statement:
            key = enrol(message, self.domain.pins)  # 1–4
            with self._state_lock:
                current = self._enrolled.get(statement.bank)
                late = current is not None and statement.issued_at <= current.statement.statement.issued_at
                if late or abs(now - statement.issued_at) > STATEMENT_AGE:  # 5
                    raise RefusalError(5, "the statement is old, or a later key is in force", "enrol the key anew")
                current = self._enrolled[statement.bank] = Enrolled(message.statement, key, now)
        return Accepted(party=self.domain.name, at=current.at)

    def terms(self, _message: AskProviderTerms) -> Signed[ProviderTerms]:
        """Give the product, the snapshot and the mask key of this epoch."""
        with self._state_lock:
            if self._clock() >= self._epoch.expires:
                self._epoch = MaskEpoch(X25519PrivateKey.generate(), self._clock() + EPOCH)
            epoch = self._epoch
        holding = self.domain.holding
        terms = ProviderTerms(
            provider=self.domain.name,
            product=holding.product,
            product_version=holding.product_version,
            snapshot=holding.snapshot,
            snapshot_date=holding.snapshot_date,
            mask_key=epoch.public_key,
            expires=epoch.expires,
        )
        return sign(terms, self.domain.name, self._identity)

    def register(self, message: RegisterTables) -> Accepted:
        """Keep a model's tables under the digest of their approval; the same again changes nothing.

        Checks 1–6 are in :func:`check_registration`, 7 in :func:`check_cohorts`. Every registration that gets to 7
        tells the bank one bit about the data, so 8 comes before it.

        8. The bank holds a permit, has not too many models here, and has not tried too many bins that are small.
        """
        keys = {bank: enrolled.key for bank, enrolled in self._enrolled.items()}
        registered = check_registration(self.domain, message, keys, self._clock())  # 1–6
        name, bank = digest(registered.approval), registered.tables.bank
        with self._registration_lock:
            if name not in self._registered:
                self._admission.admit_model(registered.approval, registered.tables)  # 8
                models = sum(other.tables.bank == bank for other in self._registered.values())
                if models >= self.domain.max_models or self._small_bins[bank] >= self.domain.max_small_bins:
                    raise RefusalError(8, "too many models or bins were tried here", "ask the provider's operator")
                try:
                    check_cohorts(self.domain, registered.tables)  # 7
                except RefusalError:
                    self._small_bins[bank] += 1
                    raise
                self._registered[name] = registered
        return Accepted(party=self.domain.name, at=self._registered[name].at)

    def answer(self, query: Query) -> Signed[Answer]:
        """Give the masked, blinded scores of the job's subjects, stored before they are returned.

        A retry of the same job gets the stored answer, and one that comes while it is computed waits for it.
        Checks 1, 2 and 9 are here, 3–8 in :func:`check_job`.
        """
        job = check_signature(query, self.domain.pins)  # 1
        job_digest = digest(job)
        stored = self._answers.by_nonce(job.bank, job.nonce)
        if stored is None:
            with self._compute_lock:
                stored = self._answers.by_nonce(job.bank, job.nonce)
                if stored is None:
                    stored = self._answers.put(job.nonce, self._compute(query, job, job_digest))
        if stored.statement.job != job_digest:  # 2
            raise RefusalError(2, "the nonce was used by another job", "draw a fresh nonce")
        return stored

    def acknowledge(self, message: Acknowledge) -> Acknowledged:
        """Take the bank's receipt and give the time at which it first came.

        1. It is signed by the pinned identity of the consumer that it names.
        2. It names an answer that was given to this very bank.
        """
        receipt = message.acknowledgement.statement
        try:
            verify(message.acknowledgement, receipt.bank, "consumer", self.domain.pins)  # 1
        except SignatureError as error:
            raise RefusalError(1, str(error), "sign with the key given at onboarding") from error
        answer = self._answers.by_job(receipt.job)
        if answer is None or (answer.statement.bank, digest(answer.statement)) != (receipt.bank, receipt.answer):
            raise RefusalError(2, "no such answer was given to this bank", "send the query again")  # 2
        return Acknowledged(provider=self.domain.name, at=self._answers.acknowledge(receipt.job, self._clock()))

    def _compute(self, query: Query, job: JobStatement, job_digest: bytes) -> Signed[Answer]:
        epoch = self._epoch  # one key from the check to the mask, whatever rotates meanwhile
        enrolled, registered = self._enrolled.get(job.bank), self._registered.get(job.approval)
        if registered is not None:
            self._admission.admit_job(job, registered.approval)  # 9, before a million subjects are hashed
        registered, key = check_job(
            self.domain,
            query,
            epoch.public_key,
            None if enrolled is None else enrolled.key,
            registered,
            self._clock(),
        )
        self._admission.admit_subjects(job, query.subjects)  # 9
        name, bins = self.domain.name, registered.tables.bins
        frame = self.domain.holding.select(query.subjects, [feature.column for feature in bins])
        codes = code_columns(bins, frame, self.domain.holding.scales)
        sums = lookup_sum(
            key, registered.ciphertexts, codes, job.layout, partial(self._progress, f"{name}: look up 查表")
        )
        masked = [
            c * key.residue(mask) % key.n_squared
            for c, mask in zip(sums, self._zero_sum_masks(epoch.key, job, job_digest, key), strict=True)
        ]
        capped = top_mask(key, masked, job.layout, len(job.providers))
        ciphertexts = blind(key, capped, partial(self._progress, f"{name}: blind 盲化"))
        answer = Answer(
            provider=name,
            bank=job.bank,
            job=job_digest,
            ciphertexts=to_bytes(key, ciphertexts),
            answered_at=self._clock(),
        )
        return sign(answer, name, self._identity)

    def _zero_sum_masks(
        self, mask_key: X25519PrivateKey, job: JobStatement, job_digest: bytes, key: PublicKey
    ) -> list[mpz]:
        own = self.domain.name
        peers = {
            signed.statement.provider: signed.statement.mask_key
            for signed in job.providers
            if signed.statement.provider != own
        }
        try:
            return zero_sum_masks(own, mask_key, peers, job_digest, job.outputs, key)
        except ValueError as error:
            raise RefusalError(5, "a provider's mask key is of small order", "ask for its terms again") from error
