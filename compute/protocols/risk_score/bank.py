"""The bank's side of the risk score: encrypt a model, have it approved, ask, decrypt totals (PROTOCOLS.md §4).

Points, labels and scores never leave it.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmpy2 import mpz

from compute.canonical import M, Message
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.paillier.zero_test import band_of
from compute.protocols.base import (
    Accepted,
    AnswerError,
    Pending,
    Progress,
    Transport,
    ask,
    ask_long,
    no_progress,
)
from compute.protocols.closed_answer.bank import Receiver, Record, opened
from compute.protocols.closed_answer.messages import (
    Answer,
    ReleasedAnswer,
)
from compute.protocols.closed_answer.sealed_answer import OVERHEAD
from compute.protocols.key_enrolment.bank import check_parameters, enrolment
from compute.protocols.key_enrolment.messages import AskRingPedersen
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement
from compute.protocols.risk_score.bin_histogram import HistogramQuestion, SealedHistogram
from compute.protocols.risk_score.encrypted_table import encrypted
from compute.protocols.risk_score.job import (
    answer_ciphertexts,
    approved_tables,
    layout_for,
    most_rows,
    subjects_root,
)
from compute.protocols.risk_score.messages import (
    AskDecision,
    AskHistogram,
    AskProviderTerms,
    AskReviewerTerms,
    BandQuery,
    JobStatement,
    ModelApproval,
    ModelReceived,
    ModelSubmission,
    Opening,
    ProviderTerms,
    Query,
    RegisteredTables,
    RegisterTables,
    ReviewerTerms,
    SubmitModel,
    UnderReview,
)
from compute.protocols.risk_score.scorecard import Scorecard
from compute.protocols.risk_score.sealing import opening_info, seal
from compute.protocols.risk_score.submitted import ApprovedModel, SubmittedModel
from compute.protocols.signed import of_peer
from compute.signing import SUITE, Pins, Role, S, Signed, digest, sign

DECRYPT = "decrypt 解密"
"""The step of :meth:`Bank.totals` and :meth:`Bank.bands_of`, in ciphertexts."""
NO_SUM = "the answers do not add up; keep the job for inspection, and tell no provider"
PROVE = "prove the key 证明密钥"
"""The step of :meth:`Bank.enrol_key`, in providers."""


class Bank:
    """The role: an identity, a Paillier key, the pinned keys of the others, a transport to reach them.

    ``patience`` is in seconds: how long the bank waits for a party that cannot reach the marketplace.
    """

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        key: PrivateKey,
        pins: Pins,
        transport: Transport,
        clock: Callable[[], int],
        progress: Progress = no_progress,
        patience: float = 0,
    ) -> None:
        self.name = name
        self._identity, self._key, self._pins = identity, key, pins
        self._transport, self._clock, self._progress, self._patience = transport, clock, progress, patience
        self.receiver = Receiver(name, identity, transport, patience)

    def enrol_key(self, providers: Sequence[str]) -> None:
        """Prove the modulus to each provider, under its own parameters, which it may have to make first."""
        question = AskRingPedersen(bank=self.name)
        begun: Any = Signed[RingPedersenStatement] | Pending
        for provider in providers:  # so that all make theirs at the same time
            self._ask(provider, question, begun)
        for done, provider in enumerate(providers):
            signed = ask_long(
                self._transport,
                provider,
                question,
                Signed[RingPedersenStatement],
                self._progress,
                self._patience,
            )
            parameters = check_parameters(signed, provider, self._pins)
            self._progress(PROVE, done, len(providers))
            message = enrolment(self.name, self._identity, self._key, provider, parameters, self._clock())
            self._ask(provider, message, Accepted)

    def prepare_model(
        self, scorecard: Scorecard, providers: Sequence[str], reviewer: str, purpose: str
    ) -> SubmitModel:
        """Encrypt the card's tables, one for each source's provider; give what :meth:`submit_model` sends.

        Whoever may have to start again keeps it: sent again it has the same case, another has another.
        """
        offers = [signed.statement for signed in self._provider_terms(sorted(providers))]
        terms = {offer.product: offer for offer in offers}
        if len(terms) < len(offers):
            raise AnswerError("two of the providers offer the same product; name one of them")
        missing = sorted(scorecard.sources.keys() - terms.keys())
        if missing:
            raise AnswerError(f"no provider offers {', '.join(missing)}; name the providers of all sources")
        parts = [
            encrypted(self.name, self._key, scorecard, offer)
            for offer in offers
            if offer.product in scorecard.sources
        ]
        tables = tuple(part for part, _ in parts)
        sealed_to = self._reviewer_terms(reviewer)
        opening = Opening(tables=tuple(part for _, part in parts), dossier=scorecard.dossier)
        submission = ModelSubmission(
            bank=self.name,
            issued_at=self._clock(),
            n=self._key.public.to_bytes(),
            purpose=purpose,
            points_bound=scorecard.points_bound,
            tables=tables,
            sealed_opening=seal(opening, sealed_to.statement.sealing_key, opening_info(tables)),
            histograms=self._ask_histograms(tables, sealed_to),
            cuts=scorecard.cuts,
        )
        return SubmitModel(submission=sign(submission, self.name, self._identity))

    def submit_model(self, reviewer: str, message: SubmitModel) -> SubmittedModel:
        """Send a prepared model to its reviewer, whose rules it passes or is refused by."""
        submission = message.submission.statement
        identity = digest(submission)
        reply = ask_long(self._transport, reviewer, message, ModelReceived, self._progress, self._patience)
        if (reply.reviewer, reply.submission) != (reviewer, identity):
            raise AnswerError(f"{reviewer} received another model than was sent")
        return SubmittedModel(
            reviewer=reviewer,
            submission=identity,
            purpose=submission.purpose,
            points_bound=submission.points_bound,
            tables=submission.tables,
            cuts=submission.cuts,
        )

    def ask_decision(self, submitted: SubmittedModel) -> ApprovedModel | UnderReview:
        """Give the approved model, or since when it is under review; raise RefusedByPeerError if it is refused."""
        reviewer = submitted.reviewer
        question = AskDecision(bank=self.name, submission=submitted.submission)
        expected: Any = Signed[ModelApproval] | UnderReview
        reply = self._ask(reviewer, question, expected)
        if isinstance(reply, UnderReview):
            return reply
        approval: Signed[ModelApproval] = reply
        of_peer(approval, reviewer, "model_reviewer", self._pins)
        self._check_approval(submitted, approval.statement)
        return ApprovedModel(
            registrations=tuple(RegisterTables(tables=part, approval=approval) for part in submitted.tables)
        )

    def register_model(self, approved: ApprovedModel) -> ModelApproval:
        """Register each provider's tables there, and give the approval under which they score."""
        for registration in approved.registrations:
            self._ask(registration.tables.provider, registration, Accepted)
        return approved.approval

    def score(
        self,
        approval: ModelApproval,
        subjects: Sequence[str],
        permits: Mapping[str, str],
        as_of: str,
        record: Record,
    ) -> list[int]:
        """Give each subject's exact total over all providers, in units of the scorecard, in the given order."""
        query = self.prepare(approval, subjects, permits, as_of)
        job = query.job.statement
        answers = [self.ask_answer(signed.statement.provider, query) for signed in job.providers]
        return self.totals(job, [self.receiver.release(answer, record(answer.statement)) for answer in answers])

    def bands(
        self,
        approval: ModelApproval,
        subjects: Sequence[str],
        permits: Mapping[str, str],
        as_of: str,
        record: Record,
    ) -> list[int]:
        """Give the index of each subject's band, 0 for the lowest, by a banded model."""
        query = self.prepare(approval, subjects, permits, as_of)
        *others, _ = [part.provider for part in approval.tables]
        closed = [self.ask_answer(provider, query) for provider in others]
        answers = [self.receiver.release(answer, record(answer.statement)) for answer in closed]
        answer = self.ask_bands(approval, query, answers)
        return self.bands_of(
            approval, query.job.statement, self.receiver.release(answer, record(answer.statement))
        )

    def prepare(
        self, approval: ModelApproval, subjects: Sequence[str], permits: Mapping[str, str], as_of: str
    ) -> Query:
        """Give the signed job over these subjects, the same message for every provider; ``permits`` by provider.

        Whoever may have to start again keeps it: sent again it is the same use, another is another use.
        """
        most = most_rows(approval, self._key.public)
        if len(subjects) > most:
            raise AnswerError(f"{len(subjects)} subjects in bands do not fit a message; ask for {most} at a time")
        salt = secrets.token_bytes(32)
        layout = layout_for(approval, self._key.public.bits)
        job = JobStatement(
            version=1,
            suite=SUITE,
            bank=self.name,
            n=self._key.public.to_bytes(),
            approval=digest(approval),
            providers=tuple(self._provider_terms([part.provider for part in approval.tables])),
            permits=tuple(permits[part.provider] for part in approval.tables),
            nonce=secrets.token_bytes(32),
            subjects_root=subjects_root(salt, subjects),
            rows=len(subjects),
            slot_width=layout.width,
            slots=layout.slots,
            slot_bias=layout.bias,
            outputs=layout.outputs(len(subjects)),
            as_of=as_of,
        )
        return Query(job=sign(job, self.name, self._identity), salt=salt, subjects=tuple(subjects))

    def ask_answer(self, provider: str, query: Query) -> Signed[Answer]:
        """Give a provider's answer, which is still closed: checked as far as it can be."""
        return self._answer(provider, query, query.job.statement, query.job.statement.outputs)

    def ask_bands(
        self, approval: ModelApproval, query: Query, answers: Sequence[ReleasedAnswer]
    ) -> Signed[Answer]:
        """Give the answer of a banded model's last provider, still closed, for which it needs all the others'."""
        provider, job = approval.tables[-1].provider, query.job.statement
        message = BandQuery(query=query, answers=tuple(answers))
        return self._answer(provider, message, job, answer_ciphertexts(approval, job, provider))

    def _answer(self, provider: str, message: Message, job: JobStatement, ciphertexts: int) -> Signed[Answer]:
        signed = self._signed(provider, "provider", message, Signed[Answer], long=True)
        answer = signed.statement
        if (answer.job, answer.provider, answer.bank) != (digest(job), provider, self.name):
            raise AnswerError(f"{provider} answered another job")
        size = ciphertexts * self._key.public.ciphertext_bytes + OVERHEAD
        if len(answer.content) != size:
            raise AnswerError(f"the answer of {provider} is malformed: {len(answer.content)} bytes, not {size}")
        return signed

    def totals(self, job: JobStatement, answers: Sequence[ReleasedAnswer], runner: Runner = HERE) -> list[int]:
        """Open the providers' answers, multiply them, so that the masks cancel, decrypt, unpack."""
        columns = [self.open(job, released) for released in answers]
        sums = [prod(parts, start=mpz(1)) % self._key.public.n_squared for parts in zip(*columns, strict=True)]
        plaintexts = self._key.decrypt_many(sums, runner, partial(self._progress, DECRYPT))
        totals: list[int] = []
        for plaintext in plaintexts:
            totals += job.layout.unpack(plaintext, min(job.slots, job.rows - len(totals)))
        if any(abs(total) > job.slot_bias for total in totals):
            # Honest totals never leave the proven range; masks that do not cancel nearly always do. A provider
            # that shifts its answer could learn from our reaction, so there is none, and no automatic retry.
            raise AnswerError(NO_SUM)
        return totals

    def bands_of(
        self, approval: ModelApproval, job: JobStatement, released: ReleasedAnswer, runner: Runner = HERE
    ) -> list[int]:
        """Open the answer of a banded model's last provider, and give the index of each row's band."""
        if approval.bands is None:
            raise ValueError("the model has no bands; ask for totals")
        count, values = approval.bands.tests, approval.bands.values()
        tests = self.open(job, released, job.rows * count)
        zeros = self._key.are_zero(tests, runner, partial(self._progress, DECRYPT))
        bands = [band_of(zeros[start : start + count], values) for start in range(0, len(zeros), count)]
        if None in bands:
            raise AnswerError(NO_SUM)
        return [band for band in bands if band is not None]

    def open(self, job: JobStatement, released: ReleasedAnswer, ciphertexts: int | None = None) -> list[mpz]:
        """Give the ciphertexts of an answer, each checked; raise :class:`AnswerError` for others.

        They are as many as the job's outputs, or as is said.
        """
        count = job.outputs if ciphertexts is None else ciphertexts
        try:
            return from_bytes(self._key.public, opened(released), count)
        except PaillierError as error:
            provider = released.answer.statement.provider
            raise AnswerError(f"the answer of {provider} is malformed: {error}") from error

    def _provider_terms(self, providers: Sequence[str]) -> list[Signed[ProviderTerms]]:
        question = AskProviderTerms(bank=self.name)

        def of(provider: str) -> Signed[ProviderTerms]:
            signed = self._signed(provider, "provider", question, Signed[ProviderTerms])
            self._check_current(provider, signed.statement.provider, signed.statement.expires)
            return signed

        with ThreadPoolExecutor(max(len(providers), 1)) as pool:  # they are asked at the same time
            return list(pool.map(of, providers))

    def _reviewer_terms(self, reviewer: str) -> Signed[ReviewerTerms]:
        question = AskReviewerTerms(bank=self.name)
        terms = self._signed(reviewer, "model_reviewer", question, Signed[ReviewerTerms])
        self._check_current(reviewer, terms.statement.reviewer, terms.statement.expires)
        return terms

    def _ask_histograms(
        self, tables: Sequence[RegisteredTables], terms: Signed[ReviewerTerms]
    ) -> tuple[Signed[SealedHistogram], ...]:
        """Ask each provider how many companies are in the combinations of its bins, sealed to the reviewer."""

        def of(part: RegisteredTables) -> Signed[SealedHistogram]:
            question = HistogramQuestion(
                bank=self.name,
                provider=part.provider,
                product=part.product,
                product_version=part.product_version,
                bins=part.bins,
                nonce=secrets.token_bytes(32),
            )
            message = AskHistogram(question=sign(question, self.name, self._identity), terms=terms)
            reply = self._signed(part.provider, "provider", message, Signed[SealedHistogram])
            if reply.statement.question != question:
                raise AnswerError(f"{part.provider} answered another question about its bins")
            return reply

        return tuple(map(of, tables))

    def _check_current(self, party: str, named: str, expires: int) -> None:
        """A replayed reply names another party or has expired; its keys may be in other hands by now."""
        if named != party or expires <= self._clock():
            raise AnswerError(f"the terms of {party} are another's or have expired; ask again")

    def _check_approval(self, submitted: SubmittedModel, approval: ModelApproval) -> None:
        """The reviewer decides on four things, and finds the bands' range; all else is as it was submitted."""
        expected = ModelApproval(
            reviewer=submitted.reviewer,
            suite=SUITE,
            bank=self.name,
            key=self._key.public.fingerprint,
            purpose=submitted.purpose,
            tables=approved_tables(submitted.tables),
            points_id=approval.points_id,
            points_bound=submitted.points_bound,
            reachable_totals=approval.reachable_totals,
            expires=approval.expires,
            rests_on=approval.rests_on,
            bands=approval.bands,
        )
        cuts = None if approval.bands is None else approval.bands.cuts
        if approval != expected or cuts != submitted.cuts or approval.expires <= self._clock():
            raise AnswerError(f"{submitted.reviewer} approved something else than was submitted")

    def _signed(
        self, party: str, role: Role, message: Message, expected: type[Signed[S]], *, long: bool = False
    ) -> Signed[S]:
        """Ask a party and check that its pinned identity signed the reply."""
        if long:
            reply = ask_long(self._transport, party, message, expected, self._progress, self._patience)
        else:
            reply = self._ask(party, message, expected)
        of_peer(reply, party, role, self._pins)
        return reply

    def _ask(self, party: str, message: Message, expected: type[M]) -> M:
        return ask(self._transport, party, message, expected, self._patience)
