"""The bank's side of label vectors: encrypt classes of a cohort's rows, sign for them, prove part after part."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.paillier.ciphertexts import to_bytes
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import AlphabetClaim, check_fit
from compute.protocols.label_vector.alphabet_prover import prove_alphabet
from compute.protocols.label_vector.messages import (
    PART_ROWS,
    DisclosedCohort,
    HiddenCohort,
    LabelStatement,
    RegisterLabels,
)
from compute.signing import SUITE, Signed, digest, sign

Heard = Callable[[int, int], None]


@dataclass(frozen=True)
class Labels:
    """A class for each row of a cohort, in its order: 1 … C, or 0 for a row outside a hidden cohort.

    Raises ValueError for another class, for more or fewer classes than rows, and for an alphabet that has a zero
    where the cohort is disclosed, or none where it is hidden.
    """

    cohort: HiddenCohort | DisclosedCohort
    alphabet: Alphabet
    classes: Sequence[int] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.classes) != self.cohort.rows:
            raise ValueError(f"{len(self.classes)} classes for {self.cohort.rows} rows; give a class for each row")
        if self.alphabet.with_zero != isinstance(self.cohort, HiddenCohort):
            raise ValueError("an alphabet has a zero for hidden cohorts, and for no others; give the other one")
        self.alphabet.positions(self.classes)


@dataclass(frozen=True)
class LabelVector:
    """A label vector as its bank keeps it. The classes stay there: the parts are all that others see."""

    statement: Signed[LabelStatement]
    parts: tuple[bytes, ...]
    """Each part's ciphertexts, of whose SHA-256 the statement speaks."""
    classes: Sequence[int] = field(repr=False)

    @property
    def name(self) -> bytes:
        """Give the digest by which jobs name it."""
        return digest(self.statement.statement)


def label_vector(
    key: PrivateKey,
    identity: Ed25519PrivateKey,
    bank: str,
    contract: str,
    labels: Labels,
    now: int,
    runner: Runner = HERE,
    progress: Heard | None = None,
) -> LabelVector:
    """Give the labels encrypted and signed for, to be registered under the contract; ``now`` in milliseconds.

    ``progress`` hears of rows encrypted. Raises :class:`ProofError` for an alphabet that cannot be proven under
    the key.
    """
    check_fit(key.public, labels.alphabet)
    values, cohort = labels.alphabet.values, labels.cohort
    plaintexts = [values[position] for position in labels.alphabet.positions(labels.classes)]
    ciphertexts = key.encrypt_many(plaintexts, runner, progress)
    parts = tuple(
        to_bytes(key.public, ciphertexts[start : start + PART_ROWS]) for start in range(0, cohort.rows, PART_ROWS)
    )
    statement = LabelStatement(
        suite=SUITE,
        bank=bank,
        contract=contract,
        n=key.public.to_bytes(),
        cohort=cohort,
        alphabet=labels.alphabet,
        parts=tuple(hashlib.sha256(part).digest() for part in parts),
        issued_at=now,
        nonce=secrets.token_bytes(32),
    )
    return LabelVector(sign(statement, bank, identity), parts, labels.classes)


def signed_anew(vector: LabelVector, bank: str, identity: Ed25519PrivateKey, now: int) -> LabelVector:
    """Give the same ciphertexts under a new statement, for providers that have not taken the old one in time."""
    statement = msgspec.structs.replace(vector.statement.statement, issued_at=now, nonce=secrets.token_bytes(32))
    return replace(vector, statement=sign(statement, bank, identity))


def registration(
    key: PrivateKey, vector: LabelVector, part: int, runner: Runner = HERE, progress: Heard | None = None
) -> RegisterLabels:
    """Give the message that registers a part, with a proof that is made for it now, from fresh coins.

    It serves every provider of the contract. One part at a time is in memory: some 25 MiB at 2048 bits.
    """
    statement, ciphertexts = vector.statement.statement, vector.parts[part]
    start, rows = part * PART_ROWS, statement.rows_of(part)
    claim = AlphabetClaim(key.public, statement.alphabet, vector.name, part, rows, ciphertexts)
    proof = prove_alphabet(key, claim, vector.classes[start : start + rows], runner, progress)
    return RegisterLabels(statement=vector.statement, part=part, ciphertexts=ciphertexts, proof=proof)
