"""The provider's side of the risk score: check, look up, mask, blind, store (PROTOCOLS.md §4.3–4.4).

It holds plain rows and the bank's public key. It never loads the private key's module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from gmpy2 import mpz

from compute.binning import Bins, code_columns
from compute.paillier.blinding import blind, conceal, own_residue, top_mask
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.lookup import lookup_sum
from compute.paillier.partials import Partials
from compute.paillier.pool import Pool
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner
from compute.paillier.zero_test import zero_tests
from compute.protocols.base import Accepted, Progress, RefusalError, no_progress
from compute.protocols.closed_answer.messages import (
    Answer,
    ReleasedAnswer,
)
from compute.protocols.closed_answer.provider import ClosedAnswers
from compute.protocols.risk_score.band_query import check_place, open_others
from compute.protocols.risk_score.bin_histogram import SealedHistogram
from compute.protocols.risk_score.charge import Charge, millibits, points_told
from compute.protocols.risk_score.checks import (
    Domain,
    Registered,
    check_cohorts,
    check_job,
    check_registration,
    check_signature,
)
from compute.protocols.risk_score.epochs import Epochs
from compute.protocols.risk_score.histogram_answer import answer_histogram
from compute.protocols.risk_score.messages import (
    AskHistogram,
    AskProviderTerms,
    BandQuery,
    JobStatement,
    ProviderTerms,
    Query,
    RegisterTables,
    WithdrawModel,
)
from compute.protocols.risk_score.provider_stores import Admission, Answers, Registry
from compute.protocols.risk_score.withdrawal import check_withdrawal
from compute.protocols.risk_score.zero_sum_mask import zero_sum_masks
from compute.signing import Signed, derived_secret, digest, sign

LEDGER = "veilmart/ledger/v1"
"""For what the secret is derived under which the ledger names subjects."""
LOOK_UP, TEST, BLIND = "look up 查表", "test 判档", "blind 盲化"
"""The steps of an answer, in rows and in ciphertexts; only bands are tested for."""


def no_pool(_key: PublicKey, _outputs: int) -> Pool | None:
    """Keep no blinding pools."""
    return None


@dataclass(frozen=True)
class Means:
    """Where a provider computes, the blinding pools and parts that it keeps, and who hears how far it is."""

    runner: Runner = HERE
    pool: Callable[[PublicKey, int], Pool | None] = no_pool
    """Gives a key's pool to blind so many ciphertexts with, if it has one."""
    partials: Partials | None = None
    """Of the one answer that is computed."""
    progress: Progress = no_progress


class Provider:
    """The role: an identity, one holding, the banks' enrolled keys and registered tables, the answers given.

    All that must last is in ``registry``, ``epochs`` and ``answers``, so several processes may play one provider;
    ``means`` is what it computes with.
    """

    def __init__(
        self,
        domain: Domain,
        identity: Ed25519PrivateKey,
        registry: Registry,
        epochs: Epochs,
        answers: Answers,
        admission: Admission,
        clock: Callable[[], int],
        means: Means | None = None,
    ) -> None:
        self.domain = domain
        self._identity, self._clock, self._means = identity, clock, means or Means()
        self._registry, self._epochs, self._answers, self._admission = registry, epochs, answers, admission
        self.closed = ClosedAnswers(domain.name, identity, domain.pins, domain.log, answers, clock)
        self._compute_lock = Lock()
        self._own_residues: dict[PublicKey, mpz] = {}  # one for each bank whose key was enrolled

    def terms(self, _message: AskProviderTerms) -> Signed[ProviderTerms]:
        """Give the product, the snapshot and the mask key of this epoch."""
        holding, epoch = self.domain.holding, self._epochs.current()
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
        bank = message.tables.bank
        registered = check_registration(self.domain, message, self._key(bank), self._clock())
        name = digest(registered.approval)
        self._require_standing(name, check=3)
        kept = self._registry.registration(name)
        if kept is not None:
            return Accepted(party=self.domain.name, at=kept.at)
        self._admission.admit_model(registered.approval, registered.tables)  # 8
        # The look is counted before it is taken: neither a crash nor a second process gives one for nothing.
        snapshot, most = self.domain.holding.snapshot, self.domain.max_models
        full = RefusalError(8, "too many models or bins were tried here", "ask the provider's operator")
        if not self._registry.open_probe(bank, most, self.domain.max_small_bins):
            raise full
        check_cohorts(self.domain, registered.tables)  # 7
        at = self._registry.register(name, message, snapshot, self._clock(), most)
        if at is None:
            raise full
        return Accepted(party=self.domain.name, at=at)

    def withdraw(self, message: WithdrawModel) -> Accepted:
        """Take no tables and no job under an approval any more; checked by :func:`check_withdrawal`."""
        withdrawal = check_withdrawal(self.domain, message)
        return Accepted(party=self.domain.name, at=self._registry.withdraw(withdrawal.approval, self._clock()))

    def histogram(self, message: AskHistogram) -> Signed[SealedHistogram]:
        """Give the joint histogram of the question's bins over the whole table, for the reviewer alone.

        The checks are in :func:`answer_histogram`.
        """
        admit, now = self._admission.admit_question, self._clock()
        return answer_histogram(self.domain, self._identity, self._registry, admit, message, now)

    def check(self, message: Query | BandQuery) -> None:
        """Refuse the query if :meth:`answer` would refuse it now; nothing is computed or counted."""
        query, answers = _parts(message)
        job = check_signature(query, self.domain.pins)  # 1
        if self._stored(job) is None:
            self._admit(query, job, answers)

    def answer(self, message: Query | BandQuery) -> Signed[Answer]:
        """Give the masked, blinded scores of the job's subjects, stored and counted before they are returned.

        With the others' answers to a banded model's job: the tests that tell the bands.

        A retry of the same job gets the stored answer, and one that comes while it is computed waits for it.
        Checks 1 and 2 are here, 3–12 in :meth:`_admit`.
        """
        query, answers = _parts(message)
        job = check_signature(query, self.domain.pins)  # 1
        stored = self._stored(job)
        if stored is None:
            with self._compute_lock:
                stored = self._stored(job) or self._compute(query, job, answers)
        return stored

    def _stored(self, job: JobStatement) -> Signed[Answer] | None:
        self._answers.require_standing(job.bank, digest(job))  # 2
        stored = self._answers.by_nonce(job.bank, job.nonce)
        return None if stored is None else _answer_to(job, stored)

    def _key(self, bank: str) -> PublicKey | None:
        """The bank's key in force, which was proven when it was enrolled."""
        current = self._registry.enrolment(bank)
        return None if current is None else PublicKey.from_bytes(current[0].statement.n)

    def _registered(self, approval: bytes, key: PublicKey | None) -> Registered | None:
        """The tables that passed :func:`check_registration` under this approval, if they are under this key."""
        kept = self._registry.registration(approval)
        if kept is None or key is None or kept.message.tables.key != key.fingerprint:
            return None
        return Registered.of(kept.message, key)

    def _recheck(self, approval: bytes, registered: Registered) -> None:
        """Refuse by check 4 if the approval was withdrawn, or a bin holds no cohort on a table that changed."""
        self._require_standing(approval, check=4)
        kept, snapshot = self._registry.registration(approval), self.domain.holding.snapshot
        if kept is not None and kept.snapshot != snapshot:
            try:
                check_cohorts(self.domain, registered.tables)
            except RefusalError as error:
                raise RefusalError(4, f"on the present table {error.reason}", error.remedy) from error
            self._registry.confirm(approval, snapshot)

    def _require_standing(self, approval: bytes, check: int) -> None:
        if self._registry.is_withdrawn(approval):
            raise RefusalError(check, "the reviewer withdrew the model's approval", "ask the reviewer why")

    def _admit(self, query: Query, job: JobStatement, answers: Sequence[ReleasedAnswer] | None) -> "_Admitted":
        """Give what the job computes with, or refuse by checks 3–12.

        3–8 are in :func:`check_job`, 10 in :func:`check_place`, 11 and 12 in :func:`open_others`.
        """
        key = self._key(job.bank)
        registered = self._registered(job.approval, key)
        # 9 comes first, before a million subjects are hashed for somebody without a permit.
        max_uses = 0 if registered is None else self._admission.admit_job(job, registered)
        epochs = {epoch.public_key: epoch.key for epoch in self._epochs.alive()}
        registered, key = check_job(self.domain, query, epochs, key, registered, self._clock())  # 3–8
        own = self.domain.name
        check_place(registered.approval, own, answers)  # 10
        self._recheck(job.approval, registered)  # 4
        self._admission.admit_subjects(job, query.subjects)  # 9
        others = None if answers is None else open_others(job, own, key, self.domain.pins, answers)  # 11, 12
        terms = next(terms.statement for terms in job.providers if terms.statement.provider == own)
        return _Admitted(registered, key, epochs[terms.mask_key], max_uses, others)

    def _compute(
        self, query: Query, job: JobStatement, answers: Sequence[ReleasedAnswer] | None
    ) -> Signed[Answer]:
        admitted = self._admit(query, job, answers)
        key, bins = admitted.key, admitted.registered.tables.bins
        frame = self.domain.holding.select(query.subjects, [feature.column for feature in bins])
        codes = code_columns(bins, frame, self.domain.holding.scales)
        charge = self._charge(query, job, admitted.registered, codes)
        found = self._answers.require_affordable(charge)  # 9, before the work
        means = self._means
        progress = partial(means.progress, LOOK_UP)
        tables = [conceal(key, table, self._own_residue(key)) for table in admitted.registered.ciphertexts]
        sums = lookup_sum(key, tables, codes, job.layout, means.runner, means.partials, progress)
        masks = self._zero_sum_masks(admitted.mask_key, job, key)
        masked = [c * key.residue(mask) % key.n_squared for c, mask in zip(sums, masks, strict=True)]
        ciphertexts = self._closed(admitted, job, masked)
        signed = self.closed.close(job.bank, digest(job), to_bytes(key, ciphertexts))
        self._require_standing(job.approval, check=4)  # once more: it may have been withdrawn meanwhile
        self._admission.keep_use(job, query.subjects)
        # 9, once more: other jobs were counted meanwhile; and another process may have been first with this one.
        return _answer_to(job, self._answers.put(job, signed, admitted.max_uses, charge, found))

    def _closed(self, admitted: "_Admitted", job: JobStatement, masked: Sequence[mpz]) -> list[mpz]:
        """Give what may leave of the masked sums: with a top mask, or zero tests of totals, each blinded.

        A banded model's sums get no top mask: it would stay in the totals. All but the last provider's leave as
        they are, uniform by the zero-sum mask, for the last one's never do.
        """
        key, means, bands = admitted.key, self._means, admitted.registered.approval.bands
        blinded = partial(means.progress, BLIND)
        if bands is None:
            capped = top_mask(key, masked, job.layout, len(job.providers), job.rows)
            return blind(key, capped, means.runner, means.pool(key, len(capped)), blinded)
        if admitted.others is None:
            return blind(key, masked, means.runner, means.pool(key, len(masked)), blinded)
        columns = zip(masked, *admitted.others, strict=True)
        totals = [prod(parts, start=mpz(1)) % key.n_squared for parts in columns]
        pool, values = means.pool(key, len(totals) * bands.tests), bands.values(job.slot_bias)
        return zero_tests(key, totals, values, means.runner, pool, (partial(means.progress, TEST), blinded))

    def _charge(self, query: Query, job: JobStatement, registered: Registered, codes: Sequence[bytes]) -> Charge:
        """What a score of these subjects in these bins can tell."""
        approval, holding = registered.approval, self.domain.holding

        def recode(bins: Sequence[Bins], subjects: Sequence[str]) -> list[bytes] | None:
            if any(not holding.can_bin(feature) for feature in bins):  # an earlier product version's
                return None
            frame = holding.select(subjects, [feature.column for feature in bins])
            return code_columns(bins, frame, holding.scales)

        return Charge(
            bank=approval.bank,
            points_id=points_told(approval, job, self.domain.name),
            millibits=millibits(approval.outcomes),
            bins=registered.tables.bins,
            snapshot=holding.snapshot,
            subjects=query.subjects,
            codes=codes,
            secret=derived_secret(self._identity, LEDGER),
            budget=self.domain.budget,
            recode=recode,
        )

    def _own_residue(self, key: PublicKey) -> mpz:
        """The same for all of a key's tables, and for every process of this provider: parts are taken up again."""
        if key not in self._own_residues:
            secret = derived_secret(self._identity, "veilmart/own-residue/v1")
            self._own_residues[key] = own_residue(key, secret)
        return self._own_residues[key]

    def _zero_sum_masks(self, mask_key: X25519PrivateKey, job: JobStatement, key: PublicKey) -> list[mpz]:
        own = self.domain.name
        peers = {
            signed.statement.provider: signed.statement.mask_key
            for signed in job.providers
            if signed.statement.provider != own
        }
        try:
            return zero_sum_masks(own, mask_key, peers, digest(job), job.outputs, key)
        except ValueError as error:
            raise RefusalError(5, "a provider's mask key is of small order", "ask for its terms again") from error


def _parts(message: Query | BandQuery) -> tuple[Query, tuple[ReleasedAnswer, ...] | None]:
    """Give the query, and the others' answers if they came with it."""
    return (message.query, message.answers) if isinstance(message, BandQuery) else (message, None)


def _answer_to(job: JobStatement, stored: Signed[Answer]) -> Signed[Answer]:
    """Give the answer that is stored under the job's nonce, or refuse by check 2 if it is another job's."""
    if stored.statement.job != digest(job):  # 2
        raise RefusalError(2, "the nonce was used by another job", "draw a fresh nonce")
    return stored


@dataclass(frozen=True)
class _Admitted:
    """What an admitted job computes with, and the uses that its permit allows in all."""

    registered: Registered
    key: PublicKey
    mask_key: X25519PrivateKey
    max_uses: int
    others: list[list[mpz]] | None
    """The other providers' ciphertexts, where this one tells a banded model's bands."""
