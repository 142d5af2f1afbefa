"""The provider's side of the risk score: check, look up, mask, blind, store (PROTOCOLS.md §4.3–4.4).

It holds plain rows and the bank's public key. It never loads the private key's module.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from gmpy2 import mpz

from compute.binning import code_columns
from compute.paillier.blinding import blind, top_mask
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.lookup import lookup_sum
from compute.paillier.public import PublicKey
from compute.protocols.base import Accepted, Progress, RefusalError, no_progress
from compute.protocols.risk_score.checks import (
    Registered,
    Setting,
    check_job,
    check_registration,
    check_signature,
)
from compute.protocols.risk_score.messages import (
    Acknowledge,
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

EPOCH = 24 * 3600 * 1000
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


class Provider:
    """The role: an identity, one holding, the banks' enrolled keys and registered tables, the answers given."""

    def __init__(
        self,
        setting: Setting,
        identity: Ed25519PrivateKey,
        answers: Answers,
        admit: Admit,
        clock: Callable[[], int],
        progress: Progress = no_progress,
    ) -> None:
        self.setting = setting
        self._identity, self._answers, self._admit = identity, answers, admit
        self._clock, self._progress = clock, progress
        self._mask_key, self._mask_key_expires = X25519PrivateKey.generate(), clock() + EPOCH
        self._keys: dict[str, PublicKey] = {}
        self._registered: dict[bytes, Registered] = {}

    def enrol(self, bank: str, key: PublicKey) -> Accepted:
        """Keep a key that passed key enrolment: the bank's jobs run under it and under no other."""
        self._keys[bank] = key
        return Accepted(party=self.setting.name)

    def terms(self, _message: AskProviderTerms) -> Signed[ProviderTerms]:
        """Give the product, the snapshot and the mask key of this epoch."""
        if self._clock() >= self._mask_key_expires:
            self._mask_key, self._mask_key_expires = X25519PrivateKey.generate(), self._clock() + EPOCH
        holding = self.setting.holding
        terms = ProviderTerms(
            provider=self.setting.name,
            product=holding.product,
            product_version=holding.product_version,
            snapshot=holding.snapshot,
            snapshot_date=holding.snapshot_date,
            mask_key=self._mask_key.public_key().public_bytes_raw(),
            expires=self._mask_key_expires,
        )
        return sign(terms, self.setting.name, self._identity)

    def register(self, message: RegisterTables) -> Accepted:
        """Keep a model's tables under the digest of their approval; checks: :func:`check_registration`."""
        registered = check_registration(self.setting, message, self._keys, self._clock())
        self._registered[digest(registered.approval)] = registered
        return Accepted(party=self.setting.name)

    def answer(self, query: Query) -> Signed[Answer]:
        """Give the masked, blinded scores of the job's subjects, stored before they are returned.

        A retry of the same job gets the stored answer. Checks 1, 2 and 9 are here, 3–8 in :func:`check_job`.
        """
        job = check_signature(query, self.setting.pins)  # 1
        job_digest = digest(job)
        stored = self._answers.by_nonce(job.nonce)
        if stored is None:
            stored = self._answers.put(job.nonce, self._compute(query, job, job_digest))
        if stored.statement.job != job_digest:  # 2
            raise RefusalError(2, "the nonce was used by another job", "draw a fresh nonce")
        return stored

    def acknowledge(self, message: Acknowledge) -> Accepted:
        """Take the bank's receipt: signed by it, for an answer that was given."""
        receipt = message.acknowledgement.statement
        try:
            verify(message.acknowledgement, receipt.bank, self.setting.pins)
        except SignatureError as error:
            raise RefusalError(1, str(error), "sign with the key given at onboarding") from error
        answer = self._answers.by_job(receipt.job)
        if answer is None or digest(answer.statement) != receipt.answer:
            raise RefusalError(2, "no such answer was given for this job", "send the query again")
        return Accepted(party=self.setting.name)

    def _compute(self, query: Query, job: JobStatement, job_digest: bytes) -> Signed[Answer]:
        registered, key = check_job(
            self.setting,
            query,
            self._mask_key.public_key().public_bytes_raw(),
            self._keys.get(job.bank),
            self._registered.get(job.approval),
            self._clock(),
        )
        self._admit(job, registered.approval, query.subjects)  # 9
        name, bins = self.setting.name, registered.tables.bins
        frame = self.setting.holding.select(query.subjects, [feature.column for feature in bins])
        codes = code_columns(bins, frame, self.setting.holding.scales)
        sums = lookup_sum(
            key, registered.ciphertexts, codes, job.layout, lambda done, rows: self._progress(name, done, rows)
        )
        masked = [
            c * key.residue(mask) % key.n_squared
            for c, mask in zip(sums, self._zero_sum_masks(job, job_digest, key), strict=True)
        ]
        ciphertexts = blind(key, top_mask(key, masked, job.layout, len(job.providers)))
        answer = Answer(
            provider=name,
            job=job_digest,
            ciphertexts=to_bytes(key, ciphertexts),
            answered_at=self._clock(),
        )
        return sign(answer, name, self._identity)

    def _zero_sum_masks(self, job: JobStatement, job_digest: bytes, key: PublicKey) -> list[mpz]:
        own = self.setting.name
        peers = {
            signed.statement.provider: signed.statement.mask_key
            for signed in job.providers
            if signed.statement.provider != own
        }
        try:
            return zero_sum_masks(own, self._mask_key, peers, job_digest, job.outputs, key)
        except ValueError as error:
            raise RefusalError(5, "a provider's mask key is of small order", "ask for its terms again") from error
