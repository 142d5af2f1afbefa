"""A provider makes its ring-Pedersen parameters once, proves them, and forgets what it made them from."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gmpy2
from gmpy2 import mpz

from compute.paillier.safe_primes import safe_prime
from compute.protocols.key_enrolment.numbers import residue_bytes
from compute.protocols.key_enrolment.ring_pedersen import RingPedersen, RingPedersenStatement, transcript
from compute.protocols.key_enrolment.transcript import ROUNDS, bits

BITS = 3072
"""Length of N̂: 128 bits of security by NIST SP 800-57 part 1, table 2, as much as the challenges have."""

STEPS = 3
"""Of the making: two primes and the proof."""


def make_ring_pedersen(
    provider: str, bits: int = BITS, progress: Callable[[int, int], None] | None = None
) -> RingPedersenStatement:
    """Give fresh parameters of ``bits`` bits with their proof. Primes, φ(N̂) and λ end with this call.

    N̂ = p̂·q̂ with safe primes, t = τ² for a random τ, s = t^λ for λ uniform in [0, φ(N̂)), as the source has it: the
    squares then have the order p̂'·q̂', a product of two primes, without which the extraction of Π_fac from a
    cheating bank would stop at elements of small order.
    """
    tell = progress or (lambda _done, _total: None)
    tell(0, STEPS)
    p = safe_prime(bits // 2)
    tell(1, STEPS)
    q = safe_prime(bits // 2)
    while q == p:
        q = safe_prime(bits // 2)
    tell(2, STEPS)
    secret = Trapdoor(p, q, mpz(secrets.randbelow(int((p - 1) * (q - 1)))))
    t = gmpy2.square(mpz(secrets.randbelow(int(p * q)))) % (p * q)
    if gmpy2.gcd(t * (t - 1), p * q) != 1:  # t generates all squares, but with probability 2^(2−bits/2)
        return make_ring_pedersen(provider, bits, progress)
    statement = prove_ring_pedersen(provider, secret, t)
    tell(3, STEPS)
    return statement


@dataclass(frozen=True)
class Trapdoor:
    """The primes of N̂, and λ with s = t^λ. Whoever has it can commit to anything."""

    p: mpz = field(repr=False)
    q: mpz = field(repr=False)
    exponent: mpz = field(repr=False)
    """λ."""

    @property
    def order(self) -> mpz:
        """φ(N̂)."""
        return (self.p - 1) * (self.q - 1)


def prove_ring_pedersen(
    provider: str, secret: Trapdoor, t: mpz, masks: Sequence[int] | None = None
) -> RingPedersenStatement:
    """Give the parameters of this trapdoor with Π_prm; ``masks`` are a_i, drawn where they are not given."""
    modulus, order = secret.p * secret.q, secret.order
    parameters = RingPedersen(modulus, _power(secret, t, secret.exponent), t)
    drawn = masks or [1 + secrets.randbelow(int(order) - 1) for _ in range(ROUNDS)]
    commitments = residue_bytes([_power(secret, t, mask) for mask in drawn], modulus)
    challenge = transcript(provider, parameters, commitments).challenge()
    # Modulo the order, plus it where that is 0: a response is not 0 in its one form.
    responses = [
        (mask + e * secret.exponent) % order or order for mask, e in zip(drawn, bits(challenge), strict=True)
    ]
    n, s, t_bytes = parameters.parts
    return RingPedersenStatement(
        provider=provider,
        modulus=n,
        s=s,
        t=t_bytes,
        commitments=commitments,
        responses=residue_bytes(responses, modulus),
    )


def _power(secret: Trapdoor, base: mpz, exponent: int) -> mpz:
    """base^exponent mod N̂, by the Chinese remainder theorem, in constant time."""
    p, q = secret.p, secret.q
    x_p, x_q = (gmpy2.powmod_sec(base % each, 1 + (exponent - 1) % (each - 1), each) for each in (p, q))
    return x_q + q * ((x_p - x_q) * gmpy2.invert(q, p) % p)
