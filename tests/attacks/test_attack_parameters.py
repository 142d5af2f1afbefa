"""A provider whose ring-Pedersen parameters are malformed: what a bank's proof tells it, and that it gets none.

The bank's commitment to p is s^p·t^μ. Where s is no power of t, the provider removes t and takes a logarithm.
"""

import functools
import secrets
from collections.abc import Callable
from math import prod

import gmpy2
import msgspec
import pytest
from gmpy2 import mpz
from well_formed import TRAPDOOR, T, ring_pedersen
from world import World

from compute.canonical import encode
from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import ProofError, residue_bytes
from compute.protocols.key_enrolment.ring_pedersen import (
    RingPedersen,
    RingPedersenStatement,
    check_ring_pedersen,
    transcript,
)
from compute.protocols.key_enrolment.small_factor_prover import prove_small_factor
from compute.protocols.key_enrolment.transcript import ROUNDS, bits
from compute.signing import sign

SMALL_PRIMES = [p for p in range(3, 4000) if gmpy2.is_prime(p)]


@functools.cache
def smooth_prime() -> tuple[mpz, tuple[int, ...]]:
    """A prime a ≡ 1 mod 3 of some 1,100 bits and the factors of a−1, each once: logarithms modulo a are easy.

    Longer than a factor of the bank's key, so that a logarithm modulo a−1 is the factor itself.
    """
    common = [2, *SMALL_PRIMES[:139]]
    for extra in SMALL_PRIMES[139:]:
        a = mpz(prod(common)) * extra + 1
        if gmpy2.is_prime(a):
            return a, (*common, extra)
    raise AssertionError("no prime")


def leaking(order_of_t: int) -> RingPedersen:
    """N̂ = a·b with a smooth a−1; s generates the units modulo a, and t has a small order there."""
    a, factors = smooth_prime()
    b = gmpy2.next_prime(mpz(1) << 1000)
    s = next(
        mpz(h) for h in range(2, 1000) if all(gmpy2.powmod(h, (a - 1) // factor, a) != 1 for factor in factors)
    )
    return RingPedersen(a * b, s, gmpy2.powmod(s, (a - 1) // order_of_t, a * b))


def factor_read_from(committed: mpz, parameters: RingPedersen, order_of_t: int) -> mpz:
    """Pohlig and Hellman (1978): the logarithm of s^p modulo each factor of a−1 but t's order, put together."""
    a, factors = smooth_prime()
    left = gmpy2.powmod(committed, order_of_t, a)
    base = gmpy2.powmod(parameters.s, order_of_t, a)
    found, modulo = mpz(0), mpz(1)
    for factor in (each for each in factors if each != order_of_t):
        root, power = (gmpy2.powmod(each, (a - 1) // factor, a) for each in (base, left))
        logarithm, value = 0, mpz(1)
        while value != power:
            value, logarithm = value * root % a, logarithm + 1
        found += modulo * ((logarithm - found) * gmpy2.invert(modulo, factor) % factor)
        modulo *= factor
    return found


@pytest.mark.parametrize("order_of_t", [1, 3])
def test_without_the_check_one_proof_factors_the_bank_s_key(key: PrivateKey, order_of_t: int) -> None:
    """With t of order 1 modulo a, and of order 3: the mask t^μ is gone after one power."""
    parameters = leaking(order_of_t)
    proof = prove_small_factor(key, Claim(key.public, "bank", "tax", parameters))
    found = factor_read_from(mpz.from_bytes(proof.committed_p, "big"), parameters, order_of_t)
    assert found in key.factors


def test_under_sound_parameters_the_same_reading_gives_nothing(key: PrivateKey) -> None:
    """With s a power of t, the mask covers all of the group."""
    a, _ = smooth_prime()
    own = leaking(1)
    sound = RingPedersen(own.modulus, gmpy2.powmod(own.s, 12345, own.modulus), own.s)
    seen = set()
    for _ in range(2):
        proof = prove_small_factor(key, Claim(key.public, "bank", "tax", sound))
        seen.add(factor_read_from(mpz.from_bytes(proof.committed_p, "big") % a, own, 1))
    assert len(seen) == 2
    assert not seen & set(key.factors)


# --- the product -------------------------------------------------------------------------------------------------


def best_statement(parameters: RingPedersen, provider: str = "tax") -> RingPedersenStatement:
    """The parameters with the best proof: every challenge bit guessed to be 0, so that half of the rounds hold."""
    n, s, t = parameters.parts
    masks = [1 + secrets.randbelow(2**256) for _ in range(ROUNDS)]
    commitments = [gmpy2.powmod(parameters.t, mask, parameters.modulus) for mask in masks]
    return RingPedersenStatement(
        provider=provider,
        modulus=n,
        s=s,
        t=t,
        commitments=residue_bytes(commitments, parameters.modulus),
        responses=residue_bytes(masks, parameters.modulus),
    )


def changed(**members: bytes) -> Callable[[], RingPedersenStatement]:
    return lambda: msgspec.structs.replace(ring_pedersen("tax"), **members)


N = TRAPDOOR.p * TRAPDOOR.q
N_BYTES = N.to_bytes(256, "big")
ONE, MINUS_ONE = residue_bytes([1], N), residue_bytes([N - 1], N)
MALFORMED: dict[str, tuple[Callable[[], RingPedersenStatement], str]] = {
    "t of order 1 modulo a": (lambda: best_statement(leaking(1)), "check 4: round"),
    "s outside of t's powers": (lambda: best_statement(leaking(3)), "check 4: round"),
    "an even modulus": (lambda: best_statement(RingPedersen(2 * N, mpz(T), mpz(T))), "check 2: the modulus"),
    "a short modulus": (lambda: best_statement(RingPedersen(TRAPDOOR.p, mpz(3), mpz(3))), "check 2: the modulus"),
    "leading zeros": (changed(modulus=b"\0" + N_BYTES), "check 2: the modulus"),
    "s = t = 1": (lambda: best_statement(RingPedersen(N, mpz(1), mpz(1))), "check 3: s or t is 1 or −1"),
    "s = 1": (changed(s=ONE), "check 3: s or t is 1 or −1"),
    "t = −1": (changed(t=MINUS_ONE), "check 3: s or t is 1 or −1"),
    "s = 0": (changed(s=bytes(256)), "check 3: number 0 of s lies outside"),
    "t beyond the modulus": (changed(t=b"\xff" * 256), "check 3: number 0 of t lies outside"),
    "t shares a factor": (changed(t=residue_bytes([TRAPDOOR.p], N)), "check 3: s or t shares a factor"),
    "s in another length": (changed(s=b"\2"), "check 3: s has 1 bytes, not 1 times 256"),
    "commitments that are no units": (changed(commitments=bytes(256 * ROUNDS)), "check 4: number 0 of the commit"),
    "another number of responses": (changed(responses=ONE * 127), "check 4: the responses has"),
    "responses of another proof": (changed(responses=ONE * ROUNDS), "check 4: round 0"),
    "the parameters of another": (lambda: ring_pedersen("labour"), "check 1: the parameters are of labour"),
    "the proof of another": (
        lambda: msgspec.structs.replace(ring_pedersen("labour"), provider="tax"),
        "check 4: round",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_bank_proves_nothing_under_malformed_parameters(world: World, name: str) -> None:
    make, reason = MALFORMED[name]
    statement = make()
    signed = encode(sign(statement, "tax", world.identities["tax"]))
    honest, received = world.transport.handlers["tax"], []

    def lie(data: bytes) -> bytes:
        received.append(data)
        return signed if b'"type":"ask_ring_pedersen"' in data else honest(data)

    world.transport.handlers["tax"] = lie
    with pytest.raises(AnswerError, match=reason) as caught:
        world.enrol()
    assert "prove nothing to it" in str(caught.value)
    assert all(b"ask_ring_pedersen" in data for data in received)


def test_parameters_that_another_signed_are_not_used(world: World) -> None:
    forged = encode(sign(ring_pedersen("tax"), "tax", world.identities["labour"]))
    world.transport.handlers["tax"] = lambda _data: forged
    with pytest.raises(AnswerError, match="the signature of tax does not verify"):
        world.enrol()


def test_half_of_the_rounds_hold_for_a_false_s() -> None:
    """So that 128 of them hold with probability 2⁻¹²⁸."""
    statement = best_statement(leaking(3))
    challenge = transcript("tax", statement.parameters, statement.commitments).challenge()
    assert 38 < sum(bits(challenge)) < 90
    with pytest.raises(ProofError, match="check 4"):
        check_ring_pedersen(statement, "tax")
