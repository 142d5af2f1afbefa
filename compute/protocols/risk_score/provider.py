"""The provider's side of the risk score: check, look up, mask, blind, store (PROTOCOLS.md §4.3–4.4).

It holds plain rows and the bank's public key. It never loads the private key's module.
"""

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
from compute.protocols.base import Accepted, Progress, RefusalError, no_progress
from compute.protocols.key_enrolment.messages import EnrolKey, KeyStatement
from compute.protocols.key_enrolment.provider import enrol
from compute.protocols.risk_score.checks import (
    Domain,
    Registered,
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
    RegisterTables,
)
from compute.protocols.risk_score.zero_sum_mask import zero_sum_masks
from compute.signing import SignatureError, Signed, digest, sign, verify

EPOCH = DAY
"""How long one mask key serves, in milliseconds."""

Admit = Callable[[JobStatement, ModelApproval, Sequence[str]], None]
"""Check 9, the node's: permit, consent of every subject, ledgers. Raises :class:`RefusalError`."""


class Answers(Protocol):
    """The durable store of answers: at most one job per nonce, one answer per job."""

    def by_nonce(self, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the job that used this nonce."""
        ...

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        ...

    def put(self, nonce: bytes, answer: Signed[Answer]) -> Signed[Answer]:
        """Store the answer unless the nonce has one; give the one that is stored, durably, either way."""
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


class Provider:
    """The role: an identity, one holding, the banks' enrolled keys and registered tables, the answers given."""

    def __init__(
        self,
        domain: Domain,
        identity: Ed25519PrivateKey,
        answers: Answers,
        admit: Admit,
        clock: Callable[[], int],
        progress: Progress = no_progress,
    ) -> None:
        self.domain = domain
        self._identity, self._answers, self._admit = identity, answers, admit
        self._clock, self._progress = clock, progress
        self._epoch = MaskEpoch(X25519PrivateKey.generate(), clock() + EPOCH)
        self._epoch_lock, self._compute_lock = Lock(), Lock()
        self._keys: dict[str, PublicKey] = {}
        self._enrolments: dict[str, Signed[KeyStatement]] = {}
        self._registered: dict[bytes, Registered] = {}

    def enrol(self, message: EnrolKey) -> Accepted:
        """Keep a key that passes :func:`enrol`: the bank's jobs run under it and under no other.

        5. The statement is later than the one in force; the very same one again changes nothing.
        """
        statement = message.statement.statement
        current = self._enrolments.get(statement.bank)
        if message.statement != current:
            key = enrol(message, self.domain.pins)  # 1–4
            if current is not None and statement.issued_at <= current.statement.issued_at:  # 5
                raise RefusalError(5, "a later key of this bank is enrolled here", "enrol the key anew")
            self._keys[statement.bank], self._enrolments[statement.bank] = key, message.statement
        return Accepted(party=self.domain.name)

    def terms(self, _message: AskProviderTerms) -> Signed[ProviderTerms]:
        """Give the product, the snapshot and the mask key of this epoch."""
        with self._epoch_lock:
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
        """Keep a model's tables under the digest of their approval; checks: :func:`check_registration`."""
        registered = check_registration(self.domain, message, self._keys, self._clock())
        self._registered[digest(registered.approval)] = registered
        return Accepted(party=self.domain.name)

    def answer(self, query: Query) -> Signed[Answer]:
        """Give the masked, blinded scores of the job's subjects, stored before they are returned.

        A retry of the same job gets the stored answer, and one that comes while it is computed waits for it.
        Checks 1, 2 and 9 are here, 3–8 in :func:`check_job`.
        """
        job = check_signature(query, self.domain.pins)  # 1
        job_digest = digest(job)
        with self._compute_lock:
            stored = self._answers.by_nonce(job.nonce)
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
        registered, key = check_job(
            self.domain,
            query,
            epoch.public_key,
            self._keys.get(job.bank),
            self._registered.get(job.approval),
            self._clock(),
        )
        self._admit(job, registered.approval, query.subjects)  # 9
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
