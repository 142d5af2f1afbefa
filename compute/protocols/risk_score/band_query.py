"""What the last provider of a banded model's job checks of the others' answers, which the bank brings it.

Its own masked sums times theirs are encryptions of the totals, under a key that it has not: the zero-sum masks
cancel. It gives them to nobody; what it answers with are zero tests (``compute.paillier.zero_test``), of whose
statement this module sees to one condition, that each ciphertext encrypts a total: honest providers made them,
for this very job, from tables that the reviewer opened. The other conditions are seen to by key enrolment (the
modulus) and by the reviewer (every reachable total is in the approval's range).
"""

from collections.abc import Sequence

from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.public import PublicKey
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.messages import ReleasedAnswer
from compute.protocols.closed_answer.sealed_answer import SealedAnswerError, open_answer
from compute.protocols.risk_score.job import banding_provider
from compute.protocols.risk_score.messages import JobStatement, ModelApproval
from compute.signing import Pins, SignatureError, digest, verify

_REMEDY = "send the others' answers to this job as they came, in the job's order, each with its key"


def check_place(approval: ModelApproval, provider: str, answers: Sequence[ReleasedAnswer] | None) -> None:
    """Refuse by check 10 unless this provider is to get what it got; ``answers`` is None for a plain query.

    10. A banded model's last provider gets the others' answers with the query, and nobody else gets any. A plain
        answer of that provider would be the others' complement: with theirs it makes the totals.
    """
    last = banding_provider(approval)
    if (answers is not None) != (provider == last):  # 10
        if answers is None:
            raise RefusalError(10, "the model is banded, and this provider tells the bands", _REMEDY)
        raise RefusalError(10, f"{provider} tells no bands of this model", "send it the query alone")


def open_others(
    job: JobStatement, provider: str, key: PublicKey, pins: Pins, answers: Sequence[ReleasedAnswer]
) -> list[list[mpz]]:
    """Give the ciphertexts of the other providers' answers, or raise :class:`RefusalError`.

    11. The answers are those of all other providers of the job, in its order, each signed by the pinned identity
        of a provider, and to this very job of this bank.
    12. Each opens under its key, which it committed to, and holds the job's number of ciphertexts, each in (0, n²)
        and coprime to n.
    """
    others = [signed.statement.provider for signed in job.providers if signed.statement.provider != provider]
    if [released.answer.statement.provider for released in answers] != others:  # 11
        raise RefusalError(11, "the answers are not those of the other providers, each once", _REMEDY)
    name, columns = digest(job), []
    for released in answers:
        try:
            answer = verify(released.answer, released.answer.statement.provider, "provider", pins)  # 11
        except SignatureError as error:
            raise RefusalError(11, f"the answer of a provider: {error}", _REMEDY) from error
        if (answer.job, answer.bank) != (name, job.bank):  # 11
            raise RefusalError(11, f"the answer of {answer.provider} is to another job", _REMEDY)
        try:
            data = open_answer(
                answer.content, released.key, answer.key_digest, answer.provider, answer.bank, answer.job
            )
            columns.append(from_bytes(key, data, job.outputs))  # 12
        except (SealedAnswerError, PaillierError) as error:
            raise RefusalError(12, f"the answer of {answer.provider}: {error}", _REMEDY) from error
    return columns
