"""The proofs of a well-formed key: every number in them counts, in one form and in one range."""

import msgspec
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed import MODULI, small_factor_proof
from well_formed import TRAPDOOR, T, ring_pedersen

from compute.canonical import decode, encode
from compute.paillier.errors import ModulusError
from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.blum_modulus import BlumProof, check_blum_modulus
from compute.protocols.key_enrolment.blum_modulus_prover import prove_blum_modulus
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import ProofError, integer, integer_bytes, residue_bytes, residues
from compute.protocols.key_enrolment.ring_pedersen import check_ring_pedersen
from compute.protocols.key_enrolment.ring_pedersen_maker import make_ring_pedersen, prove_ring_pedersen
from compute.protocols.key_enrolment.small_factor import (
    Bounds,
    SmallFactorProof,
    check_small_factor,
    least_factor,
)
from compute.protocols.key_enrolment.small_factor_prover import prove_small_factor
from compute.protocols.key_enrolment.transcript import Transcript, bits

OWN = ring_pedersen("tax").parameters
COMMITMENTS = ("committed_p", "committed_q", "masked_p", "masked_q", "masked_product")
INTEGERS = ("sigma", "z1", "z2", "w1", "w2", "v")


@pytest.fixture(scope="module")
def claim(key: PrivateKey) -> Claim:
    return Claim(key.public, "bank", "tax", OWN)


@pytest.fixture(scope="module")
def blum(key: PrivateKey, claim: Claim) -> BlumProof:
    return prove_blum_modulus(key, claim)


@pytest.fixture(scope="module")
def small(key: PrivateKey, claim: Claim) -> SmallFactorProof:
    return prove_small_factor(key, claim)


# --- Π_mod -------------------------------------------------------------------------------------------------------


def test_an_honest_blum_proof_verifies_and_two_differ(key: PrivateKey, claim: Claim, blum: BlumProof) -> None:
    check_blum_modulus(claim, decode(encode(blum), BlumProof))
    again = prove_blum_modulus(key, claim)
    check_blum_modulus(claim, again)
    assert again.w != blum.w


@settings(max_examples=8)
@given(part=st.sampled_from(["a", "b", "x", "z"]), at=st.integers(0, 127))
def test_every_round_counts(claim: Claim, blum: BlumProof, part: str, at: int) -> None:
    data = bytearray(getattr(blum, part))
    if part in {"a", "b"}:
        data[at // 8] ^= 128 >> at % 8
    else:
        data[256 * at + 255] ^= 1
    root = "n-th" if part == "z" else "fourth"
    with pytest.raises(ProofError, match=f"^{root} root {at} is not"):
        check_blum_modulus(claim, msgspec.structs.replace(blum, **{part: bytes(data)}))


def test_w_has_the_jacobi_symbol_minus_one(claim: Claim, blum: BlumProof) -> None:
    for w in (1, 4):
        with pytest.raises(ProofError, match="Jacobi symbol"):
            check_blum_modulus(claim, msgspec.structs.replace(blum, w=w.to_bytes(256, "big")))
    with pytest.raises(ProofError, match="number 0 of w lies outside"):
        check_blum_modulus(claim, msgspec.structs.replace(blum, w=bytes(256)))


@pytest.mark.parametrize("part", ["x", "z"])
def test_roots_have_one_form(claim: Claim, blum: BlumProof, part: str) -> None:
    data = getattr(blum, part)
    for other in (data + b"\0", data[:-1], data[256:]):
        with pytest.raises(ProofError, match="not 128 times 256"):
            check_blum_modulus(claim, msgspec.structs.replace(blum, **{part: other}))
    with pytest.raises(ProofError, match="lies outside its modulus"):
        check_blum_modulus(claim, msgspec.structs.replace(blum, **{part: b"\xff" * 256 + data[256:]}))


def test_the_negative_of_a_root_is_no_n_th_root(claim: Claim, blum: BlumProof) -> None:
    """n is odd. A fourth root has four signs modulo n, and each of them shows the same."""
    n = int(claim.key.n)
    z = (n - int.from_bytes(blum.z[:256])).to_bytes(256, "big") + blum.z[256:]
    x = (n - int.from_bytes(blum.x[:256])).to_bytes(256, "big") + blum.x[256:]
    check_blum_modulus(claim, msgspec.structs.replace(blum, x=x))
    with pytest.raises(ProofError, match="n-th root 0"):
        check_blum_modulus(claim, msgspec.structs.replace(blum, z=z))


def test_a_key_of_other_primes_has_no_blum_proof() -> None:
    key = PrivateKey(*map(int, MODULI["not-blum"].factors))
    with pytest.raises(ModulusError, match="not both ≡ 3 mod 4; generate a new key"):
        prove_blum_modulus(key, Claim(key.public, "bank", "tax", OWN))


# --- Π_fac -------------------------------------------------------------------------------------------------------


def test_an_honest_proof_of_no_small_factor_verifies_and_tells_nothing_twice(
    key: PrivateKey, claim: Claim, small: SmallFactorProof
) -> None:
    check_small_factor(claim, decode(encode(small), SmallFactorProof))
    again = prove_small_factor(key, claim)
    check_small_factor(claim, again)
    for name in SmallFactorProof.__struct_fields__:
        assert getattr(again, name) != getattr(small, name)


@pytest.mark.parametrize("name", SmallFactorProof.__struct_fields__)
def test_every_number_of_it_counts(claim: Claim, small: SmallFactorProof, name: str) -> None:
    data = bytearray(getattr(small, name))
    data[-1] ^= 1
    with pytest.raises(ProofError, match="equation does not hold"):
        check_small_factor(claim, msgspec.structs.replace(small, **{name: bytes(data)}))


@pytest.mark.parametrize("name", COMMITMENTS)
def test_commitments_are_units_in_one_form(claim: Claim, small: SmallFactorProof, name: str) -> None:
    n = int(OWN.modulus)
    for data, reason in (
        (bytes(256), "lies outside its modulus"),
        (n.to_bytes(256, "big"), "lies outside its modulus"),
        (b"\0" + getattr(small, name), "has 257 bytes, not 1 times 256"),
        (residue_bytes([TRAPDOOR.p], OWN.modulus), "shares a factor with its modulus"),
    ):
        with pytest.raises(ProofError, match=reason):
            check_small_factor(claim, msgspec.structs.replace(small, **{name: data}))


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_keep_their_bounds_in_one_form(claim: Claim, small: SmallFactorProof, name: str) -> None:
    bounds = Bounds.of(claim.key.n, OWN.modulus)
    bound = getattr(bounds, name[0] if name[0] in "zw" else name)
    size = len(integer_bytes(bound, bound))
    for sign in (1, -1):
        beyond = (sign * (bound + 1)).to_bytes(size, "big", signed=True)
        with pytest.raises(ProofError, match=f"^{name} lies beyond its bound"):
            check_small_factor(claim, msgspec.structs.replace(small, **{name: beyond}))
    longer = b"\0" + getattr(small, name)
    with pytest.raises(ProofError, match=f"^{name} has {size + 1} bytes, not {size}"):
        check_small_factor(claim, msgspec.structs.replace(small, **{name: longer}))


def test_factors_that_are_none_are_not_proven(key: PrivateKey, claim: Claim) -> None:
    """1 and n are too far apart; two numbers of the right size have another product."""
    p, q = map(int, key.factors)
    check_small_factor(claim, small_factor_proof(claim, -p, -q))
    for factors, equation in (((1, p * q), "second factor's"), ((p, q + 2), "product's"), ((p, p), "product's")):
        with pytest.raises(ProofError, match=equation):
            check_small_factor(claim, small_factor_proof(claim, *factors))


@pytest.mark.parametrize(("bits_of_n", "at_least"), [(2048, 638), (3072, 1150), (4096, 1662)])
def test_what_is_proven_is_what_is_written_down(bits_of_n: int, at_least: int) -> None:
    assert least_factor(1 << bits_of_n - 1) >> at_least == 1
    assert at_least > 128


def test_a_key_with_a_factor_far_smaller_than_the_other_is_not_proven() -> None:
    key = PrivateKey(*map(int, MODULI["small-factor"].factors))
    with pytest.raises(ModulusError, match="far smaller than the other; generate a new key"):
        prove_small_factor(key, Claim(key.public, "bank", "tax", OWN))


# --- Π_prm and what all share ------------------------------------------------------------------------------------


def test_parameters_are_made_and_proven() -> None:
    told: list[tuple[int, int]] = []
    made = make_ring_pedersen("tax", 2048, lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert check_ring_pedersen(made, "tax").modulus.bit_length() == 2048


def test_every_round_of_the_parameters_proof_counts() -> None:
    statement = prove_ring_pedersen("tax", TRAPDOOR, mpz(T))
    for at in (0, 127):
        for part in ("responses", "commitments"):
            data = bytearray(getattr(statement, part))
            data[256 * at + 255] ^= 1
            with pytest.raises(ProofError, match="check 4"):
                check_ring_pedersen(msgspec.structs.replace(statement, **{part: bytes(data)}), "tax")


@given(number=st.integers(-(2**80), 2**80), bound=st.integers(1, 2**70))
def test_an_integer_has_one_form(number: int, bound: int) -> None:
    size = bound.bit_length() // 8 + 1
    if abs(number) <= bound:
        data = integer_bytes(number, bound)
        assert len(data) == size
        assert integer("x", data, bound) == number
    elif -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
        with pytest.raises(ProofError, match="x lies beyond its bound"):
            integer("x", number.to_bytes(size, "big", signed=True), bound)


@given(numbers=st.lists(st.integers(1, 10**30), min_size=1, max_size=5))
def test_residues_have_one_form(numbers: list[int]) -> None:
    modulus = mpz(10**30 + 57)
    data = residue_bytes(numbers, modulus)
    assert residues("x", data, modulus, len(numbers)) == numbers
    with pytest.raises(ProofError, match="not"):
        residues("x", data + b"\1", modulus, len(numbers))


@given(parts=st.lists(st.binary(max_size=6), max_size=4), other=st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_of_parts_are_one_transcript(parts: list[bytes], other: list[bytes]) -> None:
    same = parts == other
    assert (Transcript("a", *parts).challenge() == Transcript("a", *other).challenge()) is same
    assert Transcript("a", *parts).challenge() != Transcript("b", *parts).challenge()


def test_bits_come_from_the_highest_down() -> None:
    assert list(bits(b"\x80\x01")) == [1, *[0] * 14, 1]
