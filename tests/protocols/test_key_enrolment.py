"""Only a product of two large Blum primes with gcd(n, φ(n)) = 1 is enrolled, by its bank, once proven."""

import dataclasses
import hashlib
import itertools
import math
import secrets

import gmpy2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from well_formed import ring_pedersen

from compute.canonical import FormatError, decode, encode
from compute.paillier.errors import ModulusError
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.protocols.base import RefusalError
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.messages import CHALLENGES, EnrolKey, KeyStatement, challenges
from compute.protocols.key_enrolment.provider import enrol
from compute.signing import Pin, Signed, sign

IDENTITY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PINS = {
    "bank": Pin("consumer", IDENTITY.public_key().public_bytes_raw()),
    "other": Pin("consumer", OTHER.public_key().public_bytes_raw()),
}
PRIME = 2**2047 + 1919
LAST_SMALL_PRIME = 1_048_573
FIRST_LARGE_PRIME = 1_048_583
OWN = ring_pedersen("tax")


@pytest.fixture(scope="module")
def honest(key: PrivateKey) -> EnrolKey:
    return proven(key)


@pytest.fixture(scope="module")
def bad_pairs(key: PrivateKey) -> list[tuple[int, int]]:
    """Primes (p, q) with p ≡ 1 mod q, so that q divides φ(p·q): q of 1024 bits, and the least q."""
    q = int(key.factors[1])
    pairs = [(2 * 427 * q + 1, q), (2 * (2**2040 + 675) * FIRST_LARGE_PRIME + 1, FIRST_LARGE_PRIME)]
    for p, small in pairs:
        assert gmpy2.is_prime(p)
        assert gmpy2.is_prime(small)
        assert p % small == 1
        assert (p * small).bit_length() >= 2048
    return pairs


def proven(key: PrivateKey, bank: str = "bank", identity: Ed25519PrivateKey = IDENTITY) -> EnrolKey:
    return enrolment(bank, identity, key, "tax", OWN.parameters, 1)


def challenges_of(public: PublicKey, bank: str = "bank") -> list[int]:
    return list(map(int, challenges(Claim(public, bank, "tax", OWN.parameters))))


def resigned(message: EnrolKey, **changes: object) -> EnrolKey:
    """The statement with these members, signed by the bank's identity, true or not."""
    statement = msgspec.structs.replace(message.statement.statement, **changes)
    return EnrolKey(statement=sign(statement, statement.bank, IDENTITY))


def to_bytes(n: int) -> bytes:
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def false_claim(honest: EnrolKey, n: int) -> EnrolKey:
    """A claim over any n whose roots are random."""
    size = len(to_bytes(n))
    roots = tuple((1 + secrets.randbelow(n - 1)).to_bytes(size, "big") for _ in range(CHALLENGES))
    return resigned(honest, n=to_bytes(n), roots=roots)


def tampered(message: EnrolKey, index: int, root: bytes) -> EnrolKey:
    roots = list(message.statement.statement.roots)
    roots[index] = root
    return resigned(message, roots=tuple(roots))


def refusal(message: EnrolKey, pins: dict[str, Pin] = PINS) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        enrol(message, pins, OWN)
    return caught.value


def test_an_honest_key_is_accepted(key: PrivateKey, honest: EnrolKey) -> None:
    assert enrol(honest, PINS, OWN) == key.public
    assert enrol(decode(encode(honest), EnrolKey), PINS, OWN) == key.public


def test_challenges_are_the_hash_that_is_written_down(key: PrivateKey) -> None:
    """Each part behind its length in 4 bytes: label, suite, n, bank, provider, N̂, s, t; then the index."""
    parts = (b"veilmart/key-enrolment/roots/v2", b"intl", key.public.to_bytes(), b"bank", b"tax")
    own = (OWN.modulus, OWN.s, OWN.t)
    prefix = b"".join(len(part).to_bytes(4, "big") + part for part in (*parts, *own))
    length = (2048 + 128) // 8
    digests = [hashlib.shake_256(prefix + i.to_bytes(4, "big")).digest(length) for i in range(8)]
    assert challenges_of(key.public) == [int.from_bytes(digest) % key.public.n for digest in digests]


def test_challenges_differ_by_index_and_every_part(key: PrivateKey) -> None:
    own = OWN.parameters
    claims = [
        Claim(key.public, "bank", "tax", own),
        Claim(PublicKey(key.public.n + 2), "bank", "tax", own),
        Claim(key.public, "bank-b", "tax", own),
        Claim(key.public, "bank", "labour", own),
        Claim(key.public, "bankt", "ax", own),
        *(
            Claim(key.public, "bank", "tax", dataclasses.replace(own, **{name: getattr(own, name) + 2}))
            for name in ("modulus", "s", "t")
        ),
    ]
    assert len({y for each in claims for y in challenges(each)}) == len(claims) * CHALLENGES


def test_the_roots_are_those_of_the_challenges(key: PrivateKey, honest: EnrolKey) -> None:
    n = int(key.public.n)
    roots = [int.from_bytes(root) for root in honest.statement.statement.roots]
    assert [pow(root, n, n) for root in roots] == challenges_of(key.public)


# --- check 1: the signature -------------------------------------------------------------------------------


def test_1_a_claim_signed_by_another_key(honest: EnrolKey) -> None:
    forged = EnrolKey(statement=sign(honest.statement.statement, "bank", OTHER))
    refused = refusal(forged)
    assert refused.check == 1
    assert "signature of bank does not verify" in refused.reason


def test_1_a_claim_in_the_name_of_another_bank(honest: EnrolKey) -> None:
    refused = refusal(EnrolKey(statement=sign(honest.statement.statement, "other", OTHER)))
    assert refused.check == 1
    assert "signed by other, but it must be signed by bank" in refused.reason


def test_1_a_bank_that_is_not_pinned(honest: EnrolKey) -> None:
    refused = refusal(honest, {"other": PINS["other"]})
    assert refused.check == 1
    assert "no key of bank is pinned" in refused.reason
    assert "onboarding" in refused.remedy


def test_1_a_claim_changed_after_it_was_signed(honest: EnrolKey) -> None:
    changed = msgspec.structs.replace(honest.statement.statement, n=to_bytes(PRIME))
    statement: Signed[KeyStatement] = msgspec.structs.replace(honest.statement, statement=changed)
    assert refusal(EnrolKey(statement=statement)).check == 1


# --- check 2: length, parity, form ------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 1024, 2047])
def test_2_a_short_modulus(honest: EnrolKey, bits: int) -> None:
    refused = refusal(resigned(honest, n=to_bytes(2**bits - 1), roots=(b"\1",) * CHALLENGES))
    assert refused.check == 2
    assert f"has {bits} bits" in refused.reason


def test_2_a_short_modulus_that_is_proven(honest: EnrolKey) -> None:
    """The roots of another modulus do not help."""
    refused = refusal(resigned(honest, n=to_bytes((2**521 - 1) * (2**607 - 1))))
    assert refused.check == 2


def test_2_an_even_modulus(key: PrivateKey, honest: EnrolKey) -> None:
    refused = refusal(false_claim(honest, 2 * int(key.public.n)))
    assert refused.check == 2
    assert "even" in refused.reason


def test_2_a_modulus_with_leading_zeros(honest: EnrolKey) -> None:
    statement = honest.statement.statement
    refused = refusal(resigned(honest, n=b"\0" + statement.n))
    assert refused.check == 2
    assert "canonical form" in refused.reason


# --- check 3: what needs no proof -------------------------------------------------------------------------


def test_3_a_prime_modulus_even_with_its_roots(honest: EnrolKey) -> None:
    """Every number has an n-th root modulo a prime n: x itself. So the proof alone would pass."""
    public = PublicKey(PRIME)
    roots = tuple(y.to_bytes(256, "big") for y in challenges_of(public))
    assert all(gmpy2.powmod(y, PRIME, PRIME) == y for y in challenges_of(public))
    refused = refusal(resigned(honest, n=public.to_bytes(), roots=roots))
    assert refused.check == 3
    assert "is a prime" in refused.reason


@pytest.mark.parametrize("exponent", [2, 3])
def test_3_a_prime_power(key: PrivateKey, honest: EnrolKey, exponent: int) -> None:
    refused = refusal(false_claim(honest, int(key.factors[0]) ** exponent))
    assert refused.check == 3
    assert "perfect power" in refused.reason


@pytest.mark.parametrize("factor", [3, 65_537, LAST_SMALL_PRIME])
def test_3_a_small_factor(key: PrivateKey, honest: EnrolKey, factor: int) -> None:
    refused = refusal(false_claim(honest, factor * int(key.public.n)))
    assert refused.check == 3
    assert "factor below 2²⁰" in refused.reason


# --- check 4: the roots -----------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(CHALLENGES))
def test_4_a_tampered_root(honest: EnrolKey, index: int) -> None:
    root = int.from_bytes(honest.statement.statement.roots[index])
    refused = refusal(tampered(honest, index, (root + 1).to_bytes(256, "big")))
    assert refused.check == 4
    assert f"root {index} is not" in refused.reason


def test_4_the_negative_of_a_root(key: PrivateKey, honest: EnrolKey) -> None:
    root = int.from_bytes(honest.statement.statement.roots[5])
    refused = refusal(tampered(honest, 5, (int(key.public.n) - root).to_bytes(256, "big")))
    assert (refused.check, refused.reason) == (4, "root 5 is not the n-th root of its challenge")


def test_4_swapped_roots(honest: EnrolKey) -> None:
    statement = honest.statement.statement
    roots = statement.roots
    refused = refusal(resigned(honest, roots=(*roots[:6], roots[7], roots[6])))
    assert refused.check == 4
    assert "root 6" in refused.reason


def test_4_one_root_for_all(honest: EnrolKey) -> None:
    statement = honest.statement.statement
    refused = refusal(resigned(honest, roots=statement.roots[:1] * CHALLENGES))
    assert refused.check == 4
    assert "root 1" in refused.reason


def test_4_a_root_beyond_the_modulus_that_is_right_modulo_it(key: PrivateKey) -> None:
    """x + n in the right number of bytes: another encoding of a true root."""
    n = int(key.public.n)
    for number in itertools.count():
        message = proven(key, f"bank-{number}")
        statement = message.statement.statement
        small = [i for i, root in enumerate(statement.roots) if int.from_bytes(root) + n < 2**2048]
        if small:
            break
    index = small[0]
    roots = list(statement.roots)
    roots[index] = (int.from_bytes(roots[index]) + n).to_bytes(256, "big")
    pins = {statement.bank: PINS["bank"]}
    assert enrol(message, pins, OWN) == key.public
    refused = refusal(resigned(message, roots=tuple(roots)), pins)
    assert refused.check == 4
    assert f"root {index}" in refused.reason


@pytest.mark.parametrize("zeros", [1, 16])
def test_4_a_root_with_leading_zeros(honest: EnrolKey, zeros: int) -> None:
    refused = refusal(tampered(honest, 3, bytes(zeros) + honest.statement.statement.roots[3]))
    assert refused.check == 4
    assert "root 3" in refused.reason


@pytest.mark.parametrize("root", [bytes(256), b"\1", bytes(255) + b"\1", b"\xff" * 256, b"\xff" * 255])
def test_4_a_root_that_is_none(honest: EnrolKey, root: bytes) -> None:
    refused = refusal(tampered(honest, 2, root))
    assert refused.check == 4
    assert "root 2" in refused.reason


def test_4_a_root_of_zero_is_none_though_its_powers_are_zero(key: PrivateKey, honest: EnrolKey) -> None:
    refused = refusal(tampered(honest, 0, key.public.to_bytes()))
    assert refused.check == 4


def test_4_the_proof_of_another_bank(honest: EnrolKey) -> None:
    """A bank cannot enrol another bank's modulus with the proof that it saw."""
    copied = msgspec.structs.replace(honest.statement.statement, bank="other")
    refused = refusal(EnrolKey(statement=sign(copied, "other", OTHER)))
    assert refused.check == 4
    assert "root 0" in refused.reason


def test_4_the_roots_of_another_modulus(key: PrivateKey, honest: EnrolKey) -> None:
    p, q = key.factors
    other = int(p * gmpy2.next_prime(q))
    assert refusal(resigned(honest, n=to_bytes(other))).check == 4


@pytest.mark.parametrize("which", [0, 1])
def test_4_a_modulus_that_shares_a_factor_with_its_totient(
    bad_pairs: list[tuple[int, int]], honest: EnrolKey, which: int
) -> None:
    """The modulus under which blinding and masks hide nothing; nothing but the proof finds it."""
    p, q = bad_pairs[which]
    n = p * q
    assert math.gcd(n, (p - 1) * (q - 1)) == q
    PublicKey(n).validate()
    refused = refusal(false_claim(honest, n))
    assert (refused.check, refused.reason) == (4, "root 0 is not the n-th root of its challenge")
    assert refusal(resigned(honest, n=to_bytes(n))).check == 4


@pytest.mark.parametrize("which", [0, 1])
def test_the_prover_of_such_a_modulus_has_no_root_to_send(bad_pairs: list[tuple[int, int]], which: int) -> None:
    """Modulo p, x^n = x^q, so n-th powers are the q-th powers: the numbers with y^((p−1)/q) = 1, one in q."""
    p, q = bad_pairs[which]
    n = p * q
    for y in challenges_of(PublicKey(n)):
        assert pow(int(y), (p - 1) // q, p) != 1
    for x in (2, 3, secrets.randbelow(n)):
        assert pow(pow(x, n, n), (p - 1) // q, p) == 1
    with pytest.raises(ModulusError, match=r"shares a factor with φ\(n\)"):
        PrivateKey(p, q)


def test_the_bad_modulus_does_leak(bad_pairs: list[tuple[int, int]]) -> None:
    """With p ≡ 1 mod q, raising to (p−1)/q modulo p wipes out r^n and keeps what is no n-th power."""
    p, q = bad_pairs[1]
    public = PublicKey(p * q)
    exponent = (p - 1) // q
    assert {pow(int(public.encrypt(0)), exponent, p) for _ in range(4)} == {1}
    marked = 2 * public.encrypt(0)  # a bank's "ciphertext" of no plaintext at all: a mark on one bin
    blinded = marked * pow(int(public.random_unit()), int(public.n), int(public.n_squared)) % public.n_squared
    assert pow(int(blinded), exponent, p) == pow(2, exponent, p) != 1


def test_4_a_repeated_factor_beside_another(key: PrivateKey, honest: EnrolKey) -> None:
    """p²·q is no perfect power, but p divides φ(p²·q) too."""
    p, q = map(int, key.factors)
    n = p * p * q
    PublicKey(n).validate()
    assert math.gcd(n, p * (p - 1) * (q - 1)) == p
    assert refusal(false_claim(honest, n)).check == 4


@settings(max_examples=5)
@given(index=st.integers(0, CHALLENGES - 1), bit=st.integers(0, 2047))
def test_4_any_flipped_bit(honest: EnrolKey, index: int, bit: int) -> None:
    root = int.from_bytes(honest.statement.statement.roots[index]) ^ 1 << bit
    refused = refusal(tampered(honest, index, root.to_bytes(256, "big")))
    assert refused.check == 4
    assert f"root {index} " in refused.reason


@pytest.mark.parametrize("count", [0, 7, 9])
def test_another_number_of_roots_is_no_message(honest: EnrolKey, count: int) -> None:
    statement = honest.statement.statement
    message = resigned(honest, roots=(statement.roots * 2)[:count])
    with pytest.raises(FormatError, match="roots"):
        decode(encode(message), EnrolKey)
