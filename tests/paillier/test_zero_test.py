"""Zero tests tell the band and nothing else: what the key's owner makes of them, with and without defences."""

from collections import Counter
from collections.abc import Callable, Sequence

import engine
import gmpy2
import pytest
from band_attacks import guesses_by_quotients, guesses_by_roots, opened
from gmpy2 import mpz

from compute.paillier import zero_test
from compute.paillier.blinding import blind
from compute.paillier.errors import CiphertextError, PlaintextError
from compute.paillier.pool import Pool
from compute.paillier.primes import SMALL_FACTOR_BOUND
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner
from compute.paillier.zero_test import Bands, band_of, zero_tests

BANDS = ((0, 10), (20, 30, 40), (50,))
VALUES = [value for band in BANDS for value in band]
HERE = Runner(costs=engine.small)


def rows_of(tests: Sequence[mpz], bands: Bands = BANDS) -> list[list[mpz]]:
    count = sum(map(len, bands))
    return [list(tests[start : start + count]) for start in range(0, len(tests), count)]


def test_each_total_is_found_in_its_band_and_nowhere_else(key: PrivateKey, pool: Pool) -> None:
    tests = zero_tests(key.public, [key.encrypt(value) for value in VALUES], BANDS, HERE, pool)
    assert len(tests) == len(VALUES) ** 2
    plaintexts = rows_of(key.decrypt_many(tests))
    zeros = [[m == 0 for m in row] for row in plaintexts]
    assert zeros == rows_of(key.are_zero(tests))  # type: ignore[comparison-overlap, arg-type]
    assert [band_of(row, BANDS) for row in zeros] == [0, 0, 1, 1, 1, 2]


def test_a_number_that_is_no_candidate_has_no_band(key: PrivateKey) -> None:
    outside = [5, 60, int(key.public.n) - 10]
    tests = zero_tests(key.public, [key.encrypt(value) for value in outside], BANDS, HERE)
    assert [band_of([m == 0 for m in row], BANDS) for row in rows_of(key.decrypt_many(tests))] == [None] * 3


@pytest.mark.parametrize("zeros", [[False] * 6, [True, False, False, False, False, True], [True] * 6])
def test_none_or_several_zeros_are_no_band(zeros: list[bool]) -> None:
    assert band_of(zeros, BANDS) is None


def test_negative_candidates_and_the_widest_range(key: PrivateKey) -> None:
    step = most = SMALL_FACTOR_BOUND - 1
    bands = ((-step * most,), (-step, 0))
    tests = zero_tests(key.public, [key.encrypt(int(key.public.n) + bands[0][0])], bands, HERE)
    assert key.are_zero(tests) == [True, False, False]


@pytest.mark.parametrize(
    ("bands", "wrong"),
    [
        ((), "candidates of its own"),
        (((1,), ()), "candidates of its own"),
        (((1, 2), (2,)), "candidates of its own"),
        (((0,), (SMALL_FACTOR_BOUND,)), "lie 1048576 apart in steps of 1048576"),
        (((0, 3), (3 * SMALL_FACTOR_BOUND,)), "lie 3145728 apart in steps of 3"),
    ],
)
def test_bands_that_are_none_are_refused(key: PrivateKey, bands: Bands, wrong: str) -> None:
    with pytest.raises(PlaintextError, match=wrong):
        zero_tests(key.public, [mpz(1)], bands)


def test_what_is_no_ciphertext_is_refused(key: PrivateKey) -> None:
    for bad in (0, key.factors[0], key.public.n_squared):
        with pytest.raises(CiphertextError, match="number 1"):
            zero_tests(key.public, [mpz(1), bad], BANDS, HERE)


def test_nothing_is_tested_of_nothing(key: PrivateKey) -> None:
    assert zero_tests(key.public, [], BANDS, HERE) == []


def test_in_two_processes_every_draw_is_another(key: PrivateKey, two_processes: Runner) -> None:
    heard: list[tuple[str, int, int]] = []

    def hears(step: str) -> Callable[[int, int], None]:
        return lambda done, total: heard.append((step, done, total))

    tests = zero_tests(
        key.public, [key.encrypt(20)] * 4, BANDS, two_processes, progress=(hears("multiplied"), hears("blinded"))
    )
    plaintexts = key.decrypt_many(tests)
    assert [band_of([m == 0 for m in row], BANDS) for row in rows_of(plaintexts)] == [1] * 4
    assert Counter(plaintexts)[mpz(0)] == 4
    assert len(set(plaintexts)) == 1 + 4 * 5
    assert {("multiplied", 4, 4), ("blinded", 24, 24)} < set(heard)


def test_the_place_of_the_zero_is_uniform_in_its_band_and_plaintexts_are_uniform(
    key: PrivateKey, pool: Pool
) -> None:
    """Bounds that fail by chance once in a billion runs; a fixed order would give one place all zeros."""
    bands, rows = ((0, 1), (2,)), 40
    tests = zero_tests(key.public, [key.encrypt(0)] * rows, bands, HERE, pool)
    plaintexts = rows_of(key.decrypt_many(tests), bands)
    places = Counter(row.index(mpz(0)) for row in plaintexts)
    assert set(places) == {0, 1}
    assert min(places.values()) >= 3
    units = [m for row in plaintexts for m in row if m != 0]
    assert len(set(units)) == 2 * rows
    tops = Counter(int(8 * m // key.public.n) for m in units)
    expected = 2 * rows / 8
    assert sum((tops[top] - expected) ** 2 / expected for top in range(8)) < 60  # 7 degrees of freedom


# The attacks. The key's owner reads of each test its plaintext x, and modulo n the n-th root y of its residue.


def unblinded(key: PublicKey, c: mpz, bands: Bands) -> list[mpz]:
    """The tests as they would be without the fresh residues: the product's own step before blinding."""
    (row,) = zero_test._multiples(key.to_bytes(), bands, [c])
    return row


def test_who_takes_roots_reads_the_total_behind_tests_that_are_not_blinded(key: PrivateKey) -> None:
    bands, total = ((3, 4, 5, 6),), 5
    c = key.encrypt(total)
    assert guesses_by_roots(key, unblinded(key.public, c, bands), bands[0]) == {total}
    assert guesses_by_roots(key, zero_tests(key.public, [c], bands, HERE), bands[0]) == set()


def same_factor(key: PublicKey, c: mpz, values: Sequence[int]) -> list[mpz]:
    """Tests with one r for all candidates, each freshly blinded."""
    r = key.random_unit()
    multiples = [gmpy2.powmod(c * key.residue(-value) % key.n_squared, r, key.n_squared) for value in values]
    return blind(key, multiples, HERE)


def test_who_divides_plaintexts_reads_the_total_behind_tests_with_one_factor(key: PrivateKey) -> None:
    candidates, total = [10, 11, 15, 28], 11
    c = key.encrypt(total)
    assert total in guesses_by_quotients(key, same_factor(key.public, c, candidates), candidates)
    assert guesses_by_quotients(key, zero_tests(key.public, [c], [candidates], HERE), candidates) == set()


def test_who_chose_short_randomness_finds_it_nowhere(key: PrivateKey) -> None:
    """A ciphertext with r = 1 modulo n has powers that are 1 modulo n: only what is fresh is left in the tests."""
    c = key.public.residue(10)
    bare = unblinded(key.public, c, BANDS)
    assert {test % key.public.n for test in bare} == {mpz(1)}
    tests = zero_tests(key.public, [c], BANDS, HERE)
    roots = {y for _, y in opened(key, tests)}
    assert len(roots) == len(VALUES)
    assert min(roots) > key.public.n >> 100


def test_a_wide_range_would_meet_a_factor_of_a_bad_modulus() -> None:
    """Why candidates lie within 2²⁰: if p = T − v divides n, the plaintext is a multiple of p, and tells so."""
    p = int(gmpy2.next_prime(SMALL_FACTOR_BOUND))
    n = PublicKey(p * gmpy2.next_prime(mpz(1) << 2040))
    (row,) = unblinded(n, n.residue(p), ((0,),))
    plaintext = (row - 1) // n.n  # of a ciphertext whose residue is 1
    assert plaintext % p == 0 != plaintext
    with pytest.raises(PlaintextError, match=f"in steps of {p}"):
        zero_tests(n, [n.residue(p)], ((0,), (p,)), HERE)
