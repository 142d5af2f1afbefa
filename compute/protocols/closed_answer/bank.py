"""The bank's side of answers that open on receipt: acknowledge one and get its key, or give the job up."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.protocols.base import AnswerError, Transport, ask
from compute.protocols.closed_answer.messages import (
    Abandon,
    Abandoned,
    Acknowledge,
    Acknowledgement,
    Answer,
    AnswerKey,
    ReleasedAnswer,
    Tombstone,
)
from compute.protocols.closed_answer.sealed_answer import SealedAnswerError, open_answer
from compute.signing import Signed, digest, sign


@dataclass(frozen=True)
class Logged:
    """That the bank received an answer, as the log has it: the bytes of the entry and of its receipt."""

    entry: bytes
    receipt: bytes


Record = Callable[[Answer], Logged]
"""Records that an answer came, durably in the log."""


@dataclass(frozen=True)
class Receiver:
    """Who acknowledges a bank's answers; ``patience`` is in seconds, as in :func:`compute.protocols.base.ask`."""

    name: str
    identity: Ed25519PrivateKey
    transport: Transport
    patience: float = 0

    def release(self, signed: Signed[Answer], logged: Logged) -> ReleasedAnswer:
        """Give an answer with its key, for which the bank acknowledges it; ``logged`` shows that it is recorded.

        The receipt depends on nothing that is in the answer: what came of opening and decrypting it would be an
        oracle.
        """
        answer = signed.statement
        receipt = Acknowledgement(bank=self.name, job=answer.job, answer=digest(answer))
        message = Acknowledge(
            acknowledgement=sign(receipt, self.name, self.identity), entry=logged.entry, receipt=logged.receipt
        )
        given = ask(self.transport, answer.provider, message, AnswerKey, self.patience)
        if (given.provider, given.job) != (answer.provider, answer.job):
            raise AnswerError(f"{answer.provider} gave the key of another answer")
        return ReleasedAnswer(answer=signed, key=given.key)

    def abandon(self, provider: str, job: bytes) -> Abandoned:
        """Give the job with this digest up at a provider: its answer is never opened, none of its uses count."""
        tombstone = Tombstone(bank=self.name, provider=provider, job=job)
        message = Abandon(tombstone=sign(tombstone, self.name, self.identity))
        return ask(self.transport, provider, message, Abandoned, self.patience)


def opened(released: ReleasedAnswer) -> bytes:
    """Give what an answer says; raise :class:`AnswerError` if its key does not open it."""
    answer = released.answer.statement
    try:
        return open_answer(
            answer.content, released.key, answer.key_digest, answer.provider, answer.bank, answer.job
        )
    except SealedAnswerError as error:
        raise AnswerError(f"the answer of {answer.provider} is malformed: {error}") from error
