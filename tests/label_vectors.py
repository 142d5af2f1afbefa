"""Label vectors for tests: claims of any plaintexts, and a prover who follows the letter whatever they are."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.numbers import residue_bytes
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import (
    AlphabetClaim,
    greatest_response,
    mask_bits,
    response_bytes,
)
from compute.protocols.label_vector.messages import AlphabetProof

GOOD_BAD = Alphabet(classes=2, width=64, with_zero=True)
"""Of a hidden cohort: V = {0, 1, 2⁶⁴}."""
VECTOR = bytes(range(32))


def claim_of(
    key: PrivateKey,
    plaintexts: Sequence[int],
    alphabet: Alphabet = GOOD_BAD,
    vector: bytes = VECTOR,
    part: int = 0,
) -> AlphabetClaim:
    """A claim that these plaintexts lie in the alphabet, true or not."""
    ciphertexts = key.encrypt_many([y % key.public.n for y in plaintexts])
    data = to_bytes(key.public, ciphertexts)
    return AlphabetClaim(key.public, alphabet, vector, part, len(plaintexts), data)


@dataclass(frozen=True)
class Masks:
    """What a prover must never use for a second challenge."""

    s: tuple[mpz, ...]
    masks: bytes

    @classmethod
    def draw(cls, key: PrivateKey, alphabet: Alphabet, rows: int) -> "Masks":
        s = tuple(mpz(secrets.randbits(mask_bits(alphabet))) for _ in range(rows))
        return cls(s, to_bytes(key.public, key.encrypt_many(s)))


def prove_by_the_letter(
    key: PrivateKey, claim: AlphabetClaim, plaintexts: Sequence[int], masks: Masks | None = None
) -> AlphabetProof:
    """The proof, by its formulas, of any plaintexts: the best that can be done for false ones.

    The coefficient of X^d, which is 0 for true ones, is left out; a response that has no form is the greatest.
    """
    public, alphabet, rows = claim.key, claim.alphabet, claim.rows
    n, n_squared, y = public.n, public.n_squared, [mpz(plain) % public.n for plain in plaintexts]
    drawn = masks or Masks.draw(key, alphabet, rows)
    transcript = claim.transcript()
    transcript.add("masks", drawn.masks)
    rho = transcript.coins("rho", rows)
    u = key.encrypt_many(plain_coefficients(drawn.s, y, rho, alphabet.values, n)[:-1])
    coefficients = to_bytes(public, u)
    transcript.add("coefficients", coefficients)
    (e,) = transcript.coins("e", 1)
    length, most = response_bytes(alphabet), greatest_response(alphabet)
    f = [min(int((s_i + e * y_i) % n), most) for s_i, y_i in zip(drawn.s, y, strict=True)]
    responses = b"".join(response.to_bytes(length, "big") for response in f)
    transcript.add("responses", responses)
    opened = mpz(1)
    for k, u_k in enumerate(u):
        opened = opened * pow(u_k, e**k, n) % n
    root = residue_bytes([key.nth_root(int(opened))], n)
    transcript.add("polynomial_root", root)
    product = mpz(1)
    a, c = from_bytes(public, drawn.masks, rows), from_bytes(public, claim.ciphertexts, rows)
    for delta, a_i, c_i in zip(transcript.coins("delta", rows), a, c, strict=True):
        product = product * pow(a_i * pow(c_i, e, n_squared), delta, n) % n
    return AlphabetProof(
        masks=drawn.masks,
        coefficients=coefficients,
        responses=responses,
        opening_root=residue_bytes([key.nth_root(int(product))], n),
        polynomial_root=root,
    )


def plain_coefficients(
    s: Sequence[mpz], y: Sequence[mpz], rho: Sequence[int], values: Sequence[int], n: mpz
) -> list[mpz]:
    """Those of Σ_i ρ_i Π_v (s_i + X·(y_i − v)), from X⁰ to X^d, by multiplying out."""
    total = [mpz(0)] * (len(values) + 1)
    for s_i, y_i, coin in zip(s, y, rho, strict=True):
        term = [mpz(coin)]
        for v in values:
            term = [(low * s_i + high * (y_i - v)) % n for low, high in zip([*term, 0], [0, *term], strict=True)]
        total = [(a + b) % n for a, b in zip(total, term, strict=True)]
    return total


def responses_of(claim: AlphabetClaim, proof: AlphabetProof) -> list[int]:
    """The f_i of a proof."""
    length = response_bytes(claim.alphabet)
    data = proof.responses
    return [int.from_bytes(data[at : at + length], "big") for at in range(0, len(data), length)]


def challenge_of(claim: AlphabetClaim, proof: AlphabetProof) -> int:
    """The e of a proof."""
    transcript = claim.transcript()
    transcript.add("masks", proof.masks)
    transcript.add("coefficients", proof.coefficients)
    (e,) = transcript.coins("e", 1)
    return e
