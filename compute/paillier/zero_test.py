"""Which of a few public values an encrypted number is, told no finer than by the band that the value lies in.

For a ciphertext E(T) under a stranger's key and each candidate v of a public range

    c_v = (E(T)·(1+n)^(−v))^r_v · ρ_v,      r_v uniform in Z*_n, ρ_v a fresh n-th residue,

and the c_v of one band are shuffled; the bands stand in order. The owner of the key finds exactly one encryption
of zero, and in its place the band. So are elements tested in Freedman, Nissim and Pinkas, "Efficient Private
Matching and Set Intersection" (EUROCRYPT 2004), there with a payload, and of numbers that the tester knows.

What the key's owner learns is the band and nothing else, whatever it does afterwards. Given: gcd(n, φ(n)) = 1 and
no prime factor of n below 2²⁰, as key enrolment proves; T is a candidate, and all lie less than 2²⁰ steps of less
than 2²⁰ apart.

1. For v ≠ T, T − v is a step times a number of steps, both not 0 and of prime factors below 2²⁰, so it is a unit
   modulo n and the plaintext (T − v)·r_v is uniform in Z*_n, whatever T − v is. For v = T it is 0.
2. Modulo n² a unit is (1+n)^plaintext times an n-th residue, in one way only. ρ_v makes that residue uniform, and
   independent of the plaintext, of E(T)'s own residue and of r_v.
3. So all but one of the c_v are uniform encryptions of uniform units, one is a uniform encryption of zero, all are
   independent of one another, and the place of the one within its band is uniform. Their joint distribution is a
   function of the band: log2 of the number of bands is all that they can tell.

Without ρ_v step 2 fails. The owner takes n-th roots, and with E(T) = (1+n)^T·y^n reads x_v = (T − v)·r_v and
y^(r_v): a guess of T gives r_v from x_v, and y^(r_1·r_2) computed in two ways agrees only for the right one.
Without an r_v of its own for each v, quotients of the x_v tell T. ``tests/paillier/test_zero_test.py`` plays both.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import gcd
from secrets import SystemRandom

from gmpy2 import mpz

from compute.paillier.blinding import blind
from compute.paillier.errors import PlaintextError
from compute.paillier.pool import Pool
from compute.paillier.powers import UnitPowers, powers_seconds
from compute.paillier.primes import SMALL_FACTOR_BOUND
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner

Bands = Sequence[Sequence[int]]
"""The candidate values of each band."""
Heard = Callable[[int, int], None]


def zero_tests(
    key: PublicKey,
    ciphertexts: Sequence[int],
    bands: Bands,
    runner: Runner = HERE,
    pool: Pool | None = None,
    progress: tuple[Heard, Heard] | None = None,
) -> list[mpz]:
    """Give the tests of each ciphertext, one after another: as many as there are candidates, band after band.

    Each ciphertext encrypts one of the candidates, or what its owner learns is not bounded. ``pool`` blinds as in
    :func:`compute.paillier.blinding.blind`. ``progress`` hears of ciphertexts multiplied, then of tests blinded.
    Raises :class:`CiphertextError`, and :class:`PlaintextError` for bands that are none.
    """
    check_bands(bands)
    key.check_ciphertexts(ciphertexts)
    multiplied, blinded = progress or (None, None)
    count = sum(map(len, bands))
    seconds = powers_seconds(key.bits, count, runner.costs(key.bits))
    multiples = runner.each(partial(_multiples, key.to_bytes(), bands), ciphertexts, seconds, multiplied)
    return blind(key, [c for row in multiples for c in row], runner, pool, blinded)


def band_of(zeros: Sequence[bool], bands: Bands) -> int | None:
    """Give the band whose test came out zero; None if that is not exactly one among all."""
    if sum(zeros) != 1:
        return None
    places = [band for band, values in enumerate(bands) for _ in values]
    return places[zeros.index(True)]


def check_bands(bands: Bands) -> None:
    """Raise :class:`PlaintextError` unless each band has candidates of its own and all lie near enough."""
    values = [value for band in bands for value in band]
    if not bands or not all(bands) or len(set(values)) != len(values):
        raise PlaintextError("each band needs candidates of its own; cut the range where totals lie")
    apart, step = max(values) - min(values), gcd(*(value - values[0] for value in values))
    if step >= SMALL_FACTOR_BOUND or apart >= step * SMALL_FACTOR_BOUND > 0:
        most = SMALL_FACTOR_BOUND - 1
        raise PlaintextError(f"candidates lie {apart} apart in steps of {step}; keep to {most} steps of {most}")


def _multiples(n: bytes, bands: Bands, ciphertexts: Sequence[int]) -> list[list[mpz]]:
    """Give E((T − v)·r) of each candidate v, shuffled by band, with randomness drawn in this very process.

    They are not blinded yet: nothing of it may leave as it is.
    """
    key, shuffle = PublicKey.from_bytes(n), SystemRandom().shuffle
    results = []
    for c in ciphertexts:
        powers, row = UnitPowers(mpz(c), key.n, key.bits), []
        for band in bands:
            shuffled = list(band)
            shuffle(shuffled)
            for value in shuffled:
                r = key.random_unit()
                row.append(powers.power(r) * key.residue(-value * r) % key.n_squared)
        results.append(row)
    return results
