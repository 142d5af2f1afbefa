"""The provider's side of label vectors: take no label that is not proven to be one of a few public values.

A weight that the provider cannot see could be anything: 1 for one company and 0 for all others reads every bin of
it, and y_i = B^i reads everybody's (PROTOCOLS.md §5). After the proof a row adds 1 to one slot or nothing, which
is what the noise is measured for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.base import STATEMENT_AGE, Accepted, RefusalError
from compute.protocols.key_enrolment.messages import KeyStatement
from compute.protocols.key_enrolment.numbers import ProofError
from compute.protocols.label_vector.alphabet_proof import AlphabetClaim, check_alphabet, check_fit
from compute.protocols.label_vector.messages import (
    MAX_VECTORS,
    HiddenCohort,
    LabelStatement,
    RegisterLabels,
    part_count,
)
from compute.protocols.signed import of_bank
from compute.signing import Pins, Signed, digest

_FRESH = "make the label vector anew"


class Keys(Protocol):
    """The store of enrolled keys; see ``compute.protocols.key_enrolment.provider``."""

    def enrolment(self, bank: str) -> tuple[Signed[KeyStatement], int] | None:
        """Give the statement that brought the bank's key in force, and when it was first taken."""
        ...


class Cohorts(Protocol):
    """Whose rows a vector may be over: what this provider's policy allows and it knows of."""

    @property
    def hidden_allowed(self) -> bool:
        """Say whether the policy allows hidden cohorts."""
        ...

    @property
    def disclosed_allowed(self) -> bool:
        """Say whether the policy allows disclosed cohorts."""
        ...

    def frame_rows(self, frame: str) -> int | None:
        """Give how many companies the register with this digest holds; None for one that is not known here."""
        ...

    def aligned_rows(self, bank: str, contract: str, alignment: bytes) -> int | None:
        """Give how many ids this complete alignment of the bank's under this contract has; None if none."""
        ...


@dataclass(frozen=True)
class KeptVector:
    """What a provider keeps of a label vector beside its ciphertexts."""

    statement: Signed[LabelStatement]
    opened_at: int
    refused_at: int | None
    """When a proof of it failed: none of its parts is taken any more."""
    parts: tuple[int, ...]
    """Those that are registered, in order."""

    @property
    def complete(self) -> bool:
        """Say whether jobs may name it."""
        return self.refused_at is None and len(self.parts) == len(self.statement.statement.parts)


class LabelVectors(Protocol):
    """The durable store of label vectors by digest: each method is one transaction, also between processes."""

    def find(self, vector: bytes) -> KeptVector | None:
        """Give what is kept of this vector."""
        ...

    def open(self, statement: Signed[LabelStatement], now: int, most: int) -> bool:
        """Count the vector under its contract, once; False, and no count, if the contract has ``most`` others."""
        ...

    def registered(self, vector: bytes, part: int) -> int | None:
        """Give when this part was registered; None if it is not, or if the vector was refused."""
        ...

    def register(self, vector: bytes, part: int, ciphertexts: bytes, now: int) -> int | None:
        """Keep a part and give when it was first registered; None, and nothing, if the vector was refused."""
        ...

    def refuse(self, vector: bytes, now: int) -> None:
        """Take no part of this vector any more, and drop the ciphertexts of those that were taken."""
        ...


class Registrar:
    """The role that takes label vectors. ``admit_contract`` raises :class:`RefusalError` by check 2.

    A message must come from the bank that its statement names, as the node sees to: the proof is not signed, and a
    false one is counted against the bank.
    """

    def __init__(
        self,
        name: str,
        pins: Pins,
        keys: Keys,
        cohorts: Cohorts,
        vectors: LabelVectors,
        admit_contract: Callable[[LabelStatement], None],
        clock: Callable[[], int],
        max_vectors: int = MAX_VECTORS,
    ) -> None:
        self.name = name
        self._pins, self._keys, self._cohorts, self._vectors = pins, keys, cohorts, vectors
        self._admit_contract, self._clock, self._max_vectors = admit_contract, clock, max_vectors

    def admit(self, message: RegisterLabels) -> Accepted | None:
        """Look at all but the proof, in milliseconds: Accepted if the part is registered, None if it is not yet.

        Raises :class:`RefusalError` with the number of the check.

        1. The statement is signed by the pinned identity of the bank that it names, a consumer.
        2. The contract is the bank's, stands, covers this operation, and names this provider.
        3. The key is the bank's enrolled one: Π_mod and Π_fac were verified for it.
        4. The alphabet can be proven under it, and has a zero for hidden cohorts only.
        5. The policy allows such a cohort, it is known here, and has so many rows in so many parts.
        6. The part is one of them, with the ciphertexts that the statement names.
        7. The statement of a vector that is new here is of the last hour.
        8. The contract has at most 8 vectors, refused ones counted, and this one was not refused.

        Check 9, the proof, is in :meth:`register`.
        """
        statement = check_author(message, self._pins)  # 1
        _check_part(message)  # 6: before the store is asked, and what is registered is these very ciphertexts
        vector = digest(statement)
        at = self._vectors.registered(vector, message.part)
        if at is not None:
            return Accepted(party=self.name, at=at)
        self._admit_contract(statement)  # 2
        key = self._enrolled_key(statement)  # 3
        _check_alphabet_fits(key, statement)  # 4
        self._check_cohort(statement)  # 5
        self._open(message.statement, vector)  # 7, 8
        return None

    def register(
        self, message: RegisterLabels, runner: Runner = HERE, progress: Callable[[int, int], None] | None = None
    ) -> Accepted:
        """Keep a part that passes :meth:`admit` and is proven.

        9. The proof verifies. If it does not, the whole vector is refused, for good.

        It takes 0.12 to 0.18 ms of CPU time for each row at 2048 bits. ``progress`` hears of rows.
        """
        accepted = self.admit(message)
        if accepted is not None:
            return accepted
        statement, part = message.statement.statement, message.part
        vector, key = digest(statement), PublicKey.from_bytes(statement.n)
        claim = AlphabetClaim(key, statement.alphabet, vector, part, statement.rows_of(part), message.ciphertexts)
        try:
            check_alphabet(claim, message.proof, runner, progress)  # 9
        except ProofError as error:
            self._vectors.refuse(vector, self._clock())
            raise RefusalError(9, f"part {part} is not proven: {error}", _FRESH) from error
        at = self._vectors.register(vector, part, message.ciphertexts, self._clock())
        if at is None:  # 8, once more: another process may have refused it meanwhile
            raise _refused_before()
        return Accepted(party=self.name, at=at)

    def _enrolled_key(self, statement: LabelStatement) -> PublicKey:
        enrolled = self._keys.enrolment(statement.bank)
        if enrolled is None or enrolled[0].statement.n != statement.n:  # 3
            raise RefusalError(3, f"the key is not the one that {statement.bank} enrolled", "enrol the key first")
        return PublicKey.from_bytes(statement.n)

    def _check_cohort(self, statement: LabelStatement) -> None:
        cohort = statement.cohort
        if isinstance(cohort, HiddenCohort):
            kind, allowed = "hidden", self._cohorts.hidden_allowed
            rows = self._cohorts.frame_rows(cohort.frame)
        else:
            kind, allowed = "disclosed", self._cohorts.disclosed_allowed
            rows = self._cohorts.aligned_rows(statement.bank, statement.contract, cohort.alignment)
        if not allowed:  # 5
            raise RefusalError(5, f"{self.name} takes no {kind} cohorts", "ask its operator which it takes")
        if rows is None:  # 5
            remedy = "agree on the register" if kind == "hidden" else "align the cohort first"
            raise RefusalError(5, f"the {kind} cohort is not known at {self.name}", remedy)
        if rows != cohort.rows:  # 5
            raise RefusalError(5, f"the cohort has {rows} rows, not {cohort.rows}", _FRESH)

    def _open(self, statement: Signed[LabelStatement], vector: bytes) -> None:
        kept, now = self._vectors.find(vector), self._clock()
        if kept is None and abs(now - statement.statement.issued_at) > STATEMENT_AGE:  # 7
            raise RefusalError(7, "the statement is not of the last hour", _FRESH)
        if kept is not None and kept.refused_at is not None:  # 8
            raise _refused_before()
        if not self._vectors.open(statement, now, self._max_vectors):  # 8
            reason = f"the contract {statement.statement.contract} has {self._max_vectors} label vectors"
            raise RefusalError(8, reason, "use one of them, or agree on another contract")


def check_author(message: RegisterLabels, pins: Pins) -> LabelStatement:
    """Give the statement, or refuse by check 1."""
    return of_bank(message.statement, message.statement.statement.bank, pins)  # 1


def _check_alphabet_fits(key: PublicKey, statement: LabelStatement) -> None:
    if statement.alphabet.with_zero != isinstance(statement.cohort, HiddenCohort):  # 4
        raise RefusalError(4, "an alphabet has a zero for hidden cohorts, and for no others", _FRESH)
    try:
        check_fit(key, statement.alphabet)  # 4
    except ProofError as error:
        raise RefusalError(4, str(error), _FRESH) from error


def _check_part(message: RegisterLabels) -> None:
    statement, part = message.statement.statement, message.part
    if len(statement.parts) != part_count(statement.cohort.rows):  # 5
        reason = f"{statement.cohort.rows} rows are not in {len(statement.parts)} parts"
        raise RefusalError(5, reason, _FRESH)
    if part >= len(statement.parts):  # 6
        raise RefusalError(
            6, f"there is no part {part} of {len(statement.parts)}", "send the parts that there are"
        )
    if hashlib.sha256(message.ciphertexts).digest() != statement.parts[part]:  # 6
        reason = f"the ciphertexts of part {part} are not those that were signed for"
        raise RefusalError(6, reason, "send the ciphertexts that were signed for")


def _refused_before() -> RefusalError:
    return RefusalError(8, "a proof of this label vector was false", _FRESH)
