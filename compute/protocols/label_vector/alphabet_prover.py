"""The alphabet proof, the bank's side.

The masks s_i are drawn within the one call that answers with them and are kept nowhere: a proof that was broken
off starts over with fresh ones, since two responses of one mask give the label (``alphabet_proof.py``). Nothing
that is handed to a worker process holds a label or a mask but the encryption itself, in the owner's domain.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence

from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.multi_exponentiation import products_of_powers
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.key_enrolment.numbers import residue_bytes
from compute.protocols.label_vector.alphabet_proof import (
    AlphabetClaim,
    check_fit,
    mask_bits,
    power_of_polynomial,
    response_bytes,
)
from compute.protocols.label_vector.messages import AlphabetProof
from compute.protocols.label_vector.transcript import COIN_BITS


def prove_alphabet(
    key: PrivateKey,
    claim: AlphabetClaim,
    classes: Sequence[int],
    runner: Runner = HERE,
    progress: Callable[[int, int], None] | None = None,
) -> AlphabetProof:
    """Give the proof that the claim's ciphertexts, made of these classes, encrypt values of the alphabet.

    ``progress`` hears of masks encrypted, most of the time. Raises ValueError for a class that is none, and for as
    many classes as the claim has no rows; :class:`ProofError` for an alphabet that cannot be proven under the key.
    The randomness of the labels is not needed: R and Z are n-th roots of what both sides know.
    """
    public, alphabet = claim.key, claim.alphabet
    n, n_squared, values = public.n, public.n_squared, alphabet.values
    check_fit(public, alphabet)
    positions = alphabet.positions(classes)
    if len(positions) != claim.rows:
        raise ValueError(f"{len(positions)} classes for {claim.rows} rows; give a class for each row")
    labels = from_bytes(public, claim.ciphertexts, claim.rows)

    bits = mask_bits(alphabet)
    s = [mpz(secrets.randbits(bits)) for _ in positions]
    masks = key.encrypt_many(s, runner, progress)
    transcript, masks_bytes = claim.transcript(), to_bytes(public, masks)
    transcript.add("masks", masks_bytes)

    rho = transcript.coins("rho", claim.rows)
    coefficients = key.encrypt_many(polynomial_coefficients(s, positions, rho, values, n), runner)
    coefficients_bytes = to_bytes(public, coefficients)
    transcript.add("coefficients", coefficients_bytes)

    (e,) = transcript.coins("e", 1)
    length = response_bytes(alphabet)
    responses = b"".join(
        (mask + e * values[position]).to_bytes(length, "big") for mask, position in zip(s, positions, strict=True)
    )
    transcript.add("responses", responses)
    # R^n = Π U_k^(e^k) · (1+n)^(−…) modulo n², so modulo n too, where (1+n) is 1 and an n-th root is unique.
    root = residue_bytes([key.nth_root(int(power_of_polynomial(coefficients, e, n_squared) % n))], n)
    transcript.add("polynomial_root", root)

    delta = transcript.coins("delta", claim.rows)
    columns = [c % n for c in masks], [c % n for c in labels]
    of_masks, of_labels = products_of_powers(public, columns, delta, COIN_BITS, runner, modulo_n=True)
    return AlphabetProof(
        masks=masks_bytes,
        coefficients=coefficients_bytes,
        responses=responses,
        opening_root=residue_bytes([key.nth_root(int(of_masks * pow(of_labels, e, n) % n))], n),
        polynomial_root=root,
    )


def polynomial_coefficients(
    s: Sequence[mpz], positions: Sequence[int], rho: Sequence[int], values: Sequence[int], n: mpz
) -> list[mpz]:
    """Give the coefficients of X⁰ … X^(d−1) in Σ_i ρ_i Π_v (s_i + X·(y_i − v)) mod n.

    With y_i the j-th value the product is Σ_k σ_k(v_j − v : v ≠ v_j)·X^k·s_i^(d−k), σ_k the elementary symmetric
    polynomials: so a row takes d products, and only the sums of ρ_i·s_i^m over the rows of a class are needed.
    """
    degree = len(values)
    sums: dict[int, list[mpz]] = defaultdict(lambda: [mpz(0)] * degree)
    for mask, position, coin in zip(s, positions, rho, strict=True):
        of_class, term = sums[position], mpz(coin)
        for exponent in range(degree):
            term = term * mask % n
            of_class[exponent] += term
    coefficients = [mpz(0)] * degree
    for position, of_class in sums.items():
        symmetric = _elementary_symmetric([values[position] - v for v in values if v != values[position]])
        for k, factor in enumerate(symmetric):
            coefficients[k] += factor * of_class[degree - k - 1]
    return [coefficient % n for coefficient in coefficients]


def _elementary_symmetric(numbers: Sequence[int]) -> list[int]:
    """Give σ_0 … σ_m of m numbers."""
    result = [1]
    for number in numbers:
        result = [low + number * high for low, high in zip([*result, 0], [0, *result], strict=True)]
    return result
