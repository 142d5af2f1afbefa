"""The alphabet proof: each of many ciphertexts encrypts one of a few public values. Claim, coins, verification.

One Σ-protocol for all rows i of a part (PROTOCOLS.md §5), V = {v}, d = |V|:

    prover     A_i = E(s_i),  s_i uniform in [0, 2^(128+80+|v|)),  |v| the bits of max V
    coins      ρ_i
    prover     U_k = E(the coefficient of X^k in Σ_i ρ_i Π_v (s_i + X·(y_i − v))),  k < d
    challenge  e
    prover     f_i = s_i + e·y_i, a whole number, and R
    coins      δ_i
    prover     Z
    verifier   1. c_i, A_i and U_k are units modulo n²
               2. 0 ≤ f_i ≤ 2^(128+80+|v|) − 1 + (2¹²⁸ − 1)·max V
               3. Π_k U_k^(e^k) = (1+n)^(Σ_i ρ_i Π_v (f_i − e·v)) · R^n
               4. Π_i A_i^δi · (Π_i c_i^δi)^e = (1+n)^(Σ_i δ_i·f_i) · Z^n

all modulo n², coins and challenge of 128 bits each, hashes of all that stands before them.

Soundness. gcd(n, φ(n)) = 1, so each unit has one plaintext modulo n. By 4 every f_i ≡ s_i + e·y_i mod n but with
probability 2⁻¹²⁸ over the δ_i. Take a row with y_i ∉ V. Either at most one e gives an f_i in the range of 2; or
two do, and y_i ≡ a/b mod n with |a| ≤ the bound of 2 and 0 < b < 2¹²⁸. Then Π_v (y_i − v) ≢ 0 mod n: else y_i ≡ v
modulo one prime of n and ≡ v' modulo the other, so p divides a − b·v, which is smaller than p by the condition
below, so a = b·v, likewise a = b·v', and y_i = v. So the coefficient of X^d, Σ_i ρ_i Π_v (y_i − v), is not 0
modulo some prime but with probability 2⁻¹²⁸ over the ρ_i, and 3 holds for d values of e at most. Together
(d+2)/2¹²⁸ for each hash that a forger tries.

The condition: bound of 2 + 2¹²⁸·max V < the least prime factor of n, of which Π_fac proves √n/2³⁸⁵:
:func:`check_fit` leaves labels of up to 430 bits at 2048, 942 at 3072. It is needed. With p − q = v' − v, which
whoever draws the key can have, y = v + p is ≡ v mod p and ≡ v' mod q, is in no V, and has an f_i of 1152 bits: a
wider bound would let it pass (``tests/protocols/test_alphabet_attacks.py``).

Zero knowledge. f_i is within 2⁻⁸⁰ of uniform for each row, 2⁻⁶⁶ for a part; A and U are encryptions; R and Z
follow from the rest. An s_i answers one challenge: two f_i of it give y_i.

The shape, a product of (f_i − e·v) whose leading coefficient vanishes, is that of Groth and Kohlweiss (EUROCRYPT
2015) and Bootle and Groth (PKC 2018), batched over rows by the ρ_i, and openings by the δ_i as in Bellare, Garay
and Rabin (EUROCRYPT '98), "Fast Batch Verification for Modular Exponentiation and Digital Signatures".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gmpy2
from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import CiphertextError
from compute.paillier.multi_exponentiation import products_of_powers
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.key_enrolment.numbers import ProofError, residues
from compute.protocols.key_enrolment.small_factor import least_factor
from compute.protocols.label_vector.alphabet import LEAST_WIDTH, MOST_WIDTH, Alphabet
from compute.protocols.label_vector.messages import AlphabetProof
from compute.protocols.label_vector.transcript import COIN_BITS, Transcript

HIDING_BITS = 80
"""A mask s_i is 2⁸⁰ times as wide as what it hides."""


@dataclass(frozen=True)
class AlphabetClaim:
    """These ciphertexts, part ``part`` of the vector of this name, each encrypt a value of the alphabet."""

    key: PublicKey
    alphabet: Alphabet
    vector: bytes
    """Digest of the signed statement's content: bank, contract, key, cohort, all parts' digests, nonce."""
    part: int
    rows: int
    ciphertexts: bytes

    def transcript(self) -> Transcript:
        """Give the transcript before the first message of the proof."""
        transcript = Transcript()
        transcript.add("n", self.key.to_bytes())
        transcript.add("vector", self.vector)
        transcript.add("part", self.part.to_bytes(8, "big"))
        transcript.add("rows", self.rows.to_bytes(8, "big"))
        for value in self.alphabet.values:
            transcript.add("value", mpz(value).to_bytes(self.key.modulus_bytes, "big"))
        transcript.add("ciphertexts", self.ciphertexts)
        return transcript


def mask_bits(alphabet: Alphabet) -> int:
    """Give the length of a mask s_i."""
    return COIN_BITS + HIDING_BITS + alphabet.greatest.bit_length()


def greatest_response(alphabet: Alphabet) -> int:
    """Give the most that an honest f_i can be."""
    return (1 << mask_bits(alphabet)) - 1 + ((1 << COIN_BITS) - 1) * alphabet.greatest


def response_bytes(alphabet: Alphabet) -> int:
    """Give the length of a response in its one form."""
    return (greatest_response(alphabet).bit_length() + 7) // 8


def fits(key: PublicKey, alphabet: Alphabet) -> bool:
    """Say whether the alphabet can be proven under the key, of which Π_fac was."""
    needed = greatest_response(alphabet) + (alphabet.greatest << COIN_BITS)
    return bool(needed < least_factor(int(key.n)))


def widest_slots(key: PublicKey, classes: int) -> int:
    """Give the most bits that slots of so many classes may have under the key: 64, or what can be proven."""
    widths = range(MOST_WIDTH, LEAST_WIDTH, -1)
    fitting = (width for width in widths if fits(key, Alphabet(classes=classes, width=width, with_zero=True)))
    return next(fitting, LEAST_WIDTH)


def check_fit(key: PublicKey, alphabet: Alphabet) -> None:
    """Raise :class:`ProofError` where the alphabet cannot be proven under the key."""
    if not fits(key, alphabet):
        bits = alphabet.greatest.bit_length()
        raise ProofError(f"labels of {bits} bits cannot be proven under a key of {key.bits}; take narrower slots")


def check_alphabet(
    claim: AlphabetClaim,
    proof: AlphabetProof,
    runner: Runner = HERE,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Raise :class:`ProofError` unless the proof verifies, by the checks above, in their order.

    ``progress`` hears of rows whose powers are taken, which is nearly all of the time.
    """
    key, alphabet, rows = claim.key, claim.alphabet, claim.rows
    n, n_squared, values = key.n, key.n_squared, alphabet.values
    check_fit(key, alphabet)
    ciphertexts = _units("the labels", key, claim.ciphertexts, rows)  # 1
    masks = _units("masks", key, proof.masks, rows)  # 1
    coefficients = _units("coefficients", key, proof.coefficients, len(values))  # 1
    responses = _responses(alphabet, proof.responses, rows)  # 2
    (opening,) = residues("opening_root", proof.opening_root, n)
    (root,) = residues("polynomial_root", proof.polynomial_root, n)

    rho, e, delta = _coins(claim, proof)
    opened = polynomial(responses, rho, e, values, n)
    if power_of_polynomial(coefficients, e, n_squared) != key.residue(opened) * gmpy2.powmod(
        root, n, n_squared
    ) % (n_squared):
        raise ProofError("the polynomial does not open at the challenge: a label lies outside its alphabet")  # 3
    of_masks, of_labels = products_of_powers(key, (masks, ciphertexts), delta, COIN_BITS, runner, progress)
    combined = sum(coin * response for coin, response in zip(delta, responses, strict=True))
    left = of_masks * gmpy2.powmod(of_labels, e, n_squared) % n_squared
    if left != key.residue(combined) * gmpy2.powmod(opening, n, n_squared) % n_squared:
        raise ProofError("the responses do not open masks and labels")  # 4


def polynomial(responses: Sequence[mpz], rho: Sequence[int], e: int, values: Sequence[int], n: mpz) -> mpz:
    """Give Σ_i ρ_i Π_v (f_i − e·v) mod n."""
    shifts, total = [mpz(e) * value for value in values], mpz(0)
    for response, coin in zip(responses, rho, strict=True):
        term = mpz(coin)
        for shift in shifts:
            term = term * (response - shift) % n
        total += term
    return total % n


def power_of_polynomial(coefficients: Sequence[mpz], e: int, modulus: mpz) -> mpz:
    """Give Π_k U_k^(e^k), by Horner's rule."""
    result = mpz(1)
    for coefficient in reversed(coefficients):
        result = gmpy2.powmod(result, e, modulus) * coefficient % modulus
    return result


def _coins(claim: AlphabetClaim, proof: AlphabetProof) -> tuple[list[int], int, list[int]]:
    """Give the ρ_i, e and the δ_i, each drawn after what the prover had to say before."""
    transcript = claim.transcript()
    transcript.add("masks", proof.masks)
    rho = transcript.coins("rho", claim.rows)
    transcript.add("coefficients", proof.coefficients)
    (e,) = transcript.coins("e", 1)
    transcript.add("responses", proof.responses)
    transcript.add("polynomial_root", proof.polynomial_root)
    return rho, e, transcript.coins("delta", claim.rows)


def _units(name: str, key: PublicKey, data: bytes, count: int) -> list[mpz]:
    try:
        return from_bytes(key, data, count)
    except CiphertextError as error:
        raise ProofError(f"{name}: {error}") from error


def _responses(alphabet: Alphabet, data: bytes, rows: int) -> list[mpz]:
    length, most = response_bytes(alphabet), greatest_response(alphabet)
    if len(data) != rows * length:
        raise ProofError(f"responses have {len(data)} bytes, not {rows} times {length}")
    responses = [mpz.from_bytes(data[at : at + length], "big") for at in range(0, len(data), length)]
    for row, response in enumerate(responses):
        if response > most:
            raise ProofError(f"response {row} lies beyond its bound")
    return responses
