"""The bank's side of the risk score: encrypt a model, have it approved, ask, decrypt totals (PROTOCOLS.md §4).

Points, labels and scores never leave it.
"""

import secrets
from collections.abc import Sequence
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
from compute.protocols.risk_score.job import layout_for, subjects_root
from compute.protocols.risk_score.messages import (
    Acknowledge,
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
from compute.signing import SUITE, Pins, S, SignatureError, Signed, digest, sign, verify


@dataclass(frozen=True)
class RegisteredModel:
    """A scorecard whose tables the providers hold, with the reviewer's approval."""

    scorecard: Scorecard
    approval: ModelApproval


class Bank:
    """The role: an identity, a Paillier key, the pinned keys of the others, a transport to reach them."""

    def __init__(
        self, name: str, identity: Ed25519PrivateKey, key: PrivateKey, pins: Pins, transport: Transport
    ) -> None:
        self.name = name
        self._identity, self._key, self._pins, self._transport = identity, key, pins, transport

    def enrol_key(self, providers: Sequence[str]) -> None:
        """Prove the modulus to each provider."""
        message = enrolment(self.name, self._identity, self._key)
        for provider in providers:
            ask(self._transport, provider, message, Accepted)

    def register_model(
        self, scorecard: Scorecard, providers: Sequence[str], reviewer: str, purpose: str
    ) -> RegisteredModel:
        """Encrypt the card's tables, have them approved, register each at the provider of its source."""
        terms = {t.product: t for t in (signed.statement for signed in self._provider_terms(providers))}
        missing = sorted(scorecard.sources.keys() - terms.keys())
        if missing:
            raise AnswerError(f"no provider offers {', '.join(missing)}; name the providers of all sources")
        parts = [
            self._encrypt(scorecard, terms[product], features) for product, features in scorecard.sources.items()
        ]
        tables = tuple(part for part, _ in parts)
        opening = Opening(tables=tuple(part for _, part in parts))
        sealing_key = self._signed(reviewer, AskReviewerTerms(bank=self.name), Signed[ReviewerTerms]).statement
        submission = ModelSubmission(
            bank=self.name,
            n=self._key.public.to_bytes(),
            purpose=purpose,
            points_bound=scorecard.points_bound,
            tables=tables,
            sealed_opening=seal(opening, tables, sealing_key.sealing_key),
        )
        signed = sign(submission, self.name, self._identity)
        approval = self._signed(reviewer, SubmitModel(submission=signed), Signed[ModelApproval])
        if [part.digest for part in approval.statement.tables] != [digest(part) for part in tables]:
            raise AnswerError(f"{reviewer} approved other tables than were submitted")
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
        answer = self._signed(provider, query, Signed[Answer]).statement
        if answer.job != job or answer.provider != provider:
            raise AnswerError(f"{provider} answered another job")
        try:
            ciphertexts = from_bytes(self._key.public, answer.ciphertexts, query.job.statement.outputs)
        except PaillierError as error:
            raise AnswerError(f"the answer of {provider} is malformed: {error}") from error
        receipt = Acknowledgement(bank=self.name, job=job, answer=digest(answer))
        acknowledgement = Acknowledge(acknowledgement=sign(receipt, self.name, self._identity))
        ask(self._transport, provider, acknowledgement, Accepted)
        return ciphertexts

    def _totals(self, job: JobStatement, answers: Sequence[Sequence[mpz]]) -> list[int]:
        """Multiply the providers' answers, in which the masks cancel, decrypt, unpack."""
        totals: list[int] = []
        for parts in zip(*answers, strict=True):
            plaintext = self._key.decrypt(prod(parts, start=mpz(1)) % self._key.public.n_squared)
            totals += job.layout.unpack(plaintext, min(job.slots, job.rows - len(totals)))
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
        size = (public.bits + 7) // 8
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
            TableOpening(points=tuple(points), randomness=b"".join(r.to_bytes(size, "big") for r in randomness)),
        )

    def _provider_terms(self, providers: Sequence[str]) -> list[Signed[ProviderTerms]]:
        question = AskProviderTerms(bank=self.name)
        return [self._signed(provider, question, Signed[ProviderTerms]) for provider in providers]

    def _signed(self, party: str, message: Message, expected: type[Signed[S]]) -> Signed[S]:
        """Ask a party and check that its pinned identity signed the reply."""
        reply = ask(self._transport, party, message, expected)
        try:
            verify(reply, party, self._pins)
        except SignatureError as error:
            raise AnswerError(f"the reply of {party} cannot be trusted: {error}") from error
        return reply
