"""Safe primes: of the right length, safe, and different each time."""

import gmpy2
import pytest
from gmpy2 import mpz

from compute.paillier import safe_primes
from compute.paillier.safe_primes import is_safe_prime, safe_prime


@pytest.mark.parametrize("bits", [256, 512])
def test_a_safe_prime_has_its_length_and_two_top_bits(bits: int) -> None:
    first, second = safe_prime(bits), safe_prime(bits)
    assert first != second
    for p in (first, second):
        assert p >> (bits - 2) == 3
        assert gmpy2.is_prime(p)
        assert gmpy2.is_prime((p - 1) // 2)
    assert (first * second).bit_length() == 2 * bits


def test_the_sieve_leaves_exactly_what_has_no_small_factor() -> None:
    start = mpz(2**200 + 1)
    left = list(safe_primes._survivors(start))
    assert left == sorted(set(left))
    small = gmpy2.primorial(2**20)
    expected = [r for i in range(4000) if gmpy2.gcd((r := start + 2 * i) * (2 * r + 1), small) == 1]
    assert [r for r in left if r < start + 8000] == expected


@pytest.mark.parametrize(
    ("number", "safe"), [(5, True), (7, True), (11, True), (23, True), (13, False), (25, False)]
)
def test_small_numbers_are_known(number: int, safe: int) -> None:
    assert is_safe_prime(number) == safe
