"""The messages by which a bank registers a label vector at a provider.

bank → provider   RegisterLabels, for each part of up to 8,192 rows: the statement, signed, which names the vector
by
                  its digest; the part's ciphertexts; a proof that each encrypts a value of the alphabet
provider → bank   Accepted or Refused. Once every part is registered the vector is complete, and jobs may name it.

A provider learns the number of rows, the number of classes and the width of their slots; which row is of which
class hides in the encryption, and in the proof to a distance of 2⁻⁸⁰ for each row. The bank learns that its proof
was taken. Both assume a key that was enrolled, with Π_mod and Π_fac: the proof's soundness rests on it. One proof
serves every provider of a contract: challenges are hashes, and nothing of it is one provider's own.
"""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Hex32, Message, Milliseconds, Name
from compute.paillier.public import MAXIMUM_BITS, MINIMUM_BITS
from compute.protocols.key_enrolment.numbers import Residue
from compute.protocols.label_vector.alphabet import MAX_CLASSES, Alphabet
from compute.signing import Signed, Suite

PART_ROWS = 1 << 13
"""Of every part but the last: 12 MiB as a message at 2048 bits, 23 MiB at 4096."""
MAX_PARTS = 128
MAX_ROWS = MAX_PARTS * PART_ROWS
MAX_VECTORS = 8
"""Label vectors that a contract may have at a provider, refused ones counted (PROTOCOLS.md §6)."""

_LONGEST, _SHORTEST = MAXIMUM_BITS // 4, MINIMUM_BITS // 4
_MOST_RESPONSE = 512
"""Bytes: a response is shorter than the modulus."""
_VALUES = MAX_CLASSES + 1
Rows = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
Ciphertexts = Annotated[bytes, Meta(min_length=_SHORTEST, max_length=PART_ROWS * _LONGEST)]
"""One after another, in the form of ``compute.paillier.ciphertexts``."""


class HiddenCohort(Message, frozen=True):
    """A row for each company of a public register; who is in the cohort, nobody but the bank knows."""

    frame: Hex32
    """Digest of the register's codes."""
    rows: Rows


class DisclosedCohort(Message, frozen=True):
    """A row for each id of an alignment with this provider, in the order of its points, matched or not."""

    alignment: Bytes32
    """The alignment's digest."""
    rows: Rows


class LabelStatement(Message, frozen=True):
    """The bank's word for a label vector; its digest is the vector's name."""

    suite: Suite
    bank: Name
    contract: Name
    n: Annotated[bytes, Meta(min_length=MINIMUM_BITS // 8, max_length=MAXIMUM_BITS // 8)]
    """The modulus, big-endian."""
    cohort: HiddenCohort | DisclosedCohort
    alphabet: Alphabet
    parts: Annotated[tuple[Bytes32, ...], Meta(min_length=1, max_length=MAX_PARTS)]
    """SHA-256 of each part's ciphertexts, in the order of the rows."""
    issued_at: Milliseconds
    nonce: Bytes32

    def rows_of(self, part: int) -> int:
        """Give how many rows a part has: PART_ROWS, and the last one what is left."""
        return min(PART_ROWS, self.cohort.rows - part * PART_ROWS)


class AlphabetProof(Message, frozen=True):
    """That each ciphertext of a part encrypts a value of V. In PROTOCOLS.md §5: A, U, f, Z and R."""

    masks: Ciphertexts
    """A_i = E(s_i)."""
    coefficients: Annotated[bytes, Meta(min_length=_SHORTEST, max_length=_VALUES * _LONGEST)]
    """U_k, k = 0 … |V|−1."""
    responses: Annotated[bytes, Meta(min_length=1, max_length=PART_ROWS * _MOST_RESPONSE)]
    """f_i = s_i + e·y_i, each big-endian in as many bytes as the greatest takes."""
    opening_root: Residue
    """Z: an n-th root by which all f_i are opened at once."""
    polynomial_root: Residue
    """R: an n-th root by which the polynomial is opened at e."""


class RegisterLabels(Message, frozen=True):
    """Bank to provider: take this part of a label vector. A part that is registered already changes nothing."""

    statement: Signed[LabelStatement]
    part: Annotated[int, Meta(ge=0, lt=MAX_PARTS)]
    ciphertexts: Ciphertexts
    proof: AlphabetProof


def part_count(rows: int) -> int:
    """Give into how many parts so many rows are cut."""
    return -(-rows // PART_ROWS)
