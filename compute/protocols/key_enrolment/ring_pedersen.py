"""Ring-Pedersen parameters (N̂, s, t) of a provider, and Π_prm, its proof that s is a power of t.

A bank commits to the factors of its key as s^p·t^μ mod N̂ (``small_factor.py``). With s in ⟨t⟩ that hides p,
whatever N̂ is; with an s outside, the provider reads p modulo the order of s wherever it can take logarithms. So
the bank checks this proof before it commits to anything. That N̂ is a product of safe primes, on which the
provider's own soundness rests, is the provider's affair: it made them.

Source: Canetti, Gennaro, Goldfeder, Makriyannis, Peled, "UC Non-Interactive, Proactive, Threshold ECDSA with
Identifiable Aborts" (CGGMP21, ePrint 2021/060), figure "Ring-Pedersen Parameters ZK – Π^prm". What a single party
gains where such checks are missing: Tymokhanov, Shlomovits, "Alpha-Rays" (ePrint 2021/1621).
"""

from dataclasses import dataclass

import gmpy2
from gmpy2 import mpz

from compute.canonical import Message, Name
from compute.paillier.public import MAXIMUM_BITS, MINIMUM_BITS
from compute.protocols.key_enrolment.numbers import Column, ProofError, Residue, residue_bytes, residues, units
from compute.protocols.key_enrolment.transcript import ROUNDS, Transcript, bits


class RingPedersenStatement(Message, frozen=True):
    """A provider's parameters with their proof, big-endian; what it signs. The same for all banks and for ever."""

    provider: Name
    modulus: Residue
    """N̂, without leading zeros."""
    s: Residue
    t: Residue
    commitments: Column
    """A_i = t^(a_i) mod N̂."""
    responses: Column
    """z_i = a_i + e_i·λ mod φ(N̂)."""

    @property
    def parameters(self) -> "RingPedersen":
        """Give the parameters as numbers; nothing is checked."""
        return RingPedersen(*(mpz.from_bytes(each, "big") for each in (self.modulus, self.s, self.t)))


@dataclass(frozen=True)
class RingPedersen:
    """The parameters as numbers: s and t in Z*_N̂."""

    modulus: mpz
    s: mpz
    t: mpz

    @property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Give N̂, s and t as they go into messages and transcripts."""
        n = self.modulus
        return residue_bytes([n], n), residue_bytes([self.s], n), residue_bytes([self.t], n)


def transcript(provider: str, parameters: RingPedersen, commitments: bytes) -> Transcript:
    """Give the transcript of the 128 challenges e_i, one bit each."""
    return Transcript("ring-pedersen/v1", provider.encode(), *parameters.parts, commitments)


def check_ring_pedersen(statement: RingPedersenStatement, provider: str) -> RingPedersen:
    """Give the parameters, or raise :class:`ProofError` with the number of the check. A false s passes with 2⁻¹²⁸.

    1. The statement is this provider's.
    2. 2048 ≤ |N̂| ≤ 4096, N̂ is odd and in canonical form.
    3. s and t lie in (1, N̂−1), in as many bytes as N̂, and are invertible modulo N̂.
    4. Π_prm: t^(z_i) = A_i·s^(e_i) mod N̂ in 128 rounds, each A_i invertible.
    """
    if statement.provider != provider:  # 1
        raise ProofError(f"check 1: the parameters are of {statement.provider}, not of {provider}")
    modulus = mpz.from_bytes(statement.modulus, "big")
    fits = MINIMUM_BITS <= modulus.bit_length() <= MAXIMUM_BITS
    if not fits or modulus % 2 == 0 or statement.modulus[0] == 0:  # 2
        reason = f"an odd number of {MINIMUM_BITS} to {MAXIMUM_BITS} bits without leading zeros"
        raise ProofError(f"check 2: the modulus of the parameters is not {reason}")
    try:
        (s,), (t,) = (residues(*each, modulus) for each in (("s", statement.s), ("t", statement.t)))
        units("s or t", [s, t], modulus)
    except ProofError as error:
        raise ProofError(f"check 3: {error}") from error
    if not {s, t}.isdisjoint({1, modulus - 1}):  # 3
        raise ProofError("check 3: s or t is 1 or −1: commitments under it would commit to nothing")
    parameters = RingPedersen(modulus, s, t)
    try:
        a = residues("the commitments", statement.commitments, modulus, ROUNDS)
        z = residues("the responses", statement.responses, modulus, ROUNDS)
        units("a commitment", a, modulus)
    except ProofError as error:
        raise ProofError(f"check 4: {error}") from error
    challenge = transcript(provider, parameters, statement.commitments).challenge()
    for index, (a_i, e_i, z_i) in enumerate(zip(a, bits(challenge), z, strict=True)):
        if gmpy2.powmod(t, z_i, modulus) != a_i * (s if e_i else 1) % modulus:  # 4
            raise ProofError(f"check 4: round {index} of the proof that s is a power of t does not hold")
    return parameters
