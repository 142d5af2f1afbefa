"""The provider's side of answers that open on receipt: seal, give the key, or bury the job (PROTOCOLS.md §7)."""

from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.policy import Policy
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.logged import check_logged
from compute.protocols.closed_answer.messages import (
    Abandon,
    Abandoned,
    Acknowledge,
    Answer,
    AnswerKey,
    Tombstone,
)
from compute.protocols.closed_answer.sealed_answer import key_digest, one_time_key, seal_answer
from compute.protocols.signed import of_bank
from compute.signing import Pins, Signed, derived_secret, digest, sign


class Ends(Protocol):
    """The durable store of answers, as their ends see it: acknowledged, or buried with the job; never both."""

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        ...

    def acknowledge(self, job: bytes, now: int) -> int:
        """Note that the answer to this job was acknowledged; give the time at which it first was.

        Raises :class:`RefusalError` by check 2 if the job is buried.
        """
        ...

    def bury(self, tombstone: Signed[Tombstone], now: int) -> int:
        """Bury a job, answered or not; give the time at which it first was. What it was charged is given back.

        Raises :class:`RefusalError` by check 2 if its answer was acknowledged.
        """
        ...


class ClosedAnswers:
    """Seals a provider's answers, and ends them; `log` says which log is believed."""

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        pins: Pins,
        log: Policy,
        ends: Ends,
        clock: Callable[[], int],
    ) -> None:
        self._name, self._identity, self._pins, self._log = name, identity, pins, log
        self._ends, self._clock = ends, clock

    def close(self, bank: str, job: bytes, content: bytes) -> Signed[Answer]:
        """Give the signed answer to the job with this digest, its content sealed under the job's one-time key."""
        key = self._key(job)
        answer = Answer(
            provider=self._name,
            bank=bank,
            job=job,
            content=seal_answer(content, key, self._name, bank, job),
            key_digest=key_digest(key),
            answered_at=self._clock(),
        )
        return sign(answer, self._name, self._identity)

    def acknowledge(self, message: Acknowledge) -> AnswerKey:
        """Take the bank's receipt and give the answer's key; the same again gives the same.

        1. It is signed by the pinned identity of the consumer that it names.
        2. It names an answer that was given to this very bank, whose job is not buried.
        3, 4. The log has the bank's event that it received the answer (:func:`check_logged`).
        """
        receipt = message.acknowledgement.statement
        of_bank(message.acknowledgement, receipt.bank, self._pins)  # 1
        answer, now = self._ends.by_job(receipt.job), self._clock()
        if answer is None or (answer.statement.bank, digest(answer.statement)) != (receipt.bank, receipt.answer):
            raise RefusalError(2, "no such answer was given to this bank", "send the query again")  # 2
        check_logged(message, self._name, self._pins, self._log, now)  # 3, 4
        at = self._ends.acknowledge(receipt.job, now)  # 2
        return AnswerKey(provider=self._name, job=receipt.job, key=self._key(receipt.job), at=at)

    def abandon(self, message: Abandon) -> Abandoned:
        """Bury a job: nothing of it was used here, and never will be; the same again changes nothing.

        1. The tombstone is signed by the pinned identity of the consumer that it names, for this provider.
        2. The key of the job's answer was not given out.
        """
        tombstone = message.tombstone.statement
        of_bank(message.tombstone, tombstone.bank, self._pins)  # 1
        if tombstone.provider != self._name:
            raise RefusalError(1, "the tombstone is for another provider", "send each its own")
        at = self._ends.bury(message.tombstone, self._clock())  # 2
        return Abandoned(provider=self._name, job=tombstone.job, at=at)

    def _key(self, job: bytes) -> bytes:
        """The one-time key of the answer to a job, the same in every process of this provider."""
        return one_time_key(derived_secret(self._identity, "veilmart/answer/v1"), job)
