"""The bank's side of the risk score: encrypt a model, have it approved, ask, decrypt totals (PROTOCOLS.md §4).

Points, labels and scores never leave it.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmpy2 import mpz

from compute.canonical import Message
from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.private import PrivateKey
from compute.protocols.base import Accepted, AnswerError, Transport, ask
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.risk_score.job import approved_tables, layout_for, subjects_root
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Acknowledged,
    Acknowledgement,
    Answer,
    AskProviderTerms,
    AskReviewerTerms,
    JobStatement,
    ModelApproval,
    ModelSubmission,
    Opening,
    ProviderTerms,
    Query,
    RegisteredTables,
    RegisterTables,
    ReviewerTerms,
    SubmitModel,
    TableOpening,
)
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.protocols.risk_score.sealing import seal
from compute.signing import SUITE, Pins, Role, S, SignatureError, Signed, digest, sign, verify


@dataclass(frozen=True)
class RegisteredModel:
    """A scorecard whose tables the providers hold, with the reviewer's approval."""

    scorecard: Scorecard
    approval: ModelApproval


class Bank:
    """The role: an identity, a Paillier key, the pinned keys of the others, a transport to reach them."""

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        key: PrivateKey,
        pins: Pins,
        transport: Transport,
        clock: Callable[[], int],
    ) -> None:
        self.name = name
        self._identity, self._key, self._pins = identity, key, pins
        self._transport, self._clock = transport, clock

    def enrol_key(self, providers: Sequence[str]) -> None:
        """Prove the modulus to each provider."""
        message = enrolment(self.name, self._identity, self._key, self._clock())
        for provider in providers:
            ask(self._transport, provider, message, Accepted)

    def register_model(
        self, scorecard: Scorecard, providers: Sequence[str], reviewer: str, purpose: str
    ) -> RegisteredModel:
        """Encrypt the card's tables, have them approved, register each at the provider of its source."""
        offers = [signed.statement for signed in self._provider_terms(sorted(providers))]
        terms = {offer.product: offer for offer in offers}
        if len(terms) < len(offers):
            raise AnswerError("two of the providers offer the same product; name one of them")
        missing = sorted(scorecard.sources.keys() - terms.keys())
        if missing:
            raise AnswerError(f"no provider offers {', '.join(missing)}; name the providers of all sources")
        parts = [
            self._encrypt(scorecard, offer, scorecard.sources[offer.product])
            for offer in offers
            if offer.product in scorecard.sources
        ]
        tables = tuple(part for part, _ in parts)
        opening = Opening(tables=tuple(part for _, part in parts))
        submission = ModelSubmission(
            bank=self.name,
            issued_at=self._clock(),
            n=self._key.public.to_bytes(),
            purpose=purpose,
            points_bound=scorecard.points_bound,
            tables=tables,
            sealed_opening=seal(opening, tables, self._sealing_key(reviewer)),
        )
        signed = sign(submission, self.name, self._identity)
        question = SubmitModel(submission=signed)
        approval = self._signed(reviewer, "model_reviewer", question, Signed[ModelApproval])
        self._check_approval(reviewer, submission, approval.statement)
        for part in tables:
            ask(self._transport, part.provider, RegisterTables(tables=part, approval=approval), Accepted)
        return RegisteredModel(scorecard, approval.statement)

    def score(self, model: RegisteredModel, subjects: Sequence[str], permit: str, as_of: str) -> list[int]:
        """Give each subject's exact total over all providers, in units of the scorecard, in the given order."""
        salt = secrets.token_bytes(32)
        job = self._job(model, subjects, salt, permit, as_of)
        query = Query(job=sign(job, self.name, self._identity), salt=salt, subjects=tuple(subjects))
        job_digest = digest(job)
        answers = [self._checked_answer(signed.statement.provider, query, job_digest) for signed in job.providers]
        return self._totals(job, answers)

    def _job(
        self, model: RegisteredModel, subjects: Sequence[str], salt: bytes, permit: str, as_of: str
    ) -> JobStatement:
        layout = layout_for(model.approval, self._key.public.bits)
        return JobStatement(
            version=1,
            suite=SUITE,
            bank=self.name,
            n=self._key.public.to_bytes(),
            approval=digest(model.approval),
            providers=tuple(self._provider_terms([part.provider for part in model.approval.tables])),
            permit=permit,
            nonce=secrets.token_bytes(32),
            subjects_root=subjects_root(salt, subjects),
            rows=len(subjects),
            slot_width=layout.width,
            slots=layout.slots,
            slot_bias=layout.bias,
            outputs=layout.outputs(len(subjects)),
            as_of=as_of,
        )

    def _checked_answer(self, provider: str, query: Query, job: bytes) -> list[mpz]:
        """Ask for an answer and give its ciphertexts; acknowledge it before anything is decrypted.

        The receipt depends on the answer's form alone: what came of decrypting it would be an oracle.
        """
        answer = self._signed(provider, "provider", query, Signed[Answer]).statement
        if (answer.job, answer.provider, answer.bank) != (job, provider, self.name):
            raise AnswerError(f"{provider} answered another job")
        try:
            ciphertexts = from_bytes(self._key.public, answer.ciphertexts, query.job.statement.outputs)
        except PaillierError as error:
            raise AnswerError(f"the answer of {provider} is malformed: {error}") from error
        receipt = Acknowledgement(bank=self.name, job=job, answer=digest(answer))
        acknowledgement = Acknowledge(acknowledgement=sign(receipt, self.name, self._identity))
        ask(self._transport, provider, acknowledgement, Acknowledged)
        return ciphertexts

    def _totals(self, job: JobStatement, answers: Sequence[Sequence[mpz]]) -> list[int]:
        """Multiply the providers' answers, in which the masks cancel, decrypt, unpack."""
        totals: list[int] = []
        for parts in zip(*answers, strict=True):
            plaintext = self._key.decrypt(prod(parts, start=mpz(1)) % self._key.public.n_squared)
            totals += job.layout.unpack(plaintext, min(job.slots, job.rows - len(totals)))
        if any(abs(total) > job.slot_bias for total in totals):
            # Honest totals never leave the proven range; masks that do not cancel nearly always do. A provider
            # that shifts its answer could learn from our reaction, so there is none, and no automatic retry.
            raise AnswerError("the answers do not add up; keep the job for inspection, and tell no provider")
        return totals

    def _encrypt(
        self, scorecard: Scorecard, terms: ProviderTerms, features: Sequence[Feature]
    ) -> tuple[RegisteredTables, TableOpening]:
        public = self._key.public
        points = [entry for feature in features for entry in feature.points]
        randomness = [public.random_unit() for _ in points]
        ciphertexts = [
            self._key.encrypt(entry + scorecard.points_bound, r)
            for entry, r in zip(points, randomness, strict=True)
        ]
        return (
            RegisteredTables(
                bank=self.name,
                key=public.fingerprint,
                model=scorecard.name,
                model_version=scorecard.version,
                provider=terms.provider,
                product=terms.product,
                product_version=terms.product_version,
                bins=tuple(feature.bins for feature in features),
                ciphertexts=to_bytes(public, ciphertexts),
            ),
            TableOpening(
                points=tuple(points),
                randomness=b"".join(r.to_bytes(public.modulus_bytes, "big") for r in randomness),
            ),
        )

    def _provider_terms(self, providers: Sequence[str]) -> list[Signed[ProviderTerms]]:
        question = AskProviderTerms(bank=self.name)
        replies = []
        for provider in providers:
            signed = self._signed(provider, "provider", question, Signed[ProviderTerms])
            self._check_current(provider, signed.statement.provider, signed.statement.expires)
            replies.append(signed)
        return replies

    def _sealing_key(self, reviewer: str) -> bytes:
        question = AskReviewerTerms(bank=self.name)
        terms = self._signed(reviewer, "model_reviewer", question, Signed[ReviewerTerms]).statement
        self._check_current(reviewer, terms.reviewer, terms.expires)
        return terms.sealing_key

    def _check_current(self, party: str, named: str, expires: int) -> None:
        """A replayed reply names another party or has expired; its keys may be in other hands by now."""
        if named != party or expires <= self._clock():
            raise AnswerError(f"the terms of {party} are another's or have expired; ask again")

    def _check_approval(self, reviewer: str, submission: ModelSubmission, approval: ModelApproval) -> None:
        """The reviewer decides on three things; all else is as it was submitted."""
        expected = ModelApproval(
            reviewer=reviewer,
            suite=SUITE,
            bank=self.name,
            key=self._key.public.fingerprint,
            purpose=submission.purpose,
            tables=approved_tables(submission.tables),
            points_id=approval.points_id,
            points_bound=submission.points_bound,
            reachable_totals=approval.reachable_totals,
            expires=approval.expires,
        )
        if approval != expected or approval.expires <= self._clock():
            raise AnswerError(f"{reviewer} approved something else than was submitted")

    def _signed(self, party: str, role: Role, message: Message, expected: type[Signed[S]]) -> Signed[S]:
        """Ask a party and check that its pinned identity signed the reply."""
        reply = ask(self._transport, party, message, expected)
        try:
            verify(reply, party, role, self._pins)
        except SignatureError as error:
            raise AnswerError(f"the reply of {party} cannot be trusted: {error}") from error
        return reply
